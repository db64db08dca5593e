//! Conditions of a query, as far as they are conditions on paths.

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use worldstore_core::hive::{HiveDate, HiveType, HiveValue};
use worldstore_core::lake::{Compare, Filter, LakeColumn};

/// The conditions that can be told to a listing; the others are left out, so more files may be listed than are wanted.
pub(crate) fn filter(filters: &[Expr], columns: &[LakeColumn]) -> Option<Filter> {
    let known: Vec<Filter> = filters.iter().filter_map(|filter| exact(filter, columns)).collect();
    (!known.is_empty()).then_some(Filter::And(known))
}

/// A condition that means exactly the same; none if there is no such.
fn exact(filter: &Expr, columns: &[LakeColumn]) -> Option<Filter> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Some(exact(left, columns)?.and(exact(right, columns)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(exact(left, columns)?.or(exact(right, columns)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
            (Expr::Column(column), Expr::Literal(constant, _)) => compared(column, *op, constant, columns),
            (Expr::Literal(constant, _), Expr::Column(column)) => compared(column, op.swap()?, constant, columns),
            _ => None,
        },
        Expr::Not(inner) => Some(exact(inner, columns)?.negated()),
        Expr::IsNull(inner) => Some(Filter::is_null(&of_path(inner, columns)?.name)),
        Expr::IsNotNull(inner) => Some(Filter::is_null(&of_path(inner, columns)?.name).negated()),
        Expr::Between(Between { expr, negated, low, high }) => {
            let column = of_path(expr, columns)?;
            let between = Filter::between(&column.name, constant(low, column)?, constant(high, column)?);
            Some(if *negated { between.negated() } else { between })
        }
        Expr::InList(InList { expr, list, negated }) => {
            let column = of_path(expr, columns)?;
            let values: Option<Vec<HiveValue>> = list.iter().map(|value| constant(value, column)).collect();
            let one_of = Filter::one_of(&column.name, values?);
            Some(if *negated { one_of.negated() } else { one_of })
        }
        _ => None,
    }
}

fn compared(column: &Column, operator: Operator, constant: &ScalarValue, columns: &[LakeColumn]) -> Option<Filter> {
    let compare = match operator {
        Operator::Eq => Compare::Equal,
        Operator::NotEq => Compare::NotEqual,
        Operator::Lt => Compare::Less,
        Operator::LtEq => Compare::LessOrEqual,
        Operator::Gt => Compare::Greater,
        Operator::GtEq => Compare::GreaterOrEqual,
        _ => return None,
    };
    let column = find(column, columns)?;
    Some(Filter::compare(&column.name, compare, value(constant, column.kind)?))
}

fn of_path<'column>(expr: &Expr, columns: &'column [LakeColumn]) -> Option<&'column LakeColumn> {
    match expr {
        Expr::Column(column) => find(column, columns),
        _ => None,
    }
}

fn find<'column>(column: &Column, columns: &'column [LakeColumn]) -> Option<&'column LakeColumn> {
    columns.iter().find(|known| known.name == column.name)
}

fn constant(expr: &Expr, column: &LakeColumn) -> Option<HiveValue> {
    match expr {
        Expr::Literal(constant, _) => value(constant, column.kind),
        _ => None,
    }
}

/// A constant of the column's own type: others are compared in another way.
fn value(constant: &ScalarValue, kind: HiveType) -> Option<HiveValue> {
    match (constant, kind) {
        (ScalarValue::Int64(Some(number)), HiveType::Int) => Some((*number).into()),
        (ScalarValue::Boolean(Some(value)), HiveType::Bool) => Some((*value).into()),
        (ScalarValue::Date32(Some(days)), HiveType::Date) => HiveDate::from_days_since_1970(*days).ok().map(Into::into),
        (
            ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)),
            HiveType::Text,
        ) => Some(text.as_str().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
