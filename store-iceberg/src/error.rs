//! Errors of Iceberg, Parquet, Arrow and SQLite as ours, and ours on the way through Iceberg.

use std::error::Error as StdError;

use worldstore_async::object_store::find_error;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind};

/// Our error inside one of Iceberg's.
pub(crate) fn to_iceberg(error: Error) -> iceberg::Error {
    iceberg::Error::new(iceberg::ErrorKind::Unexpected, "the backend failed").with_source(error)
}

/// Translates an error of Iceberg: one of ours that it carries keeps its kind.
pub(crate) fn from_iceberg(source: iceberg::Error) -> Error {
    if let Some(ours) = carried(&source) {
        return ours.caused_by(source);
    }
    let (kind, message) = match source.kind() {
        iceberg::ErrorKind::DataInvalid => (ErrorKind::Corrupt, "a file of the table is damaged"),
        iceberg::ErrorKind::FeatureUnsupported => (ErrorKind::Unsupported, "Iceberg does not have this"),
        _ => (ErrorKind::Unexpected, "Iceberg failed"),
    };
    Error::new(kind, message).caused_by(source)
}

/// Translates an error of a Parquet file that is read.
pub(crate) fn from_parquet(source: parquet::errors::ParquetError) -> Error {
    match carried(&source) {
        Some(ours) => ours.caused_by(source),
        None => Error::new(ErrorKind::Corrupt, "a data file is damaged").caused_by(source),
    }
}

/// The error of ours among the sources of another. A file that the table names and that is not there is damage: the
/// table itself was found.
fn carried(source: &(dyn StdError + 'static)) -> Option<Error> {
    let ours = find_error(source)?;
    let mut error = match ours.kind() {
        ErrorKind::NotFound => Error::new(ErrorKind::Corrupt, "a file of the table is missing"),
        kind => Error::new(kind, ours.message()).retry_as(ours.retry()),
    };
    for name in ["key", "path", "location"] {
        if let Some((_, value)) = ours.context().find(|(key, _)| *key == name) {
            error = error.with(name, value);
        }
    }
    Some(error)
}

/// Names the table, once.
pub(crate) fn of_table(error: Error, table: &TableName) -> Error {
    let named = error.context().any(|(key, _)| key == "table");
    match named {
        true => error,
        false => error.with("table", table),
    }
}

/// Translates an error of the catalog's database. Nothing was committed.
pub(crate) fn from_sql(source: sqlx::Error) -> Error {
    let (kind, message) = match &source {
        sqlx::Error::Database(found) => {
            // The low byte is SQLite's primary result code.
            match found.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff) {
                Some(5 | 6) => (ErrorKind::Unavailable, "the catalog is locked by another program"),
                Some(10 | 14) => (ErrorKind::Unavailable, "the catalog's file cannot be accessed"),
                Some(3 | 8 | 23) => (ErrorKind::PermissionDenied, "the catalog's file cannot be written"),
                Some(13) => (ErrorKind::StorageFull, "no space for the catalog"),
                Some(11 | 26) => (ErrorKind::Corrupt, "the catalog's file is damaged"),
                _ => (ErrorKind::Unexpected, "the catalog failed"),
            }
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            (ErrorKind::Unavailable, "the catalog cannot be reached")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) => {
            (ErrorKind::Corrupt, "the catalog holds something else than tables")
        }
        _ => (ErrorKind::Unexpected, "the catalog failed"),
    };
    Error::new(kind, message).caused_by(source)
}
