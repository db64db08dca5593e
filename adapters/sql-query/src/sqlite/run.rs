//! Running a query on a connection that cannot write.

use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use rusqlite::{Batch, Connection, ErrorCode, OpenFlags, Statement};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::sqlite::{self, translate_with};

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
    let connection = sqlite::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, limits.timeout)?;
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
    translate_with(error, |code| match code {
        ErrorCode::OperationInterrupted => Some((ErrorKind::Unavailable, "the query did not finish in time")),
        ErrorCode::PermissionDenied => Some((ErrorKind::PermissionDenied, "the file cannot be read")),
        ErrorCode::ReadOnly => Some((ErrorKind::Invalid, "the query changes something")),
        // What SQLite calls an error of the statement: syntax, missing tables, a failed function.
        ErrorCode::Unknown => Some((ErrorKind::Invalid, "the query is wrong")),
        _ => None,
    })
}
