//! Comparisons, groups and extremes of floats: Arrow tells them apart by all of their bits, so that there are many NaN, some
//! of them behind and some before all numbers, and negative zero is less than zero. In Cypher, NaN compares with nothing
//! and is ordered behind all numbers, and both zeros are one.

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions::expr_fn;
use datafusion::functions_aggregate::expr_fn as aggregate;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, lit, not};

use super::{udf, whole};

/// `one operator other`, of what compares.
///
/// The guards against NaN are no comparisons, for statistics know nothing of NaN: turned round by a `NOT`, they rule out
/// nothing.
pub(super) fn compared(schema: &DFSchema, one: Expr, operator: Operator, other: Expr) -> Expr {
    let nan = |value: &Expr| may_be_nan(schema, value).then(|| expr_fn::isnan(value.clone()));
    let nans = [nan(&one), nan(&other)].into_iter().flatten();
    let compared = with_one_zero(schema, one.clone(), operator, other.clone());
    match operator {
        Operator::NotEq => nans.fold(compared, Expr::or),
        _ => nans.fold(compared, |compared, nan| compared.and(not(nan))),
    }
}

/// `one IN values`.
pub(super) fn is_in(schema: &DFSchema, one: Expr, values: Vec<Expr>) -> Expr {
    let is_plain = |value: &Expr| matches!(value, Expr::Literal(..)) && !is_zero(value) && !may_be_nan(schema, value);
    let has_floats = std::iter::once(&one).chain(&values).any(|value| is_float(schema, value));
    if !has_floats {
        return one.in_list(values, false);
    }
    let (plain, others): (Vec<Expr>, Vec<Expr>) = values.into_iter().partition(is_plain);
    let equal = others.into_iter().map(|value| compared(schema, one.clone(), Operator::Eq, value));
    let listed = (!plain.is_empty()).then(|| one.clone().in_list(plain, false));
    equal.chain(listed).reduce(Expr::or).unwrap_or_else(|| lit(false))
}

/// The value with one zero and one NaN, to be grouped by.
pub(super) fn canonical(schema: &DFSchema, value: Expr) -> Expr {
    match is_float(schema, &value) && !matches!(value, Expr::Literal(..)) {
        true => expr_fn::nanvl(whole::wide(schema, value) + lit(0.0_f64), lit(f64::NAN)),
        false => value,
    }
}

/// The least value, to be finished by [`extreme`].
pub(super) fn min(schema: &DFSchema, value: Expr) -> Expr {
    aggregate::min(ranked(schema, value))
}

/// The greatest value, likewise.
pub(super) fn max(schema: &DFSchema, value: Expr) -> Expr {
    aggregate::max(ranked(schema, value))
}

/// What is the least or the greatest, of a `value` of this kind.
pub(super) fn extreme(schema: &DFSchema, value: &Expr, found: Expr) -> Expr {
    if is_float(schema, value) { udf::float_of_rank(found) } else { found }
}

/// What decides between values in an order.
pub(super) fn ranked(schema: &DFSchema, value: Expr) -> Expr {
    if is_float(schema, &value) { udf::rank(whole::wide(schema, value)) } else { value }
}

pub(super) fn is_float(schema: &DFSchema, value: &Expr) -> bool {
    value.get_type(schema).is_ok_and(|data_type| data_type.is_floating())
}

fn may_be_nan(schema: &DFSchema, value: &Expr) -> bool {
    match number(value) {
        Some(number) => number.is_nan(),
        None => is_float(schema, value) && !matches!(value, Expr::Literal(..)),
    }
}

/// The number that an expression is.
fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Literal(ScalarValue::Float64(number), _) => *number,
        Expr::Literal(ScalarValue::Int64(number), _) => number.map(|number| number as f64),
        Expr::Negative(value) => number(value).map(|number| -number),
        _ => None,
    }
}

fn is_zero(value: &Expr) -> bool {
    number(value) == Some(0.0)
}

fn with_one_zero(schema: &DFSchema, one: Expr, operator: Operator, other: Expr) -> Expr {
    let is_open = |value: &Expr| !value.column_refs().is_empty();
    let floats = [is_float(schema, &one), is_float(schema, &other)];
    match (operator.swap(), is_zero(&one), is_zero(&other)) {
        (_, false, true) if floats[0] => with_zero(one, operator),
        (Some(swapped), true, false) if floats[1] => with_zero(other, swapped),
        _ if floats.contains(&true) && is_open(&one) && is_open(&other) => {
            // A negative zero and a zero make a zero.
            let plain = |value: Expr, is_float| if is_float { value + lit(0.0_f64) } else { value };
            binary_expr(plain(one, floats[0]), operator, plain(other, floats[1]))
        }
        _ => binary_expr(one, operator, other),
    }
}

/// A float compared with zero, which has a number on each side of it.
fn with_zero(value: Expr, operator: Operator) -> Expr {
    let (low, high) = (lit(-0.0_f64), lit(0.0_f64));
    match operator {
        Operator::Eq => value.clone().gt_eq(low).and(value.lt_eq(high)),
        Operator::NotEq => value.clone().lt(low).or(value.gt(high)),
        Operator::Lt => value.lt(low),
        Operator::GtEq => value.gt_eq(low),
        operator => binary_expr(value, operator, high),
    }
}
