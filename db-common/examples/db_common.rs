//! Counters in an SQLite file that several programs may open at once: each run counts one up.
//!
//! `cargo run -p worldstore-db-common --features sqlite --example db_common -- counters.db`; without a path, a temporary file.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::sqlite::{Mark, connect, create_file, is_unclear, translate};

/// "cntr"
const MARK: Mark = Mark { application_id: 0x636e_7472, version: 1 };
const WAIT: Duration = Duration::from_secs(10);
const TABLES: &str = "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT";

fn main() -> Result<()> {
    let folder = tempfile::tempdir().map_err(|error| Error::io("create", error))?;
    let path = std::env::args().nth(1).map_or_else(|| folder.path().join("counters.db"), PathBuf::from);
    let connection = open(&path)?;
    println!("runs: {}", count(&connection, "runs")?);
    println!("runs: {}", count(&open(&path)?, "runs")?);

    let other = Mark { application_id: 0x6f74_6872, ..MARK };
    let refused = other.is_fresh(&connection).err();
    println!("{}", refused.map_or_else(|| "taken for another's".to_owned(), |error| error.to_string()));
    Ok(())
}

fn open(path: &Path) -> Result<Connection> {
    create_file(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WAIT)?;
    MARK.prepare(&connection, WAIT, |transaction| transaction.execute_batch(TABLES))?;
    Ok(connection)
}

/// Counts one up. A commit that may have taken effect is told from one that has not.
fn count(connection: &Connection, name: &str) -> Result<i64> {
    const UP: &str = "INSERT INTO counters VALUES (?1, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value";
    connection.query_row(UP, [name], |row| row.get(0)).map_err(|error| match is_unclear(&error) {
        true => Error::new(ErrorKind::OutcomeUnknown, "the counter may have been raised").caused_by(error),
        false => translate(error),
    })
}
