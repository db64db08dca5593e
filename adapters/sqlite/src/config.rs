//! The settings: which file, how it is opened, how long to wait for others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use worldstore_core::{Error, Result, percent};

use crate::backend::SqliteBackend;

/// How long a change waits for the changes of others unless configured.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// For how long a writer must have been silent before its chunks are removed, unless configured.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Whether the file is made, and whether it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenMode {
    /// Only reads. Changes are refused as unsupported.
    ReadOnly,
    /// Reads and changes a file that is there.
    Existing,
    /// Makes the file, for its owner only, if there is none. The folder must be there.
    #[default]
    Create,
}

/// Which file, and how it is used.
#[derive(Debug, Clone)]
pub struct SqliteConfig {
    pub(crate) path: PathBuf,
    pub(crate) mode: OpenMode,
    pub(crate) busy_timeout: Duration,
    pub(crate) abandoned_after: Duration,
}

impl SqliteConfig {
    /// The file at this path, made if there is none.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        Self { path, mode: OpenMode::default(), busy_timeout: BUSY_TIMEOUT, abandoned_after: ABANDONED_AFTER }
    }

    /// Reads `sqlite:///folder/file.db`, with the query parameters `mode` (`ro`, `rw`, or `rwc`, the default, which
    /// makes the file) and `busy_timeout_ms`. What is not legal in a URI is written as `%` and two hexadecimal digits.
    ///
    /// # Errors
    /// `Invalid`, naming the part that is wrong.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let broken = |reason: &'static str| Error::invalid(reason).with("uri", uri);
        let rest = uri.strip_prefix("sqlite://").ok_or_else(|| broken("URI does not start with sqlite://"))?;
        if rest.contains('#') {
            return Err(broken("URI has a fragment: write # as %23"));
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !path.starts_with('/') {
            return Err(broken("URI has no absolute path: write sqlite:///folder/file.db"));
        }
        let path = percent::decode(path).map_err(|error| error.with("uri", uri))?;
        if path.ends_with('/') || path.contains('\0') {
            return Err(broken("path names no file"));
        }
        query.split('&').filter(|pair| !pair.is_empty()).try_fold(Self::new(path), Self::with_parameter)
    }

    fn with_parameter(self, pair: &str) -> Result<Self> {
        let broken = |reason: &'static str| Err(Error::invalid(reason).with("parameter", pair));
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("mode", "ro") => Ok(self.with_mode(OpenMode::ReadOnly)),
            ("mode", "rw") => Ok(self.with_mode(OpenMode::Existing)),
            ("mode", "rwc") => Ok(self.with_mode(OpenMode::Create)),
            ("mode", _) => broken("mode is none of ro, rw, rwc"),
            ("busy_timeout_ms", number) => match number.parse::<u32>() {
                Ok(number) => Ok(self.with_busy_timeout(Duration::from_millis(number.into()))),
                Err(_) => broken("busy_timeout_ms is no number of milliseconds"),
            },
            _ => broken("URI has an unknown parameter: mode and busy_timeout_ms are known"),
        }
    }

    /// Sets whether the file is made and changed; [`OpenMode::Create`] by default.
    #[must_use]
    pub fn with_mode(mut self, mode: OpenMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets how long a change waits for another process before it fails with `Conflict`; [`BUSY_TIMEOUT`] (10 s) by
    /// default. SQLite counts in milliseconds, up to 24 days.
    #[must_use]
    pub fn with_busy_timeout(mut self, time: Duration) -> Self {
        self.busy_timeout = time;
        self
    }

    /// Sets for how long a writer must have been silent before opening the file removes its chunks;
    /// [`ABANDONED_AFTER`] (24 h) by default. A writer that comes back later fails as poisoned.
    #[must_use]
    pub fn with_abandoned_after(mut self, time: Duration) -> Self {
        self.abandoned_after = time;
        self
    }

    /// Opens the file, makes its tables if it is new, and removes what abandoned writers left.
    ///
    /// # Errors
    /// `NotFound` without file or folder, `PermissionDenied` if it cannot be written, `Corrupt` if it is no SQLite
    /// database, `Invalid` if it belongs to another program or another version of this format, `Conflict` if another
    /// process keeps it locked.
    pub fn open(self) -> Result<SqliteBackend> {
        SqliteBackend::open(self)
    }
}

#[cfg(test)]
mod tests;
