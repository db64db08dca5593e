//! Tables shared with other Lance programs, which know nothing of watermarks.

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::{DescribeOptions, ListTablesOptions, Scan};

use crate::support::{create, local, name, numbers, once, open, rows, scan};

/// Writes as another program would: through Lance's own access to files.
async fn write(folder: &tempfile::TempDir, mode: WriteMode, batch: RecordBatch) {
    let uri = folder.path().join("t.lance").display().to_string();
    let params = WriteParams { mode, ..WriteParams::default() };
    InsertBuilder::new(uri.as_str()).with_params(&params).execute(vec![batch]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_table_stands_at_zero_and_takes_steps() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, WriteMode::Create, rows(0..3)).await;
    let tables = open(local(&folder));
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap(), [name("t")]);
    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.watermark, info.rows), (0, 3));

    let _ = once(&tables, 0, 5, rows(3..5)).await.unwrap();
    // A foreign commit keeps the watermark, and its rows are seen.
    write(&folder, WriteMode::Append, rows(5..7)).await;
    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.watermark, info.rows), (5, 7));
    assert_eq!(once(&tables, 0, 5, rows(3..5)).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    let _ = once(&tables, 5, 6, rows(7..8)).await.unwrap();
    assert_eq!(numbers(scan(&tables, &Scan::all()).await).await, (0..8).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_read_our_tables() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(local(&folder));
    create(&tables).await;
    let _ = once(&tables, 0, 4, rows(0..4)).await.unwrap();
    let dataset = Dataset::open(&folder.path().join("t.lance").display().to_string()).await.unwrap();
    assert_eq!(dataset.config().get(worldstore_lance::WATERMARK_KEY).map(String::as_str), Some("4"));
    let batches: Vec<RecordBatch> = dataset.scan().try_into_stream().await.unwrap().try_collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 4);
}
