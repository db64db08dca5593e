//! State in a schema of a PostgreSQL database that any program can query with plain SQL.
//!
//! Each table of the circuit is a table of the schema: `_key` (the encoded key), a typed column for each part of the key,
//! and `_weight`; or `_key`, typed columns for key and value, and `_value` (the encoded value). What the bytes say counts;
//! the columns are for readers. Three more tables hold the signatures, the time, and the times that were given out.
//!
//! A step is one transaction that holds the row of the time from its beginning, so steps of several workers come one after
//! another. Each call of an operator is one statement for all its keys.

mod arrays;
mod config;
mod error;
mod link;
mod scan;
mod statements;
mod transaction;

use std::collections::BTreeMap;
use std::fmt;

use sqlx::Row as _;
use worldstore_core::{Error, ErrorKind, Result};

use super::schema::{self, Stored};
use super::{Mode, Snapshot, Store, Transaction, no_later_time};
use crate::columns::ColumnKind;
use crate::table::Table;
pub use config::PostgresConfig;
use error::{is_out_of_range, translate};
use link::Link;
use transaction::Held;

/// A store in a schema of a PostgreSQL database. Several processes may step it, one at a time; readers never wait.
///
/// It has one connection, and makes a new one after it broke. Its calls block the thread; they may come from within an
/// asynchronous runtime, whose thread then waits.
pub struct Postgres {
    link: Link,
    config: PostgresConfig,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({})", self.config.location())
    }
}

impl Postgres {
    /// Connects with the defaults; see [`PostgresConfig::from_uri`] for the address.
    ///
    /// # Errors
    /// As [`PostgresConfig::from_uri`] and [`PostgresConfig::open`].
    pub fn open(uri: &str) -> Result<Self> {
        PostgresConfig::from_uri(uri)?.open()
    }

    fn connect(config: PostgresConfig) -> Result<Self> {
        let mut link = Link::new(config.options()?)?;
        link.ready()?;
        Ok(Self { link, config })
    }

    /// The tables that are there, with their signatures.
    fn stored(&mut self, schema: &str) -> Result<BTreeMap<String, Stored>> {
        let there = "SELECT to_regclass($1) IS NOT NULL";
        let name = format!("{schema}.\"_signatures\"");
        let there: bool = self.link.run(async |connection| {
            sqlx::query_scalar(there).bind(&name).fetch_one(connection).await.map_err(translate)
        })?;
        if !there {
            return Ok(BTreeMap::new());
        }
        let sql = format!("SELECT \"name\", \"signature\", \"filled\" FROM {name}");
        let rows =
            self.link.run(async |connection| sqlx::query(&sql).fetch_all(connection).await.map_err(translate))?;
        let stored = |row: &sqlx::postgres::PgRow| {
            let (signature, is_filled) = (row.try_get(1).map_err(translate)?, row.try_get(2).map_err(translate)?);
            Ok((row.try_get(0).map_err(translate)?, Stored { signature, is_filled }))
        };
        rows.iter().map(stored).collect()
    }

    fn make(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        let schema = self.config.schema();
        // Of several processes that want to make the tables, one does.
        let lock = format!("SELECT pg_advisory_xact_lock(hashtext('worldstore zset'), hashtext('{schema}'))");
        self.link.execute(&lock)?;
        let mut stored = self.stored(&schema)?;
        let mut todo = schema::compare(&stored, tables, mode)?;
        if !stored.is_empty() && !todo.is_nothing() {
            // Tables that are being filled just now count as unfilled until that transaction ends, and it holds the time.
            self.link.execute(&format!("SELECT 1 FROM {schema}.\"_time\" FOR UPDATE"))?;
            stored = self.stored(&schema)?;
            todo = schema::compare(&stored, tables, mode)?;
        }
        if stored.is_empty() && mode != Mode::Open {
            self.link.execute(&statements::meta(&schema))?;
        }
        for name in &todo.remove {
            self.link.execute(&statements::remove_table(&schema, name))?;
        }
        for table in &todo.create {
            self.link.execute(&statements::create(&schema, table))?;
            let insert = format!("INSERT INTO {schema}.\"_signatures\" VALUES ($1, $2, $3, $4)");
            let is_filled = !todo.fill.contains(&table.name);
            self.link.run(async |connection| {
                let query = sqlx::query(&insert).bind(&table.name).bind(&table.operator).bind(&table.signature);
                query.bind(is_filled).execute(connection).await.map_err(translate)
            })?;
        }
        self.compare_widths(&schema, tables)?;
        Ok(todo.fill)
    }

    /// Refuses tables with columns of 64 bits for numbers that may need more. In the encoding, and so in the signature,
    /// integers of all widths are the same.
    fn compare_widths(&mut self, schema: &str, tables: &[&Table]) -> Result<()> {
        let large_columns = tables.iter().flat_map(|table| {
            let large_columns = table.columns.iter().filter(|column| column.kind == ColumnKind::Large);
            large_columns.map(move |column| (*table, column.name.as_str()))
        });
        let large_columns: Vec<_> = large_columns.collect();
        if large_columns.is_empty() {
            return Ok(());
        }
        let narrow: Vec<(String, String)> = self.link.run(async |connection| {
            let query = sqlx::query_as(statements::NARROW).bind(schema);
            query.fetch_all(connection).await.map_err(translate)
        })?;
        let is_narrow = |(table, column): &&(&Table, &str)| {
            narrow.iter().any(|(other, narrow)| *other == table.name && narrow == column)
        };
        match large_columns.iter().find(is_narrow) {
            None => Ok(()),
            Some((table, column)) => {
                let message = "a number became wider than its column: alter the type of the column to numeric";
                let error = Error::invalid(message).with("operator", &table.operator);
                Err(error.with("table", &table.name).with("column", column))
            }
        }
    }
}

impl Store for Postgres {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        self.link.ready()?;
        self.link.execute("BEGIN")?;
        let fill = self.make(tables, mode);
        let end = if fill.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.link.execute(end);
        let fill = fill?;
        ended.map(|()| fill)
    }

    fn wants_columns(&self) -> bool {
        true
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        self.link.ready()?;
        Ok(Box::new(Held::step(&mut self.link, self.config.schema())?))
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        self.link.ready()?;
        Ok(Box::new(Held::snapshot(&mut self.link, self.config.schema())?))
    }

    fn next_time(&mut self) -> Result<i64> {
        self.link.ready()?;
        // A row of its own: times are given out while steps are under way.
        let schema = self.config.schema();
        let sql = format!(
            "UPDATE {schema}.\"_given\" SET \"time\" = greatest(\"time\", (SELECT \"input_time\" FROM {schema}.\"_time\")) \
             + 1 RETURNING \"time\""
        );
        let given: Option<i64> = self.link.run(async |connection| {
            sqlx::query_scalar(&sql).fetch_optional(connection).await.map_err(|error| match is_out_of_range(&error) {
                true => no_later_time(),
                false => translate(error),
            })
        })?;
        given.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the schema has no row for the times that were given out"))
    }
}
