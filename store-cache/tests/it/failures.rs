//! Flushes that fail, before or after their commit has landed.

use std::time::Duration;

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::{Level, ShutdownOptions};

use crate::probe::{Fault, Probe};
use crate::support::{append, calm, check, create, eventually, flush, open, read, rows, whole};

#[tokio::test]
async fn a_failed_flush_keeps_its_rows_and_says_so() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let receipt = append(&cache, "t", rows(0..3)).await.unwrap();
    probe.set_away(true);

    let error = cache.wait(&receipt, Level::Committed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(whole(&error).contains("the store is away"), "{error:?}");
    let stats = cache.stats();
    assert_eq!((stats.buffered_rows, stats.flushes, stats.failed_flushes), (3, 0, 1));
    assert!(stats.tables[0].failure.as_ref().unwrap().contains("the store is away"));
    assert!(stats.tables[0].oldest.is_some());

    // More rows are taken, and the frozen ones stay as they are.
    let _ = append(&cache, "t", rows(3..4)).await.unwrap();
    assert!(flush(&cache, "t").await.is_err());
    check(&cache, "t", 0..4).await;
    assert_eq!(read(&*probe.inner, "t").await, [0; 0]);

    probe.set_away(false);
    // The frozen rows first, then those that came after: two commits.
    assert_eq!(cache.wait(&receipt, Level::Committed).await.unwrap().version, Some(2));
    flush(&cache, "t").await.unwrap();
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2, 3]);
    let stats = cache.stats();
    assert_eq!((stats.buffered_rows, stats.flushes, stats.flushed_rows, stats.failed_flushes), (0, 2, 4, 2));
    assert_eq!(stats.tables[0].failure, None);
    check(&cache, "t", 0..4).await;
}

#[tokio::test]
async fn the_background_tries_again_by_itself() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_idle_sec(0.05)).await;
    create(&cache, "t").await;
    probe.fail(Fault::Before);
    probe.fail(Fault::Before);
    let _ = append(&cache, "t", rows(0..3)).await.unwrap();
    for _ in 0..200 {
        if cache.stats().flushes == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!((cache.stats().failed_flushes, probe.appends()), (2, 3));
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2]);
}

#[tokio::test]
async fn appends_do_not_wait_for_a_store_that_is_away() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_flush_rows(1)).await;
    create(&cache, "t").await;
    probe.set_away(true);
    for number in 0..20 {
        let receipt = append(&cache, "t", rows([number])).await.unwrap();
        assert_eq!(receipt.level, Level::Buffered);
    }
    eventually("a failure", || cache.stats().failed_flushes > 0).await;
    assert!(probe.appends() < 5, "{} attempts within the first pause", probe.appends());
    probe.set_away(false);
    flush(&cache, "t").await.unwrap();
    assert_eq!(read(&*probe.inner, "t").await, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_in_the_table() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let receipt = append(&cache, "t", rows(0..3)).await.unwrap();
    probe.fail(Fault::Unknown);
    let committed = cache.wait(&receipt, Level::Committed).await.unwrap();
    assert_eq!((committed.level, committed.version), (Level::Committed, Some(1)));
    assert_eq!((cache.stats().failed_flushes, probe.appends()), (0, 1));
    check(&cache, "t", 0..3).await;
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2]);
}

#[tokio::test]
async fn a_commit_that_could_not_be_looked_up_is_not_doubled() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows(0..3)).await.unwrap();
    probe.fail(Fault::UnknownAndBlind);
    let error = flush(&cache, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    // The rows are in the table and in memory: reads see them once.
    check(&cache, "t", 0..3).await;
    let _ = append(&cache, "t", rows(3..5)).await.unwrap();
    check(&cache, "t", 0..5).await;
    flush(&cache, "t").await.unwrap();
    check(&cache, "t", 0..5).await;
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2, 3, 4]);
    assert_eq!(probe.appends(), 3, "the lost one, its repetition which is refused, the rest");
}

#[tokio::test]
async fn shutdown_drains_or_says_why_not() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let _ = append(&cache, "a", rows(0..3)).await.unwrap();
    let _ = append(&cache, "b", rows(3..6)).await.unwrap();
    probe.fail(Fault::Before);
    let error = cache.shutdown(&ShutdownOptions::default()).await.unwrap_err();
    assert!(whole(&error).contains("the store is away"), "{error:?}");
    // One table failed; the other was drained all the same.
    assert_eq!(read(&*probe.inner, "b").await, [3, 4, 5]);
    let refused = append(&cache, "a", rows([9])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
    check(&cache, "a", 0..3).await;

    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(read(&*probe.inner, "a").await, [0, 1, 2]);
    assert_eq!(append(&cache, "a", rows([9])).await.unwrap_err().kind(), ErrorKind::Poisoned);
    check(&cache, "a", 0..3).await;
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
}

#[tokio::test]
async fn an_append_that_was_taken_before_a_shutdown_is_drained_by_it() {
    for _ in 0..20 {
        let probe = Probe::new();
        let cache = open(&probe, calm()).await;
        create(&cache, "t").await;
        let writer = tokio::spawn({
            let cache = cache.clone();
            async move {
                for number in 0.. {
                    if append(&cache, "t", rows([number])).await.is_err() {
                        return number;
                    }
                    tokio::task::yield_now().await;
                }
                unreachable!("the numbers do not end")
            }
        });
        tokio::task::yield_now().await;
        cache.shutdown(&ShutdownOptions::default()).await.unwrap();
        let taken = writer.await.unwrap();
        assert_eq!(read(&*probe.inner, "t").await, (0..taken).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn receipts_of_another_cache_are_refused() {
    let (left, right) = (open(&Probe::new(), calm()).await, open(&Probe::new(), calm()).await);
    create(&left, "t").await;
    create(&right, "t").await;
    let receipt = append(&left, "t", rows(0..3)).await.unwrap();
    assert_eq!(right.wait(&receipt, Level::Committed).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(left.wait(&receipt, Level::Durable).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(left.wait(&receipt, Level::Buffered).await.unwrap().level, Level::Buffered);
}

#[test]
fn a_cache_outside_a_runtime_is_refused() {
    let opened = futures::executor::block_on(async {
        let probe = Probe::new();
        worldstore_cache::TableCache::open(probe, calm()).await.map(|_| ())
    });
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unsupported);
}
