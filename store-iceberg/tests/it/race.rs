//! Several writers on one catalog: exactly once, nothing lost, nothing left over.

use std::collections::BTreeSet;
use std::sync::Arc;

use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::*;
use worldstore_iceberg::IcebergTables;

use crate::{Fixture, ids, in_memory, name, objects, on_disk, open, read, rows, schema};

async fn two_handles() -> (Fixture, IcebergTables, TableName) {
    let fixture = on_disk().await;
    let other = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    let table = name("raced");
    fixture.tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    (fixture, other, table)
}

/// Makes all steps, each when the table stands at it. Tells how many of them were its own.
async fn make_steps(tables: &IcebergTables, table: &TableName, steps: u64) -> u64 {
    let (mut at, mut own) = (0, 0);
    while at < steps {
        let options = AppendOptions::exactly_once(at, at + 1);
        match tables.append(table, vec![rows([at as i64])], &options).await {
            Ok(receipt) => {
                assert_eq!(receipt.seq, at + 1);
                (at, own) = (at + 1, own + 1);
            }
            Err(error) if error.kind() == ErrorKind::ConditionFailed => {
                let (_, have) = error.context().find(|(key, _)| *key == "have").unwrap();
                at = have.parse().unwrap();
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    own
}

/// Each step is attempted by all handles at once, and one of them makes it.
pub(crate) async fn one_winner_each(handles: &[Arc<IcebergTables>], table: &TableName, steps: u64) {
    for step in 0..steps {
        let attempts = handles.iter().map(|tables| async move {
            let once = AppendOptions::exactly_once(step, step + 1);
            tables.append(table, vec![rows([step as i64])], &once).await
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            futures::future::join_all(attempts).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "step {step}");
        for lost in lost {
            assert_eq!(lost.unwrap_err().kind(), ErrorKind::ConditionFailed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_of_the_same_steps_land_each_once() {
    let (Fixture { tables, backend, folder }, other, table) = two_handles().await;
    let (ours, theirs) = tokio::join!(make_steps(&tables, &table, 10), make_steps(&other, &table, 10));
    assert_eq!(ours + theirs, 10);
    assert_eq!(ids(&tables, &table, &Scan::all()).await, (0..10).collect::<Vec<_>>());
    assert_eq!(tables.describe(&table, &DescribeOptions::default()).await.unwrap().version, 10);
    assert_all_referenced(&backend, &tables, &table, 10).await;
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_without_watermark_all_land() {
    let (Fixture { tables, backend, folder }, other, table) = two_handles().await;
    let appends = |tables: Arc<IcebergTables>, start: i64| {
        let table = table.clone();
        tokio::spawn(async move {
            for id in start..start + 8 {
                let _ = tables.append(&table, vec![rows([id])], &AppendOptions::default()).await.unwrap();
            }
        })
    };
    let (tables, other) = (Arc::new(tables), Arc::new(other));
    let running = [(&tables, 0), (&tables, 100), (&other, 200)].map(|(tables, start)| appends(tables.clone(), start));
    for running in running {
        running.await.unwrap();
    }
    let expected: Vec<i64> = (0..8).chain(100..108).chain(200..208).collect();
    assert_eq!(ids(&*tables, &table, &Scan::all()).await, expected);
    let info = tables.describe(&table, &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.version, info.rows), (24, 24));
    assert_all_referenced(&backend, &tables, &table, 24).await;
    drop(folder);
}

/// One data file, manifest, manifest list and metadata file for each of the commits, one metadata file for the
/// creation, and nothing else: what lost a race is gone.
async fn assert_all_referenced(
    backend: &Arc<dyn AsyncBackend>,
    tables: &IcebergTables,
    table: &TableName,
    commits: usize,
) {
    let keys = objects(backend).await;
    let count = |test: &dyn Fn(&str) -> bool| keys.iter().filter(|key| test(key)).count();
    assert_eq!(count(&|key| key.ends_with(".parquet")), commits);
    assert_eq!(count(&|key| key.ends_with("-m0.avro")), commits);
    assert_eq!(count(&|key| key.contains("/snap-")), commits);
    assert_eq!(count(&|key| key.ends_with(".gz.metadata.json")), commits + 1);
    assert_eq!(keys.len(), 4 * commits + 1, "{keys:#?}");
    read(tables, table, &Scan::all()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_creates_wins() {
    let first = on_disk().await;
    let folder = first.folder.as_ref().unwrap().path();
    let handles = [open(&first.backend, folder).await, open(&first.backend, folder).await, first.tables];
    let table = name("made");
    let creates = handles.map(|tables| {
        let table = table.clone();
        tokio::spawn(async move { (tables.create(&table, &CreateOptions::new(schema())).await, tables) })
    });
    let mut made = 0;
    for create in creates {
        let (created, tables) = create.await.unwrap();
        match created {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}"),
        }
        tables.create(&table, &CreateOptions::new(schema()).or_keep()).await.unwrap();
    }
    assert_eq!(made, 1);
    assert_eq!(objects(&first.backend).await.len(), 1);
}

#[tokio::test]
async fn a_scan_reads_its_version_whatever_is_appended() {
    use futures::TryStreamExt;
    let Fixture { tables, .. } = in_memory().await;
    let table = name("pinned");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows(0..5)], &AppendOptions::default()).await.unwrap();
    let scan = tables.scan(&table, &Scan::all()).await.unwrap();
    let _ = tables.append(&table, vec![rows(5..9)], &AppendOptions::default()).await.unwrap();
    let batches: Vec<_> = scan.batches.try_collect().await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 5);
}

#[tokio::test]
async fn names_of_files_never_repeat() {
    let Fixture { tables, backend, .. } = in_memory().await;
    let table = name("files");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    for id in 0..3 {
        let _ = tables.append(&table, vec![rows([id])], &AppendOptions::default()).await.unwrap();
    }
    let keys = objects(&backend).await;
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 13);
}
