//! Rows that their table cannot hold: refused before they are logged, and taken out of a log that has some.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;
use worldstore_cache::{CacheBuilder, CacheRecovery, KeepUnfit, TableCache, UnfitRows};
use worldstore_core::table::{CreateOptions, DescribeOptions, RemoveTableOptions, ShutdownOptions, base};
use worldstore_core::vfs::sim::SimVfs;
use worldstore_core::wal::WalOptions;
use worldstore_core::{Error, ErrorKind, Result};

use crate::log::{again, log_with};
use crate::probe::Probe;
use crate::support::{append, calm, check, create, flush, name, rows};
use worldstore_async::table::AsyncTableBackend;

async fn builder(probe: &Arc<Probe>, vfs: &SimVfs) -> CacheBuilder {
    TableCache::builder(probe.clone()).with_config(calm()).with_log(log_with(vfs, WalOptions::new()).await)
}

async fn open(probe: &Arc<Probe>, vfs: &SimVfs) -> (TableCache, CacheRecovery) {
    builder(probe, vfs).await.open().await.unwrap()
}

fn told(error: &Error, key: &str) -> Option<String> {
    error.context().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
}

/// Is invalid, and says where.
fn expect_named(error: &Error, row: &str) {
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let named = ["table", "column", "row"].map(|key| told(error, key).unwrap_or_default());
    assert_eq!(named, ["a", "n", row], "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_flushed_is_refused_before_it_is_logged() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    probe.set_narrow();
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let _ = append(&cache, "a", rows(0..2)).await.unwrap();
    expect_named(&append(&cache, "a", rows([3, 2_000, 4])).await.unwrap_err(), "1");
    // All tables of a step, or none.
    let step = vec![(name("b"), vec![rows([7])]), (name("a"), vec![rows([8]), rows([2_000])])];
    let error = cache.append_all(step).await.unwrap_err();
    expect_named(&error, "0");
    assert_eq!(told(&error, "batch").as_deref(), Some("1"));
    check(&cache, "a", 0..2).await;
    check(&cache, "b", []).await;

    let (probe, vfs) = again(&probe, &vfs).await;
    probe.set_narrow();
    let (cache, recovery) = open(&probe, &vfs).await;
    assert_eq!(recovery.rows, 2, "nothing of it was logged");
    flush(&cache, "a").await.unwrap();
    check(&cache, "a", 0..2).await;
}

/// What was set aside, and whether it can be.
#[derive(Debug, Default)]
struct Shelf {
    kept: Mutex<Vec<UnfitRows>>,
    is_full: std::sync::atomic::AtomicBool,
}

impl KeepUnfit for Shelf {
    fn keep<'keep>(&'keep self, rows: &'keep UnfitRows) -> BoxFuture<'keep, Result<()>> {
        Box::pin(async move {
            if self.is_full.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::StorageFull, "the shelf is full"));
            }
            self.kept.lock().unwrap().push(rows.clone());
            Ok(())
        })
    }
}

/// A log of a release that did not look: of four appends the table cannot hold one, and one of a step.
async fn old_log() -> (Arc<Probe>, SimVfs) {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let _ = append(&cache, "a", rows(0..2)).await.unwrap();
    let _ = append(&cache, "a", rows([2, 2_000])).await.unwrap();
    let step = vec![(name("b"), vec![rows([7])]), (name("a"), vec![rows([3_000])])];
    let _ = cache.append_all(step).await.unwrap();
    let _ = append(&cache, "a", rows([5])).await.unwrap();
    let (probe, vfs) = again(&probe, &vfs).await;
    probe.set_narrow();
    (probe, vfs)
}

#[tokio::test]
async fn a_log_with_such_rows_is_refused_and_stays() {
    let (probe, vfs) = old_log().await;
    for _ in 0..2 {
        let error = builder(&probe, &vfs).await.open().await.unwrap_err();
        expect_named(&error, "1");
        assert_eq!((told(&error, "seq").as_deref(), told(&error, "record").as_deref()), (Some("2"), Some("4")));
        assert!(error.to_string().contains("set aside"), "{error}");
    }
    assert_eq!(probe.appends(), 0);
}

#[tokio::test]
async fn such_rows_are_set_aside_on_demand_and_the_rest_goes_on() {
    let (probe, vfs) = old_log().await;
    let shelf = Arc::new(Shelf::default());
    shelf.is_full.store(true, std::sync::atomic::Ordering::SeqCst);
    let error = builder(&probe, &vfs).await.with_unfit(shelf.clone()).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "what cannot be kept stays in the log");
    shelf.is_full.store(false, std::sync::atomic::Ordering::SeqCst);

    let (cache, recovery) = builder(&probe, &vfs).await.with_unfit(shelf.clone()).open().await.unwrap();
    let told: Vec<_> = recovery.tables.iter().map(|table| (table.replayed, table.set_aside)).collect();
    assert_eq!((told, recovery.rows), (vec![(3, 3), (1, 0)], 4));
    let kept = std::mem::take(&mut *shelf.kept.lock().unwrap());
    assert_eq!(kept.iter().map(|rows| (rows.seq, rows.rows)).collect::<Vec<_>>(), [(2, 2), (3, 1)]);
    let read = StreamReader::try_new(&kept[0].stream[..], None).unwrap().next().unwrap().unwrap();
    assert_eq!(&read["n"], &rows([2, 2_000])["n"]);
    check(&cache, "a", [0, 1, 5]).await;
    check(&cache, "b", [7]).await;
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();

    // The log has forgotten them.
    let (_, recovery) = open(&probe, &vfs).await;
    assert_eq!(recovery.rows, 0);
    check(&*probe.inner, "a", [0, 1, 5]).await;
}

/// The column `seq`, then these.
fn columns(columns: &[(&str, DataType)]) -> SchemaRef {
    let mut fields = vec![Field::new(base::SEQ, DataType::UInt64, false)];
    fields.extend(columns.iter().map(|(name, of)| Field::new(*name, of.clone(), true)));
    Arc::new(Schema::new(fields))
}

/// One row of columns `n` and `m`.
fn pair() -> RecordBatch {
    let (n, m): (ArrayRef, ArrayRef) = (Arc::new(Int64Array::from(vec![1])), Arc::new(Int64Array::from(vec![100])));
    let schema = columns(&[("n", DataType::Int64), ("m", DataType::Int64)]);
    RecordBatch::try_new(schema, vec![Arc::new(UInt64Array::from(vec![0])), n, m]).unwrap()
}

/// A log with a step of two tables, of which another program has made one anew, with these columns.
async fn changed(columns: SchemaRef) -> (Arc<Probe>, SimVfs) {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    cache.create(&name("a"), &CreateOptions::new(pair().schema())).await.unwrap();
    create(&cache, "b").await;
    let _ = cache.append_all(vec![(name("a"), vec![pair()]), (name("b"), vec![rows([7])])]).await.unwrap();
    let (probe, vfs) = again(&probe, &vfs).await;
    probe.inner.remove(&name("a"), &RemoveTableOptions::default()).await.unwrap();
    probe.inner.create(&name("a"), &CreateOptions::new(columns)).await.unwrap();
    (probe, vfs)
}

#[tokio::test]
async fn no_column_gets_the_values_of_another() {
    let number = |name| (name, DataType::Int64);
    let changes = [
        ("n", columns(&[number("m"), number("n")])),
        ("n", columns(&[number("m"), number("new")])),
        ("m", columns(&[number("n"), number("new"), number("m")])),
        ("m", columns(&[number("n")])),
        ("n", columns(&[("n", DataType::Float64), number("m")])),
    ];
    for (column, schema) in changes {
        let (probe, vfs) = changed(schema).await;
        let error = builder(&probe, &vfs).await.open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        let named = ["table", "column", "seq", "record"].map(|key| told(&error, key).unwrap_or_default());
        assert_eq!(named, ["a", column, "1", "3"], "{error:?}");

        let shelf = Arc::new(Shelf::default());
        let (cache, recovery) = builder(&probe, &vfs).await.with_unfit(shelf.clone()).open().await.unwrap();
        let told: Vec<_> = recovery.tables.iter().map(|table| (table.replayed, table.set_aside)).collect();
        assert_eq!(told, [(0, 1), (1, 0)]);
        let kept = std::mem::take(&mut *shelf.kept.lock().unwrap());
        let read = StreamReader::try_new(&kept[0].stream[..], None).unwrap().next().unwrap().unwrap();
        assert_eq!((&read["n"], &read["m"]), (&pair()["n"], &pair()["m"]));
        check(&cache, "b", [7]).await;
        cache.shutdown(&ShutdownOptions::default()).await.unwrap();
        assert_eq!(probe.inner.describe(&name("a"), &DescribeOptions::default()).await.unwrap().rows, 0);
    }
}

#[tokio::test]
async fn rows_of_a_removed_table_need_not_fit_the_next_of_its_name() {
    let (probe, vfs) = (Probe::new(), SimVfs::new());
    let (cache, _) = open(&probe, &vfs).await;
    cache.create(&name("a"), &CreateOptions::new(pair().schema())).await.unwrap();
    let _ = append(&cache, "a", pair()).await.unwrap();
    cache.remove(&name("a"), &RemoveTableOptions::default()).await.unwrap();
    create(&cache, "a").await;
    let _ = append(&cache, "a", rows(0..2)).await.unwrap();
    let (probe, vfs) = again(&probe, &vfs).await;
    let (cache, recovery) = open(&probe, &vfs).await;
    let told: Vec<_> = recovery.tables.iter().map(|table| (table.replayed, table.dropped, table.set_aside)).collect();
    assert_eq!(told, [(2, 1, 0)]);
    check(&cache, "a", 0..2).await;
}
