//! Publication: what is published is whole, what is committed is published, and who was overtaken commits nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field};
use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::{Cut, FenceTables, Publish, TableCache};
use worldstore_core::table::{
    AppendOptions, CompactOptions, EvolveOptions, FlushOptions, Level, Receipt, Scan, ShutdownOptions,
};
use worldstore_core::vfs::sim::SimVfs;
use worldstore_core::wal::WalOptions;
use worldstore_core::{Error, ErrorKind, Result};

use crate::log::{again, log_with};
use crate::probe::{Fault, Probe};
use crate::support::{append, calm, collect, create, eventually, flush, name, read, rows};

/// Keeps the cuts.
#[derive(Debug, Default)]
struct Press {
    cuts: Mutex<Vec<Cut>>,
    away: AtomicBool,
    fenced: AtomicBool,
}

#[async_trait]
impl Publish for Press {
    fn epoch(&self) -> u64 {
        7
    }

    async fn check_epoch(&self) -> Result<()> {
        match (self.fenced.load(Ordering::SeqCst), self.away.load(Ordering::SeqCst)) {
            (true, _) => Err(Error::new(ErrorKind::Fenced, "another world")),
            (_, true) => Err(Error::new(ErrorKind::Unavailable, "the press is away")),
            _ => Ok(()),
        }
    }

    async fn publish(&self, cut: &Cut) -> Result<u64> {
        if self.fenced.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Fenced, "another world"));
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the press is away"));
        }
        let mut cuts = self.cuts.lock().unwrap();
        cuts.push(cut.clone());
        Ok(cuts.len() as u64)
    }
}

impl Press {
    fn last(&self) -> Cut {
        self.cuts.lock().unwrap().last().unwrap().clone()
    }
}

async fn open(probe: &Arc<Probe>, press: &Arc<Press>) -> TableCache {
    let builder = TableCache::builder(probe.clone()).with_config(calm());
    builder.with_publisher(press.clone()).open().await.unwrap().0
}

/// The numbers in a table of a cut.
async fn published(probe: &Probe, cut: &Cut, table: &str) -> Vec<i64> {
    let Some(version) = cut.tables.iter().find(|each| each.name.as_str() == table) else { return Vec::new() };
    let rows = collect(probe.inner.scan(&name(table), &Scan::all().with_version(version.version)).await.unwrap()).await;
    assert_eq!(rows.len() as u64, version.rows);
    assert!(version.watermark <= cut.seq);
    rows
}

/// What is published says how many rows there are: those of others are counted, whatever we do next.
#[tokio::test]
async fn rows_of_another_program_are_published_with_ours() {
    let (probe, press) = (Probe::new(), Arc::new(Press::default()));
    let cache = open(&probe, &press).await;
    create(&cache, "t").await;
    let theirs = async |number: i64| {
        let _ = probe.inner.append(&name("t"), vec![rows([number])], &AppendOptions::default()).await.unwrap();
    };
    let check = async |expected: &[i64]| {
        assert_eq!(published(&probe, &press.last(), "t").await, expected);
        assert_eq!(read(&cache, "t").await, expected);
        assert_eq!(cache.stats().tables[0].failure.as_ref().map(ToString::to_string), None);
    };
    let _ = append(&cache, "t", rows([0])).await.unwrap();
    flush(&cache, "t").await.unwrap();
    theirs(90).await;
    check(&[0]).await;
    let _ = append(&cache, "t", rows([1])).await.unwrap();
    flush(&cache, "t").await.unwrap();
    check(&[0, 1, 90]).await;

    theirs(91).await;
    cache.compact(&name("t"), &CompactOptions::default()).await.unwrap();
    cache.flush(&FlushOptions::default()).await.unwrap();
    check(&[0, 1, 90, 91]).await;

    theirs(92).await;
    let added = vec![Field::new("note", DataType::Utf8, true)];
    cache.evolve(&name("t"), &EvolveOptions::add(added)).await.unwrap();
    cache.flush(&FlushOptions::default()).await.unwrap();
    check(&[0, 1, 90, 91, 92]).await;
}

/// A writer of an older epoch that gives the same sequence numbers, as one without the same log does.
#[tokio::test]
async fn rows_of_an_older_epoch_are_not_taken_for_ours() {
    let (probe, press) = (Probe::new(), Arc::new(Press::default()));
    let cache = open(&probe, &press).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows([0])).await.unwrap();
    probe.fail(Fault::Before);
    assert_eq!(flush(&cache, "t").await.unwrap_err().kind(), ErrorKind::Unavailable);
    let theirs = AppendOptions::exactly_once(0, 1).with_epoch(6);
    let _ = probe.inner.append(&name("t"), vec![rows([90])], &theirs).await.unwrap();
    assert_eq!(flush(&cache, "t").await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    assert_eq!(cache.stats().buffered_rows, 1, "the row is kept");
}

#[tokio::test]
async fn a_cut_holds_ticks_whole() {
    let (probe, press) = (Probe::new(), Arc::new(Press::default()));
    let cache = open(&probe, &press).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let mut last = None;
    for tick in 0..30_i64 {
        let parts = vec![(name("a"), vec![rows([tick])]), (name("b"), vec![rows([tick])])];
        last = cache.append_all(parts).await.unwrap().pop();
        match tick % 5 {
            1 => flush(&cache, "a").await.unwrap(),
            2 => flush(&cache, "b").await.unwrap(),
            4 => cache.flush(&FlushOptions::default()).await.unwrap(),
            _ => {}
        }
    }
    let cuts = press.cuts.lock().unwrap().clone();
    assert!(cuts.len() >= 6);
    for cut in &cuts {
        let (a, b) = (published(&probe, cut, "a").await, published(&probe, cut, "b").await);
        assert_eq!(a, (0..cut.seq as i64).collect::<Vec<_>>(), "{cut:?}");
        assert_eq!(a, b, "{cut:?}");
    }
    let receipt = cache.wait(&last.unwrap(), Level::Committed).await.unwrap();
    assert!(press.last().seq >= receipt.seq);
    assert_eq!(cache.stats().published_seq, 30);
}

#[tokio::test]
async fn rows_that_are_not_published_are_not_committed() {
    let (probe, press) = (Probe::new(), Arc::new(Press::default()));
    let cache = open(&probe, &press).await;
    create(&cache, "a").await;
    let receipt = append(&cache, "a", rows(0..3)).await.unwrap();
    press.away.store(true, Ordering::SeqCst);
    assert_eq!(cache.wait(&receipt, Level::Committed).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(read(&*probe.inner, "a").await, [0, 1, 2], "in the table they are");
    assert!(cache.stats().publication_failure.is_some());
    assert_eq!(cache.shutdown(&ShutdownOptions::default()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    press.away.store(false, Ordering::SeqCst);
    eventually("a publication by itself", || cache.stats().publications == 1).await;
    assert_eq!(cache.wait(&receipt, Level::Committed).await.unwrap().level, Level::Committed);
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(cache.stats().publications, 1, "nothing new is not published again");
}

#[tokio::test]
async fn a_compaction_is_published_with_the_rows_of_before() {
    let (probe, press) = (Probe::new(), Arc::new(Press::default()));
    let cache = open(&probe, &press).await;
    create(&cache, "a").await;
    for number in 0..3 {
        let _ = append(&cache, "a", rows([number])).await.unwrap();
        flush(&cache, "a").await.unwrap();
    }
    let _ = append(&cache, "a", rows([3])).await.unwrap();
    let compaction = cache.compact(&name("a"), &CompactOptions::default()).await.unwrap();
    cache.flush(&FlushOptions::default()).await.unwrap();
    let cut = press.last();
    assert_eq!((cut.seq, cut.tables[0].version), (4, compaction.version));
    assert_eq!(published(&probe, &cut, "a").await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_fenced_publication_ends_it() {
    let (probe, press) = (Probe::new(), Arc::new(Press::default()));
    let cache = open(&probe, &press).await;
    create(&cache, "a").await;
    let receipt = append(&cache, "a", rows(0..3)).await.unwrap();
    press.fenced.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(cache.wait(&receipt, Level::Committed).await.unwrap_err().kind(), ErrorKind::Fenced);
        assert_eq!(append(&cache, "a", rows(3..4)).await.unwrap_err().kind(), ErrorKind::Fenced);
        press.fenced.store(false, Ordering::SeqCst);
    }
    crate::support::check(&cache, "a", 0..3).await;
    assert!(cache.stats().fenced.is_some());
}

#[tokio::test]
async fn an_append_of_a_greater_epoch_ends_it() {
    for is_answer_lost in [false, true] {
        let (probe, press) = (Probe::new(), Arc::new(Press::default()));
        let cache = open(&probe, &press).await;
        create(&cache, "a").await;
        create(&cache, "b").await;
        let receipt = append(&cache, "a", rows(0..3)).await.unwrap();
        let theirs = AppendOptions::exactly_once(0, 1).with_epoch(8);
        let _ = probe.inner.append(&name("a"), vec![rows(50..53)], &theirs).await.unwrap();
        if is_answer_lost {
            // The epoch tells that the commit under this number is not ours.
            probe.fail(Fault::Before);
        }
        assert_eq!(cache.wait(&receipt, Level::Committed).await.unwrap_err().kind(), ErrorKind::Fenced);
        assert_eq!(append(&cache, "b", rows([9])).await.unwrap_err().kind(), ErrorKind::Fenced);
        assert_eq!(read(&*probe.inner, "a").await, [50, 51, 52]);
    }
}

/// A writer that was stopped in the middle of a commit, and goes on after another has taken over. The log has its rows, so the
/// successor has them too: they are not lost, not doubled, and no reason to end.
#[tokio::test]
async fn a_late_commit_of_a_predecessor_is_taken_for_what_it_is() {
    for (through, is_known) in [(3, true), (4, true), (5, false)] {
        let (probe, vfs, press) = (Probe::new(), SimVfs::new(), Arc::new(Press::default()));
        let opened = async |probe: &Arc<Probe>, vfs: &SimVfs| {
            let builder = TableCache::builder(probe.clone()).with_config(calm());
            let builder = builder.with_log(log_with(vfs, WalOptions::new()).await);
            builder.with_publisher(press.clone()).open().await.unwrap().0
        };
        let tick = |tick: i64| vec![(name("a"), vec![rows([tick])]), (name("b"), vec![rows([tick])])];
        let cache = opened(&probe, &vfs).await;
        create(&cache, "a").await;
        create(&cache, "b").await;
        for number in 0..4 {
            let _ = cache.append_all(tick(number)).await.unwrap();
        }
        let (probe, vfs) = again(&probe, &vfs).await;
        let cache = opened(&probe, &vfs).await;
        let _ = cache.append_all(tick(4)).await.unwrap();
        let late = AppendOptions::exactly_once(0, through).with_epoch(6);
        let _ = probe.inner.append(&name("a"), vec![rows(0..through as i64)], &late).await.unwrap();
        let flushed = cache.flush(&FlushOptions::default()).await;
        match is_known {
            true => flushed.unwrap(),
            // What is not in the log is not of a predecessor.
            false => {
                assert_eq!(flushed.unwrap_err().kind(), ErrorKind::ConditionFailed);
                continue;
            }
        }
        let _ = cache.append_all(tick(5)).await.unwrap();
        cache.shutdown(&ShutdownOptions::default()).await.unwrap();
        for table in ["a", "b"] {
            assert_eq!(read(&cache, table).await, [0, 1, 2, 3, 4, 5], "{table} after {through}");
            assert_eq!(published(&probe, &press.last(), table).await, [0, 1, 2, 3, 4, 5], "{table} after {through}");
        }
    }
}

#[tokio::test]
async fn what_was_committed_and_not_published_is_published_after_opening() {
    let (probe, vfs, press) = (Probe::new(), SimVfs::new(), Arc::new(Press::default()));
    let opened = async |probe: &Arc<Probe>, vfs: &SimVfs| {
        let log = log_with(vfs, WalOptions::new()).await;
        let builder = TableCache::builder(probe.clone()).with_config(calm().with_idle_sec(0.2)).with_log(log);
        builder.with_publisher(press.clone()).open().await.unwrap().0
    };
    let cache = opened(&probe, &vfs).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let parts = vec![(name("a"), vec![rows(0..2)]), (name("b"), vec![rows(0..2)])];
    let _ = cache.append_all(parts).await.unwrap();
    press.away.store(true, Ordering::SeqCst);
    let _ = flush(&cache, "a").await;
    let (probe, vfs) = again(&probe, &vfs).await;
    press.away.store(false, Ordering::SeqCst);
    let cache = opened(&probe, &vfs).await;
    eventually("a publication", || cache.stats().published_seq == 1).await;
    assert_eq!(published(&probe, &press.last(), "a").await, [0, 1]);
    assert_eq!(published(&probe, &press.last(), "b").await, [0, 1]);
}

/// A direct append that waits before its commit to table `a`.
async fn direct_on_its_way(probe: &Probe, cache: &TableCache) -> JoinHandle<Result<Receipt>> {
    probe.before.shut();
    let cache = cache.clone();
    let large = tokio::spawn(async move { append(&cache, "a", rows([0])).await });
    probe.before.arrived().await;
    large
}

/// The log has its number only: one who has taken over while the table took it may have published later rows without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_append_that_came_after_a_takeover_is_not_acknowledged() {
    for is_fenced in [true, false] {
        let (probe, press, vfs) = (Probe::new(), Arc::new(Press::default()), SimVfs::new());
        let builder = TableCache::builder(probe.clone()).with_config(calm().with_direct_mb(0));
        let builder = builder.with_log(log_with(&vfs, WalOptions::new()).await).with_publisher(press.clone());
        let (cache, _) = builder.open().await.unwrap();
        create(&cache, "a").await;
        let large = direct_on_its_way(&probe, &cache).await;
        let trouble = if is_fenced { &press.fenced } else { &press.away };
        trouble.store(true, Ordering::SeqCst);
        probe.before.pass();
        // They are in their table: nobody may say that nothing happened.
        assert_eq!(large.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        assert_eq!((read(&*probe.inner, "a").await, cache.stats().fenced.is_some()), (vec![0], is_fenced));
        trouble.store(false, Ordering::SeqCst);
        probe.before.pass();
        let later = append(&cache, "a", rows([1])).await.map(|receipt| receipt.level).map_err(|error| error.kind());
        assert_eq!(later, if is_fenced { Err(ErrorKind::Fenced) } else { Ok(Level::Durable) });
    }
}

/// Lets the commit of a writer before come to table `a`, and none after it.
#[derive(Debug)]
struct Gatekeeper {
    probe: Arc<Probe>,
    claims: AtomicU64,
}

impl FenceTables for Gatekeeper {
    fn fence(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.claims.fetch_add(1, Ordering::SeqCst);
            let late = AppendOptions::exactly_once(0, 1);
            self.probe.inner.append(&name("a"), vec![rows([0])], &late).await.map(drop)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_append_on_its_way_is_settled_before_anything_is_published() {
    let (probe, press, vfs) = (Probe::new(), Arc::new(Press::default()), SimVfs::new());
    let log = log_with(&vfs, WalOptions::new()).await;
    let builder = TableCache::builder(probe.clone()).with_config(calm().with_direct_mb(0)).with_log(log);
    let (cache, _) = builder.open().await.unwrap();
    create(&cache, "a").await;
    let large = direct_on_its_way(&probe, &cache).await;
    let (probe, vfs) = again(&probe, &vfs).await;
    let gatekeeper = Arc::new(Gatekeeper { probe: probe.clone(), claims: AtomicU64::new(0) });
    let open = async |vfs: &SimVfs| {
        let log = log_with(vfs, WalOptions::new()).await;
        let builder = TableCache::builder(probe.clone()).with_config(calm()).with_log(log);
        builder.with_publisher(press.clone()).with_fence(gatekeeper.clone()).open().await.unwrap().0
    };
    let cache = open(&vfs).await;
    crate::support::check(&cache, "a", [0]).await;
    cache.flush(&FlushOptions::default()).await.unwrap();
    assert_eq!((press.last().seq, published(&probe, &press.last(), "a").await), (1, vec![0]));
    // There is nothing on its way any more.
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
    let cache = open(&vfs).await;
    crate::support::check(&cache, "a", [0]).await;
    assert_eq!(gatekeeper.claims.load(Ordering::SeqCst), 1);
    large.abort();
}
