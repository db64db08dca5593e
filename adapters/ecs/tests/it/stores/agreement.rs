//! The same batches, given to `Local` and to a storage, do the same: results, errors, rows, changes, queries.

use worldstore_core::Error;
use worldstore_ecs::conformance::steps::{Shown, shown};
use worldstore_ecs::{Entity, Local, Query, Storage, Tick};

use super::steps::{Dice, NAMES, found, updates};

fn told(error: Error) -> String {
    let entity = error.context().find(|(key, _)| *key == "entity").map(|(_, value)| value.to_owned());
    format!("{} {} {entity:?}", error.kind(), error.message())
}

fn exported(storage: &dyn Storage) -> Shown {
    shown(&storage.export().unwrap()).unwrap()
}

fn query(dice: &mut Dice) -> Query {
    let mut names = |most: u64| -> Vec<&str> {
        (0..dice.roll(most)).map(|_| NAMES[dice.roll(NAMES.len() as u64) as usize]).collect()
    };
    Query::new(names(3)).having(names(2)).excluding(names(2))
}

/// Compares all reads.
fn compare(local: &Local, other: &dyn Storage, dice: &mut Dice, seen: &[Entity]) {
    assert_eq!(exported(other), exported(local), "what is exported");
    for _ in 0..3 {
        let query = query(dice);
        assert_eq!(found(other, &query), found(local, &query), "{query:?}");
    }
    assert_eq!(other.alive(seen).unwrap(), local.alive(seen).unwrap());
    for name in NAMES {
        assert_eq!(other.get_many(seen, name).unwrap(), local.get_many(seen, name).unwrap(), "{name}");
    }
    for entity in seen.iter().take(5) {
        assert_eq!(other.types(*entity).unwrap(), local.types(*entity).unwrap(), "{entity}");
    }
    assert_eq!(other.tick().unwrap(), local.tick().unwrap());
    let since = Tick(dice.roll(local.tick().unwrap().0 + 2));
    let (ours, theirs) = (local.changes(since), other.changes(since));
    match (ours, theirs) {
        (Ok(mut ours), Ok(mut theirs)) => {
            // What was not there then either may be among the removed.
            ours.removed.clear();
            theirs.removed.clear();
            assert_eq!(theirs, ours, "since {since}");
        }
        // A log that was opened again begins with its snapshot, and knows no changes before it.
        (Ok(_), Err(theirs)) if other.info().kind == "log" => {
            assert!(told(theirs).starts_with("not found changes since that tick are no longer known"));
        }
        (ours, theirs) => {
            assert_eq!(theirs.map_err(told).unwrap_err(), ours.map_err(told).unwrap_err(), "since {since}")
        }
    }
}

/// Gives random batches to both, and now and then puts the storage back to where it was, or opens it anew.
pub fn agree(
    seed: u64,
    batches: usize,
    mut storage: Box<dyn Storage>,
    reopen: &mut dyn FnMut() -> Option<Box<dyn Storage>>,
) {
    let mut dice = Dice::new(seed);
    let mut local = Local::new();
    let (mut seen, mut saved) = (vec![Entity::WORLD, Entity::CLOCK], None);
    for batch in 0..batches {
        let alive: Vec<Entity> = exported(&local).allocator.alive().collect();
        let dead: Vec<Entity> =
            seen.iter().filter(|entity| !alive.contains(entity) && !entity.is_reserved()).copied().collect();
        let Ok(changes) = updates(&mut dice, &alive, &dead).to_batch() else { continue };
        let (ours, theirs) = (local.apply(&changes), storage.apply(&changes));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(theirs, ours, "seed {seed}, batch {batch}");
                seen.extend(&ours.spawned);
                seen.extend(changes.places().iter().map(|(entity, _)| *entity));
            }
            (ours, theirs) => assert_eq!(
                theirs.map(drop).map_err(told),
                ours.map(drop).map_err(told),
                "seed {seed}, batch {batch}: {changes:?}"
            ),
        }
        if dice.roll(6) == 0 {
            compare(&local, &*storage, &mut dice, &seen);
        }
        match dice.roll(30) {
            0 => saved = Some(local.export().unwrap().into_owned().unwrap()),
            1 => {
                if let Some(state) = &saved {
                    local.import(state).unwrap();
                    storage.import(state).unwrap();
                    compare(&local, &*storage, &mut dice, &seen);
                }
            }
            2 => {
                if let Some(again) = reopen() {
                    storage = again;
                    compare(&local, &*storage, &mut dice, &seen);
                }
            }
            _ => {}
        }
    }
    compare(&local, &*storage, &mut dice, &seen);
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_agrees_with_local() {
    use worldstore_ecs::storage::sqlite::SqliteConfig;
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.db");
        let open = || -> Box<dyn Storage> { Box::new(SqliteConfig::new(&path).open().unwrap()) };
        agree(seed, 150, open(), &mut || Some(open()));
    }
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_agrees_with_local() {
    let Some(server) = super::support::postgres() else { return };
    for seed in 0..2 {
        let place = seed.to_string();
        agree(seed, 80, server.open(&place), &mut || Some(server.open(&place)));
    }
}

#[cfg(feature = "redis")]
#[test]
fn redis_agrees_with_local() {
    let Some(server) = super::support::redis() else { return };
    for seed in 0..4 {
        let place = seed.to_string();
        agree(seed, 150, server.open(&place), &mut || Some(server.open(&place)));
    }
}

#[cfg(feature = "backend")]
#[test]
fn a_log_agrees_with_local() {
    use std::sync::Arc;
    use worldstore_core::{Memory, Prefix};
    use worldstore_ecs::storage::log::LogConfig;
    for seed in 0..4 {
        let backend = Arc::new(Memory::new());
        let config = LogConfig::new(backend, Prefix::new("world").unwrap()).with_snapshot_batches(25);
        let open = || -> Box<dyn Storage> { Box::new(config.clone().open().unwrap()) };
        agree(seed, 150, open(), &mut || Some(open()));
    }
}
