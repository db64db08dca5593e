//! Bugs that are planted in the storage over tables: the suite and its model find each of them. In memory only: the code is the
//! same for all formats.

use futures::FutureExt;
use worldstore::World;
use worldstore::core::Error;
use worldstore::ecs::conformance::defect_async;
use worldstore::ecs::planted::{Bug, Planted};
use worldstore::ecs::{AsyncStorage, WorldTables, WorldTablesOptions};

use super::promises::{options, unused};

const BUGS: [Bug; 6] = [
    Bug::UncheckedBatch,
    Bug::LeftRowStays,
    Bug::FreeUnstored,
    Bug::GuestsUnstored,
    Bug::UnloggedComponents,
    Bug::SnapshotAhead,
];

async fn defect_of(planted: Planted) -> Option<Error> {
    let world = World::create("memory:", &worldstore::WorldOptions::default()).await.unwrap();
    let options: WorldTablesOptions = options().with_planted(planted);
    let mut make = || {
        let world = world.clone();
        async move {
            let run = world.create_run(&unused()).await?;
            Ok(Box::new(WorldTables::open_with(&run, &options).await?) as Box<dyn AsyncStorage>)
        }
        .boxed()
    };
    let mut reopen = |crashed: Box<dyn AsyncStorage>| {
        let (world, name) = (world.clone(), crashed.to_string());
        drop(crashed);
        async move {
            let run = world.run(name.trim_end_matches(')').rsplit(' ').next().unwrap()).await?;
            Ok(Box::new(WorldTables::open_with(&run, &options).await?) as Box<dyn AsyncStorage>)
        }
        .boxed()
    };
    defect_async(&mut make, Some(&mut reopen)).await
}

#[tokio::test]
async fn planted_bugs_of_tables_are_caught() {
    for bug in BUGS {
        assert!(defect_of(Planted::from(bug)).await.is_some(), "not caught: {bug:?}");
    }
}
