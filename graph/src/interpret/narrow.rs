//! Conditions of a query that rule out rows of a table before they are read.
//!
//! A condition here may let rows through that the interpreter then leaves out, never the other way round: what is not told
//! exactly is not asked.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use worldstore_cypher_runtime::{Compares, Condition, Date, Demand, Value};

/// Beyond this a float does not hold every integer.
const EXACT_MAX: u64 = 1 << 53;

/// How many elements of a list that are no plain values are compared one by one.
const ELEMENTS_MAX: usize = 64;

/// What rows of a table must fulfil one of: all demands of a place. None if any row is needed.
#[derive(Debug, Clone, Default)]
pub(super) enum Narrowed {
    /// Every row may be needed.
    #[default]
    No,
    /// The demands of each place where a row may stand.
    ToAny(Vec<Vec<Demand>>),
}

impl Narrowed {
    /// For rows that may stand at these places, each with its demands.
    pub fn to<'uses>(places: impl Iterator<Item = &'uses [Demand]>) -> Self {
        let mut any = Vec::new();
        for demands in places {
            if demands.is_empty() {
                return Self::No;
            }
            any.push(demands.to_vec());
        }
        if any.is_empty() { Self::No } else { Self::ToAny(any) }
    }

    /// The condition on columns; none if every row may be needed. `column` gives a column that there is, and its type.
    pub fn condition(&self, column: impl Fn(&str) -> Option<(Expr, DataType)>) -> Option<Expr> {
        match self {
            Self::No => None,
            Self::ToAny(places) => any_of(places, &column),
        }
    }
}

type Columns<'find> = &'find dyn Fn(&str) -> Option<(Expr, DataType)>;

/// What rows fulfil at least that fulfil all demands of one of several ways.
fn any_of(ways: &[Vec<Demand>], column: Columns<'_>) -> Option<Expr> {
    let way = |demands: &Vec<Demand>| demands.iter().filter_map(|one| on_columns(one, column)).reduce(Expr::and);
    ways.iter().map(way).collect::<Option<Vec<_>>>()?.into_iter().reduce(Expr::or)
}

/// What rows fulfil at least that fulfil a demand; none if that cannot be told.
fn on_columns(demand: &Demand, column: Columns<'_>) -> Option<Expr> {
    let (one, holds) = match demand {
        Demand::Holds(one) => (one, true),
        Demand::Fails(one) => (one, false),
        Demand::Any(ways) => return any_of(ways, column),
        _ => return None,
    };
    match column(&one.property) {
        Some((column, data_type)) if holds => on_column(one, &column, &data_type),
        Some((column, data_type)) => against_column(one, &column, &data_type),
        // Of what has not the property nothing is decided.
        None => Some(lit(false)),
    }
}

/// What rows fulfil at least for which the condition is decided and does not hold; none if that cannot be told. Of floats it
/// cannot: no statistics tell whether there is a NaN, which is not less than anything.
fn against_column(condition: &Condition, column: &Expr, data_type: &DataType) -> Option<Expr> {
    let Condition { compares, value, .. } = condition;
    match (compares, value) {
        (Compares::In, Value::List(list)) => {
            let items: Option<Vec<_>> = list.iter().map(|item| plain(item, data_type)).collect();
            Some(column.clone().in_list(items?, true))
        }
        (Compares::In, _) => None,
        (Compares::Eq, Value::Bool(value)) if class(data_type)? == Class::Bool => {
            with(Compares::Eq, column, lit(!*value))
        }
        (Compares::Eq, value) => Some(column.clone().not_eq(plain(value, data_type)?)),
        (_, Value::Float(number)) if number.is_nan() => None,
        (compares, value) if class(data_type)? != Class::Float => {
            compared(opposite(*compares)?, value, column, data_type)
        }
        _ => None,
    }
}

/// What holds of two values that are ordered if this does not.
fn opposite(compares: Compares) -> Option<Compares> {
    Some(match compares {
        Compares::Lt => Compares::GtEq,
        Compares::LtEq => Compares::Gt,
        Compares::Gt => Compares::LtEq,
        Compares::GtEq => Compares::Lt,
        Compares::Eq | Compares::In => return None,
    })
}

/// What rows fulfil at least if they fulfil the condition; none if that cannot be told.
fn on_column(condition: &Condition, column: &Expr, data_type: &DataType) -> Option<Expr> {
    let Condition { compares, value, .. } = condition;
    match (compares, value) {
        (Compares::In, Value::List(list)) => {
            let items: Vec<&Value> = list.iter().collect();
            match items.iter().map(|item| plain(item, data_type)).collect::<Option<Vec<_>>>() {
                Some(items) => Some(column.clone().in_list(items, false)),
                None if items.len() > ELEMENTS_MAX => None,
                None => {
                    let equal = items.into_iter().map(|item| compared(Compares::Eq, item, column, data_type));
                    equal.collect::<Option<Vec<_>>>()?.into_iter().reduce(Expr::or)
                }
            }
        }
        (Compares::In, _) => None,
        (compares, value) => compared(*compares, value, column, data_type),
    }
}

/// A value that equals what is stored in a column of this type if and only if Arrow says so.
fn plain(value: &Value, data_type: &DataType) -> Option<Expr> {
    match (class(data_type)?, value) {
        (Class::Int, Value::Int(number)) => Some(lit(*number)),
        (Class::Text, Value::Text(text)) => Some(lit(&**text)),
        (Class::Date, Value::Date(date)) => Some(day(*date)?),
        _ => None,
    }
}

fn day(date: Date) -> Option<Expr> {
    Some(lit(ScalarValue::Date32(Some(i32::try_from(date.days()).ok()?))))
}

/// Types whose values compare alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Int,
    Float,
    Text,
    Bool,
    Date,
    Moment,
}

fn class(data_type: &DataType) -> Option<Class> {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(Class::Int),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Some(Class::Int),
        DataType::Float32 | DataType::Float64 => Some(Class::Float),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Class::Text),
        DataType::Boolean => Some(Class::Bool),
        DataType::Date32 => Some(Class::Date),
        DataType::Timestamp(..) => Some(Class::Moment),
        DataType::Dictionary(_, values) => class(values),
        _ => None,
    }
}

fn compared(compares: Compares, value: &Value, column: &Expr, data_type: &DataType) -> Option<Expr> {
    match (class(data_type)?, value) {
        (Class::Int, Value::Int(number)) => with(compares, column, lit(*number)),
        (Class::Int, Value::Float(number)) => int_with_float(compares, column, *number),
        (Class::Float, Value::Float(number)) => float_with(compares, column, *number),
        (Class::Float, Value::Int(number)) if number.unsigned_abs() <= EXACT_MAX => {
            float_with(compares, column, *number as f64)
        }
        (Class::Text, Value::Text(text)) => with(compares, column, lit(&**text)),
        (Class::Bool, Value::Bool(value)) if compares == Compares::Eq => with(compares, column, lit(*value)),
        (Class::Date, Value::Date(date)) => with(compares, column, day(*date)?),
        (Class::Moment, value) => moment(compares, value, column, data_type),
        _ => None,
    }
}

fn with(compares: Compares, column: &Expr, value: Expr) -> Option<Expr> {
    let column = column.clone();
    Some(match compares {
        Compares::Eq => column.eq(value),
        Compares::Lt => column.lt(value),
        Compares::LtEq => column.lt_eq(value),
        Compares::Gt => column.gt(value),
        Compares::GtEq => column.gt_eq(value),
        Compares::In => return None,
    })
}

/// A time that lies between two of the column's unit is compared with the one before it or behind it. Times in zones are
/// ordered by moment, and then by zone: those of one moment may be on either side.
fn moment(compares: Compares, value: &Value, column: &Expr, data_type: &DataType) -> Option<Expr> {
    let DataType::Timestamp(unit, zone) = data_type else { return None };
    let (nanos, compares) = match (value, zone, compares) {
        (Value::LocalDateTime(time), None, compares) => (time.nanos_as_utc(), compares),
        (Value::DateTime(time), Some(_), Compares::Lt) => (time.unix_nanos(), Compares::LtEq),
        (Value::DateTime(time), Some(_), Compares::Gt) => (time.unix_nanos(), Compares::GtEq),
        (Value::DateTime(time), Some(_), compares) => (time.unix_nanos(), compares),
        _ => return None,
    };
    let unit_nanos = match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    };
    let floor = nanos.div_euclid(unit_nanos);
    let ceil = floor + i128::from(nanos.rem_euclid(unit_nanos) != 0);
    let at = |number: i128| {
        let (number, zone) = (Some(i64::try_from(number).ok()?), zone.clone());
        Some(lit(match unit {
            TimeUnit::Second => ScalarValue::TimestampSecond(number, zone),
            TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(number, zone),
            TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(number, zone),
            TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(number, zone),
        }))
    };
    match compares {
        Compares::Eq if floor != ceil => Some(lit(false)),
        Compares::Eq | Compares::LtEq | Compares::Gt => with(compares, column, at(floor)?),
        Compares::Lt | Compares::GtEq => with(compares, column, at(ceil)?),
        Compares::In => None,
    }
}

/// Arrow would round the integers.
fn int_with_float(compares: Compares, column: &Expr, number: f64) -> Option<Expr> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if number.is_nan() {
        return Some(lit(false));
    }
    let (floor, ceil) = (number.floor(), number.ceil());
    let is_within = |number: f64| (-BEYOND..BEYOND).contains(&number);
    if !is_within(floor) || !is_within(ceil) {
        return None;
    }
    let (floor, ceil) = (floor as i64, ceil as i64);
    match compares {
        Compares::Eq if floor == ceil => with(compares, column, lit(floor)),
        Compares::Eq => Some(lit(false)),
        Compares::Lt | Compares::GtEq => with(compares, column, lit(ceil)),
        Compares::LtEq | Compares::Gt => with(compares, column, lit(floor)),
        Compares::In => None,
    }
}

/// Arrow tells negative zero from zero, and has NaN behind all numbers.
fn float_with(compares: Compares, column: &Expr, number: f64) -> Option<Expr> {
    if number.is_nan() {
        return Some(lit(false));
    }
    if number != 0.0 {
        return with(compares, column, lit(number));
    }
    match compares {
        Compares::Eq => Some(column.clone().gt_eq(lit(-0.0_f64)).and(column.clone().lt_eq(lit(0.0_f64)))),
        Compares::Lt | Compares::GtEq => with(compares, column, lit(-0.0_f64)),
        _ => with(compares, column, lit(0.0_f64)),
    }
}

#[cfg(test)]
mod tests;
