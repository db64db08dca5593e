//! Compaction, expiry and verification, over tables in memory.

use std::time::Duration;

use worldstore_core::ErrorKind;
use worldstore_core::manifest::Mode;
use worldstore_core::table::{AppendOptions, HistoryOptions, TableName};

use super::{CompactWorldOptions, ExpireWorldOptions, Extent};
use crate::world::testing::{Bed, rows, state, world};
use crate::world::{TableChange, World};

fn name(table: &str) -> TableName {
    TableName::new(table).unwrap()
}

/// Eight ticks in two tables, each a state of its own.
async fn grown(world: &World) {
    let run = world.run("main").await.unwrap();
    for tick in 1..=8 {
        let writer = run.tick(tick).append("a", &rows(&[(1, Some(tick))])).unwrap();
        let _ = writer.append("b", &rows(&[(2, None)])).unwrap().commit().await.unwrap();
        world.flush().await.unwrap();
    }
}

fn at_once(keep: u64) -> ExpireWorldOptions {
    ExpireWorldOptions::default().with_keep(keep).with_spare_for(Duration::ZERO)
}

#[tokio::test]
async fn states_tell_what_became_of_each_table() {
    let world = world().await;
    grown(&world).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(9, "c", &rows(&[(1, None)])).await.unwrap();
    world.flush().await.unwrap();
    let states = world.states().await.unwrap();
    let newest = states.last().unwrap();
    assert_eq!((newest.seq, newest.rows, newest.removed.len()), (9, Some(17), 0));
    let changes: Vec<_> = newest.tables.iter().map(|(table, found)| (table.as_str(), found.change.unwrap())).collect();
    assert_eq!(changes, [("a", TableChange::Same), ("b", TableChange::Same), ("c", TableChange::Added)]);
    let before = &states[states.len() - 2];
    assert_eq!((before.number, before.seq, before.rows), (newest.number - 1, 8, Some(16)));
    assert!(before.tables.values().all(|table| table.change == Some(TableChange::Changed)));
    assert_eq!(&world.newest_published().await.unwrap().number, &newest.number);
}

#[tokio::test]
async fn compaction_keeps_rows_and_is_published() {
    let world = world().await;
    grown(&world).await;
    let run = world.run("main").await.unwrap();
    let before = (state(&run.as_of(3), "a").await, run.now().state_hash().await.unwrap());
    let missing = CompactWorldOptions::default().with_tables([name("b"), name("z")]);
    assert_eq!(world.compact(&missing).await.unwrap_err().kind(), ErrorKind::NotFound);
    let none = CompactWorldOptions::default().with_file_rows(0);
    assert_eq!(world.compact(&none).await.unwrap_err().kind(), ErrorKind::Invalid);
    let states = world.states().await.unwrap().len();
    let compacted = world.compact(&CompactWorldOptions::default().with_tables([name("a")])).await.unwrap();
    assert_eq!(compacted.keys().map(TableName::as_str).collect::<Vec<_>>(), ["a"]);
    assert_eq!((state(&run.as_of(3), "a").await, run.now().state_hash().await.unwrap()), before);
    let after = world.states().await.unwrap();
    let newest = after.last().unwrap();
    assert_eq!(newest.tables[&name("a")].version, compacted[&name("a")].version, "published");
    if after.len() > states {
        assert_eq!(newest.tables[&name("a")].change, Some(TableChange::Compacted));
    }
}

#[tokio::test]
async fn what_no_kept_state_names_expires() {
    let world = world().await;
    grown(&world).await;
    let versions =
        || async { world.table_backend().history(&name("a"), &HistoryOptions::default()).await.unwrap().len() };
    let (states, before) = (world.states().await.unwrap(), versions().await);
    let plan = world.expire(&at_once(3).with_mode(Mode::DryRun)).await.unwrap();
    assert_eq!(
        (world.states().await.unwrap(), versions().await),
        (states.clone(), before),
        "a dry run changes nothing"
    );
    let done = world.expire(&at_once(3)).await.unwrap();
    assert_eq!(done.states.removed, plan.states.removed);
    assert_eq!(done.tables.tables, plan.tables.tables, "the dry run has told exactly what went");
    assert!(!done.tables.tables[&name("a")].versions.is_empty());
    assert_eq!(versions().await, 3, "of {before}");
    assert_eq!(world.states().await.unwrap().len(), 4, "that of the expiry says nothing new");
    let run = world.run("main").await.unwrap();
    assert_eq!(state(&run.as_of(2), "a").await, [(1, Some(2))].into(), "ticks stay");
    let again = world.expire(&at_once(3).with_mode(Mode::DryRun)).await.unwrap();
    assert!(again.states.removed.is_empty(), "{again:?}");
    assert!(again.tables.tables.values().all(|expiry| expiry.versions.is_empty()), "{again:?}");
    assert_eq!(world.expire(&at_once(0)).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn young_states_and_pinned_ones_stay() {
    let world = world().await;
    grown(&world).await;
    let states = world.states().await.unwrap();
    let young = at_once(2).with_keep_for(Duration::from_secs(3_600));
    assert!(world.expire(&young).await.unwrap().states.removed.is_empty());
    let pinned = states[4].number;
    let manifests = world.manifests().clone();
    tokio::task::spawn_blocking(move || manifests.tag("release", pinned).map(drop)).await.unwrap().unwrap();
    world.expire(&at_once(2)).await.unwrap();
    let kept = world.states().await.unwrap();
    assert_eq!((kept[0].number, kept[0].pins.as_slice()), (pinned, ["release".to_owned()].as_slice()));
    assert_eq!(
        kept[0].tables,
        states[4]
            .tables
            .clone()
            .into_iter()
            .map(|(name, mut table)| {
                table.change = None;
                (name, table)
            })
            .collect(),
        "nothing is known of the state before"
    );
    let verified = world.verify(Extent::All).await.unwrap();
    assert!(verified.is_sound(), "its versions can be read: {verified:?}");
}

#[tokio::test]
async fn a_sound_world_is_told_so_and_another_is_not() {
    let bed = Bed::new("world").await;
    let world = bed.open().await;
    grown(&world).await;
    let newest = world.verify(Extent::Newest).await.unwrap();
    assert_eq!((newest.findings(), newest.versions, newest.rows, newest.log.is_none()), (0, 2, 16, true));
    let all = world.verify(Extent::All).await.unwrap();
    assert_eq!((all.findings(), all.versions, all.rows), (0, 16, 72), "1 + 2 + … + 8 rows of each of two tables");
    assert!(all.states.manifests > newest.states.manifests);
    // A table is removed behind the world's back.
    let raw = bed.tables();
    raw.remove(&name("b"), &Default::default()).await.unwrap();
    let damaged = world.verify(Extent::Newest).await.unwrap();
    assert_eq!((damaged.problems.len(), damaged.is_sound()), (1, false));
    assert_eq!(damaged.problems[0].table, name("b"));
    // And another takes its name.
    let schema = world.table_backend().describe(&name("a"), &Default::default()).await.unwrap().schema;
    raw.create(&name("b"), &worldstore_core::table::CreateOptions::new(schema.clone())).await.unwrap();
    let batch = arrow::record_batch::RecordBatch::new_empty(schema);
    let _ = raw.append(&name("b"), vec![batch], &AppendOptions::default()).await;
    assert!(!world.verify(Extent::Newest).await.unwrap().is_sound());
}
