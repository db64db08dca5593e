//! What is said of row groups holds for their rows: random files and conditions, each decided by reading too.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::common::DFSchema;
use datafusion::functions::expr_fn::{abs, ceil, floor, sqrt};
use datafusion::logical_expr::{Expr, cast, col, lit, not};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use worldstore_core::{Key, ObjectMeta};

use super::super::choice::evaluate;
use super::super::summary::Summaries;
use super::*;

/// Rows of a row group.
const GROUP: usize = 3;

#[derive(Debug, Clone)]
struct Rows {
    narrow: Vec<Option<i32>>,
    wide: Vec<Option<i64>>,
    float: Vec<Option<f64>>,
    text: Vec<Option<&'static str>>,
    truth: Vec<Option<bool>>,
    path: i64,
}

fn rows() -> impl Strategy<Value = Rows> {
    let wide = prop_oneof![-3_i64..4, -3_i64..4, any::<i64>(), Just(i64::MAX), Just((1 << 53) + 1)];
    let float = prop_oneof![
        -3.0..4.0_f64,
        (-3_i32..4).prop_map(f64::from),
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(-0.0),
        Just(f64::INFINITY),
        any::<f64>()
    ];
    let text = prop_oneof![Just("a"), Just("b"), Just("ba"), Just("")];
    let columns = (
        prop::collection::vec(prop::option::weighted(0.8, -3_i32..4), 9),
        prop::collection::vec(prop::option::weighted(0.8, wide), 9),
        prop::collection::vec(prop::option::weighted(0.8, float), 9),
        prop::collection::vec(prop::option::weighted(0.8, text), 9),
        prop::collection::vec(prop::option::weighted(0.8, any::<bool>()), 9),
        -2_i64..3,
    );
    columns.prop_map(|(narrow, wide, float, text, truth, path)| Rows { narrow, wide, float, text, truth, path })
}

fn number() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        Just(col("narrow")),
        Just(col("wide")),
        Just(col("float")),
        Just(col("path")),
        (-4_i64..5).prop_map(lit),
        (-4.0..5.0_f64).prop_map(lit),
    ];
    let float = |value: Expr| cast(value, arrow::datatypes::DataType::Float64);
    leaf.prop_recursive(3, 12, 2, move |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(move |(one, other)| float(one) + float(other)),
            (inner.clone(), inner.clone()).prop_map(move |(one, other)| float(one) - float(other)),
            (inner.clone(), inner.clone()).prop_map(move |(one, other)| float(one) * float(other)),
            (inner.clone(), inner.clone()).prop_map(move |(one, other)| float(one) / float(other)),
            inner.clone().prop_map(move |one| float(one.clone()) * float(one)),
            inner.clone().prop_map(move |one| sqrt(float(one))),
            inner.clone().prop_map(move |one| abs(float(one))),
            inner.clone().prop_map(move |one| floor(float(one))),
            inner.clone().prop_map(move |one| ceil(float(one))),
            (Just(col("narrow")), -4_i64..5).prop_map(|(one, other)| one + lit(other)),
            (Just(col("narrow")), -4_i64..5).prop_map(|(one, other)| one * lit(other)),
            inner.prop_map(move |one| Expr::Negative(Box::new(float(one)))),
        ]
    })
}

/// A condition, guarded against NaN as the language guards it.
fn condition() -> impl Strategy<Value = Expr> {
    let guarded = |one: Expr, other: Expr, how: usize| {
        let float = |value: &Expr| cast(value.clone(), arrow::datatypes::DataType::Float64);
        let real =
            |value: &Expr| float(value).lt_eq(lit(f64::INFINITY)).and(float(value).gt_eq(lit(f64::NEG_INFINITY)));
        let (left, right) = (real(&one), real(&other));
        let compared = match how {
            0 => one.lt(other),
            1 => one.lt_eq(other),
            2 => one.gt(other),
            3 => one.gt_eq(other),
            4 => return one.eq(other),
            _ => return one.not_eq(other),
        };
        compared.and(left).and(right)
    };
    let text = prop_oneof![Just("a"), Just("b"), Just("az")];
    let leaf = prop_oneof![
        4 => (number(), number(), 0..6_usize).prop_map(move |(one, other, how)| guarded(one, other, how)),
        1 => (text.clone(), 0..4_usize).prop_map(|(text, how)| match how {
            0 => col("text").lt(lit(text)),
            1 => col("text").gt_eq(lit(text)),
            2 => col("text").eq(lit(text)),
            _ => col("text").not_eq(lit(text)),
        }),
        1 => number().prop_map(|value| value.is_null()),
        1 => number().prop_map(|value| value.is_not_null()),
        1 => Just(col("truth")),
        1 => Just(col("truth").eq(lit(true))),
        1 => Just(col("text").is_null()),
        1 => (-2_i64..3, any::<bool>()).prop_map(|(value, negated)| col("narrow").in_list(vec![lit(value), lit(value + 1)], negated)),
        1 => (-2_i64..3).prop_map(|value| col("wide").between(lit(value), lit(value + 2))),
        1 => (-2_i64..3).prop_map(|value| col("wide").gt(lit(i64::MAX - value.abs()))),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one.and(other)),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one.or(other)),
            inner.prop_map(not),
        ]
    })
}

fn batch(rows: &Rows) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("narrow", Arc::new(Int32Array::from(rows.narrow.clone())) as ArrayRef),
        ("wide", Arc::new(Int64Array::from(rows.wide.clone()))),
        ("float", Arc::new(Float64Array::from(rows.float.clone()))),
        ("text", Arc::new(StringArray::from(rows.text.clone()))),
        ("truth", Arc::new(BooleanArray::from(rows.truth.clone()))),
    ])
    .unwrap()
}

/// What the footer of a file with these rows says.
fn summarized(batch: &RecordBatch) -> (Summaries, SchemaRef) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    let bytes = bytes::Bytes::from(writer.into_inner().unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let mut summaries = Summaries::new(batch.schema());
    summaries.add(&ObjectMeta::new(Key::new("f").unwrap(), 1), reader.metadata()).unwrap();
    (summaries, batch.schema())
}

/// What a condition is for each row; none if it cannot be computed.
fn by_reading(expr: &Expr, batch: &RecordBatch, path: i64) -> Option<Vec<Option<bool>>> {
    let constant: ArrayRef = Arc::new(Int64Array::from(vec![path; batch.num_rows()]));
    let columns = batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let columns = columns.into_iter().zip(batch.columns().iter().cloned()).chain([("path".to_owned(), constant)]);
    let whole = RecordBatch::try_from_iter(columns).unwrap();
    let value = evaluate(expr, &whole).ok()?.into_array(whole.num_rows()).ok()?;
    Some(value.as_any().downcast_ref::<BooleanArray>()?.iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn bounds_say_nothing_that_rows_do_not(rows in rows(), expr in condition()) {
        let batch = batch(&rows);
        let Some(truths) = by_reading(&expr, &batch, rows.path) else { return Ok(()) };
        let (summaries, files) = summarized(&batch);
        let path: ArrayRef = Arc::new(Int64Array::from(vec![rows.path]));
        let values = RecordBatch::try_from_iter([("path", path)]).unwrap();
        let fields = files.fields().iter().chain(values.schema().fields().iter()).cloned().collect::<Vec<_>>();
        let schema = DFSchema::try_from(arrow::datatypes::Schema::new(fields)).unwrap();
        let condition = compile(&expr, &schema, 1);
        for (unit, truths) in truths.chunks(GROUP).enumerate() {
            let unit = Unit { summaries: &summaries, unit, values: &values, file: 0 };
            prop_assert!(!condition.rules_out(&unit) || truths.iter().all(|truth| *truth != Some(true)), "ruled out: {expr}");
            prop_assert!(!condition.is_certain(&unit) || truths.iter().all(|truth| *truth == Some(true)), "certain: {expr}");
        }
    }
}

/// So that the property above is not kept by saying nothing.
#[test]
fn what_can_be_decided_is() {
    let rows = Rows {
        narrow: (0..9).map(Some).collect(),
        wide: vec![None; 9],
        float: (0..9).map(|value| Some(f64::from(value))).collect(),
        text: ["a", "a", "a", "b", "b", "b", "c", "c", "c"].map(Some).to_vec(),
        truth: [false, false, false, true, true, true, false, true, false].map(Some).to_vec(),
        path: 2,
    };
    let (summaries, files) = summarized(&batch(&rows));
    let path: ArrayRef = Arc::new(Int64Array::from(vec![rows.path]));
    let values = RecordBatch::try_from_iter([("path", path)]).unwrap();
    let fields = files.fields().iter().chain(values.schema().fields().iter()).cloned().collect::<Vec<_>>();
    let schema = DFSchema::try_from(arrow::datatypes::Schema::new(fields)).unwrap();
    let float = || cast(col("narrow"), arrow::datatypes::DataType::Float64);
    // Of the row groups (0, 1, 2), (3, 4, 5) and (6, 7, 8): `+` all rows, `-` none, `?` not decided.
    for (expr, expected) in [
        (col("narrow").gt(lit(2_i64)), "-++"),
        (col("narrow").gt_eq(lit(2_i64)), "?++"),
        (col("narrow").lt(lit(3_i64)), "+--"),
        (col("narrow").lt_eq(lit(3_i64)), "+?-"),
        (col("narrow").eq(lit(4_i64)), "-?-"),
        (col("narrow").not_eq(lit(4_i64)), "+?+"),
        (not(col("narrow").lt(lit(3_i64))), "-++"),
        (lit(5_i64).lt(col("narrow")), "--+"),
        (col("float").gt(lit(5.0)), "--?"),
        ((col("narrow") + col("path")).gt(lit(4_i64)), "-++"),
        ((col("narrow") * lit(2_i64) - lit(1_i64)).gt_eq(lit(11_i64)), "--+"),
        (lit(0_i64).gt(col("narrow") * lit(-1_i64)), "?++"),
        (sqrt(float() * float() + float() * float()).lt(lit(2.0)), "?--"),
        (abs(float() - lit(7.0)).lt_eq(lit(1.5)), "--+"),
        ((lit(12.0) / (float() + lit(1.0))).gt(lit(3.5)), "+--"),
        (col("text").eq(lit("b")), "-+-"),
        (col("text").in_list(vec![lit("a"), lit("b")], false), "++-"),
        (col("truth"), "-+?"),
        (col("truth").eq(lit(false)), "+-?"),
        (col("wide").is_null(), "+++"),
        (col("wide").gt(lit(0_i64)), "---"),
        (col("narrow").gt(lit(2_i64)).and(col("truth")), "-+?"),
        (col("narrow").gt(lit(5_i64)).or(col("truth")), "-++"),
        (col("narrow").between(lit(3_i64), lit(5_i64)), "-+-"),
        (col("path").eq(lit(2_i64)), "+++"),
        (col("narrow").eq(col("path")), "?--"),
    ] {
        let condition = compile(&expr, &schema, 1);
        let said =
            (0..3).map(|unit| Unit { summaries: &summaries, unit, values: &values, file: 0 }).map(|unit| {
                match (condition.is_certain(&unit), condition.rules_out(&unit)) {
                    (true, _) => '+',
                    (_, true) => '-',
                    _ => '?',
                }
            });
        assert_eq!(said.collect::<String>(), expected, "{expr}");
    }
}
