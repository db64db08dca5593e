//! Which file, and how it is opened.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use redb::Builder;
use worldstore_core::kv::{KvObjects, Sizes, path_of_uri};
use worldstore_core::{Error, Result};

use crate::Redb;
use crate::failure::failed;
use crate::map::RedbMap;

/// How a redb file is opened.
///
/// ```
/// # fn main() -> worldstore_core::Result<()> {
/// use worldstore_redb::RedbConfig;
///
/// let config = RedbConfig::from_uri("redb:///data/worlds.redb")?.with_cache_bytes(16 << 20);
/// assert_eq!(config.path().to_str(), Some("/data/worlds.redb"));
/// assert!(RedbConfig::from_uri("redb://host/worlds.redb").is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedbConfig {
    path: PathBuf,
    cache_bytes: usize,
    missing: Missing,
    sizes: Sizes,
}

/// What becomes of a file that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// It is made, with mode 0600; its folder must exist.
    #[default]
    Create,
    /// Opening fails with `NotFound`.
    Refuse,
}

impl RedbConfig {
    /// A cache of 64 MiB by default, where redb itself would take 1 GiB.
    pub const CACHE_BYTES: usize = 64 << 20;

    /// The file at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cache_bytes: Self::CACHE_BYTES, missing: Missing::default(), sizes: Sizes::default() }
    }

    /// The file of `redb:///path/file.redb`. Percent escapes are decoded.
    ///
    /// # Errors
    /// `Invalid` for another scheme, a host, a relative path, a query or fragment, a broken escape.
    pub fn from_uri(uri: &str) -> Result<Self> {
        path_of_uri(uri, "redb").map(Self::new)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the bytes of the cache, for pages read and not yet written together. [`CACHE_BYTES`](Self::CACHE_BYTES) by
    /// default.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Sets what becomes of a file that does not exist. It is made by default.
    #[must_use]
    pub fn with_missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }

    /// Sets how bodies are stored.
    #[must_use]
    pub fn with_sizes(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    /// Opens the file. One that a crash has left behind is repaired first, which reads all of it.
    ///
    /// # Errors
    /// `NotFound` for a missing folder, or a missing file that shall not be made; `Conflict` while the file is open
    /// already, here or in another process; `Corrupt` if it is not a redb database or a damaged one; `Unsupported` if
    /// it is of another version; `PermissionDenied`, `StorageFull` and the like.
    pub fn open(&self) -> Result<Redb> {
        self.open_objects().map_err(|error| error.during("open").with("path", self.path.display()))
    }

    fn open_objects(&self) -> Result<Redb> {
        let file = self.open_file().map_err(|source| Error::io("open", source))?;
        let database = Builder::new().set_cache_size(self.cache_bytes).create_file(file).map_err(failed)?;
        sync_folder(&self.path).map_err(|source| Error::io("open", source))?;
        KvObjects::open(RedbMap::new(database, self.path.clone()), self.sizes)
    }

    fn open_file(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(self.missing == Missing::Create);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }
}

/// The name of a file that was just made is as durable as what it holds.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
