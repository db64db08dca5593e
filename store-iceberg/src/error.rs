//! Errors of Iceberg, Parquet, Arrow and the catalogs as ours, and ours on the way through Iceberg.

use std::error::Error as StdError;

use sqlx::error::DatabaseError;
use worldstore_async::object_store::find_error;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind};
use worldstore_db_common::postgres;

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

/// Translates an error of a catalog in SQLite.
pub(crate) fn from_sqlite(source: sqlx::Error) -> Error {
    let known = source.as_database_error().map(|found| match primary_code(found) {
        Some(5 | 6) => (ErrorKind::Unavailable, "the catalog is locked by another program"),
        Some(10 | 14) => (ErrorKind::Unavailable, "the catalog's file cannot be accessed"),
        Some(3 | 8 | 23) => (ErrorKind::PermissionDenied, "the catalog's file cannot be written"),
        Some(13) => (ErrorKind::StorageFull, "no space for the catalog"),
        Some(11 | 26) => (ErrorKind::Corrupt, "the catalog's file is damaged"),
        _ => (ErrorKind::Unexpected, "the catalog failed"),
    });
    let (kind, message) = known.unwrap_or_else(|| of_client(&source));
    Error::new(kind, message).caused_by(source)
}

/// SQLite's primary result code is the low byte of what it gives.
fn primary_code(error: &(dyn DatabaseError + 'static)) -> Option<i32> {
    error.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff)
}

/// True if a commit to SQLite that failed in this way may be in its log: a log that was not synced is not read as long as the
/// database is open, and is by whoever opens it next.
pub(crate) fn is_hidden(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(primary_code) == Some(10)
}

/// Translates an error of a catalog in PostgreSQL.
pub(crate) fn from_postgres(source: sqlx::Error) -> Error {
    if source.as_database_error().is_none() {
        let (kind, message) = of_client(&source);
        return Error::new(kind, message).caused_by(source);
    }
    postgres::translate_with(source, |state| match state {
        "55P03" | "40001" | "40P01" => Some((ErrorKind::Unavailable, "the catalog is locked by another program")),
        "53100" => Some((ErrorKind::StorageFull, "no space for the catalog")),
        "3D000" => Some((ErrorKind::NotFound, "the catalog's database does not exist")),
        "3F000" => Some((ErrorKind::NotFound, "the catalog's schema does not exist")),
        // Not `NotFound`, as a table that the catalog does not have: whoever makes that would make an empty catalog.
        "42P01" => Some((ErrorKind::Corrupt, "the catalog's tables are gone")),
        "42501" | "25006" => Some((ErrorKind::PermissionDenied, "the user may not change the catalog")),
        // A transaction that was ended by the server's timeouts among them.
        _ if state.starts_with("25") => {
            Some((ErrorKind::Unavailable, "the catalog's server has ended the transaction"))
        }
        _ => None,
    })
}

fn of_client(source: &sqlx::Error) -> (ErrorKind, &'static str) {
    match source {
        sqlx::Error::PoolTimedOut => {
            (ErrorKind::Unavailable, "the catalog gave no connection in time: it is away, slow, or has too many")
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => {
            (ErrorKind::Unavailable, "the catalog cannot be reached")
        }
        sqlx::Error::Tls(_) => (ErrorKind::Unavailable, "the encrypted connection to the catalog failed"),
        sqlx::Error::Configuration(_) => (ErrorKind::Invalid, "the settings of the catalog are wrong"),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) => {
            (ErrorKind::Corrupt, "the catalog holds something else than tables")
        }
        _ => (ErrorKind::Unexpected, "the catalog failed"),
    }
}

/// True if a statement failed since another program changed the same row.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    matches!(postgres::state(error).as_deref(), Some("40001" | "40P01"))
}
