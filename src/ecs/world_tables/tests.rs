//! Opening the entities of a run while a change of whoever had them before is on its way.

use worldstore_ecs::{AsyncEntities, Component, Storage};

use super::WorldTables;
use crate::{LogPlace, World, WorldOptions};

#[derive(Debug, Clone, PartialEq, Component)]
#[component(crate = crate::ecs)]
struct Health(u32);

#[tokio::test]
async fn a_change_whose_caller_has_gone_away_is_part_of_what_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let log = LogPlace::Folder(folder.path().join("log"));
    let world = World::create("memory:", &WorldOptions::default().with_log(log)).await.unwrap();
    let run = world.run("main").await.unwrap();
    // All tables are known from here on, so that a change needs one look to be on its way.
    AsyncEntities::new(WorldTables::open(&run).await.unwrap()).spawn(Health(0)).await.unwrap();
    for round in 1..=10 {
        let mut left = AsyncEntities::new(WorldTables::open(&run).await.unwrap());
        let mut taken = Box::pin(left.spawn(Health(round)));
        // Its record is on its way, unless the log was faster.
        drop(futures::poll!(&mut taken));
        drop(taken);
        let opened = WorldTables::open(&run).await.unwrap();
        let (count, tick) = (opened.local.count(), Storage::tick(&opened.local).unwrap());
        assert_eq!(count, 2 * round as usize, "round {round}, tick {tick}");
        AsyncEntities::new(opened).spawn(Health(100 + round)).await.unwrap();
    }
    let all = WorldTables::open(&run).await.unwrap();
    assert_eq!(all.local.count(), 21);
    world.shutdown().await.unwrap();
}
