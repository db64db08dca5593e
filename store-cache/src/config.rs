//! When the cache flushes, and what an append waits for.

use std::fmt::Display;
use std::time::Duration;

use worldstore_core::{Error, Result};

/// What an append waits for, where there is a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing: its record is on its way, and its rows are read at once. A kill may lose the newest of them.
    Buffered,
    /// Its record to be synced: its rows are read then, and a power cut does not lose them.
    #[default]
    Durable,
}

/// What an append waits for, and the triggers of a flush. Whichever is reached first flushes, in the background.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// Rows buffered for one table. Default 1,000,000.
    pub flush_rows: usize,
    /// Mebibytes buffered for one table. Default 512. No number of mebibytes is above [`MB_MOST`](Self::MB_MOST).
    pub flush_mb: usize,
    /// Mebibytes buffered for all tables together; reaching it flushes every table. Default 1,024.
    ///
    /// It is also the bound of the memory held: appends wait while this much is buffered or being put together for a
    /// commit, and are refused with [`Unavailable`](worldstore_core::ErrorKind::Unavailable) if flushes fail then. An append that is
    /// larger than what is left of it is taken whole; so memory can exceed the bound by one append per caller. Commits
    /// at once take an eighth of it at most, together, or an append if that is more. Rows that came in buffers much larger
    /// than they are, as slices do, are copied out of them. Not counted are the queue of the log and what a table format
    /// holds while it writes. At least [`GLOBAL_MB_LEAST`](Self::GLOBAL_MB_LEAST).
    pub global_mb: usize,
    /// Age in seconds of the oldest buffered row of a table. A steady writer is flushed too. It is looked at
    /// once a second, or once per `idle_sec` if that is shorter. Default 30; from 0.001 to
    /// [`IDLE_SEC_MOST`](Self::IDLE_SEC_MOST).
    pub idle_sec: f64,
    /// Mebibytes from which on an append of one table is direct: the log gets a note of it only, its rows are committed to
    /// their table before it returns, and it is then as safe as the table is. It is more of one file of the table, and
    /// less to write. Only where there is a log and appends are [`Durability::Durable`]; not above 240. Default 32.
    pub direct_mb: usize,
    /// What an append waits for. Without a log nothing is durable, and it says nothing. Default: [`Durability::Durable`].
    pub durability: Durability,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            flush_rows: 1_000_000,
            flush_mb: 512,
            global_mb: 1024,
            idle_sec: 30.0,
            direct_mb: 32,
            durability: Durability::default(),
        }
    }
}

impl CacheConfig {
    /// The least bound of memory: 32 MiB. With less, what a log has in memory by itself would not fit into the fifth.
    pub const GLOBAL_MB_LEAST: usize = 32;
    /// The largest number of mebibytes: 16 TiB. More is a number of bytes.
    pub const MB_MOST: usize = 1 << 24;
    /// The longest age of a row in seconds: a year. More is a number of milliseconds.
    pub const IDLE_SEC_MOST: f64 = 31_536_000.0;

    /// Sets the rows of one table that trigger a flush.
    #[must_use]
    pub fn with_flush_rows(mut self, rows: usize) -> Self {
        self.flush_rows = rows;
        self
    }

    /// Sets the mebibytes of one table that trigger a flush.
    #[must_use]
    pub fn with_flush_mb(mut self, mebibytes: usize) -> Self {
        self.flush_mb = mebibytes;
        self
    }

    /// Sets the mebibytes of all tables that trigger a flush and bound the memory held.
    #[must_use]
    pub fn with_global_mb(mut self, mebibytes: usize) -> Self {
        self.global_mb = mebibytes;
        self
    }

    /// Sets the age in seconds of the oldest row that triggers a flush.
    #[must_use]
    pub fn with_idle_sec(mut self, seconds: f64) -> Self {
        self.idle_sec = seconds;
        self
    }

    /// Sets the mebibytes from which on an append is committed to its table before it returns.
    #[must_use]
    pub fn with_direct_mb(mut self, mebibytes: usize) -> Self {
        self.direct_mb = mebibytes;
        self
    }

    /// Sets what an append waits for, where there is a log.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether a cache can be opened with these settings.
    ///
    /// # Errors
    /// `Invalid`, with `setting` and `got`, for zero where it triggers flushes, and for what must be in another unit.
    pub fn check(&self) -> Result<()> {
        let refused = |setting: &str, rule: &str, got: &dyn Display| {
            Err(Error::invalid(rule).with("setting", setting).with("got", got))
        };
        if self.flush_rows == 0 {
            return refused("flush_rows", "setting is a number of rows, at least 1", &0);
        }
        for (setting, mebibytes, least) in [
            ("flush_mb", self.flush_mb, 1),
            ("global_mb", self.global_mb, Self::GLOBAL_MB_LEAST),
            ("direct_mb", self.direct_mb, 0),
        ] {
            if !(least..=Self::MB_MOST).contains(&mebibytes) {
                let rule = format!("setting is a number of mebibytes, from {least} to {}", Self::MB_MOST);
                return refused(setting, &rule, &mebibytes);
            }
        }
        if !(0.001..=Self::IDLE_SEC_MOST).contains(&self.idle_sec) {
            let rule = format!("setting is a number of seconds, from 0.001 to {}", Self::IDLE_SEC_MOST);
            return refused("idle_sec", &rule, &self.idle_sec);
        }
        Ok(())
    }

    pub(crate) fn idle(&self) -> Result<Duration> {
        Duration::try_from_secs_f64(self.idle_sec).map_err(|source| {
            Error::invalid("setting is no duration")
                .with("setting", "idle_sec")
                .with("got", self.idle_sec)
                .caused_by(source)
        })
    }

    pub(crate) fn flush_bytes(&self) -> usize {
        self.flush_mb.saturating_mul(1 << 20)
    }

    pub(crate) fn direct_bytes(&self) -> usize {
        self.direct_mb.saturating_mul(1 << 20)
    }

    /// Bytes that one commit takes.
    pub(crate) fn commit_bytes(&self) -> usize {
        self.global_bytes() / 8
    }

    pub(crate) fn global_bytes(&self) -> usize {
        self.global_mb.saturating_mul(1 << 20)
    }
}
