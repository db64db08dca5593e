//! Direct appends: their table has them when they return, once, and nothing that comes meanwhile is lost or read too early.

use std::sync::Arc;

use tokio::task::JoinHandle;
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::{CacheConfig, TableCache};
use worldstore_core::table::{AppendOptions, FlushOptions, Level, Receipt, RemoveTableOptions, ShutdownOptions};
use worldstore_core::vfs::sim::{Choice, Fault as DiskFault, FaultKind, Operation, SimVfs};
use worldstore_core::wal::{IfLocked, OverBudget, WalOptions};
use worldstore_core::{ErrorKind, Result};

use crate::log::{again, log_with, open_with};
use crate::probe::{Fault, Probe};
use crate::support::{
    append, calm, check, create, create_table, eventually, flush, name, read, rows, wide_rows, within,
};

/// Every append of one table is direct.
fn direct() -> CacheConfig {
    calm().with_direct_mb(0)
}

/// A cache over the tables `a` and `b`.
async fn begin() -> (Arc<Probe>, SimVfs, TableCache) {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open_with(&probe, &vfs, direct()).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    (probe, vfs, cache)
}

/// Appends to both tables: such a step is never direct.
async fn step(cache: &TableCache, number: i64) {
    try_step(cache, number).await.unwrap();
}

async fn try_step(cache: &TableCache, number: i64) -> Result<()> {
    let parts = vec![(name("a"), vec![rows([number])]), (name("b"), vec![rows([number])])];
    cache.append_all(parts).await.map(drop)
}

/// A direct append to `a` that stands before its commit, as others do from now on.
async fn at_the_gate(probe: &Probe, cache: &TableCache, number: i64) -> JoinHandle<Result<Receipt>> {
    probe.before.shut();
    let large = tokio::spawn({
        let cache = cache.clone();
        async move { append(&cache, "a", rows([number])).await }
    });
    probe.before.arrived().await;
    large
}

/// From now on the log has no room.
fn fill(vfs: &SimVfs) {
    for operation in [Operation::Write, Operation::Allocate] {
        vfs.inject(DiskFault::new(FaultKind::NoSpace).on(operation).from_then_on());
    }
}

/// It has, and finds out after a while.
async fn make_room(cache: &TableCache, vfs: &SimVfs) {
    vfs.heal();
    for attempt in 0.. {
        match create_table(cache, "room").await {
            Ok(_) => return,
            Err(error) => assert!(error.kind() == ErrorKind::StorageFull && attempt < 1000, "{error:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_large_append_is_in_its_table_when_it_returns_and_not_in_the_log() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open_with(&probe, &vfs, calm().with_direct_mb(2)).await;
    create(&cache, "a").await;
    let small = append(&cache, "a", wide_rows(0..1, 1 << 20)).await.unwrap();
    assert_eq!((small.level, probe.appends()), (Level::Durable, 0));
    let logged = cache.stats().log.unwrap().bytes;
    // A piece of a large batch is as large as its rows.
    let piece = append(&cache, "a", wide_rows(1..9, 1 << 20).slice(0, 1)).await.unwrap();
    assert_eq!((piece.seq, probe.appends()), (2, 0));
    assert!(cache.stats().log.unwrap().bytes > logged + (1 << 20));

    let logged = cache.stats().log.unwrap().bytes;
    let large = append(&cache, "a", wide_rows(2..6, 1 << 20)).await.unwrap();
    assert_eq!((large.level, large.rows, large.seq), (Level::Durable, 4, 3));
    assert!(cache.stats().log.unwrap().bytes < logged + 1_000);
    // Those before it came along.
    assert_eq!(read(&*probe.inner, "a").await, (0..6).collect::<Vec<_>>());
    check(&cache, "a", 0..6).await;
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, recovery) = open_with(&probe, &vfs, direct()).await;
    assert_eq!(recovery.rows, 0, "{recovery:?}");
    check(&cache, "a", 0..6).await;
    assert_eq!(append(&cache, "a", rows([6])).await.unwrap().seq, 4, "the sequence goes on");
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, (0..7).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_log_and_over_several_tables_nothing_is_direct() {
    let (probe, _, cache) = begin().await;
    step(&cache, 0).await;
    assert_eq!(probe.appends(), 0);
    let unlogged = crate::support::open(&probe, direct()).await;
    assert_eq!(append(&unlogged, "a", rows([1])).await.unwrap().level, Level::Buffered);
    assert_eq!(probe.appends(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_appends_are_acknowledged_and_read_after_it() {
    let (probe, vfs, cache) = begin().await;
    step(&cache, 0).await;
    probe.before.shut();
    let large = tokio::spawn({
        let cache = cache.clone();
        async move { append(&cache, "a", rows([1])).await.unwrap() }
    });
    probe.before.arrived().await;
    let later = tokio::spawn({
        let cache = cache.clone();
        async move { step(&cache, 2).await }
    });
    while cache.stats().log.unwrap().durable < 5 {
        tokio::task::yield_now().await;
    }
    // Its record is durable, and still it is not read: what came before it in its table is not there yet.
    assert_eq!((read(&cache, "a").await, read(&cache, "b").await), (vec![0], vec![0]));
    assert_eq!(cache.stats().visible_seq, 1);
    assert!(!large.is_finished() && !later.is_finished());
    // A crash now takes only what nobody was told of.
    let image = vfs.image(Choice::Nothing).vfs;
    let (after, _) = open_with(&Probe::new(), &image, direct()).await;
    assert_eq!(after.stats().last_seq, 3, "no number is given twice");

    probe.before.pass();
    assert_eq!(large.await.unwrap().seq, 2);
    later.await.unwrap();
    assert_eq!((read(&cache, "a").await, read(&cache, "b").await), (vec![0, 1, 2], vec![0, 2]));
    for _ in 0..2 {
        probe.before.pass();
    }
    cache.flush(&FlushOptions::default()).await.unwrap();
    check(&*probe.inner, "a", 0..3).await;
}

#[tokio::test]
async fn a_commit_that_fails_or_is_not_known_of_is_logged_after_all() {
    for fault in [Fault::Before, Fault::Unknown, Fault::UnknownAndBlind] {
        let (probe, vfs, cache) = begin().await;
        step(&cache, 0).await;
        probe.fail(fault);
        let receipt = append(&cache, "a", rows([1])).await.unwrap();
        assert_eq!((receipt.level, receipt.seq), (Level::Durable, 2), "{fault:?}");
        step(&cache, 2).await;
        check(&cache, "a", 0..3).await;
        let (probe, vfs) = again(&probe, &vfs).await;
        let (cache, _) = open_with(&probe, &vfs, direct()).await;
        check(&cache, "a", 0..3).await;
        assert_eq!(read(&cache, "b").await, [0, 2], "{fault:?}");
        assert_eq!(append(&cache, "a", rows([3])).await.unwrap().seq, 4, "{fault:?}");
        cache.shutdown(&ShutdownOptions::default()).await.unwrap();
        assert_eq!(read(&*probe.inner, "a").await, [0, 1, 2, 3], "{fault:?}");
        assert_eq!(read(&*probe.inner, "b").await, [0, 2], "{fault:?}");
    }
}

/// The record that came late stands behind those of later appends, which are needed still when it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trim_keeps_records_before_one_that_came_late() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    // Every append has a segment of its own, which a trim can free.
    let log = log_with(&vfs, WalOptions::new().with_segment_bytes(4 << 10)).await;
    let builder = TableCache::builder(probe.clone()).with_config(direct()).with_log(log);
    let (cache, _) = builder.open().await.unwrap();
    create(&cache, "a").await;
    create(&cache, "b").await;
    probe.before.shut();
    probe.fail(Fault::Before);
    let large = tokio::spawn({
        let cache = cache.clone();
        async move { append(&cache, "a", wide_rows([1], 8 << 10)).await.unwrap() }
    });
    probe.before.arrived().await;
    let later = tokio::spawn({
        let cache = cache.clone();
        let part = |table: &str| (name(table), vec![wide_rows([2], 8 << 10)]);
        let parts = vec![part("a"), part("b")];
        async move { cache.append_all(parts).await.unwrap() }
    });
    while cache.stats().log.unwrap().durable < 4 {
        tokio::task::yield_now().await;
    }
    probe.before.pass();
    assert_eq!(large.await.unwrap().seq, 1);
    assert_eq!(later.await.unwrap().len(), 2);
    // Of the later step `b` has nothing yet.
    for _ in 0..2 {
        probe.before.pass();
    }
    flush(&cache, "a").await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, [1, 2]);
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open_with(&probe, &vfs, direct()).await;
    assert_eq!((read(&cache, "a").await, read(&cache, "b").await), (vec![1, 2], vec![2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_goes_away_leaves_nothing_half_done() {
    let (probe, _vfs, cache) = begin().await;
    let large = at_the_gate(&probe, &cache, 0).await;
    large.abort();
    assert!(large.await.unwrap_err().is_cancelled());
    probe.before.pass();
    // It would wait for ever behind what nobody ends.
    step(&cache, 1).await;
    check(&cache, "a", 0..2).await;
    assert_eq!(read(&*probe.inner, "a").await, [0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_goes_away_before_its_turn_appends_nothing() {
    let (probe, _vfs, cache) = begin().await;
    let large = at_the_gate(&probe, &cache, 0).await;
    let mut second = Box::pin(append(&cache, "a", rows([1])));
    assert!(futures::poll!(&mut second).is_pending());
    drop(second);
    // Whatever comes now may rely on it that nothing more does.
    probe.before.pass();
    assert_eq!(large.await.unwrap().unwrap().seq, 1);
    step(&cache, 2).await;
    (0..2).for_each(|_| probe.before.pass());
    cache.flush(&FlushOptions::default()).await.unwrap();
    assert_eq!(cache.stats().last_seq, 2);
    check(&*probe.inner, "a", [0, 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_neither_table_nor_log_takes_is_not_read_before_the_table_has_it() {
    for (fault, after_a_crash) in [(Fault::Before, vec![0, 2]), (Fault::UnknownAndBlind, vec![0, 1, 2])] {
        let (probe, vfs, cache) = begin().await;
        step(&cache, 0).await;
        probe.fail(fault);
        let large = at_the_gate(&probe, &cache, 1).await;
        let later = tokio::spawn({
            let cache = cache.clone();
            async move { try_step(&cache, 2).await }
        });
        while cache.stats().log.unwrap().durable < 5 {
            tokio::task::yield_now().await;
        }
        fill(&vfs);
        probe.before.pass();
        assert_eq!(large.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown, "{fault:?}");
        // Its own record is stored; it is not read, and whoever wrote it does not wait for ever.
        assert_eq!(later.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown, "{fault:?}");
        make_room(&cache, &vfs).await;
        assert_eq!((read(&cache, "a").await, read(&cache, "b").await), (vec![0], vec![0]), "{fault:?}");
        // Nothing more is taken, by neither way.
        assert_eq!(try_step(&cache, 3).await.unwrap_err().kind(), ErrorKind::Unavailable, "{fault:?}");
        assert_eq!(append(&cache, "b", rows([3])).await.unwrap_err().kind(), ErrorKind::Unavailable, "{fault:?}");
        assert_eq!(cache.settled().await.unwrap_err().kind(), ErrorKind::Unavailable, "{fault:?}");
        // Whoever opens log and tables now has all that was read.
        let image = vfs.image(Choice::Nothing).vfs;
        let (reopened, _) = open_with(&Probe::over(Arc::clone(&probe.inner)), &image, direct()).await;
        assert_eq!((read(&reopened, "a").await, read(&reopened, "b").await), (after_a_crash, vec![0, 2]));

        (0..3).for_each(|_| probe.before.pass());
        cache.flush(&FlushOptions::default()).await.unwrap();
        check(&*probe.inner, "a", 0..3).await;
        assert_eq!(read(&*probe.inner, "b").await, [0, 2], "{fault:?}");
        step(&cache, 3).await;
        check(&cache, "a", 0..4).await;
    }
}

/// A table that is gone decides nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_takes_goes_with_its_table() {
    let (probe, vfs, cache) = begin().await;
    undecided(&probe, &vfs, &cache).await;
    cache.remove(&name("a"), &RemoveTableOptions::default()).await.unwrap();
    create(&cache, "a").await;
    step(&cache, 1).await;
    check(&cache, "a", [1]).await;
}

/// A log of 64 KiB, in which a record waits for room.
async fn narrow(probe: &Arc<Probe>, vfs: &SimVfs) -> TableCache {
    let options = WalOptions::new().with_segment_bytes(4 << 10).with_log_bytes(64 << 10);
    let log = log_with(vfs, options.with_over_budget(OverBudget::Block)).await;
    let builder = TableCache::builder(probe.clone()).with_config(direct()).with_log(log);
    let (cache, _) = builder.open().await.unwrap();
    create(&cache, "a").await;
    create(&cache, "b").await;
    cache
}

/// Fills the narrow log with rows of `a` and `b`, and appends to `a` directly, which fails once; there is no room then.
async fn without_room(probe: &Probe, cache: &TableCache) -> JoinHandle<Result<Receipt>> {
    let parts = vec![(name("a"), vec![wide_rows([0], 20 << 10)]), (name("b"), vec![wide_rows([0], 20 << 10)])];
    let _ = cache.append_all(parts).await.unwrap();
    probe.fail(Fault::Before);
    let large = tokio::spawn({
        let cache = cache.clone();
        async move { append(&cache, "a", wide_rows([1], 30 << 10)).await }
    });
    eventually("the failure", || cache.stats().failed_flushes > 0).await;
    large
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_makes_the_room_that_an_append_waits_for() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let cache = narrow(&probe, &vfs).await;
    let large = without_room(&probe, &cache).await;
    within(cache.flush(&FlushOptions::default())).await.unwrap();
    let receipt = within(large).await.unwrap().unwrap();
    assert_eq!((receipt.level, receipt.seq), (Level::Durable, 2));
    assert_eq!(read(&*probe.inner, "a").await, [0, 1]);
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open_with(&probe, &vfs, direct()).await;
    check(&cache, "a", 0..2).await;
    check(&cache, "b", [0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_table_that_is_gone_do_not_come_back_in_the_next_of_its_name() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let cache = narrow(&probe, &vfs).await;
    let large = without_room(&probe, &cache).await;
    within(cache.remove(&name("a"), &RemoveTableOptions::default())).await.unwrap();
    let receipt = within(large).await.unwrap().unwrap();
    assert_eq!(receipt.seq, 2, "it was appended, and removed");
    within(cache.flush(&FlushOptions::default())).await.unwrap();
    create(&cache, "a").await;
    step(&cache, 3).await;
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open_with(&probe, &vfs, direct()).await;
    check(&cache, "a", [3]).await;
    assert_eq!(read(&cache, "b").await, [0, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_finds_a_table_before_its_maker_returns_keeps_what_it_appends() {
    for is_direct in [false, true] {
        let (probe, vfs) = (Probe::new(), SimVfs::new());
        let config = if is_direct { direct() } else { calm() };
        let (cache, _) = open_with(&probe, &vfs, config).await;
        probe.made.shut();
        let maker = tokio::spawn({
            let cache = cache.clone();
            async move { create_table(&cache, "a").await }
        });
        probe.made.arrived().await;
        let receipt = append(&cache, "a", rows([0])).await.unwrap();
        probe.made.pass();
        maker.await.unwrap().unwrap();
        check(&cache, "a", [0]).await;
        flush(&cache, "a").await.unwrap();
        assert_eq!((receipt.seq, read(&*probe.inner, "a").await), (1, vec![0]), "{is_direct}");
    }
}

/// An append to `a` that neither its table nor the log has taken. There is room again.
async fn undecided(probe: &Arc<Probe>, vfs: &SimVfs, cache: &TableCache) {
    probe.fail(Fault::Before);
    let large = at_the_gate(probe, cache, 1).await;
    fill(vfs);
    probe.before.pass();
    assert_eq!(large.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    make_room(cache, vfs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_is_flushed_beside_what_nothing_takes() {
    let (probe, vfs, cache) = begin().await;
    step(&cache, 0).await;
    undecided(&probe, &vfs, &cache).await;
    probe.before.pass();
    within(flush(&cache, "b")).await.unwrap();
    assert_eq!((read(&*probe.inner, "a").await, read(&*probe.inner, "b").await), (vec![], vec![0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_be_taken_says_so() {
    let (probe, vfs, cache) = begin().await;
    undecided(&probe, &vfs, &cache).await;
    let theirs = AppendOptions::exactly_once(0, 9);
    let _ = probe.inner.append(&name("a"), vec![rows([9])], &theirs).await.unwrap();
    probe.before.pass();
    flush(&cache, "a").await.unwrap_err();
    assert_eq!(append(&cache, "b", rows([2])).await.unwrap_err().kind(), ErrorKind::Poisoned);
    // Another program may remove the table as well.
    probe.inner.remove(&name("a"), &RemoveTableOptions::default()).await.unwrap();
    let missing = cache.remove(&name("a"), &RemoveTableOptions::default()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    probe.before.pass();
    let _ = append(&cache, "b", rows([2])).await.unwrap();
    check(&cache, "b", [2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_learns_of_its_successor_by_a_late_record_commits_nothing_more() {
    let (probe, vfs, cache) = begin().await;
    probe.fail(Fault::Before);
    let large = at_the_gate(&probe, &cache, 0).await;
    let _theirs = log_with(&vfs, WalOptions::new().with_if_locked(IfLocked::TakeOver)).await;
    probe.before.pass();
    assert_eq!(large.await.unwrap().unwrap_err().kind(), ErrorKind::Fenced);
    let appends = probe.appends();
    assert_eq!(cache.flush(&FlushOptions::default()).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(cache.settled().await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(append(&cache, "b", rows([2])).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(probe.appends(), appends);
}

#[tokio::test]
async fn what_the_log_could_never_take_is_not_direct() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let log = log_with(&vfs, WalOptions::new().with_queue_bytes(1 << 20)).await;
    let builder = TableCache::builder(probe.clone()).with_config(direct()).with_log(log);
    let (cache, _) = builder.open().await.unwrap();
    create(&cache, "a").await;
    let error = append(&cache, "a", wide_rows([0], 2 << 20)).await.unwrap_err();
    assert_eq!((error.kind(), probe.appends()), (ErrorKind::Invalid, 0));
    let _ = append(&cache, "a", wide_rows([1], 1 << 18)).await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, [1]);
}

#[tokio::test]
async fn without_its_note_the_table_is_not_touched() {
    let (probe, vfs, cache) = begin().await;
    step(&cache, 0).await;
    fill(&vfs);
    let error = append(&cache, "a", rows([1])).await.unwrap_err();
    assert_eq!((error.kind(), probe.appends()), (ErrorKind::StorageFull, 0));
    check(&cache, "a", [0]).await;
    assert_eq!(cache.stats().buffered_rows, 2);
    make_room(&cache, &vfs).await;
    let _ = append(&cache, "a", rows([2])).await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, [0, 2]);
}

/// What a predecessor had under way arrives after its successor has opened log and tables.
#[tokio::test]
async fn a_number_on_its_way_to_a_table_is_not_given_again() {
    let (probe, vfs, cache) = begin().await;
    let large = at_the_gate(&probe, &cache, 0).await;
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open_with(&probe, &vfs, calm()).await;
    let receipt = append(&cache, "a", rows([1])).await.unwrap();
    let late = AppendOptions::exactly_once(0, 1);
    let _ = probe.inner.append(&name("a"), vec![rows([0])], &late).await.unwrap();
    assert_eq!(flush(&cache, "a").await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    // Opened again, it has what was acknowledged: it would be taken for what the table has, were the number the same.
    assert_eq!(receipt.seq, 2);
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open_with(&probe, &vfs, calm()).await;
    check(&cache, "a", 0..2).await;
    large.abort();
}
