//! Typed columns beside the encoded bytes, so that other programs can read a table with plain SQL.
//!
//! Structs and tuples become a column for each part, at any depth; options of plain values become columns that may be
//! null; everything else that is not plain becomes JSON text, in which maps whose keys are no plain values are lists of
//! `[key, value]`.

mod flatten;
mod json;

use serde::Serialize;
use worldstore_core::Result;

use crate::shape::Shape;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers of 64 bits.
    Integer,
    /// Whole numbers that may need more.
    Large,
    /// Floating-point numbers.
    Real,
    /// Text.
    Text,
    /// Bytes.
    Blob,
    /// True or false.
    Boolean,
    /// JSON text: what has no columns of its own.
    Json,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The name, unique in its table without regard to case.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A value for a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// No value.
    Null,
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// A whole number that does not, in decimal digits. A database may show it rounded; the encoded bytes hold it whole.
    Large(String),
    /// A floating-point number.
    Real(f64),
    /// Text, or JSON text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// True or false.
    Boolean(bool),
}

/// The columns of one part of a table's row: a label for their names, and the shape they come from.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    shape: Shape,
}

impl Layout {
    /// A layout for a type of this shape.
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape }
    }

    /// True if its values cannot be read again.
    pub(crate) fn is_undescribed(&self) -> bool {
        self.shape.is_undescribed()
    }

    /// Adds the columns of the layout. The names begin with the label; an empty label gives the bare names of fields.
    pub(crate) fn columns(&self, label: &str, columns: &mut Vec<Column>) {
        add_columns(&self.shape, label, columns);
    }

    /// Adds the values of the columns, in the same order.
    pub(crate) fn values<T: Serialize>(&self, value: &T, data: &mut Vec<Datum>) -> Result<()> {
        flatten::flatten(&self.shape, value, data)
    }
}

fn add_columns(shape: &Shape, label: &str, columns: &mut Vec<Column>) {
    let below = |part: &str| if label.is_empty() { part.to_owned() } else { format!("{label}_{part}") };
    match shape {
        Shape::Unit => {}
        Shape::Newtype(_, inner) => add_columns(inner, label, columns),
        Shape::Struct(_, fields) => fields.iter().for_each(|(name, shape)| add_columns(shape, &below(name), columns)),
        Shape::Tuple(parts) => {
            parts
                .iter()
                .enumerate()
                .for_each(|(index, shape)| add_columns(shape, &below(&format!("f{index}")), columns));
        }
        plain => {
            let name = if label.is_empty() { "value" } else { label };
            columns.push(Column { name: unused(name, columns), kind: kind(plain) });
        }
    }
}

/// The name, or with a number behind it if another column has it.
fn unused(name: &str, columns: &[Column]) -> String {
    let taken = |name: &str| name.starts_with('_') || columns.iter().any(|other| other.name.eq_ignore_ascii_case(name));
    let mut candidate = name.trim_start_matches('_').to_owned();
    let mut number = 2;
    while candidate.is_empty() || taken(&candidate) {
        candidate = format!("{}_{number}", name.trim_start_matches('_'));
        candidate = candidate.trim_start_matches('_').to_owned();
        number += 1;
    }
    candidate
}

/// The kind of column for a shape that is not taken apart.
fn kind(shape: &Shape) -> ColumnKind {
    match shape {
        Shape::Integer => ColumnKind::Integer,
        Shape::Large => ColumnKind::Large,
        Shape::Float => ColumnKind::Real,
        Shape::Text => ColumnKind::Text,
        Shape::Bytes => ColumnKind::Blob,
        Shape::Bool => ColumnKind::Boolean,
        Shape::Option(inner) => match &**inner {
            Shape::Newtype(_, inner) => kind(inner),
            inner => kind(inner),
        },
        _ => ColumnKind::Json,
    }
}

/// True if a shape fills one column with a plain value.
fn is_plain(shape: &Shape) -> bool {
    kind(shape) != ColumnKind::Json
}

#[cfg(test)]
mod tests;
