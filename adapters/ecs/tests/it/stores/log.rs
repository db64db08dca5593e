//! What a log refuses is not in it: it stays as it was, and can be opened again.

use std::sync::Arc;

use worldstore_core::{Backend, ErrorKind, Memory, Prefix};
use worldstore_ecs::storage::log::{Log, LogConfig};
use worldstore_ecs::{Component, ComponentType, ComponentValue, Entity, Field, FieldKind, Local, Storage};

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "position")]
struct Position {
    x: f32,
}

fn open(backend: &Arc<dyn Backend>) -> Log {
    LogConfig::new(Arc::clone(backend), Prefix::new("log").unwrap()).open().unwrap()
}

/// A log with one entity.
fn log() -> (Arc<dyn Backend>, Log, Entity) {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let mut log = open(&backend);
    let mut updates = worldstore_ecs::Updates::new();
    updates.spawn(Position { x: 1.0 }).unwrap();
    let entity = log.apply(&updates.to_batch().unwrap()).unwrap().spawned[0];
    (backend, log, entity)
}

fn is_whole(log: &mut Log, entity: Entity) {
    let mut updates = worldstore_ecs::Updates::new();
    updates.update(entity, Position { x: 2.0 }).unwrap();
    log.apply(&updates.to_batch().unwrap()).unwrap();
    let value = ComponentValue::of(&Position { x: 2.0 }).unwrap();
    assert_eq!(log.get(entity, "position").unwrap(), Some(value));
}

#[test]
fn a_restore_that_is_refused_is_not_in_the_log() {
    let (backend, mut log, entity) = log();
    let other = ComponentType::dynamic("position", vec![Field::new("x", FieldKind::F64)]).unwrap();
    let mut local = Local::new();
    local.register(&[Arc::new(other)]).unwrap();
    let records = log.records();
    let error = log.import(&local.export().unwrap()).unwrap_err();
    assert_eq!((error.kind(), log.records()), (ErrorKind::Invalid, records));
    is_whole(&mut log, entity);
    drop(log);
    is_whole(&mut open(&backend), entity);
}

#[test]
fn a_type_that_is_refused_leaves_the_log_as_it_was() {
    #[derive(Debug, Clone, Component)]
    #[component(name = "position")]
    struct Other {
        x: f32,
    }
    let (_, mut log, entity) = log();
    let _ = Other { x: 0.0 }.x;
    let error = log.register(&[Arc::clone(Other::component().unwrap())]).unwrap_err();
    assert_eq!((error.kind(), log.records()), (ErrorKind::Invalid, (1, 0)));
    is_whole(&mut log, entity);
}
