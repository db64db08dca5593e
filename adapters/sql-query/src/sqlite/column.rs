//! Columns: SQLite types each value on its own, Arrow each column.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, Float64Builder, Int64Builder, NullArray, StringBuilder};
use rusqlite::types::ValueRef;
use worldstore_core::{Error, ErrorKind, Result};

use crate::shelf::Meter;

/// A column as it grows. Its type is that of its first value that is not NULL, and must be that of all others.
pub(crate) struct Column {
    name: String,
    declared: Option<String>,
    values: Values,
}

enum Values {
    /// So many NULLs, and nothing else yet.
    Nulls(usize),
    Integers(Int64Builder),
    Reals(Float64Builder),
    Texts(StringBuilder),
    Blobs(BinaryBuilder),
}

impl Column {
    pub(crate) fn new(name: &str, declared: Option<&str>) -> Self {
        Self { name: name.to_owned(), declared: declared.map(str::to_ascii_uppercase), values: Values::Nulls(0) }
    }

    /// Appends the value of a row, counted from 0.
    pub(crate) fn push(&mut self, value: ValueRef<'_>, row: usize, meter: &mut Meter) -> Result<()> {
        meter.take(match value {
            ValueRef::Null => 0,
            ValueRef::Integer(_) | ValueRef::Real(_) => 8,
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        })?;
        if let (Values::Nulls(count), false) = (&self.values, matches!(value, ValueRef::Null)) {
            self.values = Values::of(value, *count);
        }
        match (&mut self.values, value) {
            (Values::Nulls(count), ValueRef::Null) => *count += 1,
            (Values::Integers(builder), ValueRef::Null) => builder.append_null(),
            (Values::Integers(builder), ValueRef::Integer(value)) => builder.append_value(value),
            (Values::Reals(builder), ValueRef::Null) => builder.append_null(),
            (Values::Reals(builder), ValueRef::Real(value)) => builder.append_value(value),
            (Values::Texts(builder), ValueRef::Null) => builder.append_null(),
            (Values::Texts(builder), ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => builder.append_value(text),
                Err(error) => {
                    let broken = Error::new(ErrorKind::Corrupt, "text is not UTF-8").caused_by(error);
                    return Err(broken.with("column", &self.name).with("row", row));
                }
            },
            (Values::Blobs(builder), ValueRef::Null) => builder.append_null(),
            (Values::Blobs(builder), ValueRef::Blob(bytes)) => builder.append_value(bytes),
            (values, value) => {
                return Err(Error::invalid("the column has values of more than one type: use CAST")
                    .with("column", &self.name)
                    .with("row", row)
                    .with("type", value.data_type())
                    .with("type_before", values.name()));
            }
        }
        Ok(())
    }

    /// The name and the array. A column without values has the type that its table declares, or none.
    pub(crate) fn finish(self) -> (String, ArrayRef) {
        let values = match self.values {
            Values::Nulls(count) => Values::declared(self.declared.as_deref().unwrap_or_default(), count),
            values => values,
        };
        let array: ArrayRef = match values {
            Values::Nulls(count) => Arc::new(NullArray::new(count)),
            Values::Integers(mut builder) => Arc::new(builder.finish()),
            Values::Reals(mut builder) => Arc::new(builder.finish()),
            Values::Texts(mut builder) => Arc::new(builder.finish()),
            Values::Blobs(mut builder) => Arc::new(builder.finish()),
        };
        (self.name, array)
    }
}

impl Values {
    /// A column for values like this one, after so many NULLs.
    fn of(value: ValueRef<'_>, nulls: usize) -> Self {
        match value {
            ValueRef::Null => Self::Nulls(nulls),
            ValueRef::Integer(_) => Self::integers(nulls),
            ValueRef::Real(_) => Self::reals(nulls),
            ValueRef::Text(_) => Self::texts(nulls),
            ValueRef::Blob(_) => Self::blobs(nulls),
        }
    }

    /// SQLite's rules of affinity (<https://www.sqlite.org/datatype3.html#determination_of_column_affinity>), except
    /// that NUMERIC, which may be anything, stays without a type.
    fn declared(declared: &str, nulls: usize) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        match declared {
            _ if has(&["INT"]) => Self::integers(nulls),
            _ if has(&["CHAR", "CLOB", "TEXT"]) => Self::texts(nulls),
            _ if has(&["BLOB"]) => Self::blobs(nulls),
            _ if has(&["REAL", "FLOA", "DOUB"]) => Self::reals(nulls),
            _ => Self::Nulls(nulls),
        }
    }

    fn integers(nulls: usize) -> Self {
        let mut builder = Int64Builder::new();
        builder.append_nulls(nulls);
        Self::Integers(builder)
    }

    fn reals(nulls: usize) -> Self {
        let mut builder = Float64Builder::new();
        builder.append_nulls(nulls);
        Self::Reals(builder)
    }

    fn texts(nulls: usize) -> Self {
        let mut builder = StringBuilder::new();
        (0..nulls).for_each(|_| builder.append_null());
        Self::Texts(builder)
    }

    fn blobs(nulls: usize) -> Self {
        let mut builder = BinaryBuilder::new();
        (0..nulls).for_each(|_| builder.append_null());
        Self::Blobs(builder)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Nulls(_) => "Null",
            Self::Integers(_) => "Integer",
            Self::Reals(_) => "Real",
            Self::Texts(_) => "Text",
            Self::Blobs(_) => "Blob",
        }
    }
}
