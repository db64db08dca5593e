//! The file system of the operating system below a folder.

mod file;
mod folder;

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::FileType;

use super::{Folder, Kind, Stat, Vfs};
use crate::error::{Error, Result};

pub use file::OsFile;
pub use folder::OsFolder;

/// The file system below a folder. Whatever becomes of the path, it stays the folder that was opened.
#[derive(Debug, Clone)]
pub struct OsVfs(Arc<Root>);

#[derive(Debug)]
struct Root {
    folder: OsFolder,
    path: PathBuf,
}

impl OsVfs {
    /// Opens a folder that exists. Symbolic links that lead to it are followed.
    ///
    /// # Errors
    /// `NotFound` if it does not; `Invalid` if it is no folder; `PermissionDenied` and the like.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref();
        let opened = OsFolder::open_root(path).and_then(|folder| Ok(Root { folder, path: path.canonicalize()? }));
        opened.map(|root| Self(Arc::new(root))).map_err(|source| failed("open", source, path))
    }

    /// As [`open`](Self::open), and makes the folder and its parents, with mode 0700, if they are missing. They are durable
    /// then.
    ///
    /// # Errors
    /// `PermissionDenied` and the like; `Invalid` if it is no folder.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref();
        create_folders(path).map_err(|source| failed("create folder", source, path))?;
        Self::open(path)
    }
}

impl Vfs for OsVfs {
    type Folder = OsFolder;

    fn root(&self) -> io::Result<OsFolder> {
        self.0.folder.reopen()
    }

    fn path(&self) -> &Path {
        &self.0.path
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl fmt::Display for OsVfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.path.display())
    }
}

fn failed(operation: &'static str, source: io::Error, path: &Path) -> Error {
    Error::io(operation, source).with("path", path.display())
}

/// Makes a folder and its parents, each synced into the one above before anything is made in it. So what is there has
/// durable parents, but perhaps no durable name itself: whoever made it may have been killed.
fn create_folders(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return match std::fs::File::open(parent).and_then(|above| above.sync_all()) {
            // What we may not open or change was made by others, for good.
            Err(source) if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem | InvalidInput) => Ok(()),
            synced => synced,
        };
    }
    if parent != folder {
        create_folders(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        // Whoever was faster may be killed before its sync.
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => match folder.is_dir() {
            true => {}
            false => return Err(io::ErrorKind::NotADirectory.into()),
        },
        made => made?,
    }
    std::fs::File::open(parent)?.sync_all()
}

#[allow(clippy::unnecessary_cast, reason = "the types differ from system to system")]
fn stat_of(about: &rustix::fs::Stat) -> Stat {
    Stat {
        kind: kind_of(FileType::from_raw_mode(about.st_mode)),
        length: about.st_size as u64,
        id: (about.st_dev as u64, about.st_ino as u64),
        links: about.st_nlink as u64,
        modified: (about.st_mtime as i64, about.st_mtime_nsec as u32),
        changed: (about.st_ctime as i64, about.st_ctime_nsec as u32),
    }
}

fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests;
