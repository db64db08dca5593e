//! Predicates over rows: plain data that every table format can translate, and their reference evaluation.

use std::fmt;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Datum, Float64Array, Int64Array, Scalar as ArrowScalar, StringArray,
};
use arrow::array::{TimestampMicrosecondArray, UInt64Array};
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, cast, is_not_null, is_null, not, or_kleene};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};

/// A constant in a predicate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A float. Comparison is that of Arrow: total order, NaN is the greatest.
    Float(f64),
    /// A text.
    Text(String),
    /// Microseconds since 1970, UTC.
    TimestampMicros(i64),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    NotEq,
    /// Less.
    Lt,
    /// Less or equal.
    LtEq,
    /// Greater.
    Gt,
    /// Greater or equal.
    GtEq,
}

/// A condition on a row, with three values: where a column is null, a comparison is unknown, and an unknown row is not
/// read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Predicate {
    /// A column compared with a constant.
    Compare {
        /// The column.
        column: String,
        /// The comparison.
        op: CompareOp,
        /// The constant on the right.
        value: Scalar,
    },
    /// The column is null.
    IsNull(String),
    /// The column is not null.
    IsNotNull(String),
    /// All hold; true if empty.
    And(Vec<Predicate>),
    /// One holds; false if empty.
    Or(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
}

impl Predicate {
    /// `column op value`.
    pub fn compare(column: impl Into<String>, op: CompareOp, value: impl Into<Scalar>) -> Self {
        Self::Compare { column: column.into(), op, value: value.into() }
    }

    /// `column = value`.
    pub fn eq(column: impl Into<String>, value: impl Into<Scalar>) -> Self {
        Self::compare(column, CompareOp::Eq, value)
    }

    /// `column <= value`.
    pub fn le(column: impl Into<String>, value: impl Into<Scalar>) -> Self {
        Self::compare(column, CompareOp::LtEq, value)
    }

    /// `column >= value`.
    pub fn ge(column: impl Into<String>, value: impl Into<Scalar>) -> Self {
        Self::compare(column, CompareOp::GtEq, value)
    }

    /// The columns it looks at, each as often as it is named.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Compare { column, .. } | Self::IsNull(column) | Self::IsNotNull(column) => vec![column],
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::columns).collect(),
            Self::Not(inner) => inner.columns(),
        }
    }

    /// Evaluates it on every row: the reference that formats are compared with.
    ///
    /// # Errors
    /// `Invalid` if a column is missing or its type cannot be compared with the constant.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        match self {
            Self::Compare { column, op, value } => value.compare(*op, find(batch, column)?, column),
            Self::IsNull(column) => is_null(find(batch, column)?).map_err(failed),
            Self::IsNotNull(column) => is_not_null(find(batch, column)?).map_err(failed),
            Self::And(all) => fold(all, batch, true, and_kleene),
            Self::Or(all) => fold(all, batch, false, or_kleene),
            Self::Not(inner) => not(&inner.evaluate(batch)?).map_err(failed),
        }
    }
}

type Combine = fn(&BooleanArray, &BooleanArray) -> std::result::Result<BooleanArray, ArrowError>;

fn fold(all: &[Predicate], batch: &RecordBatch, start: bool, combine: Combine) -> Result<BooleanArray> {
    let mut result = BooleanArray::from(vec![start; batch.num_rows()]);
    for predicate in all {
        result = combine(&result, &predicate.evaluate(batch)?).map_err(failed)?;
    }
    Ok(result)
}

fn find<'batch>(batch: &'batch RecordBatch, column: &str) -> Result<&'batch ArrayRef> {
    batch.column_by_name(column).ok_or_else(|| Error::invalid("unknown column").with("column", column))
}

fn failed(source: ArrowError) -> Error {
    Error::unexpected("predicate could not be evaluated").caused_by(source)
}

impl Scalar {
    /// The constant as an array of one row.
    pub fn to_array(&self) -> ArrayRef {
        use std::sync::Arc;
        match self {
            Self::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
            Self::Int(value) => Arc::new(Int64Array::from(vec![*value])),
            Self::UInt(value) => Arc::new(UInt64Array::from(vec![*value])),
            Self::Float(value) => Arc::new(Float64Array::from(vec![*value])),
            Self::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
            Self::TimestampMicros(value) => {
                Arc::new(TimestampMicrosecondArray::from(vec![*value]).with_timezone("UTC"))
            }
        }
    }

    /// The type in which a column of type `column` is compared with this constant; none if they do not compare.
    /// No value is changed by going there, but that integers beyond 2^53 round where the other side is a float.
    pub fn common_type(&self, column: &DataType) -> Option<DataType> {
        use DataType::*;
        match (self, column) {
            (Self::Bool(_), Boolean) => Some(Boolean),
            (Self::Text(_), Utf8 | LargeUtf8 | Utf8View) => Some(Utf8),
            (Self::Text(_), Dictionary(_, value)) if self.common_type(value).is_some() => Some(Utf8),
            (Self::Float(_), number) | (_, number @ (Float16 | Float32 | Float64)) if number.is_numeric() => {
                (!matches!(self, Self::Bool(_) | Self::Text(_) | Self::TimestampMicros(_))).then_some(Float64)
            }
            // Decimal128 holds every i64 and every u64.
            (Self::Int(_) | Self::UInt(_), number) if number.is_integer() => Some(Decimal128(20, 0)),
            // A constant that nanoseconds cannot tell lies beyond all of them, also those cut to microseconds.
            (Self::TimestampMicros(value), Timestamp(unit @ TimeUnit::Nanosecond, zone))
                if value.checked_mul(1_000).is_some() =>
            {
                Some(Timestamp(*unit, zone.clone()))
            }
            (Self::TimestampMicros(_), Timestamp(_, zone)) => Some(Timestamp(TimeUnit::Microsecond, zone.clone())),
            _ => None,
        }
    }

    /// The constant in the type of a column of integers, if it is one of its values.
    fn same_type(&self, column: &DataType) -> Option<ArrayRef> {
        use std::sync::Arc;
        match (self, column) {
            (Self::Int(value), DataType::Int64) => Some(Arc::new(Int64Array::from(vec![*value]))),
            (Self::UInt(value), DataType::UInt64) => Some(Arc::new(UInt64Array::from(vec![*value]))),
            (Self::Int(value), DataType::UInt64) => {
                Some(Arc::new(UInt64Array::from(vec![u64::try_from(*value).ok()?])))
            }
            (Self::UInt(value), DataType::Int64) => Some(Arc::new(Int64Array::from(vec![i64::try_from(*value).ok()?]))),
            _ => None,
        }
    }

    fn compare(&self, op: CompareOp, column: &ArrayRef, name: &str) -> Result<BooleanArray> {
        // Most columns and constants need no third type to be compared in.
        if let Some(constant) = self.same_type(column.data_type()) {
            return op.apply(column, &ArrowScalar::new(constant)).map_err(failed);
        }
        let Some(common) = self.common_type(column.data_type()) else {
            return Err(Error::invalid("column cannot be compared with this constant")
                .with("column", name)
                .with("type", column.data_type())
                .with("constant", self));
        };
        let left = cast(column, &common).map_err(failed)?;
        let right = ArrowScalar::new(cast(&self.to_array(), &common).map_err(failed)?);
        op.apply(&left, &right).map_err(failed)
    }
}

impl CompareOp {
    fn apply(self, left: &dyn Datum, right: &dyn Datum) -> std::result::Result<BooleanArray, ArrowError> {
        match self {
            Self::Eq => cmp::eq(left, right),
            Self::NotEq => cmp::neq(left, right),
            Self::Lt => cmp::lt(left, right),
            Self::LtEq => cmp::lt_eq(left, right),
            Self::Gt => cmp::gt(left, right),
            Self::GtEq => cmp::gt_eq(left, right),
        }
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Scalar {
    fn from(value: u64) -> Self {
        Self::UInt(value)
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Scalar {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::UInt(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "'{}'", value.replace('\'', "''")),
            Self::TimestampMicros(value) => write!(f, "timestamp {value} µs"),
        }
    }
}

#[cfg(test)]
mod tests;
