//! The suite for storages, and random changes with crashes in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use worldstore::core::ErrorKind;
use worldstore::ecs::conformance::{model, model_async, run, run_async};
use worldstore::ecs::{
    AsyncStorage, Component, ComponentType, ComponentValue, Entity, Local, Storage, Tick, Updates, WorldTables,
    WorldTablesOptions,
};
use worldstore::{World, blocking};

use super::steps::{Agent, Dice, Shown, shown, updates};
use crate::bed::{Bed, on_each_format};

on_each_format!(
    the_promises_are_kept,
    the_promises_are_kept_where_nobody_awaits,
    tables_are_equal_to_a_model,
    the_same_batches_do_the_same_as_in_memory,
    one_at_a_time_writes,
    a_shard_stays_what_it_is,
    a_batch_that_is_refused_leaves_nothing,
    a_registration_that_is_refused_leaves_nothing,
);

/// Checkpoints are in between.
pub fn options() -> WorldTablesOptions {
    WorldTablesOptions::default().with_checkpoint_rows(40)
}

pub fn unused() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("r{}", COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A run of its own for each storage.
async fn fresh(world: &World) -> worldstore::Result<WorldTables> {
    WorldTables::open_with(&world.create_run(&unused()).await?, &options()).await
}

async fn the_promises_are_kept(bed: &Bed) {
    let world = bed.create().await;
    let mut make = || {
        let world = world.clone();
        async move { Ok(Box::new(fresh(&world).await?) as Box<dyn AsyncStorage>) }.boxed()
    };
    let report = run_async(&mut make).await;
    report.check().unwrap();
    assert!(report.passed.len() > 30, "{report}");
}

async fn tables_are_equal_to_a_model(bed: &Bed) {
    let world = bed.create().await;
    let mut make = || {
        let world = world.clone();
        async move { Ok(Box::new(fresh(&world).await?) as Box<dyn AsyncStorage>) }.boxed()
    };
    for seed in 0..3 {
        model_async(&mut make, None, seed, 60).await.unwrap();
    }
}

/// Gives random batches to memory and to tables, which are put back, opened anew and registered with in between.
async fn the_same_batches_do_the_same_as_in_memory(bed: &Bed) {
    let world = bed.create().await;
    for seed in 0..4 {
        let mut tables = fresh(&world).await.unwrap();
        let (mut dice, mut local, mut saved) = (Dice::new(seed), Local::new(), None);
        for step in 0..50 {
            let alive: Vec<Entity> = Storage::export(&local).unwrap().allocator.alive().collect();
            let Ok(batch) = updates(&mut dice, &alive).to_batch() else { continue };
            match (Storage::apply(&mut local, &batch), AsyncStorage::apply(&mut tables, &batch).await) {
                (Ok(ours), Ok(theirs)) => assert_eq!(theirs, ours, "seed {seed}, step {step}"),
                (Err(ours), Err(theirs)) => {
                    assert_eq!((theirs.kind(), theirs.message()), (ours.kind(), ours.message()))
                }
                (ours, theirs) => panic!("seed {seed}, step {step}: {ours:?} and {theirs:?}"),
            }
            match dice.roll(8) {
                0 => {
                    if dice.roll(2) == 0 {
                        world.flush().await.unwrap();
                    }
                    tables = WorldTables::open_with(&tables.run().clone(), &options()).await.unwrap();
                }
                1 => saved = Some(Storage::export(&local).unwrap().into_owned().unwrap()),
                2 => {
                    if let Some(state) = &saved {
                        Storage::import(&mut local, state).unwrap();
                        AsyncStorage::import(&mut tables, state).await.unwrap();
                    }
                }
                3 => {
                    let new =
                        [Arc::new(worldstore::ecs::ComponentType::dynamic(format!("c{step}"), Vec::new()).unwrap())];
                    Storage::register(&mut local, &new).unwrap();
                    AsyncStorage::register(&mut tables, &new).await.unwrap();
                }
                _ => {}
            }
            let same = shown(&Storage::export(&local).unwrap());
            assert_eq!(shown(&AsyncStorage::export(&tables).await.unwrap()), same, "seed {seed}, step {step}");
        }
    }
}

fn spawn() -> worldstore::ecs::Batch {
    let mut updates = Updates::new();
    updates.spawn_values(vec![ComponentValue::of(&Agent).unwrap()]);
    updates.to_batch().unwrap()
}

async fn one_at_a_time_writes(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let mut first = WorldTables::open(&run).await.unwrap();
    AsyncStorage::apply(&mut first, &spawn()).await.unwrap();
    let mut second = WorldTables::open(&run).await.unwrap();
    AsyncStorage::apply(&mut second, &spawn()).await.unwrap();
    assert_eq!(AsyncStorage::apply(&mut first, &spawn()).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(AsyncStorage::apply(&mut first, &spawn()).await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(AsyncStorage::tick(&first).await.unwrap(), Tick(1), "what it knew");
    AsyncStorage::apply(&mut second, &spawn()).await.unwrap();
    let third = WorldTables::open(&run).await.unwrap();
    assert_eq!(AsyncStorage::tick(&third).await.unwrap(), Tick(3));
    // A change that nobody waits for: whatever became of it, the storage says that it does not know.
    let mut gone = third;
    drop(AsyncStorage::apply(&mut gone, &spawn()));
    AsyncStorage::apply(&mut gone, &spawn()).await.unwrap();
    let batch = spawn();
    let mut begun = AsyncStorage::apply(&mut gone, &batch);
    let _ = futures::poll!(&mut begun);
    drop(begun);
    let known = AsyncStorage::tick(&gone).await.unwrap();
    if known == Tick(4) {
        assert_eq!(AsyncStorage::apply(&mut gone, &spawn()).await.unwrap_err().kind(), ErrorKind::Poisoned);
    }
    let mut again = WorldTables::open(&run).await.unwrap();
    assert!(AsyncStorage::tick(&again).await.unwrap() >= known);
    AsyncStorage::apply(&mut again, &spawn()).await.unwrap();
}

async fn a_shard_stays_what_it_is(bed: &Bed) {
    let run = bed.create().await.run("main").await.unwrap();
    let options = WorldTablesOptions::default().with_shard(9);
    let mut tables = WorldTables::open_with(&run, &options).await.unwrap();
    let spawned = AsyncStorage::apply(&mut tables, &spawn()).await.unwrap().spawned;
    assert_eq!(spawned[0].shard(), 9);
    assert_eq!(AsyncStorage::info(&WorldTables::open(&run).await.unwrap()).shard, 9);
    let other = WorldTables::open_with(&run, &WorldTablesOptions::default().with_shard(8)).await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Invalid);
}

async fn a_batch_that_is_refused_leaves_nothing(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let mut tables = WorldTables::open(&run).await.unwrap();
    AsyncStorage::apply(&mut tables, &spawn()).await.unwrap();
    let before = shown(&AsyncStorage::export(&tables).await.unwrap());
    // A component whose name is that of another but for large letters.
    let other = Arc::new(worldstore::ecs::ComponentType::dynamic("AGENT", Vec::new()).unwrap());
    let mut updates = Updates::new();
    updates.spawn_values(vec![ComponentValue::from_bytes(&other, &[]).unwrap()]);
    let refused = AsyncStorage::apply(&mut tables, &updates.to_batch().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    // A table that is not as it should be.
    let agent = worldstore::ecs::ComponentType::dynamic("ab", Vec::new()).unwrap();
    let mut updates = Updates::new();
    updates.spawn_values(vec![ComponentValue::from_bytes(&Arc::new(agent), &[]).unwrap()]);
    let broken = worldstore::archetype::Archetype::new([worldstore::archetype::ComponentSchema::from_arrow(
        "ab",
        &worldstore::arrow::datatypes::Schema::new(vec![worldstore::arrow::datatypes::Field::new(
            "x",
            worldstore::arrow::datatypes::DataType::Int32,
            true,
        )]),
    )
    .unwrap()])
    .unwrap();
    let rows = worldstore::arrow::array::RecordBatch::new_empty(broken.rows_schema());
    let _ = run.append(1, broken.table().as_str(), &rows).await.unwrap();
    let refused = AsyncStorage::apply(&mut tables, &updates.to_batch().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    assert_eq!(shown(&AsyncStorage::export(&tables).await.unwrap()), before);
    let again = WorldTables::open(&run).await.unwrap();
    assert_eq!(shown(&AsyncStorage::export(&again).await.unwrap()), before);
    assert!(!before.components.iter().any(|component| component.contains("AGENT")));
    // It goes on.
    let mut tables = again;
    AsyncStorage::apply(&mut tables, &spawn()).await.unwrap();
}

/// Two Rust types of one name and with the same fields, and one that is new.
mod twins {
    use worldstore::ecs::Component;

    #[derive(Debug, Clone, PartialEq, Component)]
    #[component(crate = worldstore::ecs)]
    pub struct Twin(u32);

    #[derive(Debug, Clone, PartialEq, Component)]
    #[component(crate = worldstore::ecs, name = "Twin")]
    pub struct Other(u32);

    #[derive(Debug, Clone, PartialEq, Component)]
    #[component(crate = worldstore::ecs)]
    pub struct New(u32);
}

/// What is asked for first, and then what is refused: a type in the place of the one that is known, or two at once.
fn refusals() -> [[Vec<Arc<ComponentType>>; 2]; 2] {
    let one = twins::Twin::component().unwrap().clone();
    let (other, new) = (twins::Other::component().unwrap().clone(), twins::New::component().unwrap().clone());
    [[vec![one.clone()], vec![other.clone(), new.clone()]], [vec![], vec![new, one, other]]]
}

fn names(components: Vec<Arc<ComponentType>>) -> Vec<String> {
    components.iter().map(|component| component.name().to_string()).collect()
}

async fn a_registration_that_is_refused_leaves_nothing(bed: &Bed) {
    let world = bed.create().await;
    for [first, refused] in refusals() {
        let run = world.create_run(&unused()).await.unwrap();
        let mut tables = WorldTables::open(&run).await.unwrap();
        AsyncStorage::register(&mut tables, &first).await.unwrap();
        let error = AsyncStorage::register(&mut tables, &refused).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().contains("component: Twin")),
            (ErrorKind::Invalid, true),
            "{error}"
        );
        assert_eq!(names(AsyncStorage::components(&tables).await.unwrap()), names(first.clone()));
        let again = WorldTables::open(&run).await.unwrap();
        assert_eq!(names(AsyncStorage::components(&again).await.unwrap()), names(first));
    }
}

#[cfg(any(feature = "lance", feature = "iceberg"))]
mod lasting {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::bed::on_each_lasting_format;

    const WAIT_MAX: Duration = Duration::from_secs(60);

    on_each_lasting_format!(tables_are_equal_to_a_model_through_crashes);

    /// The world is opened again after each crash, with what its log holds.
    async fn tables_are_equal_to_a_model_through_crashes(bed: &Bed) {
        drop(bed.create().await);
        let (uri, options) = (bed.uri(), bed.options());
        let open = move || {
            let (uri, options, begun) = (uri.clone(), options.clone(), Instant::now());
            async move {
                loop {
                    match World::open(&uri, &options).await {
                        // A flush that goes on behind the handle that was dropped keeps the world open until its end.
                        Err(error) if error.kind() == ErrorKind::Conflict && begun.elapsed() < WAIT_MAX => {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        opened => return opened,
                    }
                }
            }
        };
        let world = Arc::new(tokio::sync::Mutex::new(Some(open().await.unwrap())));
        let mut make = || {
            let world = Arc::clone(&world);
            async move {
                let world = world.lock().await.clone().unwrap();
                Ok(Box::new(fresh(&world).await?) as Box<dyn AsyncStorage>)
            }
            .boxed()
        };
        let current = Arc::clone(&world);
        let mut reopen = |crashed: Box<dyn AsyncStorage>| {
            let (world, opening) = (Arc::clone(&current), open());
            async move {
                let name = crashed.to_string();
                let run = name.trim_end_matches(')').rsplit(' ').next().unwrap().to_owned();
                drop(crashed);
                let mut world = world.lock().await;
                drop(world.take());
                let opened = opening.await?;
                let tables = WorldTables::open_with(&opened.run(&run).await?, &super::options()).await?;
                *world = Some(opened);
                Ok(Box::new(tables) as Box<dyn AsyncStorage>)
            }
            .boxed()
        };
        for seed in 100..102 {
            model_async(&mut make, Some(&mut reopen), seed, 80).await.unwrap();
        }
    }
}

/// The suite and the model on the blocking side, on a thread that belongs to no runtime.
async fn the_promises_are_kept_where_nobody_awaits(bed: &Bed) {
    let (uri, world_options) = (bed.uri(), bed.options());
    let suite = move || {
        let world = blocking::World::create(&uri, &world_options)?;
        let mut make = || -> worldstore::Result<Box<dyn Storage>> {
            Ok(Box::new(blocking::WorldTables::open_with(&world.create_run(&unused())?, &options())?))
        };
        let report = run(&mut make);
        report.check()?;
        assert!(report.passed.len() > 30, "{report}");
        let mut reopen = |crashed: Box<dyn Storage>| -> worldstore::Result<Box<dyn Storage>> {
            let name = crashed.to_string();
            let run = world.run(name.trim_end_matches(')').rsplit(' ').next().unwrap())?;
            Ok(Box::new(blocking::WorldTables::open_with(&run, &options())?))
        };
        model(&mut make, Some(&mut reopen), 7, 100)
    };
    std::thread::spawn(suite).join().unwrap().unwrap();
}

#[test]
fn waiting_is_refused_in_async_code() {
    let world = blocking::World::create("memory:", &worldstore::WorldOptions::default()).unwrap();
    let mut tables = blocking::WorldTables::open(&world.run("main").unwrap()).unwrap();
    tables.apply(&spawn()).unwrap();
    let before: Shown = shown(&tables.export().unwrap());
    // Waiting is refused in async code, and nothing is lost by it; reads do not wait.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(async { tables.apply(&spawn()) });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(runtime.block_on(async { shown(&tables.export().unwrap()) }), before);
    tables.apply(&spawn()).unwrap();
    let earlier = blocking::WorldTables::at(&world.run("main").unwrap().as_of(1)).unwrap();
    assert_eq!(shown(&earlier.export().unwrap()), before);
}
