//! The folder of a log, and the lock on it.

use std::io;

use super::names::LOCK;
use super::{FolderOf, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::vfs::{File, Folder, Vfs};
use crate::wal::options::IfLocked;

/// Opens the folder, makes it and its parents if they are missing, and makes all their names durable: a name that is
/// seen may still be one that a crash takes away.
pub(super) fn create<V: Vfs>(vfs: &V, path: &str) -> Result<FolderOf<V>> {
    let mut folder = vfs.root().map_err(|source| failed("open folder", source, ""))?;
    for name in path.split('/') {
        let made = match folder.make_folder(name) {
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => false,
            made => made.map(|()| true).map_err(|source| failed("make folder", source, name))?,
        };
        if let Err(source) = folder.sync() {
            // A name whose sync has failed may be lost even after one that succeeds. So the next attempt makes it anew.
            if made {
                let _ = folder.remove_folder(name);
            }
            return Err(failed("sync folder", source, name));
        }
        folder = folder.open_folder(name).map_err(|source| failed("open folder", source, name))?;
    }
    folder.sync().map_err(|source| failed("sync folder", source, path))?;
    Ok(folder)
}

/// Opens a folder that must be there.
pub(super) fn open<V: Vfs>(vfs: &V, path: &str) -> Result<FolderOf<V>> {
    let root = vfs.root().map_err(|source| failed("open folder", source, ""))?;
    root.open_folder(path).map_err(|source| failed("open folder", source, path))
}

/// Locks the folder. None if the file system has no locks, or the log is taken over: the epoch keeps writers apart.
pub(super) fn lock<F: Folder>(folder: &F, if_locked: IfLocked) -> Result<Option<F::File>> {
    let file = match folder.create(LOCK) {
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => folder.open_writable(LOCK),
        made => made,
    };
    let file = file.map_err(|source| failed("open", source, LOCK))?;
    match (file.try_lock(), if_locked) {
        (Ok(true), _) => Ok(Some(file)),
        (Ok(false), IfLocked::Refuse) => Err(Error::new(ErrorKind::Conflict, "log is open already")),
        (Ok(false), IfLocked::TakeOver) => Ok(None),
        (Err(source), _) if source.kind() == io::ErrorKind::Unsupported => Ok(None),
        (Err(source), _) => Err(failed("lock", source, LOCK)),
    }
}
