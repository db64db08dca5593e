//! Cells of Arrow as values of the language.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use worldstore_core::{Error, Result};
use worldstore_cypher_runtime::{Date, DateTime, Duration, List, LocalDateTime, LocalTime, Map, Value, Zone};

const MILLI_NANOS: i128 = 1_000_000;
const DAY_MILLIS: i64 = 86_400_000;

/// The value in a row of a column; null where there is none.
///
/// Numbers are integers or floats, decimals the nearest float; bytes are texts of two hexadecimal digits each; a time
/// stamp with a zone is a date and time in that zone; a struct is a map, and so is a map with texts as keys; other maps
/// are lists of maps with `key` and `value`.
///
/// # Errors
/// `Invalid`: an integer over 9,223,372,036,854,775,807, a time out of the range of the language, an unknown time zone.
pub(crate) fn value(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Value::Int(native::<Int8Type>(array, row).into()),
        DataType::Int16 => Value::Int(native::<Int16Type>(array, row).into()),
        DataType::Int32 => Value::Int(native::<Int32Type>(array, row).into()),
        DataType::Int64 => Value::Int(native::<Int64Type>(array, row)),
        DataType::UInt8 => Value::Int(native::<UInt8Type>(array, row).into()),
        DataType::UInt16 => Value::Int(native::<UInt16Type>(array, row).into()),
        DataType::UInt32 => Value::Int(native::<UInt32Type>(array, row).into()),
        DataType::UInt64 => {
            let number = native::<UInt64Type>(array, row);
            let too_large = |_| Error::invalid("number does not fit 64 bits with a sign").with("number", number);
            Value::Int(i64::try_from(number).map_err(too_large)?)
        }
        DataType::Float16 => Value::Float(native::<Float16Type>(array, row).into()),
        DataType::Float32 => Value::Float(native::<Float32Type>(array, row).into()),
        DataType::Float64 => Value::Float(native::<Float64Type>(array, row)),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::from(array.as_string_view().value(row)),
        DataType::Binary => hexadecimal(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => hexadecimal(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => hexadecimal(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => hexadecimal(array.as_fixed_size_binary().value(row)),
        DataType::Date32 | DataType::Date64 | DataType::Time32(_) | DataType::Time64(_) => time(array, row)?,
        DataType::Timestamp(..) | DataType::Duration(_) => time(array, row)?,
        DataType::Interval(unit) => interval(array, *unit, row)?,
        _ => nested(array, row)?,
    })
}

fn native<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

fn hexadecimal(bytes: &[u8]) -> Value {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Value::from(text)
}

/// The number behind a time, in its unit.
fn raw(array: &dyn Array, row: usize) -> Result<i64> {
    Ok(match array.data_type() {
        DataType::Date32 => native::<Date32Type>(array, row).into(),
        DataType::Date64 => native::<Date64Type>(array, row),
        DataType::Time32(TimeUnit::Second) => native::<Time32SecondType>(array, row).into(),
        DataType::Time32(TimeUnit::Millisecond) => native::<Time32MillisecondType>(array, row).into(),
        DataType::Time64(TimeUnit::Microsecond) => native::<Time64MicrosecondType>(array, row),
        DataType::Time64(TimeUnit::Nanosecond) => native::<Time64NanosecondType>(array, row),
        DataType::Timestamp(TimeUnit::Second, _) => native::<TimestampSecondType>(array, row),
        DataType::Timestamp(TimeUnit::Millisecond, _) => native::<TimestampMillisecondType>(array, row),
        DataType::Timestamp(TimeUnit::Microsecond, _) => native::<TimestampMicrosecondType>(array, row),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => native::<TimestampNanosecondType>(array, row),
        DataType::Duration(TimeUnit::Second) => native::<DurationSecondType>(array, row),
        DataType::Duration(TimeUnit::Millisecond) => native::<DurationMillisecondType>(array, row),
        DataType::Duration(TimeUnit::Microsecond) => native::<DurationMicrosecondType>(array, row),
        DataType::Duration(TimeUnit::Nanosecond) => native::<DurationNanosecondType>(array, row),
        other => return Err(unknown(other)),
    })
}

fn time(array: &dyn Array, row: usize) -> Result<Value> {
    let number = raw(array, row)?;
    let exact = |unit: &TimeUnit| i128::from(number) * nanos(unit);
    Ok(match array.data_type() {
        DataType::Date32 => Value::Date(Date::from_days(number)?),
        DataType::Date64 => Value::Date(Date::from_days(number.div_euclid(DAY_MILLIS))?),
        DataType::Time32(unit) | DataType::Time64(unit) => Value::LocalTime(LocalTime::from_nanos(exact(unit))),
        DataType::Timestamp(unit, None) => Value::LocalDateTime(LocalDateTime::from_nanos(exact(unit))?),
        DataType::Timestamp(unit, Some(zone)) => {
            Value::DateTime(Arc::new(DateTime::from_nanos(exact(unit), Zone::parse(zone)?)?))
        }
        DataType::Duration(unit) => Value::Duration(Arc::new(Duration::new(0, 0, exact(unit))?)),
        other => return Err(unknown(other)),
    })
}

fn nanos(unit: &TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000 * MILLI_NANOS,
        TimeUnit::Millisecond => MILLI_NANOS,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

fn interval(array: &dyn Array, unit: IntervalUnit, row: usize) -> Result<Value> {
    let (months, days, nanos) = match unit {
        IntervalUnit::YearMonth => (native::<IntervalYearMonthType>(array, row), 0, 0),
        IntervalUnit::DayTime => {
            let interval = native::<IntervalDayTimeType>(array, row);
            (0, interval.days, i128::from(interval.milliseconds) * MILLI_NANOS)
        }
        IntervalUnit::MonthDayNano => {
            let interval = native::<IntervalMonthDayNanoType>(array, row);
            (interval.months, interval.days, interval.nanoseconds.into())
        }
    };
    Ok(Value::Duration(Arc::new(Duration::new(months.into(), days.into(), nanos)?)))
}

fn nested(array: &dyn Array, row: usize) -> Result<Value> {
    match array.data_type() {
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            let entries = columns.map(|(column, field)| Ok((Arc::from(field.name().as_str()), value(column, row)?)));
            Ok(Value::Map(Map::new(entries.collect::<Result<_>>()?)))
        }
        DataType::Map(..) => map(&array.as_map().value(row)),
        DataType::Union(..) => value(&array.as_union().value(row), 0),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            match value(dictionary.keys(), row)? {
                Value::Int(key) => value(dictionary.values(), usize::try_from(key).unwrap_or(usize::MAX)),
                _ => Err(unknown(array.data_type())),
            }
        }
        DataType::RunEndEncoded(_, of) => value(&cast(&array.slice(row, 1), of.data_type()).map_err(unreadable)?, 0),
        DataType::ListView(of) | DataType::LargeListView(of) => {
            let wanted = DataType::LargeList(Arc::clone(of));
            value(&cast(&array.slice(row, 1), &wanted).map_err(unreadable)?, 0)
        }
        DataType::Null => Ok(Value::Null),
        kind if kind.is_decimal() => value(&cast(&array.slice(row, 1), &DataType::Float64).map_err(unreadable)?, 0),
        other => Err(unknown(other)),
    }
}

fn list(items: &ArrayRef) -> Result<Value> {
    let items = (0..items.len()).map(|item| value(items, item)).collect::<Result<_>>()?;
    Ok(Value::List(List::new(items)))
}

/// Entries are structs of a key and a value.
fn map(entries: &arrow::array::StructArray) -> Result<Value> {
    let [keys, values] = entries.columns() else { return Err(unknown(entries.data_type())) };
    let mut pairs = Vec::with_capacity(entries.len());
    for entry in 0..entries.len() {
        pairs.push((value(keys, entry)?, value(values, entry)?));
    }
    let texts = pairs.iter().map(|(key, value)| match key {
        Value::Text(key) => Some((Arc::clone(key), value.clone())),
        _ => None,
    });
    if let Some(entries) = texts.collect::<Option<_>>() {
        return Ok(Value::Map(Map::new(entries)));
    }
    let pair = |(key, value)| Value::Map(Map::new([(Arc::from("key"), key), (Arc::from("value"), value)].into()));
    Ok(Value::List(List::new(pairs.into_iter().map(pair).collect())))
}

fn unreadable(source: arrow::error::ArrowError) -> Error {
    Error::invalid("a cell cannot be read").caused_by(source)
}

fn unknown(data_type: &DataType) -> Error {
    Error::unsupported("a column of this type cannot be read").with("type", data_type)
}
