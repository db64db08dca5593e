//! Writers: chunks are staged in transactions of their own and published in one.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rusqlite::params;
use worldstore_core::{Durability, Error, ErrorKind, Key, Outcome, Result, WriteOptions, Writer};
use worldstore_db_common::sqlite::translate;

use crate::database::{Committed, Database};
use crate::objects::{CHUNK_BYTES, New, Tables, holds, now_us, text};

/// Bytes that a writer holds in memory, and stores in one transaction.
const STAGE_BYTES: usize = 4 * CHUNK_BYTES;

/// An object in the making.
#[derive(Debug)]
pub(crate) struct SqliteWriter {
    database: Arc<Database>,
    key: Key,
    options: WriteOptions,
    /// Bytes that are not staged yet.
    buffer: BytesMut,
    /// Under which number chunks are staged; none before the first ones.
    generation: Option<i64>,
    staged_bytes: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Bytes are missing: the object cannot be finished.
    Broken,
}

impl SqliteWriter {
    pub(crate) fn new(database: Arc<Database>, key: Key, options: WriteOptions) -> Self {
        let (buffer, generation, staged_bytes) = (BytesMut::new(), None, 0);
        Self { database, key, options, buffer, generation, staged_bytes, state: State::Open }
    }

    fn stage(&mut self) -> Result<()> {
        let bytes = self.buffer.split();
        let first = (self.staged_bytes / CHUNK_BYTES as u64) as i64;
        // What is staged becomes durable with its publication, which syncs the log as far as it goes.
        let staged = self.database.change(Durability::None, |transaction| {
            let tables = Tables { connection: transaction, name: &self.database.name };
            let generation = match self.generation {
                Some(generation) => touch(&tables, generation).map(|()| generation)?,
                None => begin(&tables)?,
            };
            tables.add_chunks(generation, first, &bytes).map(|()| generation)
        });
        self.generation = Some(staged?.into_result()?);
        self.staged_bytes += bytes.len() as u64;
        Ok(())
    }

    fn publish(&mut self) -> Result<Outcome> {
        let bytes = self.buffer.split();
        let (database, key, options) = (&self.database, &self.key, &self.options);
        let Some(generation) = self.generation else { return database.put(key, &bytes, options) };
        let first = (self.staged_bytes / CHUNK_BYTES as u64) as i64;
        let size = self.staged_bytes + bytes.len() as u64;
        let published = database.change(options.durability, |transaction| {
            let tables = Tables { connection: transaction, name: &database.name };
            end(&tables, generation)?;
            let old = tables.find(key)?;
            if !holds(&options.condition, old.as_ref())? {
                return tables.remove_chunks(generation).map(|()| Outcome::Rejected);
            }
            tables.add_chunks(generation, first, &bytes)?;
            let new = New { generation, size, token: text(options.token.as_ref()) };
            tables.publish(key, old.as_ref(), new).map(Outcome::Applied)
        })?;
        match published {
            Committed::Yes(outcome) => {
                self.generation = None;
                Ok(outcome)
            }
            Committed::Unclear(_) => Ok(Outcome::Unknown),
        }
    }

    /// Removes what is staged, unless it was published or swept.
    fn discard(&mut self) -> Result<()> {
        let Some(generation) = self.generation.take() else { return Ok(()) };
        let discarded = self.database.change(Durability::None, |transaction| {
            let tables = Tables { connection: transaction, name: &self.database.name };
            match is_staged(&tables, generation)? {
                true => end(&tables, generation).and_then(|()| tables.remove_chunks(generation)),
                false => Ok(()),
            }
        });
        discarded?.into_result()
    }
}

impl Writer for SqliteWriter {
    fn write(&mut self, mut chunk: Bytes) -> Result<()> {
        if self.state == State::Broken {
            return Err(broken(&self.key));
        }
        while !chunk.is_empty() {
            let part = chunk.split_to(chunk.len().min(STAGE_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(&part);
            if self.buffer.len() == STAGE_BYTES
                && let Err(error) = self.stage()
            {
                self.state = State::Broken;
                return Err(error.during("write").with("key", &self.key));
            }
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<Outcome> {
        match self.state {
            State::Broken => Err(broken(&self.key)),
            State::Open => self.publish().map_err(|error| error.during("commit").with("key", &self.key)),
        }
    }

    fn abort(mut self: Box<Self>) -> Result<()> {
        self.discard().map_err(|error| error.during("abort").with("key", &self.key))
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        // What cannot be removed now is swept later.
        let _ = self.discard();
    }
}

impl Database {
    /// Removes the chunks of writers that have been silent since this time, and says how many there were.
    pub(crate) fn sweep(&self, before_us: i64) -> Result<usize> {
        let swept = self.change(Durability::None, |transaction| {
            let tables = Tables { connection: transaction, name: &self.name };
            let sql = "DELETE FROM staged WHERE touched_us < ?1 RETURNING generation";
            let mut statement = transaction.prepare_cached(sql).map_err(translate)?;
            let generations = statement.query_map([before_us], |row| row.get::<_, i64>(0)).map_err(translate)?;
            let generations = generations.collect::<Result<Vec<_>, _>>().map_err(translate)?;
            generations.iter().try_for_each(|generation| tables.remove_chunks(*generation))?;
            Ok(generations.len())
        });
        swept?.into_result()
    }
}

fn begin(tables: &Tables<'_>) -> Result<i64> {
    let generation = tables.count()?;
    let sql = "INSERT INTO staged (generation, touched_us) VALUES (?1, ?2)";
    tables.connection.execute(sql, params![generation, now_us()]).map_err(translate)?;
    Ok(generation)
}

fn touch(tables: &Tables<'_>, generation: i64) -> Result<()> {
    let sql = "UPDATE staged SET touched_us = ?2 WHERE generation = ?1";
    expect_one(tables.connection.execute(sql, params![generation, now_us()]).map_err(translate)?)
}

fn end(tables: &Tables<'_>, generation: i64) -> Result<()> {
    expect_one(tables.connection.execute("DELETE FROM staged WHERE generation = ?1", [generation]).map_err(translate)?)
}

fn is_staged(tables: &Tables<'_>, generation: i64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM staged WHERE generation = ?1)";
    tables.connection.query_row(sql, [generation], |row| row.get(0)).map_err(translate)
}

fn expect_one(rows: usize) -> Result<()> {
    match rows {
        1 => Ok(()),
        _ => Err(Error::new(ErrorKind::Poisoned, "the writer was silent for so long that its bytes were removed")),
    }
}

fn broken(key: &Key) -> Error {
    Error::new(ErrorKind::Poisoned, "an earlier write failed, begin the object again").with("key", key)
}
