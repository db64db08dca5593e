//! How a graph knows that files in place are still what they were: it lists them, it asks folders, or it does not ask.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use worldstore_core::{Error, ErrorKind, Prefix, Result};

/// A folder whose time is younger than this when it is looked at may change again without showing it.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// How a graph knows that the files of a mount are still what they were. [`Listed`](Self::Listed) by default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Freshness {
    /// Every query lists the folders that it can need.
    #[default]
    Listed,
    /// Every query asks for the times of all folders, and lists again when one has changed. For stores in which files
    /// appear, vanish and are replaced under their name, as those of worldstore, Spark and DuckDB do; a file that is
    /// written to in place does not change its folder, and is noticed only when it is read.
    Folders(Arc<dyn FolderTimes>),
    /// Files are taken as they were when the label was made, or as the stored catalog of footers has them: nothing is
    /// listed. A file that has changed since fails to be read, where the store has versions.
    Pinned,
}

/// Tells when folders have changed: the times of their directories.
pub trait FolderTimes: Send + Sync + Debug + 'static {
    /// All folders at and below this one, with the times at which a name in them has last appeared or vanished.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder; `Unsupported` if the times of some folder mean nothing.
    fn folders(&self, root: &Prefix) -> Result<FolderState>;

    /// True if all folders are there and have the times that they had.
    ///
    /// # Errors
    /// Those of the store, other than that a folder has gone.
    fn is_same(&self, state: &FolderState) -> Result<bool>;
}

/// Folders and their times.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct FolderState {
    /// The folders, each with the time of its last change.
    pub folders: Vec<(Prefix, SystemTime)>,
    /// False if some have changed so lately that another change could leave the same time.
    pub is_settled: bool,
}

impl FolderState {
    /// Folders and their times.
    pub fn new(folders: Vec<(Prefix, SystemTime)>, is_settled: bool) -> Self {
        Self { folders, is_settled }
    }
}

/// The times of directories below one that a [`Local`](worldstore_core::Local) has as its root.
#[derive(Debug, Clone)]
pub struct LocalFolders {
    root: PathBuf,
}

impl LocalFolders {
    /// Directories below this one. Links to directories are refused: their times are those of something else.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn walk(&self, path: &Path, folder: &Prefix, found: &mut Vec<(Prefix, SystemTime)>) -> Result<()> {
        let failed = |source| failure(folder, source);
        found.push((folder.clone(), path.metadata().and_then(|meta| meta.modified()).map_err(failed)?));
        for entry in path.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_symlink() && entry.path().is_dir() {
                return Err(Error::unsupported("a folder is a link, whose time does not tell what changes behind it")
                    .with("folder", folder)
                    .with("link", entry.path().display()));
            }
            if let (true, Some(name)) = (kind.is_dir(), entry.file_name().to_str()) {
                self.walk(&entry.path(), &folder.join(name)?, found)?;
            }
        }
        Ok(())
    }
}

impl FolderTimes for LocalFolders {
    fn folders(&self, root: &Prefix) -> Result<FolderState> {
        let mut folders = Vec::new();
        let started = SystemTime::now();
        self.walk(&self.root.join(root.as_str()), root, &mut folders)?;
        let is_old = |time: &SystemTime| started.duration_since(*time).is_ok_and(|age| age > SETTLED_AFTER);
        let is_settled = folders.iter().all(|(_, time)| is_old(time));
        Ok(FolderState { folders, is_settled })
    }

    fn is_same(&self, state: &FolderState) -> Result<bool> {
        for (folder, time) in &state.folders {
            match self.root.join(folder.as_str()).metadata().and_then(|meta| meta.modified()) {
                Ok(now) if now == *time => {}
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(failure(folder, error)),
            }
        }
        Ok(state.is_settled)
    }
}

fn failure(folder: &Prefix, source: std::io::Error) -> Error {
    let kind = match source.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "the time of a folder cannot be read").with("folder", folder).caused_by(source)
}

#[cfg(test)]
mod tests;
