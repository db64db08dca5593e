//! Columns: the types of PostgreSQL, from its binary format, in those of Arrow. Nothing is rounded or cast.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder, Int16Builder, Int32Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use sqlx::postgres::{PgRow, PgValueFormat};
use sqlx::{Row, ValueRef};
use worldstore_core::{Error, ErrorKind, Result};

use crate::postgres::numeric::{self, Numeric};
use crate::postgres::run::translate;
use crate::shelf::Meter;

/// Days from 1970 to 2000, where PostgreSQL begins to count.
const DAYS: i32 = 10_957;
/// Microseconds from 1970 to 2000.
const MICROSECONDS: i64 = DAYS as i64 * 86_400_000_000;

/// By its offset, for the names of zones are known only to some readers.
const UTC: &str = "+00:00";

/// A column as it grows.
pub(crate) struct Column {
    name: String,
    values: Values,
}

enum Values {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    /// Without a zone, or in UTC.
    Timestamp(TimestampMicrosecondBuilder),
    Numeric(Vec<Option<Numeric>>),
}

impl Column {
    /// A column of a type of PostgreSQL.
    pub(crate) fn new(name: &str, kind: &str) -> Result<Self> {
        let values = match kind {
            "BOOL" => Values::Bool(BooleanBuilder::new()),
            "INT2" => Values::Int2(Int16Builder::new()),
            "INT4" => Values::Int4(Int32Builder::new()),
            "INT8" => Values::Int8(Int64Builder::new()),
            "FLOAT4" => Values::Float4(Float32Builder::new()),
            "FLOAT8" => Values::Float8(Float64Builder::new()),
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" => Values::Text(StringBuilder::new()),
            "BYTEA" => Values::Bytes(BinaryBuilder::new()),
            "DATE" => Values::Date(Date32Builder::new()),
            "TIMESTAMP" => Values::Timestamp(TimestampMicrosecondBuilder::new()),
            "TIMESTAMPTZ" => Values::Timestamp(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            "NUMERIC" => Values::Numeric(Vec::new()),
            _ => {
                return Err(Error::unsupported(
                    "the type of the column has no counterpart: cast it, to text for example",
                )
                .with("column", name)
                .with("type", kind));
            }
        };
        Ok(Self { name: name.to_owned(), values })
    }

    /// Appends the value of a row, counted from 0.
    pub(crate) fn push(&mut self, row: &PgRow, at: usize, count: usize, meter: &mut Meter) -> Result<()> {
        let raw = row.try_get_raw(at).map_err(translate)?;
        let pushed = match (raw.is_null(), raw.format()) {
            (true, _) => meter.take(0).map(|()| self.values.push_null()),
            (false, PgValueFormat::Binary) => {
                let bytes = raw.as_bytes().map_err(|error| broken("the value has no bytes").caused_by(error))?;
                meter.take(bytes.len()).and_then(|()| self.values.push(bytes))
            }
            (false, PgValueFormat::Text) => Err(broken("the server did not answer in its binary format")),
        };
        pushed.map_err(|error| error.with("column", &self.name).with("row", count))
    }

    /// The name and the array.
    pub(crate) fn finish(self) -> Result<(String, ArrayRef)> {
        let array: ArrayRef = match self.values {
            Values::Bool(mut builder) => Arc::new(builder.finish()),
            Values::Int2(mut builder) => Arc::new(builder.finish()),
            Values::Int4(mut builder) => Arc::new(builder.finish()),
            Values::Int8(mut builder) => Arc::new(builder.finish()),
            Values::Float4(mut builder) => Arc::new(builder.finish()),
            Values::Float8(mut builder) => Arc::new(builder.finish()),
            Values::Text(mut builder) => Arc::new(builder.finish()),
            Values::Bytes(mut builder) => Arc::new(builder.finish()),
            Values::Date(mut builder) => Arc::new(builder.finish()),
            Values::Timestamp(mut builder) => Arc::new(builder.finish()),
            Values::Numeric(values) => numeric::array(&values).map_err(|error| error.with("column", &self.name))?,
        };
        Ok((self.name, array))
    }
}

impl Values {
    fn push_null(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Int2(builder) => builder.append_null(),
            Self::Int4(builder) => builder.append_null(),
            Self::Int8(builder) => builder.append_null(),
            Self::Float4(builder) => builder.append_null(),
            Self::Float8(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Bytes(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Numeric(values) => values.push(None),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Bool(builder) => builder.append_value(fixed::<1>(bytes)?[0] != 0),
            Self::Int2(builder) => builder.append_value(i16::from_be_bytes(fixed(bytes)?)),
            Self::Int4(builder) => builder.append_value(i32::from_be_bytes(fixed(bytes)?)),
            Self::Int8(builder) => builder.append_value(i64::from_be_bytes(fixed(bytes)?)),
            Self::Float4(builder) => builder.append_value(f32::from_be_bytes(fixed(bytes)?)),
            Self::Float8(builder) => builder.append_value(f64::from_be_bytes(fixed(bytes)?)),
            Self::Text(builder) => match std::str::from_utf8(bytes) {
                Ok(text) => builder.append_value(text),
                Err(error) => return Err(broken("text is not UTF-8").caused_by(error)),
            },
            Self::Bytes(builder) => builder.append_value(bytes),
            Self::Date(builder) => match i32::from_be_bytes(fixed(bytes)?) {
                i32::MIN | i32::MAX => return Err(infinite()),
                days => builder.append_value(days.checked_add(DAYS).ok_or_else(infinite)?),
            },
            Self::Timestamp(builder) => match i64::from_be_bytes(fixed(bytes)?) {
                i64::MIN | i64::MAX => return Err(infinite()),
                time => builder.append_value(time.checked_add(MICROSECONDS).ok_or_else(infinite)?),
            },
            Self::Numeric(values) => values.push(Some(Numeric::decode(bytes)?)),
        }
        Ok(())
    }
}

fn fixed<const SIZE: usize>(bytes: &[u8]) -> Result<[u8; SIZE]> {
    bytes.try_into().map_err(|_| broken("the value has another size than its type"))
}

fn broken(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

fn infinite() -> Error {
    Error::unsupported("the date is infinite, or too far away for arrow")
}
