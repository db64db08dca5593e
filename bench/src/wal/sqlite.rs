//! SQLite with its log and full synchronisation, one connection behind a mutex, one transaction per record.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::Failure;

use super::load::Load;
use super::peer::Peer;
use super::race::{Run, race};

/// `journal_mode = WAL`, `synchronous = FULL`: a commit returns when the log is synced. Checkpoints at their default.
pub struct Sqlite;

impl Peer for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite WAL, FULL"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        let connection = open(folder)?;
        connection.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL)", [])?;
        let connection = Mutex::new(connection);
        race(load, |record| {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            connection.prepare_cached("INSERT INTO log (payload) VALUES (?1)")?.execute([record])?;
            Ok(())
        })
    }

    fn read(&self, folder: &Path, _load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let connection = open(folder)?;
        let mut statement = connection.prepare("SELECT payload FROM log ORDER BY seq")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get_ref(0)?.as_blob()?);
        }
        Ok(())
    }
}

fn open(folder: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(folder.join("log.sqlite"))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    match (mode.as_str(), synchronous) {
        ("wal", 2) => Ok(connection),
        other => Err(format!("SQLite is not in its durable mode but in {other:?}").into()),
    }
}
