//! The values of columns, turned from rows into one array for each column.

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use worldstore_core::{Error, Result};

use crate::columns::{ColumnKind, Datum};
use crate::table::Table;

/// The values of one column.
pub(super) enum Array {
    Integers(Vec<Option<i64>>),
    Reals(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
    Blobs(Vec<Option<Vec<u8>>>),
    Booleans(Vec<Option<bool>>),
}

impl Array {
    fn new(kind: ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Integer => Self::Integers(Vec::with_capacity(rows)),
            ColumnKind::Real => Self::Reals(Vec::with_capacity(rows)),
            ColumnKind::Text | ColumnKind::Json | ColumnKind::Large => Self::Texts(Vec::with_capacity(rows)),
            ColumnKind::Blob => Self::Blobs(Vec::with_capacity(rows)),
            ColumnKind::Boolean => Self::Booleans(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, datum: Datum) -> Result<()> {
        match (self, datum) {
            (Self::Integers(array), Datum::Integer(value)) => array.push(Some(value)),
            (Self::Integers(array), Datum::Null) => array.push(None),
            (Self::Reals(array), Datum::Real(value)) => array.push(Some(value)),
            (Self::Reals(array), Datum::Null) => array.push(None),
            (Self::Texts(array), Datum::Text(value) | Datum::Large(value)) => array.push(Some(visible(value))),
            (Self::Texts(array), Datum::Integer(value)) => array.push(Some(value.to_string())),
            (Self::Texts(array), Datum::Null) => array.push(None),
            (Self::Blobs(array), Datum::Blob(value)) => array.push(Some(value)),
            (Self::Blobs(array), Datum::Null) => array.push(None),
            (Self::Booleans(array), Datum::Boolean(value)) => array.push(Some(value)),
            (Self::Booleans(array), Datum::Null) => array.push(None),
            (_, datum) => {
                return Err(Error::invalid("a value does not fit its column").with("value", format!("{datum:?}")));
            }
        }
        Ok(())
    }

    fn bind<'q>(self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        match self {
            Self::Integers(array) => query.bind(array),
            Self::Reals(array) => query.bind(array),
            Self::Texts(array) => query.bind(array),
            Self::Blobs(array) => query.bind(array),
            Self::Booleans(array) => query.bind(array),
        }
    }
}

/// PostgreSQL's text cannot hold the character 0: its symbol stands for it. The encoded bytes hold it as it is.
fn visible(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}

/// The columns of many rows.
pub(super) struct Arrays(Vec<Array>);

impl Arrays {
    pub(super) fn new(table: &Table, rows: usize) -> Self {
        Self(table.columns.iter().map(|column| Array::new(column.kind, rows)).collect())
    }

    /// Adds the values of one row.
    pub(super) fn push(&mut self, columns: Vec<Datum>) -> Result<()> {
        if columns.len() != self.0.len() {
            return Err(Error::unexpected("a row has another number of columns than its table"));
        }
        self.0.iter_mut().zip(columns).try_for_each(|(array, datum)| array.push(datum))
    }

    /// Binds the arrays as the next parameters.
    pub(super) fn bind<'q>(self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        self.0.into_iter().fold(query, |query, array| array.bind(query))
    }
}
