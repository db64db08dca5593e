//! Which file, and how it is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Sqlite;
use crate::planted::Planted;
use worldstore_core::Result;

/// How long a batch waits for the batches of other processes unless configured.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How a [`Sqlite`] storage is opened. The file is made, for its owner only, if there is none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The file. Its folder must be there.
    pub path: PathBuf,
    /// The shard of the entities of a new file; one that exists keeps its own. Default 0.
    pub shard: u16,
    /// How long a batch waits for those of other processes before it fails with `Conflict`. Default [`BUSY_TIMEOUT`]
    /// (10 s).
    pub busy_timeout: Duration,
    #[doc(hidden)]
    pub planted: Planted,
}

impl SqliteConfig {
    /// The file at this path.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let planted = Planted::default();
        Self { path: path.as_ref().to_owned(), shard: 0, busy_timeout: BUSY_TIMEOUT, planted }
    }

    /// Sets the shard of a new file.
    #[must_use]
    pub fn with_shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Sets how long a batch waits for those of other processes, up to 24 days.
    #[must_use]
    pub fn with_busy_timeout(mut self, time: Duration) -> Self {
        self.busy_timeout = time;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// `NotFound` without its folder, `PermissionDenied` if it cannot be written, `Corrupt` if it is no SQLite database,
    /// `Invalid` if it belongs to another program, to another version of this format or to another shard, `Conflict` if
    /// another process keeps it locked.
    pub fn open(self) -> Result<Sqlite> {
        Sqlite::open(self)
    }
}
