//! Several handles on one place.

use std::collections::HashSet;

use worldstore_ecs::{ComponentValue, Query, Storage, Updates};

use super::steps::{Agent, Position, found};

/// Handles that take turns and race: no id is given out twice, no batch is lost, and each sees what the others did.
fn share(open: &(dyn Fn() -> Box<dyn Storage> + Sync)) {
    const EACH: usize = 30;
    let mut first = open();
    let mut updates = Updates::new();
    updates.spawn_values(vec![ComponentValue::of(&Agent).unwrap()]);
    let before = first.apply(&updates.to_batch().unwrap()).unwrap().spawned[0];
    let work = |handle: u32| {
        let mut storage = open();
        let mut spawned = Vec::new();
        for round in 0..EACH {
            let mut updates = Updates::new();
            let position = Position { x: handle as f32, y: round as f64 };
            updates.spawn_values(vec![ComponentValue::of(&position).unwrap()]);
            spawned.extend(storage.apply(&updates.to_batch().unwrap()).unwrap().spawned);
        }
        spawned
    };
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|handle| scope.spawn(move || work(handle))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let distinct: HashSet<_> = all.iter().chain([&before]).collect();
    assert_eq!(distinct.len(), 3 * EACH + 1);
    assert_eq!(first.tick().unwrap().0, 3 * EACH as u64 + 1);
    assert_eq!(found(&*first, &Query::new(["position"])).len(), 3 * EACH);
    // A component that another handle has made known with other fields is refused.
    let fields = vec![worldstore_ecs::Field::new("other", worldstore_ecs::FieldKind::Text)];
    let other = worldstore_ecs::ComponentType::dynamic("position", fields).unwrap();
    assert!(open().register(&[std::sync::Arc::new(other)]).is_err());
}

/// A restore through one handle gives a component other fields: what the other handle then writes is applied, and told so.
fn renew(open: &dyn Fn() -> Box<dyn Storage>) {
    #[derive(Debug, Clone, worldstore_ecs::Component)]
    #[component(name = "position")]
    struct Other {
        x: u32,
    }
    let spawn = |storage: &mut dyn Storage, value: ComponentValue| {
        let mut updates = Updates::new();
        updates.spawn_values(vec![value]);
        storage.apply(&updates.to_batch().unwrap()).unwrap().spawned[0]
    };
    let (mut first, mut local) = (open(), worldstore_ecs::Local::new());
    spawn(&mut *first, ComponentValue::of(&Position { x: 1.0, y: 1.0 }).unwrap());
    let other = ComponentValue::of(&Other { x: 7 }).unwrap();
    spawn(&mut local, other.clone());
    open().import(&local.export().unwrap()).unwrap();
    let entity = spawn(&mut *first, other);
    assert_eq!(first.get(entity, "position").unwrap().unwrap().get::<Other>().unwrap().x, 7);
}

/// Whoever reads while another restores sees all that is there before and behind it.
fn restore(open: &(dyn Fn() -> Box<dyn Storage> + Sync)) {
    let mut first = open();
    let mut updates = Updates::new();
    let values =
        || vec![ComponentValue::of(&Agent).unwrap(), ComponentValue::of(&Position { x: 1.0, y: 1.0 }).unwrap()];
    for _ in 0..100 {
        updates.spawn_values(values());
    }
    let made = first.apply(&updates.to_batch().unwrap()).unwrap().spawned;
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = open();
            let state = other.export().unwrap().into_owned().unwrap();
            (0..20).for_each(|_| other.import(&state).unwrap());
            is_done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        while !is_done.load(std::sync::atomic::Ordering::SeqCst) {
            assert_eq!(first.alive(&made).unwrap(), [true; 100]);
            assert_eq!(first.types(made[0]).unwrap().unwrap().len(), 2);
            assert!(first.get_many(&made, "position").unwrap().iter().all(Option::is_some));
            assert_eq!(found(&*first, &Query::new(["position", "agent"])).len(), 100);
            assert_eq!(found(&*first, &Query::all()).len(), 100);
            assert_eq!(first.export().unwrap().entities().count(), 100);
        }
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn handles_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        |name| Box::new(worldstore_ecs::storage::sqlite::SqliteConfig::new(folder.path().join(name)).open().unwrap());
    share(&|| open("world.db"));
    renew(&|| open("other.db"));
    restore(&|| open("restored.db"));
}

#[cfg(feature = "postgres")]
#[test]
fn handles_share_a_namespace() {
    let Some(server) = super::support::postgres() else { return };
    share(&|| server.open("world"));
    renew(&|| server.open("other"));
    restore(&|| server.open("restored"));
}

#[cfg(feature = "redis")]
#[test]
fn handles_share_a_server() {
    let Some(server) = super::support::redis() else { return };
    share(&|| server.open("world"));
    renew(&|| server.open("other"));
    restore(&|| server.open("restored"));
}

#[cfg(feature = "backend")]
#[test]
fn a_second_writer_locks_the_first_out() {
    use std::sync::Arc;
    use worldstore_core::{ErrorKind, Memory, Prefix};
    use worldstore_ecs::storage::log::LogConfig;
    let config = LogConfig::new(Arc::new(Memory::new()), Prefix::new("world").unwrap());
    let spawn = |storage: &mut dyn Storage| {
        let mut updates = Updates::new();
        updates.spawn_values(vec![ComponentValue::of(&Agent).unwrap()]);
        storage.apply(&updates.to_batch().unwrap())
    };
    let mut first = config.clone().open().unwrap();
    spawn(&mut first).unwrap();
    let mut second = config.clone().open().unwrap();
    spawn(&mut second).unwrap();
    assert_eq!(spawn(&mut first).unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(spawn(&mut first).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(found(&first, &Query::new(["agent"])).len(), 1, "what it knew");
    spawn(&mut second).unwrap();
    assert_eq!(found(&config.open().unwrap(), &Query::new(["agent"])).len(), 3);
}
