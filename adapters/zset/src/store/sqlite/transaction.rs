//! A transaction of SQLite, for steps and for reading.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql, params};
use worldstore_core::{Error, ErrorKind, Result};

use super::{commit_failed, failed, statements};
use crate::columns::Datum;
use crate::store::{Change, Head, KeyRange, Order, Snapshot, Transaction, ValueVisitor, Visit, Visitor};
use crate::table::Table;
use crate::weight::{self, Weight};

/// An open transaction; dropped without a commit, it is rolled back.
pub(super) struct Held<'c> {
    connection: &'c Connection,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    Committed,
}

impl<'c> Held<'c> {
    pub(super) fn begin(connection: &'c Connection, sql: &str) -> Result<Self> {
        connection.prepare_cached(sql).and_then(|mut begin| begin.execute([])).map_err(failed)?;
        Ok(Self { connection, state: State::Open })
    }

    fn statement(&self, sql: &str) -> Result<CachedStatement<'c>> {
        self.connection.prepare_cached(sql).map_err(failed)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.state == State::Open && !self.connection.is_autocommit() {
            // If it cannot be rolled back now, SQLite does so when the file is opened next; nothing was committed.
            let _rolled_back = self.connection.execute_batch("ROLLBACK").is_ok();
        }
    }
}

impl Snapshot for Held<'_> {
    fn head(&mut self) -> Result<Head> {
        let mut head = self.statement("SELECT input_time, generation FROM _time")?;
        head.query_row([], |row| Ok(Head { time: row.get(0)?, generation: row.get(1)? })).map_err(failed)
    }

    fn signature(&mut self, table: &str) -> Result<Option<String>> {
        let mut statement = self.statement("SELECT signature FROM _signatures WHERE name = ?")?;
        statement.query_row([table], |row| row.get(0)).optional().map_err(failed)
    }

    fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
        let mut get = self.statement(&statements::get(table))?;
        let mut weight = |key: &Vec<u8>| get.query_row([key], |row| row.get(0)).optional().map_err(failed);
        keys.iter().map(|key| Ok(weight(key)?.unwrap_or(0))).collect()
    }

    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut get = self.statement(&statements::get(table))?;
        keys.iter().map(|key| get.query_row([key], |row| row.get(0)).optional().map_err(failed)).collect()
    }

    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        // The ranges of a call are mostly of one kind, so the statement is looked up once.
        let mut last: Option<((bool, Order), CachedStatement<'_>)> = None;
        for (index, range) in ranges.iter().enumerate() {
            let kind = (range.end.is_some(), range.order);
            let scan = match &mut last {
                Some((same, scan)) if *same == kind => scan,
                other => {
                    let sql = statements::scan(table, range.end.is_some(), range.order == Order::Descending);
                    &mut other.insert((kind, self.statement(&sql)?)).1
                }
            };
            visit(scan, table, index, range, visitor)?;
        }
        Ok(())
    }

    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
        let mut scan = self.statement(&statements::scan_values(table))?;
        let mut rows = scan.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let bytes = |index| -> Result<&[u8]> {
                let value = row.get_ref(index).map_err(failed)?;
                value.as_blob().map_err(|_| of_another_type("a key or value", table))
            };
            if visitor(bytes(0)?, bytes(1)?)? == Visit::Enough {
                break;
            }
        }
        Ok(())
    }
}

fn of_another_type(what: &str, table: &Table) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{what} in the table is of another type")).with("table", &table.name)
}

fn visit(
    scan: &mut CachedStatement<'_>,
    table: &Table,
    index: usize,
    range: &KeyRange,
    visitor: &mut Visitor<'_>,
) -> Result<()> {
    let rows = match &range.end {
        Some(end) => scan.query(params![range.start, end]),
        None => scan.query(params![range.start]),
    };
    let mut rows = rows.map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (ValueRef::Blob(key), ValueRef::Integer(weight)) =
            (row.get_ref(0).map_err(failed)?, row.get_ref(1).map_err(failed)?)
        else {
            return Err(of_another_type("a key or weight", table));
        };
        if visitor(index, key, weight)? == Visit::Enough {
            break;
        }
    }
    Ok(())
}

impl Transaction for Held<'_> {
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        // Most rows that come are new, and most that go are there once: one search each. For the others a search and a write
        // by what it found are cheaper than an upsert that gives back what it has done.
        let mut get = self.statement(&statements::get(table))?;
        let mut insert = self.statement(&statements::insert_new_weight(table))?;
        let mut remove_all = self.statement(&statements::remove_weight(table))?;
        let mut update = self.statement(&statements::update_weight(table))?;
        let mut remove = self.statement(&statements::remove(table))?;
        let mut sums = Vec::with_capacity(changes.len());
        for Change { key, change, columns } in changes {
            if change > 0 {
                bind(&mut insert, &key, &change, &columns)?;
                if insert.raw_execute().map_err(failed)? == 1 {
                    sums.push(change);
                    continue;
                }
            } else if let Some(there) = change.checked_neg().filter(|there| *there > 0)
                && remove_all.execute(params![key, there]).map_err(failed)? == 1
            {
                sums.push(0);
                continue;
            }
            let before: Option<Weight> = get.query_row([&key], |row| row.get(0)).optional().map_err(failed)?;
            let sum = weight::plus(before.unwrap_or(0), change)?;
            match (before, sum) {
                (None, 0) => {}
                (None, sum) => {
                    bind(&mut insert, &key, &sum, &columns)?;
                    insert.raw_execute().map_err(failed)?;
                }
                (Some(_), 0) => drop(remove.execute([&key]).map_err(failed)?),
                (Some(_), sum) => drop(update.execute(params![sum, key]).map_err(failed)?),
            }
            sums.push(sum);
        }
        Ok(sums)
    }

    fn put(&mut self, table: &Table, changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        let mut put = self.statement(&statements::put(table))?;
        let mut remove = self.statement(&statements::remove(table))?;
        for Change { key, change, columns } in changes {
            match change {
                Some(value) => {
                    bind(&mut put, &key, &value, &columns)?;
                    put.raw_execute().map_err(failed)?;
                }
                None => drop(remove.execute([&key]).map_err(failed)?),
            }
        }
        Ok(())
    }

    fn set_time(&mut self, time: i64) -> Result<()> {
        self.statement("UPDATE _time SET input_time = ?")?.execute([time]).map_err(failed)?;
        Ok(())
    }

    fn unfilled(&mut self) -> Result<Vec<String>> {
        let mut names = self.statement("SELECT name FROM _signatures WHERE NOT filled")?;
        let names = names.query_map([], |row| row.get(0)).map_err(failed)?;
        names.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn mark_filled(&mut self, tables: &[String]) -> Result<()> {
        let mut mark = self.statement("UPDATE _signatures SET filled = TRUE WHERE name = ?")?;
        for name in tables {
            mark.execute([name]).map_err(failed)?;
        }
        self.statement("UPDATE _time SET generation = generation + 1")?.execute([]).map_err(failed)?;
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.statement("COMMIT")?.execute([]).map_err(commit_failed)?;
        self.state = State::Committed;
        Ok(())
    }
}

fn bind(statement: &mut CachedStatement<'_>, key: &[u8], value: &dyn ToSql, columns: &[Datum]) -> Result<()> {
    statement.raw_bind_parameter(1, key).map_err(failed)?;
    statement.raw_bind_parameter(2, value).map_err(failed)?;
    for (index, datum) in columns.iter().enumerate() {
        statement.raw_bind_parameter(index + 3, Bound(datum)).map_err(failed)?;
    }
    Ok(())
}

/// A datum as a parameter.
struct Bound<'a>(&'a Datum);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Datum::Null => ToSqlOutput::Owned(Value::Null),
            Datum::Integer(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Datum::Real(value) => ToSqlOutput::Owned(Value::Real(*value)),
            Datum::Boolean(value) => ToSqlOutput::Owned(Value::Integer((*value).into())),
            Datum::Large(text) | Datum::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Datum::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
