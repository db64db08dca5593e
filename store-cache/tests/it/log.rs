//! A cache with a log: what is acknowledged is there again, once, after it is opened anew.

use std::sync::Arc;

use worldstore_async::AsyncWal;
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::{CacheConfig, CacheRecovery, Durability, TableCache};
use worldstore_core::ErrorKind;
use worldstore_core::table::{CreateOptions, EvolveOptions, FlushOptions, Level, RemoveTableOptions, ShutdownOptions};
use worldstore_core::vfs::sim::{Fault, FaultKind, Operation, SimVfs};
use worldstore_core::wal::WalOptions;

use crate::probe::Probe;
use crate::support::{append, calm, check, create, eventually, flush, name, read, rows, schema, wide_rows};

pub async fn log_with(vfs: &SimVfs, options: WalOptions) -> AsyncWal {
    AsyncWal::open(vfs, "log", options).await.unwrap().0
}

pub async fn open_with(probe: &Arc<Probe>, vfs: &SimVfs, config: CacheConfig) -> (TableCache, CacheRecovery) {
    let log = log_with(vfs, WalOptions::new()).await;
    TableCache::builder(probe.clone()).with_config(config).with_log(log).open().await.unwrap()
}

async fn open(probe: &Arc<Probe>, vfs: &SimVfs) -> (TableCache, CacheRecovery) {
    open_with(probe, vfs, calm()).await
}

/// Another life on the same tables and the same disk, after the power went.
pub async fn again(probe: &Arc<Probe>, vfs: &SimVfs) -> (Arc<Probe>, SimVfs) {
    probe.kill().await;
    vfs.crash();
    (Probe::over(probe.inner.clone()), vfs.image(worldstore_core::vfs::sim::Choice::Nothing).vfs)
}

#[tokio::test]
async fn a_large_append_is_one_record() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    let receipt = append(&cache, "a", wide_rows(0..80, 1 << 20)).await.unwrap();
    assert_eq!((receipt.level, receipt.rows), (Level::Durable, 80));
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, recovery) = open(&probe, &vfs).await;
    assert_eq!(recovery.rows, 80);
    check(&cache, "a", 0..80).await;
}

#[tokio::test]
async fn rows_of_the_log_count_once_in_memory() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    let _ = append(&cache, "a", wide_rows(0..1, 1 << 20)).await.unwrap();
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    let bytes = cache.stats().buffered_bytes;
    assert!((1 << 20..3 << 19).contains(&bytes), "{bytes}: the columns lie in one record");
    check(&cache, "a", 0..1).await;
}

#[tokio::test]
async fn acknowledged_rows_survive_a_power_cut() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let receipt = append(&cache, "a", rows(0..3)).await.unwrap();
    assert_eq!((receipt.level, receipt.seq), (Level::Durable, 1));
    flush(&cache, "a").await.unwrap();
    let tick = vec![(name("a"), vec![rows(3..5)]), (name("b"), vec![rows(10..12)])];
    let receipts = cache.append_all(tick).await.unwrap();
    assert_eq!(receipts.iter().map(|receipt| (receipt.rows, receipt.seq)).collect::<Vec<_>>(), [(2, 2), (2, 2)]);

    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, recovery) = open(&probe, &vfs).await;
    assert_eq!((recovery.rows, recovery.records), (4, 4), "two fresh tables, two appends: {recovery:?}");
    let told: Vec<_> = recovery.tables.iter().map(|table| (table.replayed, table.skipped, table.dropped)).collect();
    assert_eq!(told, [(2, 1, 0), (2, 0, 0)]);
    check(&cache, "a", 0..5).await;
    check(&cache, "b", 10..12).await;
    assert_eq!(append(&cache, "a", rows([5])).await.unwrap().seq, 3, "the sequence goes on");
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, (0..6).collect::<Vec<_>>());
    assert_eq!(read(&*probe.inner, "b").await, [10, 11]);
}

#[tokio::test]
async fn the_sequence_column_is_the_number_of_the_record() {
    use worldstore_core::table::{Predicate, Scan, base};
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    for number in 0..4 {
        let _ = append(&cache, "a", rows([number])).await.unwrap();
    }
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    let late = Scan::all().with_predicate(Predicate::ge(base::SEQ, 3_u64));
    let scan = cache.scan(&name("a"), &late).await.unwrap();
    assert_eq!(crate::support::collect(scan).await, [2, 3]);
}

#[tokio::test]
async fn a_receipt_is_buffered_until_it_is_waited_for() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open_with(&probe, &vfs, calm().with_durability(Durability::Buffered)).await;
    create(&cache, "a").await;
    let receipt = append(&cache, "a", rows(0..3)).await.unwrap();
    assert_eq!(receipt.level, Level::Buffered);
    check(&cache, "a", 0..3).await;
    assert_eq!(cache.wait(&receipt, Level::Durable).await.unwrap().level, Level::Durable);
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    check(&cache, "a", 0..3).await;
}

#[tokio::test]
async fn rows_of_a_removed_table_do_not_come_back_in_the_next_of_its_name() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    create(&cache, "gone").await;
    let _ = append(&cache, "a", rows(0..3)).await.unwrap();
    let _ = append(&cache, "gone", rows(0..3)).await.unwrap();
    cache.remove(&name("a"), &RemoveTableOptions::default()).await.unwrap();
    cache.remove(&name("gone"), &RemoveTableOptions::default()).await.unwrap();
    create(&cache, "a").await;
    let _ = append(&cache, "a", rows(5..6)).await.unwrap();
    // Kept as it is, it is not a fresh one.
    cache.create(&name("a"), &CreateOptions::new(schema()).or_keep()).await.unwrap();
    check(&cache, "a", 5..6).await;

    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, recovery) = open(&probe, &vfs).await;
    check(&cache, "a", 5..6).await;
    let told: Vec<_> = recovery.tables.iter().map(|table| (table.replayed, table.dropped)).collect();
    assert_eq!(told, [(1, 1), (0, 1)], "{recovery:?}");
}

#[tokio::test]
async fn logged_rows_get_the_columns_that_their_table_has_now() {
    use arrow::datatypes::{DataType, Field};
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    let _ = append(&cache, "a", rows(0..3)).await.unwrap();
    // Behind the back of the cache: as if it had been stopped between the change and what follows it.
    let change = EvolveOptions::add(vec![Field::new("more", DataType::Int64, true)]);
    probe.inner.evolve(&name("a"), &change).await.unwrap();
    probe.inner.evolve(&name("a"), &EvolveOptions::rename("text", "words")).await.unwrap();
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, recovery) = open(&probe, &vfs).await;
    assert_eq!(recovery.rows, 3);
    check(&cache, "a", 0..3).await;
    flush(&cache, "a").await.unwrap();
    check(&*probe.inner, "a", 0..3).await;
}

#[tokio::test]
async fn appends_that_were_given_up_stay_away_and_their_numbers_are_not_given_again() {
    for (above, left) in [(2, vec![2]), (u64::MAX, vec![])] {
        let (probe, vfs) = (Probe::new(), SimVfs::new());
        let (cache, _) = open(&probe, &vfs).await;
        create(&cache, "a").await;
        create(&cache, "b").await;
        for number in 0..3 {
            let tick = vec![(name("a"), vec![rows([number])]), (name("b"), vec![rows([number])])];
            let _ = cache.append_all(tick).await.unwrap();
        }
        flush(&cache, "a").await.unwrap();
        let (probe, vfs) = again(&probe, &vfs).await;
        let log = log_with(&vfs, WalOptions::new()).await;
        let builder = TableCache::builder(probe.clone()).with_config(calm()).with_log(log).with_replay_above(above);
        // What one table has of them is taken back.
        let (cache, recovery) = builder.with_withdrawal(0).open().await.unwrap();
        assert_eq!(recovery.rows, left.len() as u64, "of table b");
        check(&cache, "a", left.clone()).await;
        check(&cache, "b", left).await;
        assert_eq!(append(&cache, "a", rows([9])).await.unwrap().seq, 4);
    }
}

#[tokio::test]
async fn a_flush_forgets_records_and_only_those() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let options = WalOptions::new().with_segment_bytes(4 << 10);
    let log = log_with(&vfs, options).await;
    let (cache, _) = TableCache::builder(probe.clone()).with_config(calm()).with_log(log).open().await.unwrap();
    create(&cache, "a").await;
    create(&cache, "b").await;
    for number in 0..20 {
        let _ = append(&cache, "a", rows([number])).await.unwrap();
    }
    let _ = append(&cache, "b", rows([100])).await.unwrap();
    for number in 20..40 {
        let _ = append(&cache, "a", rows([number])).await.unwrap();
    }
    flush(&cache, "a").await.unwrap();
    let first = cache.stats().log.unwrap().first;
    assert!((10..=23).contains(&first), "the row of b is still needed: {first}");
    cache.flush(&FlushOptions::default()).await.unwrap();
    assert!(cache.stats().log.unwrap().first > 30);
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    check(&cache, "a", 0..40).await;
    check(&cache, "b", [100]).await;
}

#[tokio::test]
async fn a_full_log_takes_durable_rows_back_and_goes_on() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    let _ = append(&cache, "a", rows(0..3)).await.unwrap();
    vfs.inject(Fault::new(FaultKind::NoSpace).on(Operation::Write).from_then_on());
    vfs.inject(Fault::new(FaultKind::NoSpace).on(Operation::Allocate).from_then_on());
    let error = append(&cache, "a", rows(3..5)).await.unwrap_err();
    if error.kind() == ErrorKind::StorageFull {
        check(&cache, "a", 0..3).await;
        assert!(cache.stats().log_failure.is_some());
        // What is durable can still be flushed.
        flush(&cache, "a").await.unwrap();
        vfs.heal();
        for attempt in 0.. {
            match append(&cache, "a", rows(3..5)).await {
                Ok(_) => break,
                Err(error) => assert!(error.kind() == ErrorKind::StorageFull && attempt < 1000, "{error:?}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        check(&cache, "a", 0..5).await;
        let (probe, vfs) = again(&probe, &vfs).await;
        let (cache, _) = open(&probe, &vfs).await;
        check(&cache, "a", 0..5).await;
    } else {
        panic!("{error:?}");
    }
}

#[tokio::test]
async fn a_full_log_keeps_buffered_rows_and_logs_them_when_there_is_room() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open_with(&probe, &vfs, calm().with_durability(Durability::Buffered)).await;
    create(&cache, "a").await;
    vfs.inject(Fault::new(FaultKind::NoSpace).on(Operation::Write).from_then_on());
    vfs.inject(Fault::new(FaultKind::NoSpace).on(Operation::Allocate).from_then_on());
    let mut taken = Vec::new();
    for number in 0..5 {
        if let Ok(receipt) = append(&cache, "a", rows([number])).await {
            taken.push((number, receipt));
        }
    }
    assert!(!taken.is_empty());
    let numbers: Vec<i64> = taken.iter().map(|(number, _)| *number).collect();
    eventually("the failure", || cache.stats().log_failure.is_some()).await;
    check(&cache, "a", numbers.clone()).await;
    assert_eq!(append(&cache, "a", rows([9])).await.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(cache.wait(&taken[0].1, Level::Durable).await.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(flush(&cache, "a").await.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(read(&*probe.inner, "a").await, [0; 0], "what is not in the log is not flushed");
    vfs.heal();
    // By itself.
    eventually("room", || cache.stats().durable_seq >= taken.last().unwrap().1.seq).await;
    let _ = cache.wait(&taken.last().unwrap().1, Level::Durable).await.unwrap();
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    check(&cache, "a", numbers).await;
}

#[tokio::test]
async fn a_failed_sync_ends_appends_and_nothing_else() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    let first = append(&cache, "a", rows(0..3)).await.unwrap();
    vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncData).from_then_on());
    let error = append(&cache, "a", rows(3..5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    check(&cache, "a", 0..3).await;
    vfs.heal();
    assert_eq!(append(&cache, "a", rows(3..5)).await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(cache.stats().log_failure.is_some());
    // What is durable reaches the table all the same.
    assert_eq!(cache.wait(&first, Level::Committed).await.unwrap().level, Level::Committed);
    assert_eq!(read(&*probe.inner, "a").await, [0, 1, 2]);
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    let seen = read(&cache, "a").await;
    assert!(seen == [0, 1, 2] || seen == [0, 1, 2, 3, 4], "whole or not at all: {seen:?}");
}

#[tokio::test]
async fn an_overtaken_log_refuses_and_acknowledges_nothing() {
    use worldstore_core::wal::IfLocked;
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (old, _) = open(&probe, &vfs).await;
    create(&old, "a").await;
    let kept = append(&old, "a", rows(0..3)).await.unwrap();
    let log = log_with(&vfs, WalOptions::new().with_if_locked(IfLocked::TakeOver)).await;
    let (new, _) = TableCache::builder(probe.clone()).with_config(calm()).with_log(log).open().await.unwrap();
    check(&new, "a", 0..3).await;
    assert_eq!(append(&old, "a", rows(3..5)).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(old.wait(&kept, Level::Committed).await.unwrap_err().kind(), ErrorKind::Fenced);
    check(&old, "a", 0..3).await;
    assert!(old.stats().fenced.is_some());
    let _ = append(&new, "a", rows(3..5)).await.unwrap();
    new.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_dropped_append_is_an_append() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    for number in 0..50 {
        // Polled once, so that it has its place, and dropped.
        let table = name("a");
        let taken = append(&cache, table.as_str(), rows([number]));
        tokio::select! { biased; _ = taken => {}, () = std::future::ready(()) => {} }
        // One record is that of the table. Nothing is read that is not in the log.
        let stats = cache.stats();
        assert!(stats.visible_seq < stats.log.unwrap().durable);
    }
    let seq = cache.stats().last_seq;
    assert_eq!(seq, 50);
    eventually("visibility", || cache.stats().visible_seq == 50).await;
    check(&cache, "a", 0..50).await;
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, _) = open(&probe, &vfs).await;
    check(&cache, "a", 0..50).await;
}

#[tokio::test]
async fn what_became_of_dropped_appends_can_be_waited_for() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    for number in 0..50 {
        let taken = append(&cache, "a", rows([number]));
        tokio::select! { biased; _ = taken => {}, () = std::future::ready(()) => {} }
    }
    cache.settled().await.unwrap();
    assert_eq!(cache.stats().visible_seq, 50);
    check(&cache, "a", 0..50).await;
    assert_eq!(probe.appends(), 0, "nothing was flushed for it");
    // Rows that are taken back are certain, too.
    vfs.set_capacity(Some(vfs.used()));
    let large = append(&cache, "a", wide_rows(50..51, 8 << 20));
    tokio::select! { biased; _ = large => {}, () = std::future::ready(()) => {} }
    assert_eq!(cache.stats().last_seq, 51);
    cache.settled().await.unwrap();
    check(&cache, "a", 0..50).await;
}

#[tokio::test]
async fn what_became_of_appends_is_not_known_of_a_log_that_failed() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncData).from_then_on());
    let taken = append(&cache, "a", rows([1]));
    tokio::select! { biased; _ = taken => {}, () = std::future::ready(()) => {} }
    assert_eq!(cache.settled().await.unwrap_err().kind(), ErrorKind::Poisoned);
}
