//! Running a query on a connection that cannot write.

use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use rusqlite::{Batch, Connection, ErrorCode, OpenFlags, Statement};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::Limits;
use crate::queries::Entry;
use crate::shelf::{Meter, Shelf, batch};
use crate::sqlite::column::Column;

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

pub(crate) fn run(path: &Path, entry: &Entry, limits: &Limits) -> Result<RecordBatch> {
    let connection = connect(path, limits)?;
    let rows = prepare(&connection, entry).and_then(|statement| collect(statement, limits));
    rows.map_err(|error| error.with("query", &entry.name))
}

/// Prepares every query.
pub(crate) fn check(path: &Path, shelf: &Shelf) -> Result<()> {
    let connection = connect(path, &shelf.limits)?;
    for entry in shelf.queries.each() {
        prepare(&connection, entry).map_err(|error| error.with("query", &entry.name))?;
    }
    Ok(())
}

fn connect(path: &Path, limits: &Limits) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(translate)?;
    let timeout = limits.timeout.min(std::time::Duration::from_millis(i32::MAX as u64));
    connection.busy_timeout(timeout).map_err(translate)?;
    connection.pragma_update(None, "query_only", true).map_err(translate)?;
    // SQLite looks at the file only when it must, and a query may need nothing of it.
    connection.pragma_query(None, "schema_version", |_| Ok(())).map_err(translate)?;
    let (begin, timeout) = (Instant::now(), limits.timeout);
    connection.progress_handler(STEPS, Some(move || begin.elapsed() > timeout));
    Ok(connection)
}

/// The one statement of a query, if it is one that only reads.
fn prepare<'connection>(connection: &'connection Connection, entry: &Entry) -> Result<Statement<'connection>> {
    let mut statements = Batch::new(connection, &entry.sql);
    let statement = statements.next().map_err(translate)?;
    let statement = statement.ok_or_else(|| Error::invalid("the query is empty"))?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(Error::invalid("the query changes something, or has no columns"));
    }
    if statement.parameter_count() > 0 {
        return Err(Error::invalid("the query has parameters"));
    }
    match statements.next() {
        Ok(None) => Ok(statement),
        _ => Err(Error::invalid("the query is more than one statement")),
    }
}

fn collect(mut statement: Statement<'_>, limits: &Limits) -> Result<RecordBatch> {
    let describe = |column: rusqlite::Column<'_>| Column::new(column.name(), column.decl_type());
    let mut columns: Vec<_> = statement.columns().into_iter().map(describe).collect();
    let (mut meter, mut count) = (Meter::new(limits), 0);
    let mut rows = statement.query([]).map_err(translate)?;
    while let Some(row) = rows.next().map_err(translate)? {
        for (at, column) in columns.iter_mut().enumerate() {
            column.push(row.get_ref(at).map_err(translate)?, count, &mut meter)?;
        }
        count += 1;
    }
    batch(columns.into_iter().map(Column::finish).collect(), count)
}

fn translate(error: rusqlite::Error) -> Error {
    let code = match &error {
        rusqlite::Error::SqlInputError { error, .. } => Some(error.code),
        error => error.sqlite_error_code(),
    };
    let (kind, message) = match code {
        Some(ErrorCode::OperationInterrupted) => (ErrorKind::Unavailable, "the query did not finish in time"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (ErrorKind::Conflict, "the file is locked"),
        Some(ErrorCode::NotADatabase) => (ErrorKind::Corrupt, "the file is no sqlite database"),
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Corrupt, "the database is damaged"),
        Some(ErrorCode::CannotOpen) => (ErrorKind::NotFound, "the file cannot be opened"),
        Some(ErrorCode::PermissionDenied) => (ErrorKind::PermissionDenied, "the file cannot be read"),
        Some(ErrorCode::ReadOnly) => (ErrorKind::Invalid, "the query changes something"),
        Some(ErrorCode::SystemIoFailure) => (ErrorKind::Unavailable, "the file cannot be read"),
        // What SQLite calls an error of the statement: syntax, missing tables, a failed function.
        Some(ErrorCode::Unknown) => (ErrorKind::Invalid, "the query is wrong"),
        _ => (ErrorKind::Unexpected, "sqlite failed"),
    };
    Error::new(kind, message).caused_by(error)
}
