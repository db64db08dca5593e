//! Other programs change our tables: what they append is read and gone on from, what they take back is noticed.

use std::path::Path;
use std::sync::Arc;

use worldstore::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray, UInt64Array,
};
use worldstore::arrow::compute::concat_batches;
use worldstore::core::table::{CompactOptions, Predicate, Scan};
use worldstore::{ErrorKind, TableFormat, World};

use super::peers::{self, Group};
use super::rows::{ROWS, every};
use super::stage::{Stage, name};

const TABLE: &str = "every";

/// The tick of foreign rows.
const THEIRS: i64 = 50;

/// A world with two ticks in one table, committed.
async fn filled(format: TableFormat) -> Stage {
    let stage = Stage::new(format).await;
    fill(&stage).await;
    stage
}

async fn fill(stage: &Stage) {
    for tick in [1, 2] {
        step(stage, tick).await.unwrap();
    }
}

/// Appends five rows and commits them.
async fn step(stage: &Stage, tick: i64) -> worldstore::Result<()> {
    let rows = every(stage.bed.format, 10 * tick as u64);
    let _ = stage.world.run("main").await?.append(tick, TABLE, &rows).await?;
    stage.world.flush().await
}

/// Five rows as another program would make them: all columns of the table, base columns included, and the table's
/// watermark as `seq`.
async fn foreign(stage: &Stage, first: u64) -> RecordBatch {
    let info = stage.describe(TABLE).await;
    let rows = every(stage.bed.format, first);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![stage.world.name(); ROWS])),
        Arc::new(StringArray::from(vec!["main"; ROWS])),
        rows["entity"].clone(),
        Arc::new(Int64Array::from_value(THEIRS, ROWS)),
        Arc::new(BooleanArray::from(vec![true; ROWS])),
        Arc::new(UInt64Array::from_value(info.watermark, ROWS)),
    ];
    columns.extend(rows.columns()[1..].iter().cloned());
    RecordBatch::try_new(info.schema, columns).unwrap()
}

fn change(stage: &Stage, python: &Path, program: &str, what: &str, argument: &str) -> u64 {
    let told = peers::run(python, "change.py", &[program, what, &stage.place, TABLE, argument]);
    told.trim().parse().unwrap()
}

/// Has another program append rows, and returns them. It leaves the watermark as it was.
async fn append(stage: &mut Stage, python: &Path, program: &str, first: u64) -> RecordBatch {
    let rows = foreign(stage, first).await;
    let path = stage.path("foreign");
    peers::save(Path::new(&path), &rows.schema(), std::slice::from_ref(&rows));
    let watermark = stage.describe(TABLE).await.watermark;
    assert_eq!(change(stage, python, program, "append", &path), watermark);
    if program == "pyiceberg" { without_null_places(&rows) } else { rows }
}

/// PyIceberg writes a null list of structs as an empty one.
fn without_null_places(rows: &RecordBatch) -> RecordBatch {
    let (schema, mut columns, _) = rows.clone().into_parts();
    let place = schema.index_of("places").unwrap();
    let (field, offsets, values, nulls) = columns[place].as_list::<i32>().clone().into_parts();
    assert!(nulls.is_some_and(|nulls| nulls.null_count() > 0));
    columns[place] = Arc::new(ListArray::new(field, offsets, values, None));
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Rows of the foreign tick in the main run, as a world shows them.
async fn theirs(world: &World) -> Vec<RecordBatch> {
    let scan = Scan::all().with_predicate(Predicate::eq("tick", THEIRS));
    let found = world.run("main").await.unwrap().now().collect(TABLE, &scan).await.unwrap();
    found.into_iter().filter(|batch| batch.num_rows() > 0).collect()
}

/// Whoever reads sees these rows of others, to the bit, and so many rows in all.
async fn check(world: &World, foreign: &RecordBatch, rows: u64) {
    let found = theirs(world).await;
    let found = concat_batches(&foreign.schema(), &found).unwrap();
    for field in foreign.schema().fields() {
        let column = field.name().as_str();
        assert_eq!(&found[column], &foreign[column], "{column}");
    }
    assert_eq!(world.run("main").await.unwrap().now().count(TABLE).await.unwrap(), rows);
    let info = world.table_backend().describe(&name(TABLE), &Default::default()).await.unwrap();
    assert_eq!(info.rows, rows);
    let state = world.run("main").await.unwrap().now().state(TABLE).await.unwrap();
    assert_eq!(state.rows as u64, rows, "all entities differ");
}

async fn readers_check(stage: &Stage, foreign: &RecordBatch, rows: u64) {
    check(&stage.world, foreign, rows).await;
    let reader = stage.reader().await;
    check(&reader, foreign, rows).await;
}

async fn rows_are_read_and_gone_on_from(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    rows_are_gone_on_from(Stage::new(format).await, &python, program).await;
}

async fn rows_are_gone_on_from(mut stage: Stage, python: &Path, program: &str) {
    fill(&stage).await;
    let before = stage.describe(TABLE).await;
    let foreign = append(&mut stage, python, program, 900).await;

    // It is told: a later version at the same watermark. Nobody sees it in between.
    let told = stage.history(TABLE).await.pop().unwrap();
    assert!(told.version > before.version);
    assert_eq!(told.watermark, before.watermark);
    assert!(theirs(&stage.world).await.is_empty());
    let reader = stage.reader().await;
    assert_eq!(reader.run("main").await.unwrap().now().count(TABLE).await.unwrap(), before.rows);

    // Our next append stands on it.
    step(&stage, 60).await.unwrap();
    readers_check(&stage, &foreign, before.rows + 2 * ROWS as u64).await;

    stage.world.shutdown().await.unwrap();
    stage.world = stage.open().await;
    readers_check(&stage, &foreign, before.rows + 2 * ROWS as u64).await;
    step(&stage, 61).await.unwrap();
    readers_check(&stage, &foreign, before.rows + 3 * ROWS as u64).await;
}

async fn compaction_takes_rows_up(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    let mut stage = filled(format).await;
    let before = stage.describe(TABLE).await;
    let foreign = append(&mut stage, &python, program, 900).await;
    let compacted = stage.world.table_backend().compact(&name(TABLE), &CompactOptions::default()).await.unwrap();
    assert!(compacted.files_after < compacted.files_before, "{compacted:?}");
    stage.world.flush().await.unwrap();
    readers_check(&stage, &foreign, before.rows + ROWS as u64).await;
    step(&stage, 60).await.unwrap();
    readers_check(&stage, &foreign, before.rows + 2 * ROWS as u64).await;
}

/// A world that was closed meanwhile takes up what came.
async fn opening_takes_rows_up(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    let mut stage = filled(format).await;
    let before = stage.describe(TABLE).await;
    stage.world.shutdown().await.unwrap();
    let foreign = append(&mut stage, &python, program, 900).await;
    stage.world = stage.open().await;
    check(&stage.world, &foreign, before.rows + ROWS as u64).await;
    step(&stage, 60).await.unwrap();
    readers_check(&stage, &foreign, before.rows + 2 * ROWS as u64).await;
}

async fn deleted_rows_are_gone(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    let mut stage = filled(format).await;
    let before = stage.describe(TABLE).await;
    assert_eq!(change(&stage, &python, program, "delete", "entity = 11"), before.watermark);
    step(&stage, 60).await.unwrap();
    let rows = before.rows - 1 + ROWS as u64;
    assert_eq!(stage.describe(TABLE).await.rows, rows);
    let reader = stage.reader().await;
    for world in [&stage.world, &reader] {
        let run = world.run("main").await.unwrap();
        assert_eq!(run.now().count(TABLE).await.unwrap(), rows);
        assert!(run.now().history(11).await.unwrap().is_empty());
    }
    if format == TableFormat::Lance {
        stage.note_newest(TABLE).await;
        stage.read_by(&python, &["pylance", "lancedb", "duckdb"]);
    }
}

/// Whoever wrote them may take them back, until we commit.
async fn foreign_rows_may_be_taken_back(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    let mut stage = filled(format).await;
    let before = stage.describe(TABLE).await;
    append(&mut stage, &python, program, 900).await;
    change(&stage, &python, program, "rollback", &before.version.to_string());
    step(&stage, 60).await.unwrap();
    let reader = stage.reader().await;
    for world in [&stage.world, &reader] {
        assert!(theirs(world).await.is_empty());
        assert_eq!(world.run("main").await.unwrap().now().count(TABLE).await.unwrap(), before.rows + ROWS as u64);
    }
}

async fn rows_wait(stage: &Stage) {
    let stats = stage.world.stats().unwrap();
    assert_eq!(stats.buffered_rows, ROWS, "they wait for the repair");
    assert!(stats.tables[0].failure.is_some());
}

/// Rows that were committed are taken back: nothing is appended to that, and nothing is lost.
async fn a_rollback_is_refused(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    let mut stage = filled(format).await;
    let before = stage.describe(TABLE).await;
    let first = stage.history(TABLE).await.into_iter().find(|version| version.watermark == 1).unwrap();
    change(&stage, &python, program, "rollback", &first.version.to_string());
    let error = step(&stage, 60).await.unwrap_err();
    let expected = if format == TableFormat::Iceberg { ErrorKind::Corrupt } else { ErrorKind::ConditionFailed };
    assert_eq!(error.kind(), expected, "{error}");
    rows_wait(&stage).await;

    change(&stage, &python, program, "rollback", &before.version.to_string());
    stage.world = stage.open().await;
    step(&stage, 61).await.unwrap();
    assert_eq!(stage.describe(TABLE).await.rows, before.rows + 2 * ROWS as u64);
}

/// A world that is open does not know the new column; one that is opened does.
async fn a_new_column_is_refused_until_opened_anew(format: TableFormat, program: &str) {
    let Some(python) = Group::Newest.python() else { return };
    let mut stage = filled(format).await;
    let before = stage.describe(TABLE).await;
    change(&stage, &python, program, "widen", "theirs");
    let error = step(&stage, 60).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    rows_wait(&stage).await;

    stage.world = stage.open().await;
    stage.world.flush().await.unwrap();
    let info = stage.describe(TABLE).await;
    assert_eq!(info.rows, before.rows + ROWS as u64);
    assert_eq!(info.schema.fields().last().unwrap().name(), "theirs");
}

macro_rules! on_each {
    ($($test:ident),+ $(,)?) => {
        #[cfg(feature = "lance")]
        on_each!(@ pylance Lance, $($test),+);
        #[cfg(feature = "lance")]
        on_each!(@ lancedb Lance, $($test),+);
        #[cfg(feature = "iceberg")]
        on_each!(@ pyiceberg Iceberg, $($test),+);
    };
    (@ $program:ident $format:ident, $($test:ident),+) => {
        mod $program {
            use worldstore::TableFormat;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(TableFormat::$format, stringify!($program)).await;
            })+
        }
    };
}

on_each!(
    rows_are_read_and_gone_on_from,
    compaction_takes_rows_up,
    opening_takes_rows_up,
    deleted_rows_are_gone,
    foreign_rows_may_be_taken_back,
    a_rollback_is_refused,
    a_new_column_is_refused_until_opened_anew,
);

#[cfg(feature = "iceberg")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_and_gone_on_from_with_a_catalog_at_a_server() {
    let Some((python, server)) = Group::Newest.python().zip(peers::postgres()) else { return };
    rows_are_gone_on_from(Stage::at_server(&python, &server).await, &python, "pyiceberg").await;
}
