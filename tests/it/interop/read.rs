//! Every program reads every table: schema and values, at every version, whatever happened to the table.

use std::path::Path;
use std::sync::Arc;

use worldstore::TableFormat;
use worldstore::arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt16Array};
use worldstore::arrow::compute::concat_batches;
use worldstore::arrow::datatypes::{DataType, Field, UInt64Type};
use worldstore::core::table::{CompactOptions, EvolveOptions, ExpireOptions, Predicate, Scan};

use super::peers::Group;
use super::rows::{ROWS, every, with_entities};
use super::stage::{Stage, name};

const TABLES: [&str; 2] = ["every", "small"];

fn columns(named: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(named.into_iter().map(|(name, values)| (name, values, true))).unwrap()
}

/// The small table before its columns change.
fn small(first: u64) -> RecordBatch {
    let x = Float64Array::from(vec![Some(first as f64), None]);
    with_entities(first, &columns(vec![("x", Arc::new(x))]))
}

/// And after that.
fn small_changed(first: u64) -> RecordBatch {
    let place = Float64Array::from(vec![None, Some(first as f64)]);
    let mood = StringArray::from(vec![Some(""), None]);
    let score = UInt16Array::from(vec![None, Some(u16::MAX)]);
    let named: Vec<(&str, ArrayRef)> =
        vec![("place", Arc::new(place)), ("mood", Arc::new(mood)), ("score", Arc::new(score))];
    with_entities(first, &columns(named))
}

/// Appends, and compares what is stored with what was given.
async fn append(stage: &Stage, run: &str, tick: i64, rows: [&RecordBatch; 2]) {
    let writer = stage.world.run(run).await.unwrap().tick(tick);
    let writer = TABLES.iter().zip(rows).fold(writer, |writer, (table, rows)| writer.append(table, rows).unwrap());
    let receipts = writer.commit().await.unwrap().receipts;
    stage.world.flush().await.unwrap();
    for (receipt, rows) in receipts.iter().zip(rows) {
        let scan = Scan::all().with_predicate(Predicate::eq("seq", receipt.seq));
        let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        let stored = stage.scan(receipt.table.as_str(), &scan.with_columns(names)).await;
        let stored = concat_batches(&stored[0].schema(), &stored).unwrap();
        assert_eq!(stored.num_rows(), rows.num_rows());
        let entities = |rows: &RecordBatch| rows["entity"].as_primitive::<UInt64Type>().values().to_vec();
        assert_eq!(entities(&stored), entities(rows), "rows keep their order");
        for (field, values) in rows.schema().fields().iter().zip(rows.columns()) {
            assert_eq!(&stored[field.name().as_str()], values, "{}", field.name());
        }
    }
}

/// Ticks, a fork, and columns that were added and renamed and have no value yet.
async fn begin(stage: &mut Stage) {
    let format = stage.bed.format;
    append(stage, "main", 1, [&every(format, 1), &small(1)]).await;
    append(stage, "main", 2, [&every(format, 2), &small(2)]).await;
    let _ = stage.world.run("main").await.unwrap().fork("fork", 1).await.unwrap();
    append(stage, "fork", 2, [&every(format, 100), &small(100)]).await;

    let tables = stage.world.table_backend();
    let added = vec![Field::new("mood", DataType::Utf8, true), Field::new("score", DataType::UInt16, true)];
    tables.evolve(&name("small"), &EvolveOptions::add(added)).await.unwrap();
    tables.evolve(&name("small"), &EvolveOptions::rename("x", "place")).await.unwrap();
    stage.note_newest("small").await;
}

/// Values in the new columns, and a run that will be dropped.
async fn go_on(stage: &Stage) {
    let format = stage.bed.format;
    let _ = stage.world.create_run("gone").await.unwrap();
    append(stage, "main", 3, [&every(format, 3), &small_changed(3)]).await;
    append(stage, "gone", i64::MAX, [&every(format, 1 << 40), &small_changed(1 << 40)]).await;
}

async fn read_by(format: TableFormat, group: Group, programs: &[&str]) {
    let Some(python) = group.python() else { return };
    read_all(Stage::new(format).await, &python, programs).await;
}

async fn read_all(mut stage: Stage, python: &Path, programs: &[&str]) {
    begin(&mut stage).await;
    stage.read_by(python, programs);

    go_on(&stage).await;
    for table in TABLES {
        stage.note_newest(table).await;
        stage.note_history(table).await;
    }
    stage.read_by(python, programs);

    let tables = stage.world.table_backend();
    for table in TABLES {
        let compaction = tables.compact(&name(table), &CompactOptions::default()).await.unwrap();
        assert!(compaction.files_after < compaction.files_before, "{compaction:?}");
        stage.note_newest(table).await;
    }
    stage.read_by(python, programs);

    let dropped = stage.world.drop_run("gone").await.unwrap();
    assert_eq!(dropped.rows, ROWS as u64 + 2);
    for table in TABLES {
        stage.note_newest(table).await;
        stage.note_history(table).await;
    }
    stage.read_by(python, programs);

    for table in TABLES {
        let expired = tables.expire(&name(table), &ExpireOptions::default()).await.unwrap().versions;
        assert!(expired.len() > 3, "{expired:?}");
        stage.note_gone(table, &expired);
        stage.note_newest(table).await;
        stage.note_history(table).await;
    }
    stage.read_by(python, programs);
}

#[cfg(feature = "lance")]
#[tokio::test(flavor = "multi_thread")]
async fn lance_tables_are_read_by_the_newest_programs() {
    read_by(TableFormat::Lance, Group::Newest, &["pylance", "lancedb", "duckdb"]).await;
}

#[cfg(feature = "lance")]
#[tokio::test(flavor = "multi_thread")]
async fn lance_tables_are_read_by_older_programs() {
    read_by(TableFormat::Lance, Group::Older, &["daft", "duckdb_extension"]).await;
}

#[cfg(feature = "iceberg")]
#[tokio::test(flavor = "multi_thread")]
async fn iceberg_tables_are_read_by_the_newest_programs() {
    read_by(TableFormat::Iceberg, Group::Newest, &["pyiceberg", "duckdb"]).await;
}

#[cfg(feature = "iceberg")]
#[tokio::test(flavor = "multi_thread")]
async fn iceberg_tables_are_read_by_older_programs() {
    read_by(TableFormat::Iceberg, Group::Older, &["daft", "duckdb_extension"]).await;
}

#[cfg(feature = "iceberg")]
#[tokio::test(flavor = "multi_thread")]
async fn iceberg_tables_are_read_with_the_catalog_at_a_server() {
    let Some((python, server)) = Group::Newest.python().zip(super::peers::postgres()) else { return };
    read_all(Stage::at_server(&python, &server).await, &python, &["pyiceberg", "duckdb"]).await;
}

/// Iceberg's widest whole number has a sign. Nothing of such an append is kept, and the error says which value it is.
#[cfg(feature = "iceberg")]
#[tokio::test]
async fn numbers_that_iceberg_lacks_are_refused() {
    let stage = Stage::new(TableFormat::Iceberg).await;
    let run = stage.world.run("main").await.unwrap();
    let error = run.append(1, "small", &small(1 << 63)).await.unwrap_err();
    assert_eq!(error.kind(), worldstore::ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("column: entity, row: 0, value: 9223372036854775808"), "{error}");
    assert_eq!(stage.world.stats().unwrap().buffered_rows, 0);
    stage.world.flush().await.unwrap();
}
