//! Connections that read, each one state of the file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use worldstore_core::{Error, Result};

use super::translate;

/// So many connections are kept open while nobody uses them.
const IDLE_MAX: usize = 8;

/// The connections to a file that read; up to eight are kept open while nobody uses them.
#[derive(Debug, Default)]
pub struct Readers {
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// A connection that sees one state of the file until it is dropped: one that is idle, or what `connect` opens. In write-ahead
    /// mode it waits for no writer, and none waits for it; the log grows while it is there.
    ///
    /// # Errors
    /// Those of `connect`, and of beginning a transaction.
    pub fn begin(self: &Arc<Self>, connect: impl FnOnce() -> Result<Connection>) -> Result<Reader> {
        let idle = self.idle().pop();
        let connection = idle.map_or_else(connect, Ok)?;
        connection.execute_batch("BEGIN").map_err(translate)?;
        Ok(Reader { readers: Arc::clone(self), connection: Some(connection) })
    }

    /// A panic elsewhere leaves connections whole: an open transaction is rolled back where it is dropped.
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One state of the file, from the first statement on.
#[derive(Debug)]
pub struct Reader {
    readers: Arc<Readers>,
    connection: Option<Connection>,
}

impl Reader {
    /// The connection, inside its transaction.
    ///
    /// # Errors
    /// `Unexpected` never comes: only dropping takes the connection.
    pub fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| Error::unexpected("the connection is gone"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A connection that cannot end its transaction is closed instead of being used again.
        if connection.execute_batch("ROLLBACK").is_ok() {
            let mut idle = self.readers.idle();
            if idle.len() < IDLE_MAX {
                idle.push(connection);
            }
        }
    }
}
