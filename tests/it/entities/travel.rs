//! Any tick of any run as a storage, and runs that part from it.

use std::collections::BTreeMap;

use worldstore::core::ErrorKind;
use worldstore::ecs::{
    AsyncEntities, AsyncStorage, ComponentValue, Entity, Local, Storage, Tick, Updates, WorldTables,
};

use super::steps::{Agent, Dice, Position, Shown, shown, updates};
use crate::bed::{Bed, on_each_format};

on_each_format!(every_tick_opens_as_it_was, a_fork_goes_on_alone, a_fork_of_a_later_tick_begins_behind_it);

async fn every_tick_opens_as_it_was(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let mut tables = WorldTables::open(&run).await.unwrap();
    let (mut dice, mut local) = (Dice::new(11), Local::new());
    let mut ticks: BTreeMap<u64, Shown> = BTreeMap::new();
    while ticks.len() < 25 {
        let alive: Vec<Entity> = Storage::export(&local).unwrap().allocator.alive().collect();
        let Ok(batch) = updates(&mut dice, &alive).to_batch() else { continue };
        if Storage::apply(&mut local, &batch).is_ok() {
            AsyncStorage::apply(&mut tables, &batch).await.unwrap();
            let state = Storage::export(&local).unwrap();
            ticks.insert(state.tick.0, shown(&state));
        }
        if ticks.len() == 12 {
            world.flush().await.unwrap();
        }
    }
    for (tick, expected) in &ticks {
        let then = WorldTables::at(&run.as_of(*tick as i64)).await.unwrap();
        assert_eq!(shown(&AsyncStorage::export(&then).await.unwrap()), *expected, "tick {tick}");
    }
    let mut before = WorldTables::at(&run.as_of(0)).await.unwrap();
    assert_eq!(AsyncStorage::tick(&before).await.unwrap(), Tick(0));
    let mut updates = Updates::new();
    updates.spawn_values(Vec::new());
    let refused = AsyncStorage::apply(&mut before, &updates.to_batch().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let known = tables.tables().count();
    assert!(known > 3);
    #[cfg(any(feature = "lance", feature = "iceberg"))]
    if bed.format != worldstore::TableFormat::Memory {
        world.flush().await.unwrap();
        let reader = worldstore::World::read(&bed.uri(), &bed.options()).await.unwrap();
        let run = reader.run("main").await.unwrap();
        assert_eq!(WorldTables::open(&run).await.unwrap_err().kind(), ErrorKind::Unsupported);
        let last = WorldTables::at(&run.now()).await.unwrap();
        assert_eq!(Some(&shown(&AsyncStorage::export(&last).await.unwrap())), ticks.values().last());
    }
}

async fn a_fork_goes_on_alone(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let mut main = AsyncEntities::new(WorldTables::open(&run).await.unwrap());
    let one = main.spawn((Agent, Position { x: 1.0, y: 0.0 })).await.unwrap();
    let other = main.spawn(Agent).await.unwrap();
    main.destroy(other).await.unwrap();
    let fork = run.fork("what-if", 2).await.unwrap();
    let mut fork = AsyncEntities::new(WorldTables::open(&fork).await.unwrap());
    assert!(fork.exists(other).await.unwrap(), "it was destroyed later");
    fork.set(one, Position { x: 9.0, y: 0.0 }).await.unwrap();
    let third = main.spawn(Agent).await.unwrap();
    let theirs = fork.spawn(Agent).await.unwrap();
    assert_eq!((third.index(), third.generation()), (other.index(), 1));
    assert_eq!((theirs.index(), theirs.generation()), (other.index() + 1, 0));
    assert_eq!(main.get::<Position>(one).await.unwrap().unwrap().x, 1.0);
    for (run, x, alive) in [("main", 1.0, false), ("what-if", 9.0, true)] {
        let again = AsyncEntities::new(WorldTables::open(&world.run(run).await.unwrap()).await.unwrap());
        assert_eq!(again.get::<Position>(one).await.unwrap().unwrap().x, x);
        assert_eq!(again.exists(other).await.unwrap(), alive);
    }
}

async fn a_fork_of_a_later_tick_begins_behind_it(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let mut tables = WorldTables::open(&run).await.unwrap();
    let mut updates = Updates::new();
    updates.spawn_values(vec![ComponentValue::of(&Agent).unwrap()]);
    let batch = updates.to_batch().unwrap();
    AsyncStorage::apply(&mut tables, &batch).await.unwrap();
    for (name, empty) in [("later", false), ("bare", true)] {
        let source = if empty { world.create_run("nobody").await.unwrap() } else { run.clone() };
        let fork = source.fork(name, 100).await.unwrap();
        let mut tables = WorldTables::open(&fork).await.unwrap();
        assert_eq!(AsyncStorage::tick(&tables).await.unwrap(), Tick(100));
        AsyncStorage::apply(&mut tables, &batch).await.unwrap();
        let again = WorldTables::open(&fork).await.unwrap();
        assert_eq!(AsyncStorage::tick(&again).await.unwrap(), Tick(101));
        let count = AsyncStorage::export(&again).await.unwrap().entities().count();
        assert_eq!(count, if empty { 1 } else { 2 });
    }
}
