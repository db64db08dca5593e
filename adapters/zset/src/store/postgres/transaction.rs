//! A transaction of PostgreSQL, for steps and for reading.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::postgres::is_unclear;

use super::arrays::Arrays;
use super::error::translate;
use super::link::Link;
use super::{scan, statements};
use crate::columns::Datum;
use crate::store::{Change, Head, KeyRange, Snapshot, Transaction, ValueVisitor, Visitor};
use crate::table::Table;
use crate::weight::Weight;

/// How many entries one statement writes at most.
const ROWS_MAX: usize = 8_192;

/// An open transaction; dropped without a commit, it is rolled back.
pub(super) struct Held<'l> {
    link: &'l mut Link,
    schema: String,
    head: Head,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    Ended,
}

impl<'l> Held<'l> {
    /// Begins a step. It holds the row of the time, which other steps wait for.
    pub(super) fn step(link: &'l mut Link, schema: String) -> Result<Self> {
        Self::begin(link, schema, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", " FOR UPDATE")
    }

    /// Opens the state as it is now.
    pub(super) fn snapshot(link: &'l mut Link, schema: String) -> Result<Self> {
        Self::begin(link, schema, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "")
    }

    fn begin(link: &'l mut Link, schema: String, begin: &str, lock: &str) -> Result<Self> {
        let head = Head { time: -1, generation: 0 };
        let mut held = Self { link, schema, head, state: State::Open };
        // Both in one round trip.
        let sql = format!("{begin}; SELECT \"input_time\", \"generation\" FROM {}.\"_time\"{lock}", held.schema);
        let rows =
            held.link.run(async |connection| sqlx::raw_sql(&sql).fetch_all(connection).await.map_err(translate))?;
        let row = rows.first().ok_or_else(|| damaged("the schema has no row for the time"))?;
        held.head = Head { time: get(row, 0)?, generation: get(row, 1)? };
        Ok(held)
    }

    fn found(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<PgRow>> {
        let sql = statements::get(&self.schema, table);
        self.link.run(async |connection| sqlx::query(&sql).bind(keys).fetch_all(connection).await.map_err(translate))
    }

    fn remove(&mut self, table: &Table, keys: Vec<Vec<u8>>) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let sql = statements::remove(&self.schema, table);
        self.link
            .run(async |connection| sqlx::query(&sql).bind(keys).execute(connection).await.map(drop).map_err(translate))
    }

    fn add_some(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        let count = changes.len();
        let (mut keys, mut weights) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut arrays = Arrays::new(table, count);
        for Change { key, change, columns } in changes {
            keys.push(key);
            weights.push(change);
            arrays.push(columns)?;
        }
        let sql = statements::add(&self.schema, table);
        let rows = self.link.run(async |connection| {
            let query = arrays.bind(sqlx::query(&sql).bind(&keys).bind(weights));
            query.fetch_all(connection).await.map_err(translate)
        })?;
        // The server promises no order.
        let places: HashMap<&[u8], usize> =
            keys.iter().enumerate().map(|(place, key)| (key.as_slice(), place)).collect();
        let mut sums = vec![None; count];
        for row in &rows {
            let place = places.get(get::<&[u8]>(row, 0)?).and_then(|place| sums.get_mut(*place));
            *place.ok_or_else(|| Error::unexpected("the server gave a key that was not asked for"))? =
                Some(get(row, 1)?);
        }
        let sums: Option<Vec<Weight>> = sums.into_iter().collect();
        let sums = sums.ok_or_else(|| Error::unexpected("the server gave no sum"))?;
        let gone = keys.iter().zip(&sums).filter(|(_, sum)| **sum == 0).map(|(key, _)| key.clone()).collect();
        self.remove(table, gone)?;
        Ok(sums)
    }

    /// Writes one array of keys, one of what changes, and one for each column; nothing comes back.
    fn write_some<V>(&mut self, sql: &str, table: &Table, changes: Vec<Change<V>>) -> Result<()>
    where
        V: 'static,
        Vec<V>: for<'q> sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let count = changes.len();
        let (mut keys, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut arrays = Arrays::new(table, count);
        for Change { key, change, columns } in changes {
            keys.push(key);
            values.push(change);
            arrays.push(columns)?;
        }
        self.link.run(async |connection| {
            let query = arrays.bind(sqlx::query(sql).bind(keys).bind(values));
            query.execute(connection).await.map(drop).map_err(translate)
        })
    }
}

/// The changes in parts that are not too large for one statement.
fn in_parts<V>(mut changes: Vec<Change<V>>, mut write: impl FnMut(Vec<Change<V>>) -> Result<()>) -> Result<()> {
    while !changes.is_empty() {
        let rest = changes.split_off(changes.len().min(ROWS_MAX));
        write(changes)?;
        changes = rest;
    }
    Ok(())
}

fn damaged(message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// A value of a row.
pub(super) fn get<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(
    row: &'r PgRow,
    index: usize,
) -> Result<T> {
    row.try_get(index).map_err(translate)
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.state == State::Open && self.link.execute("ROLLBACK").is_err() {
            // The server undoes it when the connection is gone.
            self.link.cut();
        }
    }
}

impl Snapshot for Held<'_> {
    fn head(&mut self) -> Result<Head> {
        Ok(self.head)
    }

    fn signature(&mut self, table: &str) -> Result<Option<String>> {
        let sql = format!("SELECT \"signature\" FROM {}.\"_signatures\" WHERE \"name\" = $1", self.schema);
        self.link.run(async |connection| {
            sqlx::query_scalar(&sql).bind(table).fetch_optional(connection).await.map_err(translate)
        })
    }

    fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
        let rows = self.found(table, keys)?;
        let found = rows.iter().map(|row| Ok((get::<&[u8]>(row, 0)?, get::<i64>(row, 1)?)));
        let found: HashMap<&[u8], i64> = found.collect::<Result<_>>()?;
        Ok(keys.iter().map(|key| found.get(key.as_slice()).copied().unwrap_or(0)).collect())
    }

    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let rows = self.found(table, keys)?;
        let found = rows.iter().map(|row| Ok((get::<&[u8]>(row, 0)?, get::<&[u8]>(row, 1)?)));
        let found: HashMap<&[u8], &[u8]> = found.collect::<Result<_>>()?;
        Ok(keys.iter().map(|key| found.get(key.as_slice()).map(|value| value.to_vec())).collect())
    }

    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        scan::visit(self.link, &self.schema, table, ranges, &mut |index, row| {
            visitor(index, get(row, 1)?, get(row, 2)?)
        })
    }

    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
        let all = [KeyRange::prefix(&[])];
        scan::visit(self.link, &self.schema, table, &all, &mut |_, row| visitor(get(row, 1)?, get(row, 2)?))
    }
}

impl Transaction for Held<'_> {
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        let mut sums = Vec::with_capacity(changes.len());
        in_parts(changes, |part| {
            sums.extend(self.add_some(table, part)?);
            Ok(())
        })?;
        Ok(sums)
    }

    fn add_only(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<()> {
        let sql = statements::add_only(&self.schema, table);
        in_parts(changes, |part| self.write_some(&sql, table, part))
    }

    fn put(&mut self, table: &Table, mut changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        let sql = statements::put(&self.schema, table);
        // Entries that go have no values for columns, but places in the arrays.
        for gone in changes.iter_mut().filter(|change| change.change.is_none()) {
            gone.columns = vec![Datum::Null; table.columns.len()];
        }
        in_parts(changes, |part| self.write_some(&sql, table, part))
    }

    fn set_time(&mut self, time: i64) -> Result<()> {
        let sql = format!("UPDATE {}.\"_time\" SET \"input_time\" = $1", self.schema);
        self.link
            .run(async |connection| sqlx::query(&sql).bind(time).execute(connection).await.map(drop).map_err(translate))
    }

    fn unfilled(&mut self) -> Result<Vec<String>> {
        let sql = format!("SELECT \"name\" FROM {}.\"_signatures\" WHERE NOT \"filled\"", self.schema);
        self.link.run(async |connection| sqlx::query_scalar(&sql).fetch_all(connection).await.map_err(translate))
    }

    fn mark_filled(&mut self, tables: &[String]) -> Result<()> {
        let schema = &self.schema;
        let signatures =
            format!("UPDATE {schema}.\"_signatures\" SET \"filled\" = true WHERE \"name\" = ANY($1::text[])");
        self.link.run(async |connection| {
            sqlx::query(&signatures).bind(tables).execute(connection).await.map(drop).map_err(translate)
        })?;
        self.link.execute(&format!("UPDATE {schema}.\"_time\" SET \"generation\" = \"generation\" + 1"))
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.state = State::Ended;
        self.link.run(async |connection| {
            let done = sqlx::raw_sql("COMMIT").execute(connection).await;
            done.map(drop).map_err(|error| match is_unclear(&error) {
                true => Error::new(ErrorKind::OutcomeUnknown, "the commit failed half way").caused_by(error),
                false => translate(error),
            })
        })
    }
}
