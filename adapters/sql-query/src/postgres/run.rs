//! Running a query in a transaction that cannot write.

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgPool, PgSslMode, PgStatement};
use sqlx::{Column as _, ConnectOptions, Executor, Postgres, Statement as _, Transaction, TypeInfo as _};
use url::Url;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::postgres::{milliseconds, pool_options, translate_with};

use crate::config::Limits;
use crate::postgres::CONNECTIONS_MAX;
use crate::postgres::column::Column;
use crate::queries::Entry;
use crate::shelf::{Meter, Shelf, batch};

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

pub(crate) fn pool(url: &Url, limits: &Limits) -> Result<PgPool> {
    let pool = pool_options(CONNECTIONS_MAX, limits.timeout)?;
    // The cause is not kept: it could repeat what it could not read.
    let options = PgConnectOptions::from_url(url)
        .map_err(|_| Error::invalid("user, password or database of the URI are no text"))?;
    let timeout = milliseconds(limits.timeout);
    let options = options.ssl_mode(PgSslMode::Disable).application_name("worldstore-sql-query");
    let options = options.options([("statement_timeout", timeout.as_str()), ("default_transaction_read_only", "on")]);
    Ok(pool.connect_lazy_with(options))
}

pub(crate) async fn run(pool: &PgPool, entry: &Entry, limits: &Limits) -> Result<RecordBatch> {
    let named = |error: Error| error.with("query", &entry.name);
    let mut transaction = begin(pool).await?;
    let statement = prepare(&mut transaction, entry).await.map_err(named)?;
    let result = collect(&mut transaction, &statement, limits).await.map_err(named)?;
    transaction.rollback().await.map_err(translate)?;
    Ok(result)
}

/// Begins on a task of its own, which ends also if the caller goes away. The client only knows that a connection is in a
/// transaction once the server has answered; given up before, it would go back to the pool inside of one.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(BEGIN).await }).await;
    begun.map_err(|error| Error::unexpected("the runtime has given up the query").caused_by(error))?.map_err(translate)
}

/// Prepares every query.
pub(crate) async fn check(pool: &PgPool, shelf: &Shelf) -> Result<()> {
    let mut transaction = begin(pool).await?;
    for entry in shelf.queries.each() {
        prepare(&mut transaction, entry).await.map_err(|error| error.with("query", &entry.name))?;
    }
    transaction.rollback().await.map_err(translate)
}

/// The statement of a query, if it has columns. The server takes no more than one.
async fn prepare<'entry>(
    transaction: &mut Transaction<'static, Postgres>,
    entry: &'entry Entry,
) -> Result<PgStatement<'entry>> {
    let statement = (&mut **transaction).prepare(&entry.sql).await.map_err(translate)?;
    if statement.columns().is_empty() {
        return Err(Error::invalid("the query has no columns"));
    }
    match statement.parameters() {
        Some(sqlx::Either::Left(parameters)) if !parameters.is_empty() => {
            Err(Error::invalid("the query has parameters"))
        }
        _ => Ok(statement),
    }
}

async fn collect(
    transaction: &mut Transaction<'static, Postgres>,
    statement: &PgStatement<'_>,
    limits: &Limits,
) -> Result<RecordBatch> {
    let describe = |column: &sqlx::postgres::PgColumn| Column::new(column.name(), column.type_info().name());
    let mut columns = statement.columns().iter().map(describe).collect::<Result<Vec<_>>>()?;
    let (mut meter, mut count) = (Meter::new(limits), 0);
    let mut rows = statement.query().fetch(&mut **transaction);
    while let Some(row) = rows.try_next().await.map_err(translate)? {
        for (at, column) in columns.iter_mut().enumerate() {
            column.push(&row, at, count, &mut meter)?;
        }
        count += 1;
    }
    drop(rows);
    batch(columns.into_iter().map(Column::finish).collect::<Result<_>>()?, count)
}

pub(crate) fn translate(error: sqlx::Error) -> Error {
    translate_with(error, |state| match state {
        "57014" => Some((ErrorKind::Unavailable, "the query did not finish in time")),
        "42501" => Some((ErrorKind::PermissionDenied, "the user may not read this")),
        _ => match state.get(..2)? {
            // Data exceptions, such as a division by zero, and errors of syntax and names.
            "22" | "42" => Some((ErrorKind::Invalid, "the query is wrong")),
            // Not in this transaction, which is read only.
            "25" => Some((ErrorKind::Invalid, "the query changes something")),
            "40" => Some((ErrorKind::Conflict, "another change is in flight")),
            _ => None,
        },
    })
}
