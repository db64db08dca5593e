//! Schemas and rows of the cases.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::array::{TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::table::base;

/// One row with a column of every type; `None` is null.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds {
    pub id: i64,
    pub i: Option<i64>,
    pub u: Option<u64>,
    pub f: Option<f64>,
    pub t: Option<&'static str>,
    pub b: Option<bool>,
    pub at: Option<i64>,
}

const fn kinds(id: i64, (i, u, f): (i64, u64, f64), t: &'static str, b: bool, at: i64) -> Kinds {
    Kinds { id, i: Some(i), u: Some(u), f: Some(f), t: Some(t), b: Some(b), at: Some(at) }
}

const BIG: u64 = i64::MAX as u64;

/// Values at the edges of each type; u64 only as far as i64 goes.
pub(super) const KINDS: [Kinds; 10] = [
    kinds(0, (i64::MIN, 0, f64::NEG_INFINITY), "", true, 0),
    kinds(1, (-1, 1, -0.0), "a", false, -1),
    kinds(2, (0, (1 << 53) + 1, 0.0), "A", true, 1_700_000_000_000_001),
    kinds(3, (1, BIG, 1.5), "it's \"5%\" of _\\", false, 1_700_000_000_000_000),
    Kinds { b: None, ..kinds(4, (i64::MAX, BIG - 1, f64::NAN), "zz", true, -62_135_596_800_000_000) },
    Kinds { id: 5, i: None, u: None, f: None, t: None, b: None, at: None },
    Kinds { at: None, ..kinds(6, (5, 7, f64::INFINITY), "\u{e4}\u{1F30D}", false, 0) },
    Kinds { t: None, ..kinds(7, (5, 5, 5.0), "", true, 5) },
    Kinds { u: None, ..kinds(8, ((1 << 53) + 1, 0, f64::MIN_POSITIVE), "Z", false, 253_402_300_799_999_999) },
    Kinds { i: None, f: None, ..kinds(9, (0, 5, 0.0), "NaN", true, 5) },
];

pub(super) fn kinds_schema() -> SchemaRef {
    let at = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("i", DataType::Int64, true),
        Field::new("u", DataType::UInt64, true),
        Field::new("f", DataType::Float64, true),
        Field::new("t", DataType::Utf8, true),
        Field::new("b", DataType::Boolean, true),
        Field::new("at", at, true),
    ]))
}

pub(super) fn kinds_batch(rows: &[Kinds]) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.i).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.u).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| row.f).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.t).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.b).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.at).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
    ];
    batch(&kinds_schema(), columns)
}

/// The base columns and one component.
pub(super) fn world_schema() -> Result<SchemaRef> {
    base::with_base(&Schema::new(vec![Field::new("hp", DataType::Int64, true)]))
}

/// Rows of one append: world, run, entity and tick of each, all with this sequence number.
pub(super) fn world_batch(seq: u64, rows: &[(&str, &str, u64, i64)]) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.2)).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>()),
        Arc::new(BooleanArray::from(vec![true; rows.len()])),
        Arc::new(UInt64Array::from_value(seq, rows.len())),
        Arc::new(rows.iter().map(|row| (row.3 % 2 == 0).then_some(row.3 * 10)).collect::<Int64Array>()),
    ];
    batch(&world_schema()?, columns)
}

/// One column `n` of i64.
pub(super) fn numbers_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

pub(super) fn numbers(values: impl IntoIterator<Item = i64>) -> Result<RecordBatch> {
    batch(&numbers_schema(), vec![Arc::new(values.into_iter().map(Some).collect::<Int64Array>())])
}

pub(super) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|source| Error::unexpected("rows of the kit do not fit together").caused_by(source))
}

/// Steps that each racer makes.
pub const RACE_STEPS: u64 = 8;

/// The schema of the races between two handles: column `n`.
pub fn race_schema() -> SchemaRef {
    numbers_schema()
}

/// The rows of one racer's step: three of them, in no other step.
///
/// # Errors
/// None that can happen.
pub fn race_rows(racer: u64, step: u64) -> Result<RecordBatch> {
    let first = (racer * 1_000 + step * 3) as i64;
    numbers(first..first + 3)
}
