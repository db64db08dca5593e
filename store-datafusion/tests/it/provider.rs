//! What goes down into the scan of a table, and what planners are told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::prelude::SessionContext;
use worldstore_core::table::{Segment, base};
use worldstore_datafusion::datafusion;
use worldstore_datafusion::{PinnedProvider, PinnedTable, RowCount, TablePin};

use crate::fixture::{Read, append, cars, memory, name, town};

async fn context(read: &Arc<Read>) -> SessionContext {
    let pin = TablePin::open(town().await, &name("cars"), None).await.unwrap();
    let context = SessionContext::new();
    let provider = PinnedProvider::new(Arc::new(pin)).with_observer(read.clone());
    context.register_table("cars", Arc::new(provider)).unwrap();
    context
}

async fn plan(context: &SessionContext, text: &str) -> String {
    let batches = context.sql(&format!("explain {text}")).await.unwrap().collect().await.unwrap();
    datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string()
}

#[tokio::test]
async fn columns_conditions_and_limits_reach_the_scan() {
    let read = Arc::new(Read::default());
    let context = context(&read).await;
    let shown = plan(&context, "select entity from cars where tick >= 10 and tick < 11 limit 1").await;
    assert!(shown.contains("TableScanExec: columns=[entity], where=(tick >= 10 and tick < 11), limit=1"), "{shown}");
    assert!(!shown.contains("FilterExec"), "{shown}");
    let shown = plan(&context, "select entity from cars where tick = 10 and entity % 2 = 0 limit 1").await;
    assert!(shown.contains("FilterExec") && shown.contains("where=tick = 10"), "{shown}");
    assert!(!shown.contains(", limit=1"), "a filter above takes rows away: {shown}");
    for (condition, rows, of) in [
        ("entity >= 2", 2, 2),
        ("speed > 1 and road = 'a'", 2, 2),
        ("10 < tick", 1, 1),
        ("road in ('b', 'z') or speed = 9.0", 2, 2),
        ("not road = 'a'", 1, 1),
        ("speed between 1 and 2", 1, 1),
        ("(road = 'a' and entity + 1 = 2) or road = 'b'", 2, 3),
        ("entity > -1", 3, 3),
    ] {
        read.rows.store(0, Ordering::SeqCst);
        let frame = context.sql(&format!("select * from cars where {condition}")).await.unwrap();
        assert_eq!(
            frame.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>(),
            rows,
            "{condition}"
        );
        assert_eq!(read.rows(), of, "{condition}");
    }
}

#[tokio::test]
async fn a_count_of_a_version_reads_nothing() {
    let read = Arc::new(Read::default());
    let context = context(&read).await;
    let batches = context.sql("select count(*) from cars").await.unwrap().collect().await.unwrap();
    let count = datafusion::arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
    assert_eq!((count.as_str(), read.scans.load(Ordering::SeqCst)), ("3", 0));
    let batches = context.sql("select count(*) from cars where tick = 10").await.unwrap().collect().await.unwrap();
    let count = datafusion::arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
    assert_eq!((count.as_str(), read.scans.load(Ordering::SeqCst), read.rows()), ("2", 1, 2));
}

#[tokio::test]
async fn a_pin_stays_at_its_version() {
    let tables = town().await;
    let old = TablePin::open(tables.clone(), &name("cars"), None).await.unwrap();
    append(&tables, "cars", cars(7, &[12], &[None], &["c"])).await;
    let new = TablePin::open(tables.clone(), &name("cars"), None).await.unwrap();
    let of_version = TablePin::open(tables, &name("cars"), Some(1)).await.unwrap();
    let context = SessionContext::new();
    for (pin, rows) in [(old, 3), (new, 4), (of_version, 3)] {
        assert_eq!(pin.rows(), RowCount::Exact(rows));
        let frame = context.read_table(Arc::new(PinnedProvider::new(Arc::new(pin)))).unwrap();
        assert_eq!(frame.collect().await.unwrap().iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), rows);
    }
}

#[tokio::test]
async fn segments_cut_the_rows_and_the_count_is_no_longer_exact() {
    let tables = memory();
    let rows = |world: &str, run: &str, ticks: &[i64]| {
        use datafusion::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
        let count = ticks.len();
        let texts = |text: &str| Arc::new(StringArray::from(vec![text; count])) as ArrayRef;
        let numbers = |first: u64| Arc::new(UInt64Array::from_iter_values((first..).take(count))) as ArrayRef;
        let columns = vec![
            texts(world),
            texts(run),
            numbers(1),
            Arc::new(Int64Array::from(ticks.to_vec())) as ArrayRef,
            Arc::new(BooleanArray::from(vec![true; count])) as ArrayRef,
            numbers(1),
        ];
        let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(base::fields()));
        RecordBatch::try_new(schema, columns).unwrap()
    };
    append(&tables, "t", rows("w", "main", &[1, 2, 3])).await;
    append(&tables, "t", rows("w", "other", &[1, 2, 3])).await;
    let pin = TablePin::open(tables, &name("t"), None).await.unwrap();
    let pin = pin.with_segments(vec![Segment::run("w", "main").with_ticks(i64::MIN..=2)]);
    assert_eq!(pin.rows(), RowCount::AtMost(6));
    let context = SessionContext::new();
    context.register_table("t", Arc::new(PinnedProvider::new(Arc::new(pin)))).unwrap();
    let batches = context.sql("select count(*) as n from t").await.unwrap().collect().await.unwrap();
    assert_eq!(datafusion::arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap(), "2");
}
