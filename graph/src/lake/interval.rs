//! Conditions over row groups that are not read: what can come out, given the smallest and greatest value of each column.
//!
//! Every answer is a superset of what reading would give: bounds are widened by rounding, and whatever is not known here
//! can be anything. A comparison with NaN is false, as in Cypher, and no bound says that there is no NaN.

mod arithmetic;
mod compile;

use arrow::array::{Array, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray};

pub(crate) use compile::{Condition, compile};

use super::bounds::{Bounds, HIGH, Kind, LOW, Values};
use super::summary::Summaries;
use arithmetic::{NAN, NULL, Number, VALUE, above, below};

/// It can be true.
pub(crate) const TRUE: u8 = 1;
/// It can be false.
pub(crate) const FALSE: u8 = 2;
/// It can be null.
pub(crate) const UNKNOWN: u8 = 4;
/// It can be anything.
const ANYTHING: u8 = TRUE | FALSE | UNKNOWN;

/// A row group of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit<'lake> {
    pub summaries: &'lake Summaries,
    /// The row group.
    pub unit: usize,
    /// The path values of all files.
    pub values: &'lake RecordBatch,
    /// The file, a row of the path values.
    pub file: usize,
}

/// An expression that can be bounded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A column of the files.
    Column(usize),
    /// A column of the path.
    Path(usize),
    Number(Number),
    Text(String),
    Null,
    Arithmetic(Operation, Box<Node>, Box<Node>, Limits),
    Function(Function, Box<Node>, Limits),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    IsNull(Box<Node>),
    Truth(u8),
    /// Something else.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Negate,
    Abs,
    Sqrt,
    Floor,
    Ceil,
    Square,
    /// Into another type of numbers.
    Cast,
}

/// Where the values of a type of numbers end; beyond, a computation wraps or fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limits {
    Float,
    Int { low: f64, high: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a value can be.
#[derive(Debug, Clone, Copy)]
enum Range<'lake> {
    Number(Number),
    Text { low: Option<&'lake str>, high: Option<&'lake str>, may: u8 },
    Any,
}

impl Node {
    /// What a condition can be in a row group, of [`TRUE`], [`FALSE`] and [`UNKNOWN`]; nothing if there are no rows.
    pub fn truth(&self, unit: &Unit<'_>) -> u8 {
        match self {
            Self::Truth(truth) => *truth,
            Self::And(left, right) => and(left.truth(unit), right.truth(unit)),
            Self::Or(left, right) => negated(and(negated(left.truth(unit)), negated(right.truth(unit)))),
            Self::Not(inner) => negated(inner.truth(unit)),
            Self::IsNull(inner) => {
                let may = match inner.range(unit) {
                    Range::Number(number) => number.may,
                    Range::Text { may, .. } => may,
                    Range::Any => VALUE | NULL,
                };
                flag(may & NULL != 0, TRUE) | flag(may & (VALUE | NAN) != 0, FALSE)
            }
            Self::Compare(comparison, left, right) => compare(*comparison, left.range(unit), right.range(unit)),
            Self::Null => UNKNOWN,
            Self::Column(_) | Self::Path(_) => match self.range(unit) {
                Range::Number(number) => {
                    let is_value = number.may & VALUE != 0;
                    flag(is_value && number.high >= 1.0, TRUE)
                        | flag(is_value && number.low <= 0.0, FALSE)
                        | flag(number.may & NULL != 0, UNKNOWN)
                }
                _ => ANYTHING,
            },
            _ => ANYTHING,
        }
    }

    fn share(&self, unit: &Unit<'_>) -> Option<f64> {
        match self {
            Self::And(left, right) => Some(left.share(unit)? * right.share(unit)?),
            Self::Or(left, right) => Some((left.share(unit)? + right.share(unit)?).min(1.0)),
            Self::Compare(comparison, column, constant) if matches!(**column, Self::Column(_)) => {
                let (Range::Number(column), Range::Number(constant)) = (column.range(unit), constant.range(unit))
                else {
                    return None;
                };
                let (width, value) = (column.high - column.low, constant.low);
                let is_bounded = width.is_finite() && constant.low == constant.high;
                let below = if width > 0.0 { ((value - column.low) / width).clamp(0.0, 1.0) } else { 0.5 };
                is_bounded.then_some(match comparison {
                    Comparison::Less | Comparison::LessOrEqual => below,
                    Comparison::Greater | Comparison::GreaterOrEqual => 1.0 - below,
                    Comparison::Equal => 1.0 / (1.0 + width.max(0.0)),
                    Comparison::NotEqual => 1.0,
                })
            }
            _ => None,
        }
    }

    fn range<'lake>(&'lake self, unit: &Unit<'lake>) -> Range<'lake> {
        match self {
            Self::Column(index) => match unit.summaries.columns.get(*index) {
                Some(bounds) => column(bounds, unit),
                None => Range::Any,
            },
            Self::Path(index) => path(unit, *index),
            Self::Number(number) => Range::Number(*number),
            Self::Truth(TRUE) => Range::Number(Number { low: 1.0, high: 1.0, may: VALUE }),
            Self::Truth(FALSE) => Range::Number(Number { low: 0.0, high: 0.0, may: VALUE }),
            Self::Text(text) => Range::Text { low: Some(text), high: Some(text), may: VALUE },
            Self::Null => Range::Number(Number { low: f64::NEG_INFINITY, high: f64::INFINITY, may: NULL }),
            Self::Arithmetic(operation, left, right, limits) => match (left.range(unit), right.range(unit)) {
                (Range::Number(one), Range::Number(other)) => {
                    let is_square = *operation == Operation::Multiply && left == right;
                    Range::Number(match is_square {
                        true => one.apply(Function::Square, *limits),
                        false => one.combine(*operation, other, *limits),
                    })
                }
                _ => Range::Any,
            },
            Self::Function(function, inner, limits) => match inner.range(unit) {
                Range::Number(number) => Range::Number(number.apply(*function, *limits)),
                _ => Range::Any,
            },
            _ => Range::Any,
        }
    }
}

fn flag(is_possible: bool, flag: u8) -> u8 {
    if is_possible { flag } else { 0 }
}

/// What `and` can be, given what both sides can be.
fn and(left: u8, right: u8) -> u8 {
    if left == 0 || right == 0 {
        return 0;
    }
    let both = left & right & TRUE;
    let either_false = (left | right) & FALSE;
    let null = (left & UNKNOWN != 0 && right & (TRUE | UNKNOWN) != 0)
        || (right & UNKNOWN != 0 && left & (TRUE | UNKNOWN) != 0);
    both | either_false | flag(null, UNKNOWN)
}

fn negated(truth: u8) -> u8 {
    flag(truth & FALSE != 0, TRUE) | flag(truth & TRUE != 0, FALSE) | (truth & UNKNOWN)
}

fn compare(comparison: Comparison, left: Range<'_>, right: Range<'_>) -> u8 {
    match (left, right) {
        (Range::Number(one), Range::Number(other)) => {
            if one.may == 0 || other.may == 0 {
                return 0;
            }
            let null = flag((one.may | other.may) & NULL != 0, UNKNOWN);
            let (one_real, other_real) = (one.may & (VALUE | NAN) != 0, other.may & (VALUE | NAN) != 0);
            let has_nan = one_real && other_real && (one.may | other.may) & NAN != 0;
            let both_nan = one.may & other.may & NAN != 0;
            let nan = match comparison {
                Comparison::NotEqual => flag(has_nan, TRUE) | flag(both_nan, FALSE),
                Comparison::Equal => flag(has_nan, FALSE) | flag(both_nan, TRUE),
                _ => flag(has_nan, FALSE),
            };
            let ordered = match one.may & other.may & VALUE != 0 {
                true => order(
                    comparison,
                    (Some(one.low), Some(one.high)),
                    (Some(other.low), Some(other.high)),
                    f64::total_cmp,
                ),
                false => 0,
            };
            ordered | nan | null
        }
        (Range::Text { low, high, may }, Range::Text { low: other_low, high: other_high, may: other_may }) => {
            if may == 0 || other_may == 0 {
                return 0;
            }
            let ordered = match may & other_may & VALUE != 0 {
                true => order(comparison, (low, high), (other_low, other_high), |one, other| one.cmp(other)),
                false => 0,
            };
            ordered | flag((may | other_may) & NULL != 0, UNKNOWN)
        }
        (Range::Number(Number { may: NULL, .. }), Range::Text { .. } | Range::Any) => UNKNOWN,
        (Range::Text { .. } | Range::Any, Range::Number(Number { may: NULL, .. })) => UNKNOWN,
        _ => ANYTHING,
    }
}

/// What a comparison of two values can be; a missing bound is none.
fn order<Item: Copy>(
    comparison: Comparison,
    (low, high): (Option<Item>, Option<Item>),
    (other_low, other_high): (Option<Item>, Option<Item>),
    compare: impl Fn(&Item, &Item) -> std::cmp::Ordering,
) -> u8 {
    let less = |one: Option<Item>, other: Option<Item>| match (one, other) {
        (Some(one), Some(other)) => compare(&one, &other).is_lt(),
        _ => true,
    };
    let not_greater = |one: Option<Item>, other: Option<Item>| match (one, other) {
        (Some(one), Some(other)) => compare(&one, &other).is_le(),
        _ => true,
    };
    let is_point = |one: Option<Item>, other: Option<Item>| match (one, other) {
        (Some(one), Some(other)) => compare(&one, &other).is_eq(),
        _ => false,
    };
    match comparison {
        Comparison::Less => flag(less(low, other_high), TRUE) | flag(not_greater(other_low, high), FALSE),
        Comparison::LessOrEqual => flag(not_greater(low, other_high), TRUE) | flag(less(other_low, high), FALSE),
        Comparison::Greater => flag(less(other_low, high), TRUE) | flag(not_greater(low, other_high), FALSE),
        Comparison::GreaterOrEqual => flag(not_greater(other_low, high), TRUE) | flag(less(low, other_high), FALSE),
        Comparison::Equal | Comparison::NotEqual => {
            let equal = not_greater(low, other_high) && not_greater(other_low, high);
            let is_one = is_point(low, high) && is_point(other_low, other_high) && is_point(low, other_low);
            match comparison {
                Comparison::Equal => flag(equal, TRUE) | flag(!is_one, FALSE),
                _ => flag(!is_one, TRUE) | flag(equal, FALSE),
            }
        }
    }
}

/// What a column of the files can be.
fn column<'lake>(bounds: &'lake Bounds, unit: &Unit<'lake>) -> Range<'lake> {
    let rows = unit.summaries.rows.get(unit.unit).copied().unwrap_or(0);
    let mut may = match bounds.nulls(unit.unit) {
        _ if rows == 0 => 0,
        Some(0) => VALUE,
        Some(nulls) if nulls == rows => NULL,
        // More nulls than rows is nothing to build on.
        _ => VALUE | NULL,
    };
    let index = |flag: u8| bounds.has(unit.unit, flag).then_some(unit.unit);
    match (&bounds.low, &bounds.high) {
        (Values::Int(low), Values::Int(high)) => {
            let low = index(LOW).and_then(|index| low.get(index)).map_or(f64::NEG_INFINITY, |low| below(*low));
            let high = index(HIGH).and_then(|index| high.get(index)).map_or(f64::INFINITY, |high| above(*high));
            Range::Number(Number { low, high, may })
        }
        (Values::Float(low), Values::Float(high)) => {
            may |= if may & VALUE != 0 { NAN } else { 0 };
            let low = index(LOW).and_then(|index| low.get(index)).copied().unwrap_or(f64::NEG_INFINITY);
            let high = index(HIGH).and_then(|index| high.get(index)).copied().unwrap_or(f64::INFINITY);
            Range::Number(Number { low, high, may })
        }
        (Values::Text(low), Values::Text(high)) => {
            let (low, high) = (index(LOW).map(|index| low.get(index)), index(HIGH).map(|index| high.get(index)));
            Range::Text { low, high, may }
        }
        // A missing column is null, and of no kind.
        _ if bounds.kind == Kind::Nothing && may == NULL => {
            Range::Number(Number { low: f64::NEG_INFINITY, high: f64::INFINITY, may })
        }
        _ => Range::Any,
    }
}

/// What a column of the path is: one value, or null.
fn path<'lake>(unit: &Unit<'lake>, index: usize) -> Range<'lake> {
    let Some(column) = unit.values.columns().get(index).filter(|column| unit.file < column.len()) else {
        return Range::Any;
    };
    let any = column.as_any();
    let is_null = column.is_null(unit.file);
    let number = |value: i64| {
        Range::Number(Number { low: below(value), high: above(value), may: if is_null { NULL } else { VALUE } })
    };
    if let Some(texts) = any.downcast_ref::<StringArray>() {
        let text = texts.value(unit.file);
        return Range::Text { low: Some(text), high: Some(text), may: if is_null { NULL } else { VALUE } };
    }
    if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        return number(numbers.value(unit.file));
    }
    if let Some(days) = any.downcast_ref::<Date32Array>() {
        return number(i64::from(days.value(unit.file)));
    }
    match any.downcast_ref::<BooleanArray>() {
        Some(truths) => number(i64::from(truths.value(unit.file))),
        None => Range::Any,
    }
}

#[cfg(test)]
mod tests;
