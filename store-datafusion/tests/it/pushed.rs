//! Whatever the condition: a table that is given it keeps the rows that DataFusion keeps by itself.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
};
use datafusion::catalog::MemTable;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use worldstore_datafusion::{PinnedProvider, TablePin, datafusion};

use crate::fixture::{append, memory, name};

const ROWS: usize = 60;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

const UNSIGNED: [Option<u64>; 6] =
    [Some(0), Some(1), Some(i64::MAX as u64), Some(i64::MAX as u64 + 1), Some(u64::MAX), None];
const SIGNED: [Option<i64>; 6] = [Some(i64::MIN), Some(-1), Some(0), Some(3), Some(i64::MAX), None];
const FLOATS: [Option<f64>; 9] = [
    Some(f64::NAN),
    Some(-0.0),
    Some(0.0),
    Some(f64::INFINITY),
    Some(f64::NEG_INFINITY),
    Some(1.5),
    Some(9_007_199_254_740_993.0),
    Some(f64::MIN_POSITIVE),
    None,
];
const TEXTS: [Option<&str>; 6] = [Some(""), Some("a"), Some("a'b"), Some("é"), Some("zz"), None];

/// Every column goes through its values at a pace of its own, so that all come together with all.
fn table() -> RecordBatch {
    fn cycle<T: Copy>(values: &[T], pace: usize) -> Vec<T> {
        (0..ROWS).map(|row| values[(row / pace + row) % values.len()]).collect()
    }
    let bits = [Some(true), Some(false), None];
    let small = [Some(i8::MIN), Some(0_i8), Some(3), Some(i8::MAX), None];
    let floats = cycle(&FLOATS, 2);
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64)) as ArrayRef, false),
        ("u", Arc::new(UInt64Array::from(cycle(&UNSIGNED, 3))) as ArrayRef, true),
        ("i", Arc::new(Int64Array::from(cycle(&SIGNED, 5))) as ArrayRef, true),
        ("b", Arc::new(Int8Array::from(cycle(&small, 7))) as ArrayRef, true),
        ("f", Arc::new(Float64Array::from(floats.clone())) as ArrayRef, true),
        ("g", Arc::new(Float32Array::from_iter(floats.into_iter().map(|f| f.map(|f| f as f32)))) as ArrayRef, true),
        ("s", Arc::new(StringArray::from(cycle(&TEXTS, 4))) as ArrayRef, true),
        ("v", Arc::new(StringViewArray::from(cycle(&TEXTS, 6))) as ArrayRef, true),
        ("on", Arc::new(BooleanArray::from(cycle(&bits, 8))) as ArrayRef, true),
        ("at", Arc::new(TimestampMicrosecondArray::from(cycle(&SIGNED, 9))) as ArrayRef, true),
        ("utc", Arc::new(TimestampMicrosecondArray::from(cycle(&SIGNED, 2)).with_timezone("UTC")) as ArrayRef, true),
        ("sec", Arc::new(TimestampSecondArray::from(cycle(&SIGNED, 11))) as ArrayRef, true),
    ])
    .unwrap()
}

/// The same rows twice: once as a table of ours, in two appends, once in DataFusion's own memory.
static BOTH: LazyLock<SessionContext> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let (tables, rows) = (memory(), table());
        append(&tables, "t", rows.slice(0, 25)).await;
        append(&tables, "t", rows.slice(25, ROWS - 25)).await;
        let pin = TablePin::open(tables, &name("t"), None).await.unwrap();
        let context = SessionContext::new();
        context.register_table("ours", Arc::new(PinnedProvider::new(Arc::new(pin)))).unwrap();
        let own = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        context.register_table("own", Arc::new(own)).unwrap();
        context
    })
});

async fn kept(table: &str, filter: &Expr) -> Result<Vec<i64>, String> {
    let frame = BOTH.table(table).await.unwrap();
    let frame = frame.filter(filter.clone()).and_then(|frame| frame.select(vec![col("id")]));
    let batches = frame.map_err(|error| error.to_string())?.collect().await.map_err(|error| error.to_string())?;
    let ids = batches.iter().flat_map(|batch| {
        let ids = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        ids.values().to_vec()
    });
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    Ok(ids)
}

fn value_of(value: impl Into<ScalarValue>) -> Expr {
    lit(value.into())
}

fn literal(column: &'static str) -> BoxedStrategy<Expr> {
    fn one<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> prop::sample::Select<T> {
        prop::sample::select(values.to_vec())
    }
    match column {
        "u" => one(&UNSIGNED).prop_map(value_of).boxed(),
        "i" => prop_oneof![one(&SIGNED).prop_map(value_of), one(&UNSIGNED).prop_map(value_of)].boxed(),
        "b" => prop_oneof![one(&SIGNED).prop_map(value_of), (-2_i8..4).prop_map(value_of), Just(lit(2.5))].boxed(),
        "f" => prop_oneof![one(&FLOATS).prop_map(value_of), one(&SIGNED).prop_map(value_of)].boxed(),
        "g" => prop_oneof![one(&FLOATS).prop_map(value_of), Just(lit(1.5_f32)), Just(lit(f32::NAN))].boxed(),
        "s" | "v" => one(&TEXTS).prop_map(value_of).boxed(),
        "on" => one(&[Some(true), Some(false), None]).prop_map(value_of).boxed(),
        "at" => one(&SIGNED).prop_map(|at| lit(ScalarValue::TimestampMicrosecond(at, None))).boxed(),
        "utc" => {
            let zone = Some(Arc::<str>::from("UTC"));
            one(&SIGNED).prop_map(move |at| lit(ScalarValue::TimestampMicrosecond(at, zone.clone()))).boxed()
        }
        _ => one(&SIGNED).prop_map(|at| lit(ScalarValue::TimestampSecond(at, None))).boxed(),
    }
}

fn leaf() -> impl Strategy<Value = Expr> {
    let columns = prop::sample::select(vec!["u", "i", "b", "f", "g", "s", "v", "on", "at", "utc", "sec"]);
    columns.prop_flat_map(|column| {
        let value = || literal(column);
        let compared = (value(), 0..6_u8, any::<bool>()).prop_map(move |(value, op, is_swapped)| {
            let (left, right) = if is_swapped { (value, col(column)) } else { (col(column), value) };
            match op {
                0 => left.eq(right),
                1 => left.not_eq(right),
                2 => left.lt(right),
                3 => left.lt_eq(right),
                4 => left.gt(right),
                _ => left.gt_eq(right),
            }
        });
        prop_oneof![
            6 => compared,
            1 => Just(col(column).is_null()),
            1 => Just(col(column).is_not_null()),
            2 => (prop::collection::vec(value(), 1..5), any::<bool>())
                .prop_map(move |(list, is_negated)| col(column).in_list(list, is_negated)),
            1 => (value(), value()).prop_map(move |(low, high)| col(column).between(low, high)),
            1 => (value(), value()).prop_map(move |(low, high)| col(column).not_between(low, high)),
            1 => Just(col("on")),
            // What tables do not understand.
            1 => Just((col("id") % lit(3_i64)).eq(lit(1_i64))),
            1 => Just(col("s").like(lit("a%"))),
            1 => Just(col("on").is_not_true()),
        ]
    })
}

fn condition() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_keeps_what_datafusion_keeps(condition in condition()) {
        LazyLock::force(&BOTH);
        let (ours, own) = RUNTIME.block_on(async { (kept("ours", &condition).await, kept("own", &condition).await) });
        match (ours, own) {
            // A value that cannot be cast fails in both, with words of their own.
            (Err(_), Err(_)) => {}
            (ours, own) => prop_assert_eq!(ours, own, "{}", condition),
        }
    }
}
