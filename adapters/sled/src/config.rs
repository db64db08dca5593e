//! Which folder, and how it is opened.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use worldstore_core::kv::{KvObjects, Sizes, path_of_uri};
use worldstore_core::{Error, ErrorKind, Result};

use crate::Sled;
use crate::failure::failed;
use crate::map::SledMap;

/// The file by which sled locks its folder.
const DATABASE_FILE: &str = "db";
/// How long closing a database may take before it counts as open.
const CLOSING_MAX: Duration = Duration::from_secs(1);
const CLOSING_PAUSE: Duration = Duration::from_millis(10);
/// sled 0.34.7 stands still if all threads of its pool wait for the log while a segment is taken whose truncation is still
/// in their queue. Segments eight times as large as its own are taken and truncated the less.
const SEGMENT_BYTES: usize = 4 << 20;

/// How a sled database is opened.
///
/// ```
/// # fn main() -> worldstore_core::Result<()> {
/// use worldstore_sled::SledConfig;
///
/// let config = SledConfig::from_uri("sled:///data/cache")?.with_cache_bytes(16 << 20);
/// assert_eq!(config.path().to_str(), Some("/data/cache"));
/// assert!(SledConfig::from_uri("sled://host/cache").is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SledConfig {
    path: PathBuf,
    cache_bytes: u64,
    sizes: Sizes,
}

impl SledConfig {
    /// A cache of 64 MiB by default, where sled itself would take 1 GiB.
    pub const CACHE_BYTES: u64 = 64 << 20;

    /// The database in a folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cache_bytes: Self::CACHE_BYTES, sizes: Sizes::default() }
    }

    /// The database of `sled:///path/folder`. Percent escapes are decoded.
    ///
    /// # Errors
    /// `Invalid` for another scheme, a host, a relative path, a query or fragment, a broken escape.
    pub fn from_uri(uri: &str) -> Result<Self> {
        path_of_uri(uri, "sled").map(Self::new)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the bytes of the cache; sled takes more memory than that. [`CACHE_BYTES`](Self::CACHE_BYTES) by default.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Sets how bodies are stored.
    #[must_use]
    pub fn with_sizes(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    /// Opens the folder, and makes it and its parents if they are missing.
    ///
    /// # Errors
    /// `Conflict` if it is open already, here or in another process, and still is a second later; `Corrupt` if what is in it is damaged; `Invalid`
    /// if it is no folder, or holds other files; `PermissionDenied`, `StorageFull` and the like.
    pub fn open(&self) -> Result<Sled> {
        self.open_objects().map_err(|error| error.during("open").with("path", self.path.display()))
    }

    fn open_objects(&self) -> Result<Sled> {
        self.refuse_other_folder()?;
        self.refuse_open_one()?;
        let config = sled::Config::new().path(&self.path).cache_capacity(self.cache_bytes).segment_size(SEGMENT_BYTES);
        // Another thread may have come in between.
        let database = config.open().or_else(|error| self.refuse_open_one().and(Err(failed(error))))?;
        KvObjects::open(SledMap::new(database, self.path.clone()), self.sizes)
    }

    /// sled would add its files to whatever is there.
    fn refuse_other_folder(&self) -> Result<()> {
        let io = |source| Error::io("open", source);
        let mut entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io(error)),
        };
        let holds_something = entries.next().transpose().map_err(io)?.is_some();
        match holds_something && !self.path.join(DATABASE_FILE).try_exists().map_err(io)? {
            true => Err(Error::invalid("folder holds other files and no sled database")),
            false => Ok(()),
        }
    }

    /// sled tells of a lock that is held only in words; so the same lock is tried here first. Its threads let go of the
    /// lock a moment after the database was closed: that is waited for.
    fn refuse_open_one(&self) -> Result<()> {
        let file = match OpenOptions::new().read(true).write(true).open(self.path.join(DATABASE_FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("open", error)),
        };
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(Error::io("open", error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < CLOSING_MAX => thread::sleep(CLOSING_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(ErrorKind::Conflict, "database is open already"));
                }
            }
        }
    }
}
