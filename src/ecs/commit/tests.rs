//! What is told of ticks that were not stored.

use std::time::Duration;

use worldstore_async::AsyncWal;
use worldstore_core::ErrorKind;
use worldstore_core::vfs::sim::{Fault, FaultKind, Operation, SimVfs};
use worldstore_core::wal::WalOptions;
use worldstore_ecs::{AsyncEntities, Component};

use super::is_definite;
use crate::ecs::WorldTables;
use crate::world::testing::Bed;

#[derive(Debug, Clone, PartialEq, Component)]
#[component(crate = crate::ecs)]
struct Health(u32);

#[tokio::test]
async fn a_full_log_stores_nothing_and_the_entities_go_on() {
    let vfs = SimVfs::new();
    let (log, _) = AsyncWal::open(&vfs, "log", WalOptions::new()).await.unwrap();
    let world = Bed::new("world").await.open_with(Some(log)).await;
    let run = world.run("main").await.unwrap();
    let mut entities = AsyncEntities::new(WorldTables::open(&run).await.unwrap());
    entities.spawn(Health(1)).await.unwrap();
    for operation in [Operation::Write, Operation::Allocate] {
        vfs.inject(Fault::new(FaultKind::NoSpace).on(operation).from_then_on());
    }
    let error = entities.spawn(Health(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error:?}");
    // The log finds out after a while that there is room again.
    vfs.heal();
    for attempt in 0.. {
        match entities.spawn(Health(3)).await {
            Ok(_) => break,
            Err(error) => assert!(error.kind() == ErrorKind::StorageFull && attempt < 1_000, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(WorldTables::open(&run).await.unwrap().local.count(), 2);
}

#[test]
fn of_what_may_have_happened_nothing_is_certain() {
    use ErrorKind::*;
    let uncertain: Vec<_> = ErrorKind::ALL.into_iter().filter(|kind| !is_definite(*kind)).collect();
    assert_eq!(uncertain, [OutcomeUnknown, Poisoned, Corrupt, Unexpected]);
}
