//! Rows of values as columns of Arrow.
//!
//! A column whose values are all of one type has that type; integers beside floats are floats if that is exact. Nodes,
//! relationships and maps are structs of all properties that occur. What no column of Arrow holds beside each other
//! (paths, durations, times with an offset, values of several types) is text in the notation of the language.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, LargeListArray, NullArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray, Time64NanosecondArray, TimestampNanosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{Field, Fields, Schema};
use worldstore_core::{Error, Result};
use worldstore_cypher_runtime::{Answer, LocalDateTime, Map, Value};

/// Beyond this a float does not hold every integer.
const EXACT_MAX: u64 = 1 << 53;

/// The rows as one batch.
pub(super) fn batch(answer: &Answer) -> Result<RecordBatch> {
    let column = |index: usize| answer.rows.iter().map(|row| row.get(index).unwrap_or(&Value::Null)).collect();
    let columns = (0..answer.columns.len()).map(|index| array(&column(index))).collect::<Result<Vec<_>>>()?;
    let fields = answer.columns.iter().zip(&columns);
    let fields: Vec<_> = fields.map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(answer.rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|source| Error::unexpected("the rows make no batch").caused_by(source))
}

/// What a column can hold.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Null,
    Bool,
    Int { exact: bool },
    Float,
    Text,
    Date,
    LocalTime,
    LocalDateTime,
    DateTime(String),
    List(Box<Kind>),
    Struct(BTreeMap<Arc<str>, Kind>),
    Notation,
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(number) => Self::Int { exact: number.unsigned_abs() <= EXACT_MAX },
            Value::Float(_) => Self::Float,
            Value::Text(_) => Self::Text,
            Value::Date(date) if i32::try_from(date.days()).is_ok() => Self::Date,
            Value::LocalTime(_) => Self::LocalTime,
            Value::LocalDateTime(time) if unix_nanos(*time).is_some() => Self::LocalDateTime,
            Value::DateTime(time) if i64::try_from(time.unix_nanos()).is_ok() => {
                Self::DateTime(time.zone().to_string())
            }
            Value::List(items) => Self::List(Box::new(items.iter().map(Self::of).fold(Self::Null, Self::with))),
            Value::Map(_) | Value::Node(_) | Value::Relationship(_) => match properties(value) {
                Some(map) if !map.is_empty() => {
                    Self::Struct(map.iter().map(|(name, value)| (Arc::clone(name), Self::of(value))).collect())
                }
                _ => Self::Notation,
            },
            _ => Self::Notation,
        }
    }

    /// What holds both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Null, other) | (other, Self::Null) => other,
            (Self::Int { exact: one }, Self::Int { exact: other }) => Self::Int { exact: one && other },
            (Self::Int { exact: true }, Self::Float) | (Self::Float, Self::Int { exact: true }) => Self::Float,
            (Self::DateTime(_), Self::DateTime(_)) => Self::DateTime("UTC".into()),
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.with(*other))),
            (Self::Struct(mut one), Self::Struct(other)) => {
                for (name, kind) in other {
                    let before = one.remove(&name).unwrap_or(Self::Null);
                    one.insert(name, before.with(kind));
                }
                Self::Struct(one)
            }
            _ => Self::Notation,
        }
    }
}

fn properties(value: &Value) -> Option<&Map> {
    match value {
        Value::Map(map) => Some(map),
        Value::Node(node) => Some(&node.properties),
        Value::Relationship(relationship) => Some(&relationship.properties),
        _ => None,
    }
}

fn unix_nanos(time: LocalDateTime) -> Option<i64> {
    i64::try_from(time.nanos_as_utc()).ok()
}

fn array(values: &Vec<&Value>) -> Result<ArrayRef> {
    let kind = values.iter().map(|value| Kind::of(value)).fold(Kind::Null, Kind::with);
    column(&kind, values)
}

fn column(kind: &Kind, values: &[&Value]) -> Result<ArrayRef> {
    let values = values.iter().copied();
    Ok(match kind {
        Kind::Null => Arc::new(NullArray::new(values.len())),
        Kind::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        Kind::Int { .. } => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        Kind::Float => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }))),
        Kind::Text => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Text(value) => Some(&**value),
            _ => None,
        }))),
        Kind::Date => Arc::new(Date32Array::from_iter(values.map(|value| match value {
            Value::Date(date) => i32::try_from(date.days()).ok(),
            _ => None,
        }))),
        Kind::LocalTime => Arc::new(Time64NanosecondArray::from_iter(values.map(|value| match value {
            Value::LocalTime(time) => Some(time.nanos()),
            _ => None,
        }))),
        Kind::LocalDateTime => Arc::new(TimestampNanosecondArray::from_iter(values.map(|value| match value {
            Value::LocalDateTime(time) => unix_nanos(*time),
            _ => None,
        }))),
        Kind::DateTime(zone) => {
            let instants = TimestampNanosecondArray::from_iter(values.map(|value| match value {
                Value::DateTime(time) => i64::try_from(time.unix_nanos()).ok(),
                _ => None,
            }));
            Arc::new(instants.with_timezone(zone.as_str()))
        }
        Kind::List(items) => list(items, values)?,
        Kind::Struct(fields) => structure(fields, values)?,
        Kind::Notation => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Null => None,
            value => Some(value.to_string()),
        }))),
    })
}

fn list<'value>(kind: &Kind, values: impl Iterator<Item = &'value Value> + Clone) -> Result<ArrayRef> {
    let lists = values.map(|value| match value {
        Value::List(items) => Some(items),
        _ => None,
    });
    let nulls: NullBuffer = lists.clone().map(|list| list.is_some()).collect::<Vec<_>>().into();
    let lengths = lists.clone().map(|list| list.map_or(0, |items| items.len()));
    let offsets = OffsetBuffer::<i64>::from_lengths(lengths);
    let items: Vec<&Value> = lists.flatten().flat_map(|items| items.iter()).collect();
    let items = column(kind, &items)?;
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let made = LargeListArray::try_new(field, offsets, items, Some(nulls));
    Ok(Arc::new(made.map_err(|source| Error::unexpected("the lists make no column").caused_by(source))?))
}

fn structure<'value>(
    fields: &BTreeMap<Arc<str>, Kind>,
    values: impl Iterator<Item = &'value Value> + Clone,
) -> Result<ArrayRef> {
    let nulls: NullBuffer = values.clone().map(|value| properties(value).is_some()).collect::<Vec<_>>().into();
    let (mut columns, mut named) = (Vec::new(), Vec::new());
    for (name, kind) in fields {
        let of = |value: &'value Value| properties(value).and_then(|map| map.get(name)).unwrap_or(&Value::Null);
        let cells: Vec<&Value> = values.clone().map(of).collect();
        let made = column(kind, &cells)?;
        named.push(Field::new(&**name, made.data_type().clone(), true));
        columns.push(made);
    }
    let made = StructArray::try_new(Fields::from(named), columns, Some(nulls));
    Ok(Arc::new(made.map_err(|source| Error::unexpected("the maps make no column").caused_by(source))?))
}
