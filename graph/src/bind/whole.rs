//! Arithmetic of whole numbers: 64 bits with a sign, whatever the width of the columns, and an error for what does not fit.
//!
//! Where the types of the columns and the constants leave no room for such an error, it is plain arithmetic, which
//! conditions on files and row groups know best.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions_aggregate::expr_fn as aggregate;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator, binary_expr, cast, lit};

use super::udf;

/// So many rows are never summed up.
const ROWS_MAX: i128 = 1 << 48;

/// Numbers of 64 bits as decimals.
const DECIMAL: DataType = DataType::Decimal128(19, 0);

/// From the least to the greatest value.
type Range = (i128, i128);

/// `one operator other`, of numbers.
pub(super) fn arithmetic(schema: &DFSchema, one: Expr, operator: Operator, other: Expr) -> Expr {
    let (one, other) = (wide(schema, one), wide(schema, other));
    let ranges = range(schema, &one).zip(range(schema, &other));
    let checked = match operator {
        Operator::Plus => udf::ADD,
        Operator::Minus => udf::SUBTRACT,
        Operator::Multiply => udf::MULTIPLY,
        // These are checked everywhere.
        _ => return binary_expr(one, operator, other),
    };
    match ranges.map(|(one, other)| computed(one, operator, other)) {
        Some(range) if !fits(range) => {
            udf::of_whole(checked, one.clone(), other.clone()).unwrap_or_else(|| binary_expr(one, operator, other))
        }
        _ => binary_expr(one, operator, other),
    }
}

/// `-value`, of a number.
pub(super) fn negative(schema: &DFSchema, value: Expr) -> Expr {
    let value = wide(schema, value);
    match range(schema, &value) {
        Some((least, _)) if least <= i128::from(i64::MIN) => arithmetic(schema, lit(0_i64), Operator::Minus, value),
        _ => Expr::Negative(Box::new(value)),
    }
}

/// The sum of numbers, to be finished by [`total`].
pub(super) fn sum(schema: &DFSchema, value: Expr) -> Expr {
    let may_leave =
        range(schema, &value).is_some_and(|(least, most)| least.abs().max(most) > i128::from(i64::MAX) / ROWS_MAX);
    aggregate::sum(if may_leave { cast(value, DECIMAL) } else { value })
}

/// A sum in the type that sums have.
pub(super) fn total(schema: &DFSchema, sum: Expr) -> Expr {
    match sum.get_type(schema) {
        Ok(DataType::UInt64 | DataType::Decimal128(_, 0)) if is_of_whole(schema, &sum) => cast(sum, DataType::Int64),
        _ => sum,
    }
}

/// False for decimals that were summed up as they are.
fn is_of_whole(schema: &DFSchema, sum: &Expr) -> bool {
    let Expr::AggregateFunction(sum) = sum else { return false };
    sum.params.args.iter().all(|argument| match argument {
        Expr::Cast(Cast { expr, .. }) => range(schema, expr).is_some(),
        value => range(schema, value).is_some(),
    })
}

/// Numbers in the widest type of their kind, but for decimals.
pub(super) fn wide(schema: &DFSchema, value: Expr) -> Expr {
    match value.get_type(schema) {
        Ok(DataType::Int64 | DataType::Float64) => value,
        Ok(data_type) if data_type.is_integer() => cast(value, DataType::Int64),
        Ok(data_type) if data_type.is_floating() => cast(value, DataType::Float64),
        _ => value,
    }
}

fn fits((least, most): Range) -> bool {
    least >= i128::from(i64::MIN) && most <= i128::from(i64::MAX)
}

/// The values that a whole number may have; none for what is no whole number.
fn range(schema: &DFSchema, value: &Expr) -> Option<Range> {
    let inner = match value {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => return Some((i128::from(*number), i128::from(*number))),
        Expr::Cast(Cast { expr, .. }) => range(schema, expr),
        Expr::Negative(inner) => range(schema, inner).map(|(least, most)| (-most, -least)),
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::Plus | Operator::Minus | Operator::Multiply),
            right,
        }) => range(schema, left).zip(range(schema, right)).map(|(one, other)| computed(one, *op, other)),
        _ => None,
    };
    let own = of_type(&value.get_type(schema).ok()?)?;
    Some(inner.filter(|inner| own.0 <= inner.0 && inner.1 <= own.1).unwrap_or(own))
}

fn of_type(data_type: &DataType) -> Option<Range> {
    Some(match data_type {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => (i64::MIN.into(), i64::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        _ => return None,
    })
}

fn computed(one: Range, operator: Operator, other: Range) -> Range {
    match operator {
        Operator::Plus => (one.0 + other.0, one.1 + other.1),
        Operator::Minus => (one.0 - other.1, one.1 - other.0),
        _ => {
            let ends = [one.0, one.1].map(|end| [end.saturating_mul(other.0), end.saturating_mul(other.1)]);
            let ends = ends.as_flattened();
            (ends.iter().copied().fold(i128::MAX, i128::min), ends.iter().copied().fold(i128::MIN, i128::max))
        }
    }
}
