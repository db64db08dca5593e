//! Readers see all tables of a tick or none, whatever happens meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use worldstore_cache::expire_tables;
use worldstore_core::ErrorKind;
use worldstore_core::table::{
    ColumnChange, EvolveOptions, ExpireOptions, FilesOptions, FlushOptions, RemoveTableOptions, Scan, ShutdownOptions,
};

use super::*;

#[tokio::test]
async fn a_pinned_reader_stays_where_it_is_until_it_moves() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    let number = world.publish(&publisher, 1).await.unwrap();
    let mut pinned = world.reader().await;
    world.tick(2).await;
    world.compact("agents").await;
    let later = world.publish(&publisher, 2).await.unwrap();
    assert_eq!((pinned.number(), pinned.seq()), (number, 1));
    check_ticks(&pinned).await;
    let files = pinned.files(&name("agents"), &FilesOptions::default()).await.unwrap();
    assert_eq!(files.len(), pinned.manifest().entry("table/agents").unwrap().files.len());
    let history = pinned.history(&name("agents"), &HistoryOptions::default()).await.unwrap();
    assert_eq!(history.iter().map(|version| version.version).collect::<Vec<_>>(), [1]);
    let described = pinned.describe(&name("agents"), &DescribeOptions::default()).await.unwrap();
    assert_eq!((described.version, described.watermark, described.rows), (1, 1, 1));

    assert_eq!(pinned.refresh().await.unwrap(), later);
    check_ticks(&pinned).await;
    // Older versions can be asked for, later ones are not there.
    assert_eq!(pinned.describe(&name("edges"), &DescribeOptions::default().with_version(1)).await.unwrap().rows, 1);
    world.tick(3).await;
    let scanned = pinned.scan(&name("edges"), &Scan::all().with_version(3)).await.err().unwrap();
    assert_eq!(scanned.kind(), ErrorKind::NotFound);
    // A pin of someone else makes a manifest, and nothing to move to.
    world.manifests().tag("other", later).unwrap();
    assert_eq!(pinned.refresh().await.unwrap(), later);
}

#[tokio::test]
async fn nothing_is_changed_through_it() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.publish(&publisher, 1).await.unwrap();
    let (pinned, table) = (world.reader().await, name("agents"));
    let new = name("new");
    let evolve = EvolveOptions::rename("n", "m");
    assert!(matches!(evolve.change, ColumnChange::Rename { .. }));
    let kinds = [
        pinned.create(&new, &CreateOptions::new(schema())).await.unwrap_err().kind(),
        pinned.append(&table, vec![rows([7])], &AppendOptions::default()).await.unwrap_err().kind(),
        pinned.evolve(&table, &evolve).await.unwrap_err().kind(),
        pinned.compact(&table, &CompactOptions::default()).await.unwrap_err().kind(),
        pinned.expire(&table, &ExpireOptions::default()).await.unwrap_err().kind(),
        pinned.remove(&table, &RemoveTableOptions::default()).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unsupported; 6]);
    pinned.flush(&FlushOptions::default()).await.unwrap();
    pinned.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(pinned.describe(&new, &DescribeOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    check_ticks(&pinned).await;
}

/// Another table under the name of a removed one is not read in its place, not even if it looks the same.
#[tokio::test]
async fn a_table_that_was_made_anew_is_not_the_one_that_was_published() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.tick(2).await;
    world.publish(&publisher, 2).await.unwrap();
    let (warm, cold) = (world.reader().await, world.reader().await);
    check_ticks(&warm).await;
    world.tables.remove(&name("edges"), &RemoveTableOptions::default()).await.unwrap();
    let gone = warm.scan(&name("edges"), &Scan::all()).await.err().unwrap();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    world.tables.create(&name("edges"), &CreateOptions::new(schema())).await.unwrap();
    world.append("edges", 3).await;
    world.append("edges", 4).await;
    let described = cold.describe(&name("edges"), &DescribeOptions::default()).await.unwrap_err();
    assert!(described.to_string().contains("another has its name"), "{described}");
    for pinned in [&warm, &cold] {
        let replaced = pinned.scan(&name("edges"), &Scan::all()).await.err().unwrap();
        assert_eq!(replaced.kind(), ErrorKind::NotFound);
        assert!(replaced.to_string().contains("another has its name"), "{replaced}");
    }
}

/// Eight readers, a publisher, compaction, and expiry of manifests and tables, all at once. Leased readers never lose what
/// they read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_readers_read_whole_ticks_while_everything_goes_on() {
    let world = Arc::new(World::new().await);
    let options = world.publisher_options().with_keep(2).with_expire_every(1);
    let publisher = world.publisher_with(world.manifests(), options).await;
    world.tick(1).await;
    world.publish(&publisher, 1).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..8)
        .map(|reader| {
            let (world, done) = (Arc::clone(&world), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut reads, mut last) = (0, 0);
                while !done.load(Ordering::SeqCst) || reads == 0 {
                    let opened = world.reader().await;
                    let leased = opened.with_lease(&format!("reader {reader}"), Duration::from_secs(600)).await;
                    let mut pinned = match leased {
                        Err(error) if error.kind() == ErrorKind::NotFound => continue,
                        leased => leased.unwrap(),
                    };
                    assert!(pinned.seq() >= last, "a reader goes back");
                    check_ticks(&pinned).await;
                    pinned.refresh().await.unwrap();
                    check_ticks(&pinned).await;
                    last = pinned.seq();
                    assert!(pinned.release().await.unwrap());
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    let manifests = world.manifests();
    for seq in 2..=25 {
        for table in TABLES {
            world.append(table, seq).await;
            tokio::task::yield_now().await;
        }
        world.compact(TABLES[seq as usize % 3]).await;
        world.publish(&publisher, seq).await.unwrap();
        let expired = expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
        assert!(expired.failed.is_empty(), "{:?}", expired.failed);
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert!(worldstore_cache::verify_retained(&manifests).await.unwrap().damage.is_empty());
}

/// A step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// The next table of the tick that is under way.
    Append,
    Compact(usize),
    /// The newest tick that is whole.
    Publish,
    TakeOver,
    /// A reader pins the newest manifest, with a lease.
    Open,
    /// A reader moves to the newest manifest.
    Refresh(usize),
    Close(usize),
    ExpireManifests,
    ExpireTables,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Append),
        2 => (0..3_usize).prop_map(Step::Compact),
        4 => Just(Step::Publish),
        1 => Just(Step::TakeOver),
        2 => Just(Step::Open),
        1 => any::<usize>().prop_map(Step::Refresh),
        1 => any::<usize>().prop_map(Step::Close),
        1 => Just(Step::ExpireManifests),
        2 => Just(Step::ExpireTables),
    ]
}

async fn play(steps: Vec<Step>) {
    let world = World::new().await;
    let manifests = world.manifests();
    let mut publisher = world.publisher().await;
    let (mut appended, mut readers) = (0_usize, Vec::<PinnedTables>::new());
    for (number, step) in steps.into_iter().enumerate() {
        let whole = (appended / 3) as u64;
        match step {
            Step::Append => {
                world.append(TABLES[appended % 3], whole + 1).await;
                appended += 1;
            }
            // A compaction within a tick carries its half over into a version that is above every whole tick.
            Step::Compact(table) => world.compact(TABLES[table]).await,
            Step::Publish => {
                let number = world.publish(&publisher, whole).await.unwrap();
                assert_eq!(seq_at(&manifests, number), whole);
            }
            Step::TakeOver => publisher = world.publisher().await,
            Step::Open => {
                let leased = world.reader().await.with_lease(&format!("{number}"), Duration::from_secs(9)).await;
                readers.push(leased.unwrap());
            }
            Step::Refresh(which) if !readers.is_empty() => {
                let which = which % readers.len();
                let before = readers[which].seq();
                readers[which].refresh().await.unwrap();
                assert!(readers[which].seq() >= before);
            }
            Step::Close(which) if !readers.is_empty() => {
                let which = which % readers.len();
                assert!(readers.swap_remove(which).release().await.unwrap());
            }
            Step::Refresh(_) | Step::Close(_) => {}
            Step::ExpireManifests => {
                let options = worldstore_core::manifest::ExpireOptions::default().with_keep_last(1);
                manifests.expire(&options).unwrap();
            }
            Step::ExpireTables => {
                let expired = expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
                assert!(expired.failed.is_empty(), "{:?}", expired.failed);
            }
        }
        readers.push(world.reader().await);
        for reader in &readers {
            check_ticks(reader).await;
        }
        readers.pop();
    }
    assert!(worldstore_cache::verify_retained(&manifests).await.unwrap().damage.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_history_shows_whole_ticks(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
