//! Fields as columns of PostgreSQL and back, bit for bit.
//!
//! | kind | column |
//! |---|---|
//! | `Bool` | `boolean` |
//! | `I8`, `I16`, `U8` | `smallint` |
//! | `I32`, `U16` | `integer` |
//! | `I64`, `U32` | `bigint` |
//! | `U64` | `numeric(20)` |
//! | `F32`, `F64` | `real`, `double precision` |
//! | `Text`, `Json` | `text`, `json` |
//! | `Bytes` | `bytea` |
//!
//! The server takes no text with a zero byte. Such a byte is written as U+001A and `0`, and U+001A as two of them.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use worldstore_core::{Error, Result};

use super::error::translate;
use crate::ComponentValue;
use crate::error::corrupt;
use crate::field::{Field, FieldKind, FieldValue};
use crate::storage::catalog::Known;

/// The type that a column is declared with.
pub(super) fn column_type(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Bool => "boolean",
        FieldKind::I8 | FieldKind::I16 | FieldKind::U8 => "smallint",
        FieldKind::I32 | FieldKind::U16 => "integer",
        FieldKind::I64 | FieldKind::U32 => "bigint",
        FieldKind::U64 => "numeric(20)",
        FieldKind::F32 => "real",
        FieldKind::F64 => "double precision",
        FieldKind::Text => "text",
        FieldKind::Json => "json",
        FieldKind::Bytes => "bytea",
    }
}

/// The type of the array in which values travel.
pub(super) fn array_type(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::U64 | FieldKind::Json => "text[]",
        FieldKind::Bool => "boolean[]",
        FieldKind::I8 | FieldKind::I16 | FieldKind::U8 => "smallint[]",
        FieldKind::I32 | FieldKind::U16 => "integer[]",
        FieldKind::I64 | FieldKind::U32 => "bigint[]",
        FieldKind::F32 => "real[]",
        FieldKind::F64 => "double precision[]",
        FieldKind::Text => "text[]",
        FieldKind::Bytes => "bytea[]",
    }
}

/// How the column is asked for.
pub(super) fn selected(kind: FieldKind, column: &str) -> String {
    match kind {
        FieldKind::U64 | FieldKind::Json => format!("({column})::text"),
        _ => column.to_owned(),
    }
}

/// One field of many values.
#[derive(Debug)]
pub(super) enum Cells {
    Bool(Vec<Option<bool>>),
    I16(Vec<Option<i16>>),
    I32(Vec<Option<i32>>),
    I64(Vec<Option<i64>>),
    F32(Vec<Option<f32>>),
    F64(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Cells {
    pub fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Bool => Self::Bool(Vec::new()),
            FieldKind::I8 | FieldKind::I16 | FieldKind::U8 => Self::I16(Vec::new()),
            FieldKind::I32 | FieldKind::U16 => Self::I32(Vec::new()),
            FieldKind::I64 | FieldKind::U32 => Self::I64(Vec::new()),
            FieldKind::F32 => Self::F32(Vec::new()),
            FieldKind::F64 => Self::F64(Vec::new()),
            FieldKind::U64 | FieldKind::Text | FieldKind::Json => Self::Text(Vec::new()),
            FieldKind::Bytes => Self::Bytes(Vec::new()),
        }
    }

    /// Adds a value that is one of the field.
    pub fn push(&mut self, value: FieldValue<'_>) -> Result<()> {
        let misfit = || Error::unexpected("a value does not fit its column");
        let signed = |value: FieldValue<'_>| match value {
            FieldValue::I64(number) => Ok(Some(number)),
            FieldValue::U64(number) => i64::try_from(number).map(Some).map_err(|_| misfit()),
            FieldValue::Null => Ok(None),
            _ => Err(misfit()),
        };
        match (self, value) {
            (Self::Bool(all), FieldValue::Null) => all.push(None),
            (Self::Bool(all), FieldValue::Bool(value)) => all.push(Some(value)),
            (Self::I16(all), value) => all.push(signed(value)?.map(i16::try_from).transpose().map_err(|_| misfit())?),
            (Self::I32(all), value) => all.push(signed(value)?.map(i32::try_from).transpose().map_err(|_| misfit())?),
            (Self::I64(all), value) => all.push(signed(value)?),
            (Self::F32(all), FieldValue::Null) => all.push(None),
            (Self::F32(all), FieldValue::F32(value)) => all.push(Some(value)),
            (Self::F64(all), FieldValue::Null) => all.push(None),
            (Self::F64(all), FieldValue::F64(value)) => all.push(Some(value)),
            (Self::Text(all), FieldValue::Null) => all.push(None),
            (Self::Text(all), FieldValue::Text(value)) => all.push(Some(escaped(value))),
            (Self::Text(all), FieldValue::U64(value)) => all.push(Some(value.to_string())),
            (Self::Bytes(all), FieldValue::Null) => all.push(None),
            (Self::Bytes(all), FieldValue::Bytes(value)) => all.push(Some(value.to_vec())),
            _ => return Err(misfit()),
        }
        Ok(())
    }

    /// Gives the values to a statement.
    pub fn bind<'query>(self, query: Query<'query, Postgres, PgArguments>) -> Query<'query, Postgres, PgArguments> {
        match self {
            Self::Bool(all) => query.bind(all),
            Self::I16(all) => query.bind(all),
            Self::I32(all) => query.bind(all),
            Self::I64(all) => query.bind(all),
            Self::F32(all) => query.bind(all),
            Self::F64(all) => query.bind(all),
            Self::Text(all) => query.bind(all),
            Self::Bytes(all) => query.bind(all),
        }
    }
}

/// A value from the columns of a row: at `first` whether it is shared, then its fields.
pub(super) fn value(row: &PgRow, known: &Known, first: usize) -> Result<ComponentValue> {
    let places = || known.component.fields().iter().enumerate();
    let texts = places().map(|(place, field)| text(row, first + 1 + place, field)).collect::<Result<Vec<_>>>()?;
    let fields = places().zip(&texts).map(|((place, field), text)| match text {
        Some(text) => Ok(FieldValue::Text(text)),
        None => of_row(row, first + 1 + place, field),
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let value = ComponentValue::from_fields(&known.component, &fields)?;
    let is_shared = row.try_get::<Option<i64>, _>(first).map_err(translate)?.is_some();
    Ok(if is_shared { value.shared() } else { value })
}

const ESCAPE: char = '\u{1a}';

fn escaped(text: &str) -> String {
    text.replace(ESCAPE, "\u{1a}\u{1a}").replace('\0', "\u{1a}0")
}

/// The text of a field, if it was stored in another form.
fn text(row: &PgRow, at: usize, field: &Field) -> Result<Option<String>> {
    if !matches!(field.kind, FieldKind::Text | FieldKind::Json) {
        return Ok(None);
    }
    let stored = row.try_get::<Option<&str>, _>(at).map_err(translate)?;
    let Some(stored) = stored.filter(|stored| stored.contains(ESCAPE)) else { return Ok(None) };
    let mut text = String::with_capacity(stored.len());
    let mut letters = stored.chars();
    while let Some(letter) = letters.next() {
        match (letter, (letter == ESCAPE).then(|| letters.next()).flatten()) {
            (ESCAPE, Some(ESCAPE)) => text.push(ESCAPE),
            (ESCAPE, Some('0')) => text.push('\0'),
            (ESCAPE, _) => {
                return Err(corrupt("a column holds what is no value of its field").with("field", &field.name));
            }
            (letter, _) => text.push(letter),
        }
    }
    Ok(Some(text))
}

fn of_row<'row>(row: &'row PgRow, at: usize, field: &Field) -> Result<FieldValue<'row>> {
    let foreign = || corrupt("a column holds what is no value of its field").with("field", &field.name);
    let found = match field.kind {
        FieldKind::Bool => row.try_get::<Option<bool>, _>(at).map(|value| value.map(FieldValue::Bool)),
        FieldKind::I8 | FieldKind::I16 => {
            row.try_get::<Option<i16>, _>(at).map(|value| value.map(|value| FieldValue::I64(value.into())))
        }
        FieldKind::I32 => {
            row.try_get::<Option<i32>, _>(at).map(|value| value.map(|value| FieldValue::I64(value.into())))
        }
        FieldKind::I64 => row.try_get::<Option<i64>, _>(at).map(|value| value.map(FieldValue::I64)),
        FieldKind::U8 => row.try_get::<Option<i16>, _>(at).map(|value| value.map(|value| unsigned(value.into()))),
        FieldKind::U16 => row.try_get::<Option<i32>, _>(at).map(|value| value.map(|value| unsigned(value.into()))),
        FieldKind::U32 => row.try_get::<Option<i64>, _>(at).map(|value| value.map(unsigned)),
        FieldKind::U64 => {
            let text = row.try_get::<Option<&str>, _>(at).map_err(translate)?;
            let number = text.map(|text| text.parse().map(FieldValue::U64).map_err(|_| foreign()));
            Ok(number.transpose()?)
        }
        FieldKind::F32 => row.try_get::<Option<f32>, _>(at).map(|value| value.map(FieldValue::F32)),
        FieldKind::F64 => row.try_get::<Option<f64>, _>(at).map(|value| value.map(FieldValue::F64)),
        FieldKind::Text | FieldKind::Json => {
            row.try_get::<Option<&str>, _>(at).map(|value| value.map(FieldValue::Text))
        }
        FieldKind::Bytes => row.try_get::<Option<&[u8]>, _>(at).map(|value| value.map(FieldValue::Bytes)),
    };
    match found.map_err(translate)? {
        None if !field.nullable => Err(foreign()),
        found => Ok(found.unwrap_or(FieldValue::Null)),
    }
}

/// A number that was stored as a greater signed one; one below zero does not fit the field, and is refused there.
fn unsigned(number: i64) -> FieldValue<'static> {
    u64::try_from(number).map_or(FieldValue::I64(number), FieldValue::U64)
}
