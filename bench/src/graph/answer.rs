//! Answers of all engines in one form.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use serde_json::Value;

use crate::Failure;
use crate::measure::Seen;

/// Rows of Arrow arrays.
pub fn of_batches(batches: &[RecordBatch]) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| match column.data_type() {
            DataType::Float32 | DataType::Float64 => arrow::compute::cast(column, &DataType::Float64),
            _ => arrow::compute::cast(column, &DataType::Int64),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| match column.as_primitive_opt::<Float64Type>() {
                Some(floats) => float(floats.value(row)),
                None => column.as_primitive::<Int64Type>().value(row).to_string(),
            });
            add(&mut seen, cells);
        }
    }
    Ok(seen)
}

/// Rows of JSON arrays.
pub fn of_json(rows: &Value) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    for row in rows.as_array().ok_or("an answer without rows")? {
        let cells = row.as_array().ok_or("a row without cells")?.iter().map(|cell| match cell.as_i64() {
            Some(number) => number.to_string(),
            None => cell.as_f64().map_or_else(|| cell.to_string(), float),
        });
        add(&mut seen, cells);
    }
    Ok(seen)
}

/// Sums of floats differ in their last digits with the order of adding.
fn float(value: f64) -> String {
    format!("{value:.8e}")
}

/// Adds a row, so that its place counts.
fn add(seen: &mut Seen, cells: impl Iterator<Item = String>) {
    let text = cells.collect::<Vec<_>>().join("|");
    let hash = blake3::hash(text.as_bytes());
    let hash = hash.as_bytes().iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    seen.count += 1;
    seen.bytes += text.len() as u64;
    seen.sampled = seen.sampled.wrapping_mul(31).wrapping_add(hash);
}
