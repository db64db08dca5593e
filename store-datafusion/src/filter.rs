//! Conditions of DataFusion as predicates of tables.
//!
//! Both sides compare with the same rules (three values; floats in total order, NaN the greatest), so what is translated
//! whole needs no second look. Where only a part of a condition is understood, the rest is taken as true: more rows may
//! come then, never fewer.

use std::fmt;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use worldstore_core::table::{CompareOp, Predicate, Scalar};

/// The longest list of an `IN` that is given to a table, which compares with each of its values in turn.
const IN_LIST_MAX: usize = 256;

/// What a table can do of a condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pushed {
    /// True at least where the condition is.
    pub predicate: Predicate,
    /// True only there.
    pub is_exact: bool,
}

/// The part of a condition that tables understand; none if it is nothing.
pub(crate) fn translate(filter: &Expr, schema: &Schema) -> Option<Pushed> {
    let part = Part { schema };
    match part.exact(filter) {
        Some(predicate) => Some(Pushed { predicate, is_exact: true }),
        None => part.weaker(filter).map(|predicate| Pushed { predicate, is_exact: false }),
    }
}

struct Part<'schema> {
    schema: &'schema Schema,
}

impl Part<'_> {
    /// The same condition.
    fn exact(&self, filter: &Expr) -> Option<Predicate> {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Some(Predicate::And(vec![self.exact(left)?, self.exact(right)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(Predicate::Or(vec![self.exact(left)?, self.exact(right)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), Expr::Literal(value, _)) => self.compare(&column.name, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => self.compare(&column.name, op.swap()?, value),
                _ => None,
            },
            Expr::Not(inner) => Some(Predicate::Not(Box::new(self.exact(inner)?))),
            Expr::IsNull(inner) => Some(Predicate::IsNull(self.column(inner)?)),
            Expr::IsNotNull(inner) => Some(Predicate::IsNotNull(self.column(inner)?)),
            Expr::Column(_) => self.compare(&self.column(filter)?, Operator::Eq, &ScalarValue::Boolean(Some(true))),
            Expr::Between(between) => self.between(between),
            Expr::InList(list) => self.in_list(list),
            _ => None,
        }
    }

    /// A condition that is true wherever this one is. Under a `NOT` it would be the other way round, so nothing is left
    /// out there.
    fn weaker(&self, filter: &Expr) -> Option<Predicate> {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                match (self.weaker(left), self.weaker(right)) {
                    (Some(left), Some(right)) => Some(Predicate::And(vec![left, right])),
                    (one, other) => one.or(other),
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(Predicate::Or(vec![self.weaker(left)?, self.weaker(right)?]))
            }
            _ => self.exact(filter),
        }
    }

    fn between(&self, between: &Between) -> Option<Predicate> {
        let (Expr::Literal(low, _), Expr::Literal(high, _)) = (between.low.as_ref(), between.high.as_ref()) else {
            return None;
        };
        let column = self.column(&between.expr)?;
        let low = self.compare(&column, Operator::GtEq, low)?;
        let high = self.compare(&column, Operator::LtEq, high)?;
        Some(negated(Predicate::And(vec![low, high]), between.negated))
    }

    fn in_list(&self, list: &InList) -> Option<Predicate> {
        if list.list.is_empty() || list.list.len() > IN_LIST_MAX {
            return None;
        }
        let column = self.column(&list.expr)?;
        let equal = |value: &Expr| match value {
            Expr::Literal(value, _) => self.compare(&column, Operator::Eq, value),
            _ => None,
        };
        let any = Predicate::Or(list.list.iter().map(equal).collect::<Option<_>>()?);
        Some(negated(any, list.negated))
    }

    fn column(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Column(column) => self.schema.index_of(&column.name).ok().map(|_| column.name.clone()),
            _ => None,
        }
    }

    fn compare(&self, column: &str, op: Operator, value: &ScalarValue) -> Option<Predicate> {
        let op = match op {
            Operator::Eq => CompareOp::Eq,
            Operator::NotEq => CompareOp::NotEq,
            Operator::Lt => CompareOp::Lt,
            Operator::LtEq => CompareOp::LtEq,
            Operator::Gt => CompareOp::Gt,
            Operator::GtEq => CompareOp::GtEq,
            _ => return None,
        };
        let value = scalar(value, self.schema.field_with_name(column).ok()?.data_type())?;
        Some(Predicate::compare(column, op, value))
    }
}

fn negated(predicate: Predicate, is_negated: bool) -> Predicate {
    match is_negated {
        true => Predicate::Not(Box::new(predicate)),
        false => predicate,
    }
}

/// A constant that a column of this type is compared with without a change of value on either side.
fn scalar(value: &ScalarValue, column: &DataType) -> Option<Scalar> {
    use DataType::*;
    match (value, column) {
        (ScalarValue::Boolean(Some(value)), Boolean) => Some(Scalar::Bool(*value)),
        (ScalarValue::Dictionary(_, value), column) => scalar(value, column),
        (value, Dictionary(_, column)) => scalar(value, column).filter(|scalar| matches!(scalar, Scalar::Text(_))),
        (
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text),
            Utf8 | LargeUtf8 | Utf8View,
        ) => text.clone().map(Scalar::Text),
        (ScalarValue::Float32(Some(value)), Float16 | Float32 | Float64) => float(f64::from(*value)),
        (ScalarValue::Float64(Some(value)), Float16 | Float32 | Float64) => float(*value),
        // Of other units, a value may not fit microseconds.
        (ScalarValue::TimestampMicrosecond(Some(value), zone), Timestamp(TimeUnit::Microsecond, of_column))
            if zone.is_some() == of_column.is_some() =>
        {
            Some(Scalar::TimestampMicros(*value))
        }
        (ScalarValue::UInt64(Some(value)), number) if number.is_integer() => Some(Scalar::UInt(*value)),
        (value, number) if number.is_integer() && value.data_type().is_integer() => {
            match value.cast_to(&Int64).ok()? {
                ScalarValue::Int64(value) => value.map(Scalar::Int),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Formats do not agree on how NaN compares.
fn float(value: f64) -> Option<Scalar> {
    (!value.is_nan()).then_some(Scalar::Float(value))
}

/// A predicate in words, for plans.
pub(crate) struct Shown<'predicate>(pub &'predicate Predicate);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Predicate::Compare { column, op, value } => write!(f, "{column} {} {value}", sign(*op)),
            Predicate::IsNull(column) => write!(f, "{column} is null"),
            Predicate::IsNotNull(column) => write!(f, "{column} is not null"),
            Predicate::And(all) => joined(f, all, " and "),
            Predicate::Or(all) => joined(f, all, " or "),
            Predicate::Not(inner) => write!(f, "not ({})", Shown(inner)),
            other => write!(f, "{other:?}"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, all: &[Predicate], word: &str) -> fmt::Result {
    let texts: Vec<_> = all.iter().map(|one| Shown(one).to_string()).collect();
    write!(f, "({})", texts.join(word))
}

fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::NotEq => "<>",
        CompareOp::Lt => "<",
        CompareOp::LtEq => "<=",
        CompareOp::Gt => ">",
        CompareOp::GtEq => ">=",
    }
}

#[cfg(test)]
mod tests;
