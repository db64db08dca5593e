//! Where the log lies, and when snapshots are written.

use std::sync::Arc;

use worldstore_core::wal::WalOptions;
use worldstore_core::{Backend, Prefix, Result};

use super::Log;
use crate::planted::Planted;

/// A snapshot is written when the log has grown by so many bytes since the last, unless configured.
pub const SNAPSHOT_BYTES: u64 = 64 << 20;
/// A snapshot is written after so many batches since the last, unless configured.
pub const SNAPSHOT_BATCHES: u64 = 10_000;

/// How a [`Log`] storage is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogConfig {
    /// The byte store. It must create objects only if they are absent, and list them sorted.
    pub backend: Arc<dyn Backend>,
    /// The folder in it, which belongs to this storage alone.
    pub prefix: Prefix,
    /// The shard of the entities of a new storage; one that exists keeps its own. Default 0.
    pub shard: u16,
    /// A snapshot is written when the log has grown by so many bytes. Default [`SNAPSHOT_BYTES`] (64 MiB).
    pub snapshot_bytes: u64,
    /// A snapshot is written after so many batches. Default [`SNAPSHOT_BATCHES`] (10,000).
    pub snapshot_batches: u64,
    /// The log's own settings.
    pub wal: WalOptions,
    #[doc(hidden)]
    pub planted: Planted,
}

impl LogConfig {
    /// A folder of a byte store.
    pub fn new(backend: Arc<dyn Backend>, prefix: Prefix) -> Self {
        let (snapshot_bytes, snapshot_batches) = (SNAPSHOT_BYTES, SNAPSHOT_BATCHES);
        Self {
            backend,
            prefix,
            shard: 0,
            snapshot_bytes,
            snapshot_batches,
            wal: WalOptions::default(),
            planted: Planted::default(),
        }
    }

    /// Sets the shard of a new storage.
    #[must_use]
    pub fn with_shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Sets after how many bytes of log a snapshot is written.
    #[must_use]
    pub fn with_snapshot_bytes(mut self, bytes: u64) -> Self {
        self.snapshot_bytes = bytes.max(1);
        self
    }

    /// Sets after how many batches a snapshot is written.
    #[must_use]
    pub fn with_snapshot_batches(mut self, batches: u64) -> Self {
        self.snapshot_batches = batches.max(1);
        self
    }

    /// Sets the log's own settings.
    #[must_use]
    pub fn with_wal(mut self, wal: WalOptions) -> Self {
        self.wal = wal;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// Opens it, or makes it, and locks out whoever had it open.
    ///
    /// # Errors
    /// `Unsupported` unless the backend creates objects only if they are absent and lists them sorted; `Corrupt` if what is
    /// stored is damaged; `Invalid` if it is of another shard; those of the backend.
    pub fn open(self) -> Result<Log> {
        Log::open(self)
    }
}
