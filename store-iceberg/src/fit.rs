//! Rows as they are stored, and whether they can be: asked before rows are acknowledged, and again when they are written.

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{take, take_record_batch};
use arrow::datatypes::{DataType, Decimal128Type, SchemaRef, Time64MicrosecondType, TimeUnit, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use worldstore_core::table::schema::check_nulls;
use worldstore_core::{Error, Result};

use crate::types::{Column, convert, masked};

/// Bytes of an array that surely fit into one with offsets of 32 bits.
const SMALL_BYTES: usize = i32::MAX as usize;
const DAY_MICROS: i64 = 86_400_000_000;

/// Checks that the values of rows can be stored in these columns.
///
/// # Errors
/// `Invalid`, naming column, row and value.
pub(crate) fn check(columns: &[Column], rows: &RecordBatch) -> Result<()> {
    check_nulls(rows)?;
    columns.iter().zip(rows.columns()).try_for_each(|(column, values)| {
        if is_sure(values) || as_stored(values, column.stored.data_type()).is_ok() {
            return Ok(());
        }
        misfit(values, column, 0, values.len())
    })
}

/// Rows as they are stored: in one batch, or in several where the offsets of one would not do.
///
/// # Errors
/// As for [`check`].
pub(crate) fn stored(columns: &[Column], schema: &SchemaRef, rows: &RecordBatch) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::with_capacity(1);
    match store(columns, schema, rows, &mut batches) {
        Ok(()) => Ok(batches),
        Err(error) => Err(check(columns, rows).err().unwrap_or(error)),
    }
}

fn store(columns: &[Column], schema: &SchemaRef, rows: &RecordBatch, batches: &mut Vec<RecordBatch>) -> Result<()> {
    match store_whole(columns, schema, rows) {
        Ok(stored) => {
            batches.push(stored);
            Ok(())
        }
        Err(_) if rows.num_rows() > 1 => {
            let half = rows.num_rows() / 2;
            store(columns, schema, &taken_rows(rows, 0, half)?, batches)?;
            store(columns, schema, &taken_rows(rows, half, rows.num_rows() - half)?, batches)
        }
        Err(_) => {
            // The row without what lies beside it in its arrays.
            let stored = store_whole(columns, schema, &taken_rows(rows, 0, rows.num_rows())?);
            batches.push(stored.map_err(|source| Error::invalid("rows do not fit the table").caused_by(source))?);
            Ok(())
        }
    }
}

fn store_whole(
    columns: &[Column],
    schema: &SchemaRef,
    rows: &RecordBatch,
) -> std::result::Result<RecordBatch, ArrowError> {
    let stored = columns.iter().zip(rows.columns());
    let stored = stored.map(|(column, values)| as_stored(values, column.stored.data_type()));
    RecordBatch::try_new(SchemaRef::clone(schema), stored.collect::<std::result::Result<_, _>>()?)
}

/// The first row whose value cannot be stored. Rows that fit one by one fit into several batches.
fn misfit(values: &ArrayRef, column: &Column, from: usize, rows: usize) -> Result<()> {
    let failed = |source| Error::unexpected("rows cannot be taken apart").caused_by(source);
    let part = taken(values, from, rows).map_err(failed)?;
    let source = match as_stored(&part, column.stored.data_type()) {
        Ok(_) => return Ok(()),
        Err(source) => source,
    };
    if rows > 1 {
        misfit(values, column, from, rows / 2)?;
        return misfit(values, column, from + rows / 2, rows - rows / 2);
    }
    let mut error = Error::invalid("value does not fit").with("column", column.field.name()).with("row", from);
    if let Ok(value) = array_value_to_string(&part, 0) {
        error = error.with("value", value);
    }
    Err(error.with("type", column.stored.data_type()).caused_by(source))
}

/// True if it can be told without storing it that a column can be.
fn is_sure(values: &ArrayRef) -> bool {
    match values.data_type() {
        // Nearly all rows have such a column, and nearly all values fit.
        DataType::UInt64 => {
            values.as_primitive::<UInt64Type>().values().iter().fold(0, |all, value| all | value) >> 63 == 0
        }
        // As text, the values of a dictionary take room for each row.
        DataType::Dictionary(..) => values.get_array_memory_size().saturating_mul(values.len()) <= SMALL_BYTES,
        data_type => is_sure_type(data_type, values.get_array_memory_size() <= SMALL_BYTES),
    }
}

/// True if every value of a type can be stored.
fn is_sure_type(data_type: &DataType, is_small: bool) -> bool {
    use DataType::*;
    match data_type {
        UInt64 | Decimal128(..) | Time32(_) | Time64(_) | Dictionary(..) => false,
        Timestamp(unit, _) => *unit == TimeUnit::Microsecond,
        LargeUtf8 | Utf8View | BinaryView => is_small,
        LargeList(item) => is_small && is_sure_type(item.data_type(), is_small),
        List(item) | FixedSizeList(item, _) | Map(item, _) => is_sure_type(item.data_type(), is_small),
        Struct(fields) => fields.iter().all(|field| is_sure_type(field.data_type(), is_small)),
        _ => true,
    }
}

/// An array as it is stored.
pub(crate) fn as_stored(values: &ArrayRef, to: &DataType) -> std::result::Result<ArrayRef, ArrowError> {
    let stored = convert(values, to)?;
    check_values(&stored)?;
    Ok(stored)
}

/// Finds what Arrow holds and Iceberg does not, in an array as it is stored: a decimal with more digits than its type has,
/// which Parquet would cut, and a time that is not in a day.
fn check_values(values: &dyn Array) -> std::result::Result<(), ArrowError> {
    match values.data_type() {
        DataType::Decimal128(precision, _) => {
            values.as_primitive::<Decimal128Type>().validate_decimal_precision(*precision)
        }
        DataType::Time64(_) => match values.as_primitive::<Time64MicrosecondType>().iter().flatten().find(is_no_time) {
            Some(time) => Err(ArrowError::InvalidArgumentError(format!("{time} microseconds are no time of a day"))),
            None => Ok(()),
        },
        DataType::List(_) => check_values(values.as_list::<i32>().values()),
        DataType::Map(..) => check_values(values.as_map().entries()),
        DataType::Struct(_) => {
            let parts = values.as_struct();
            parts.columns().iter().try_for_each(|part| check_values(&masked(part, parts.nulls())?))
        }
        _ => Ok(()),
    }
}

fn is_no_time(time: &i64) -> bool {
    !(0..DAY_MICROS).contains(time)
}

/// Some rows, and nothing of what lies around them in the array.
fn taken(values: &ArrayRef, from: usize, rows: usize) -> std::result::Result<ArrayRef, ArrowError> {
    take(values, &range(from, rows), None)
}

fn taken_rows(batch: &RecordBatch, from: usize, rows: usize) -> Result<RecordBatch> {
    take_record_batch(batch, &range(from, rows))
        .map_err(|source| Error::unexpected("rows cannot be taken apart").caused_by(source))
}

fn range(from: usize, rows: usize) -> UInt64Array {
    UInt64Array::from_iter_values(from as u64..(from + rows) as u64)
}

#[cfg(test)]
mod tests;
