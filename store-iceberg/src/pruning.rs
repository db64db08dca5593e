//! Which data files cannot hold a row of a scan, by the bounds and null counts that manifests keep of them, and which
//! manifests cannot name one that does, by their partitions.
//!
//! What is not known may match. A bound may be wider than the values, as other programs cut long texts.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::datatypes::DataType;
use iceberg::spec::{DataFile, Datum, PrimitiveLiteral};
use worldstore_core::table::{CompareOp, Predicate, Scalar};

use crate::types::Column;

/// What is known of the values of a column in a part of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub lower: Option<PrimitiveLiteral>,
    pub upper: Option<PrimitiveLiteral>,
    pub nulls: Option<Nulls>,
    /// Whether none of them is NaN, which is outside the bounds.
    pub no_nan: bool,
}

/// Whether the values of a column are null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    Never,
    Sometimes,
    Always,
}

/// What a file tells of a column.
pub(crate) fn of_file(file: &DataFile, column: i32) -> Known {
    let bound = |bounds: &HashMap<i32, Datum>| bounds.get(&column).map(|bound| bound.literal().clone());
    let nulls = file.null_value_counts().get(&column).map(|nulls| match *nulls {
        nulls if nulls >= file.record_count() => Nulls::Always,
        0 => Nulls::Never,
        _ => Nulls::Sometimes,
    });
    let no_nan = file.nan_value_counts().get(&column) == Some(&0);
    Known { lower: bound(file.lower_bounds()), upper: bound(file.upper_bounds()), nulls, no_nan }
}

impl Known {
    /// What is not known here, from elsewhere.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.lower.is_some() && self.upper.is_some() && self.nulls.is_some() {
            return self;
        }
        let other = other();
        Self {
            lower: self.lower.or(other.lower),
            upper: self.upper.or(other.upper),
            nulls: self.nulls.or(other.nulls),
            no_nan: self.no_nan || other.no_nan,
        }
    }
}

/// Whether a part of a table may hold a row for which the predicate is true.
pub(crate) fn may_match(predicate: &Predicate, columns: &[Column], known: &dyn Fn(i32) -> Known) -> bool {
    judge(predicate, columns, known).truth
}

/// What a predicate may be for some row of a part. Both are false where it is unknown for every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verdict {
    truth: bool,
    falsehood: bool,
}

const ANYTHING: Verdict = Verdict { truth: true, falsehood: true };

fn judge(predicate: &Predicate, columns: &[Column], known: &dyn Fn(i32) -> Known) -> Verdict {
    let find = |name: &String| columns.iter().find(|column| column.field.name() == name);
    match predicate {
        Predicate::Compare { column, op, value } => match find(column) {
            Some(column) => compare(column, *op, value, &known(column.id)),
            None => ANYTHING,
        },
        Predicate::IsNull(column) => find(column).map_or(ANYTHING, |column| is_null(&known(column.id))),
        Predicate::IsNotNull(column) => find(column).map_or(ANYTHING, |column| negate(is_null(&known(column.id)))),
        Predicate::And(all) => {
            let parts: Vec<_> = all.iter().map(|part| judge(part, columns, known)).collect();
            Verdict { truth: parts.iter().all(|part| part.truth), falsehood: parts.iter().any(|part| part.falsehood) }
        }
        Predicate::Or(all) => {
            let parts: Vec<_> = all.iter().map(|part| judge(part, columns, known)).collect();
            Verdict { truth: parts.iter().any(|part| part.truth), falsehood: parts.iter().all(|part| part.falsehood) }
        }
        Predicate::Not(inner) => negate(judge(inner, columns, known)),
        _ => ANYTHING,
    }
}

fn negate(verdict: Verdict) -> Verdict {
    Verdict { truth: verdict.falsehood, falsehood: verdict.truth }
}

fn is_null(known: &Known) -> Verdict {
    match known.nulls {
        Some(Nulls::Never) => Verdict { truth: false, falsehood: true },
        Some(Nulls::Always) => Verdict { truth: true, falsehood: false },
        Some(Nulls::Sometimes) | None => ANYTHING,
    }
}

fn compare(column: &Column, op: CompareOp, value: &Scalar, known: &Known) -> Verdict {
    if known.nulls == Some(Nulls::Always) {
        return Verdict { truth: false, falsehood: false };
    }
    // NaN is outside the bounds; only where it is counted is it known to be absent.
    let is_float = column.stored.data_type().is_floating();
    if is_float && !known.no_nan {
        return ANYTHING;
    }
    let side = |bound: Option<&PrimitiveLiteral>, side| order(bound?, side, value, column.field.data_type());
    let lower = side(known.lower.as_ref(), Side::Lower);
    let upper = side(known.upper.as_ref(), Side::Upper);
    let may = |op| may_hold(op, lower, upper);
    let opposite = match op {
        CompareOp::Eq => CompareOp::NotEq,
        CompareOp::NotEq => CompareOp::Eq,
        CompareOp::Lt => CompareOp::GtEq,
        CompareOp::LtEq => CompareOp::Gt,
        CompareOp::Gt => CompareOp::LtEq,
        CompareOp::GtEq => CompareOp::Lt,
    };
    Verdict { truth: may(op), falsehood: may(opposite) }
}

/// Whether a value between two bounds may compare so; the bounds are given by how they compare with the constant.
fn may_hold(op: CompareOp, lower: Option<Ordering>, upper: Option<Ordering>) -> bool {
    use Ordering::*;
    match op {
        CompareOp::Eq => lower != Some(Greater) && upper != Some(Less),
        CompareOp::NotEq => lower != Some(Equal) || upper != Some(Equal),
        CompareOp::Lt => !matches!(lower, Some(Equal | Greater)),
        CompareOp::LtEq => lower != Some(Greater),
        CompareOp::Gt => !matches!(upper, Some(Equal | Less)),
        CompareOp::GtEq => upper != Some(Less),
    }
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Lower,
    Upper,
}

/// How a bound compares with a constant, in the way in which rows are compared with it; none if that is not known.
fn order(bound: &PrimitiveLiteral, side: Side, value: &Scalar, column: &DataType) -> Option<Ordering> {
    use PrimitiveLiteral as Literal;
    value.common_type(column)?;
    let float = |bound: f64, value: f64| Some(widen(bound, side).total_cmp(&value));
    match (bound, value) {
        (Literal::Boolean(bound), Scalar::Bool(value)) => Some(bound.cmp(value)),
        (Literal::String(bound), Scalar::Text(value)) => Some(bound.as_bytes().cmp(value.as_bytes())),
        (Literal::Float(bound), value) => float(f64::from(bound.0), as_float(value)?),
        (Literal::Double(bound), value) => float(bound.0, as_float(value)?),
        (Literal::Int(_) | Literal::Long(_), _) if !column.is_integer() && !is_timestamp(column) => None,
        // Integers are rounded on the way to floats, bounds in the same direction as rows.
        (Literal::Int(bound), Scalar::Float(value)) => Some(f64::from(*bound).total_cmp(value)),
        (Literal::Long(bound), Scalar::Float(value)) => Some((*bound as f64).total_cmp(value)),
        (Literal::Int(bound), value) => Some(i128::from(*bound).cmp(&as_integer(value)?)),
        (Literal::Long(bound), value) => Some(i128::from(*bound).cmp(&as_integer(value)?)),
        _ => None,
    }
}

/// Writers that take the two zeros for equal may have noted either: the bound is the outer one.
fn widen(bound: f64, side: Side) -> f64 {
    match side {
        Side::Lower if bound == 0.0 => -0.0,
        Side::Upper if bound == 0.0 => 0.0,
        _ => bound,
    }
}

fn is_timestamp(column: &DataType) -> bool {
    matches!(column, DataType::Timestamp(..))
}

fn as_float(value: &Scalar) -> Option<f64> {
    match value {
        Scalar::Int(value) => Some(*value as f64),
        Scalar::UInt(value) => Some(*value as f64),
        Scalar::Float(value) => Some(*value),
        _ => None,
    }
}

fn as_integer(value: &Scalar) -> Option<i128> {
    match value {
        Scalar::Int(value) | Scalar::TimestampMicros(value) => Some(i128::from(*value)),
        Scalar::UInt(value) => Some(i128::from(*value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
