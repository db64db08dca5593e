//! Telling one's own files from others', and making their tables once.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use worldstore_core::{Error, Result};

use super::{patiently, translate, write_ahead};

/// What a program writes into the header of its files, so that it never changes a file of another.
///
/// ```
/// use std::time::Duration;
/// use worldstore_db_common::sqlite::{Mark, connect};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("counters.db");
///
/// const MARK: Mark = Mark { application_id: 0x636e_7472, version: 1 }; // "cntr"
///
/// let connection = connect(&path, rusqlite::OpenFlags::default(), Duration::from_secs(10))?;
/// MARK.prepare(&connection, Duration::from_secs(10), |transaction| {
///     transaction.execute_batch("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT")
/// })?;
/// assert!(!MARK.is_fresh(&connection)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which program: four letters as a number, SQLite's
    /// [`application_id`](https://www.sqlite.org/pragma.html#pragma_application_id). Not 0, which every new file has.
    pub application_id: i32,
    /// Which version of its tables, SQLite's [`user_version`](https://www.sqlite.org/pragma.html#pragma_user_version).
    pub version: i32,
}

impl Mark {
    /// True for a database without tables. It is asked at one moment: another process may be making the tables.
    ///
    /// # Errors
    /// `Invalid` for a file of another program, or of another version of this one; `Corrupt` for one that is no database.
    pub fn is_fresh(&self, connection: &Connection) -> Result<bool> {
        const MARKS: &str = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
            FROM pragma_application_id, pragma_user_version";
        let marks = connection.query_row(MARKS, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let (application, version, tables): (i32, i32, i64) = marks.map_err(translate)?;
        if (application, version, tables) == (0, 0, 0) {
            return Ok(true);
        }
        if application != self.application_id {
            let error = Error::invalid("the database belongs to another program");
            return Err(error.with("application_id", application));
        }
        if version != self.version {
            let error = Error::invalid("the file is of another version of this format");
            return Err(error.with("version", version).with("known", self.version));
        }
        Ok(false)
    }

    /// Turns to write-ahead logging and, in a database without tables, makes them and leaves the mark, in one transaction. Of
    /// several processes that do so at once one makes the tables. Each waits up to `timeout`.
    ///
    /// # Errors
    /// As [`is_fresh`](Self::is_fresh) and [`write_ahead`]; `Conflict` if the file stays locked.
    pub fn prepare(
        &self,
        connection: &Connection,
        timeout: Duration,
        make: impl Fn(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let fresh = self.is_fresh(connection)?;
        write_ahead(connection, timeout)?;
        match fresh {
            true => patiently(timeout, || self.make_tables(connection, &make)),
            false => Ok(()),
        }
    }

    /// Makes the tables, unless another process has been faster.
    fn make_tables(
        &self,
        connection: &Connection,
        make: &impl Fn(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(translate)?;
        if self.is_fresh(&transaction)? {
            make(&transaction).map_err(translate)?;
            transaction.pragma_update(None, "application_id", self.application_id).map_err(translate)?;
            transaction.pragma_update(None, "user_version", self.version).map_err(translate)?;
        }
        transaction.commit().map_err(translate)
    }
}
