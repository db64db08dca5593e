//! Conditions of a query that rule out rows of a table before they are read.
//!
//! A condition here may let rows through that the interpreter then leaves out, never the other way round: what is not told
//! exactly is not asked.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use worldstore_cypher_runtime::{Compares, Condition, Value};

/// Beyond this a float does not hold every integer.
const EXACT_MAX: u64 = 1 << 53;

/// How many elements of a list that are no plain values are compared one by one.
const ELEMENTS_MAX: usize = 64;

/// What rows of a table must fulfil one of: all conditions of a place. None if any row is needed.
#[derive(Debug, Clone, Default)]
pub(super) enum Narrowed {
    /// Every row may be needed.
    #[default]
    No,
    /// The conditions of each place where a row may stand.
    ToAny(Vec<Vec<Condition>>),
}

impl Narrowed {
    /// For rows that may stand at these places, each with its conditions.
    pub fn to<'uses>(places: impl Iterator<Item = &'uses [Condition]>) -> Self {
        let mut any = Vec::new();
        for conditions in places {
            if conditions.is_empty() {
                return Self::No;
            }
            any.push(conditions.to_vec());
        }
        if any.is_empty() { Self::No } else { Self::ToAny(any) }
    }

    /// The condition on columns; none if every row may be needed. `column` gives a column that there is, and its type.
    pub fn condition(&self, column: impl Fn(&str) -> Option<(Expr, DataType)>) -> Option<Expr> {
        let Self::ToAny(places) = self else { return None };
        let place = |conditions: &Vec<Condition>| {
            let known = conditions.iter().filter_map(|one| match column(&one.property) {
                Some((column, data_type)) => on_column(one, &column, &data_type),
                // What has not the property does not fulfil a condition on it.
                None => Some(lit(false)),
            });
            known.reduce(Expr::and)
        };
        let places = places.iter().map(place).collect::<Option<Vec<_>>>()?;
        places.into_iter().reduce(Expr::or)
    }
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
        _ => None,
    }
}

/// Types whose values compare alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Int,
    Float,
    Text,
    Bool,
    Date,
}

fn class(data_type: &DataType) -> Option<Class> {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(Class::Int),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Some(Class::Int),
        DataType::Float32 | DataType::Float64 => Some(Class::Float),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Class::Text),
        DataType::Boolean => Some(Class::Bool),
        DataType::Date32 => Some(Class::Date),
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
        (Class::Date, Value::Date(date)) => {
            let days = i32::try_from(date.days()).ok()?;
            with(compares, column, lit(ScalarValue::Date32(Some(days))))
        }
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
