//! The log, awaited.

use std::time::Duration;

use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt};
use worldstore_async::AsyncWal;
use worldstore_core::ErrorKind;
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::{OverBudget, RecordKind, Wal, WalOptions};

fn folder() -> (tempfile::TempDir, OsVfs) {
    let folder = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(folder.path()).unwrap();
    (folder, vfs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_share_a_log_and_a_budget_makes_them_wait() {
    let (_folder, vfs) = folder();
    // Room for three of these records.
    let options = WalOptions::new().with_queue_bytes(3500);
    let (wal, _) = AsyncWal::open(&vfs, "log", options).await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let wal = wal.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    let seq = wal.append_durable(RecordKind::DATA, vec![task; 1000]).await.unwrap();
                    assert!(seq <= wal.durable());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((wal.last(), wal.durable(), wal.first()), (320, 320, 1));
    let mut replay = wal.replay(300).await.unwrap();
    let mut expected = 301;
    while let Some(record) = replay.next().await {
        assert_eq!(record.unwrap().seq, expected);
        expected += 1;
    }
    assert_eq!(expected, 321);
    wal.wait_durable(320).await.unwrap();
    assert_eq!(wal.wait_durable(321).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(wal.trim(10).await.unwrap().segments, 0);
    wal.close().await.unwrap();
    assert_eq!(wal.append(RecordKind::DATA, "late").await.unwrap_err().kind(), ErrorKind::Poisoned);
}

/// A task that writes its record itself lets those go first that are about to append.
#[tokio::test]
async fn tasks_of_one_thread_share_a_sync() {
    let (_folder, vfs) = folder();
    let options = WalOptions::new().with_lead_within(Duration::from_secs(3600));
    let (wal, _) = AsyncWal::open(&vfs, "log", options).await.unwrap();
    // The log's thread does the first: how long it takes is known from then on.
    wal.append_durable(RecordKind::DATA, "first").await.unwrap();
    let before = wal.stats().groups;
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let wal = wal.clone();
            tokio::spawn(async move { wal.append_durable(RecordKind::DATA, vec![task; 100]).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let groups = wal.stats().groups - before;
    // The log's thread may still have been awake.
    assert!(groups <= 4, "{groups} syncs for 32 tasks");
    assert_eq!(wal.durable(), 33);
}

#[tokio::test]
async fn a_task_that_goes_away_aborts_nothing() {
    let (_folder, vfs) = folder();
    let (wal, _) = AsyncWal::open(&vfs, "log", WalOptions::new()).await.unwrap();
    for _ in 0..20 {
        let append = wal.append_durable(RecordKind::DATA, "x");
        let _ = tokio::time::timeout(Duration::ZERO, append).await;
    }
    let last = wal.last();
    wal.wait_durable(last).await.unwrap();
    let records: Vec<_> = wal.replay(0).await.unwrap().try_collect().await.unwrap();
    assert_eq!(records.len() as u64, last);
}

#[test]
fn appending_and_waiting_need_no_runtime() {
    let (_folder, vfs) = folder();
    let options = WalOptions::new().with_over_budget(OverBudget::Refuse).with_queue_bytes(2000);
    let (wal, _) = Wal::open(&vfs, "log", options).unwrap();
    let wal = AsyncWal::from(wal);
    assert_eq!(block_on(wal.append_durable(RecordKind::DATA, "one")).unwrap(), 1);
    assert_eq!(block_on(wal.append(RecordKind::DATA, vec![0; 3000])).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(block_on(wal.close()).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(wal.wal().durable(), 1);
}
