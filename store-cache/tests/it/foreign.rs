//! Other writers of the same tables: noticed, never overwritten, and nothing of ours is taken for theirs.

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::{AppendOptions, CompactOptions};

use crate::probe::Probe;
use crate::support::{append, calm, check, create, flush, name, open, read, rows};

#[tokio::test]
async fn a_commit_of_another_writer_is_told() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows(0..3)).await.unwrap();
    let theirs = AppendOptions::exactly_once(0, 40);
    let _ = probe.append(&name("t"), vec![rows(90..92)], &theirs).await.unwrap();

    let error = flush(&cache, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    // Our rows are kept and still read; more are refused, for they could not be committed either.
    check(&cache, "t", 0..3).await;
    assert_eq!(append(&cache, "t", rows([3])).await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(cache.stats().tables[0].failure.is_some());
    assert_eq!(read(&*probe.inner, "t").await, [90, 91]);
}

/// Two caches that know nothing of each other give the same sequence numbers to different rows.
#[tokio::test]
async fn rows_of_another_cache_are_not_taken_for_ours() {
    let probe = Probe::new();
    create(&*probe, "t").await;
    let (left, right) = (open(&probe, calm()).await, open(&probe, calm()).await);
    let _ = append(&left, "t", rows([1])).await.unwrap();
    let ours = append(&right, "t", rows([2])).await.unwrap();
    flush(&left, "t").await.unwrap();
    let error = flush(&right, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(right.stats().buffered_rows, 1, "the row is kept");
    assert!(right.wait(&ours, worldstore_core::table::Level::Committed).await.is_err());
    assert_eq!(read(&*probe.inner, "t").await, [1]);
}

#[tokio::test]
async fn tables_made_behind_the_caches_back_are_found() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&*probe.inner, "t").await;
    let _ = probe.append(&name("t"), vec![rows(0..2)], &AppendOptions::exactly_once(0, 7)).await.unwrap();
    check(&cache, "t", 0..2).await;
    let receipt = append(&cache, "t", rows(2..4)).await.unwrap();
    assert_eq!(receipt.seq, 8, "the sequence goes on after the table's");
    flush(&cache, "t").await.unwrap();
    check(&cache, "t", 0..4).await;
}

/// Rows that are taken here have numbers that the other writer's watermark covers: nobody may take them for committed.
#[tokio::test]
async fn a_compaction_does_not_take_over_what_another_writer_moved() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows(0..2)).await.unwrap();
    flush(&cache, "t").await.unwrap();
    let _ = probe.append(&name("t"), vec![rows(90..92)], &AppendOptions::exactly_once(1, 40)).await.unwrap();
    cache.compact(&name("t"), &CompactOptions::default()).await.unwrap();
    let _ = append(&cache, "t", rows(2..3)).await.unwrap();
    assert_eq!(flush(&cache, "t").await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    check(&cache, "t", [0, 1, 2, 90, 91]).await;
    assert_eq!(append(&cache, "t", rows([3])).await.unwrap_err().kind(), ErrorKind::Poisoned);
}
