//! The folders of keys: making them durable, and removing them when an object needs their name.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::errno::{absent_or, errno_of};
use super::root::RootFolder;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::Durability;
use crate::vfs::{Folder, Vfs};

/// Folders that are remembered. When there are more all are forgotten, and proved anew.
const KNOWN_MAX: usize = 1 << 14;

/// What is known of the names in folders: which are durable, and which can no longer be made so.
///
/// That a folder is there proves nothing: another may have made it a moment ago, or without durability, or was killed
/// before its sync. So the first durable write of a backend into a folder syncs everything above it. The folder is
/// remembered by its inode, which may be given to another once the folder is removed: what this backend removes it
/// forgets, and what another removes is made durable by whoever makes it again.
///
/// A sync that fails may have lost every name that was not durable before, and a later one that succeeds does not bring
/// them back.
#[derive(Debug, Default)]
pub(super) struct FolderNames {
    /// Folders whose names, and those of all folders above them, are durable.
    durable: Mutex<HashSet<Id>>,
    /// Folders of which a sync has failed.
    failed: Mutex<HashSet<Id>>,
    failures: AtomicU64,
}

/// Device and inode.
type Id = (u64, u64);

impl FolderNames {
    /// How many syncs have failed. Asked before a name is changed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Makes the names in a folder durable, if no sync has failed since they were changed.
    pub fn sync(&self, folder: &impl Folder, since: u64) -> Result<(), Errno> {
        match folder.sync().map_err(errno_of) {
            Ok(()) if self.failures() == since => Ok(()),
            Ok(()) => Err(Errno::IO),
            Err(errno) => {
                self.failures.fetch_add(1, Ordering::SeqCst);
                if let Ok(about) = folder.stat_self() {
                    locked(&self.failed).insert(about.id);
                }
                Err(errno)
            }
        }
    }

    fn is_durable(&self, folder: &impl Folder) -> Result<bool, Errno> {
        let about = folder.stat_self().map_err(errno_of)?;
        Ok(locked(&self.durable).contains(&about.id))
    }

    fn learn(&self, folder: &impl Folder) -> Result<(), Errno> {
        let about = folder.stat_self().map_err(errno_of)?;
        let mut durable = locked(&self.durable);
        if durable.len() >= KNOWN_MAX {
            durable.clear();
        }
        durable.insert(about.id);
        Ok(())
    }

    fn has_failed(&self, folder: &impl Folder) -> Result<bool, Errno> {
        let about = folder.stat_self().map_err(errno_of)?;
        Ok(locked(&self.failed).contains(&about.id))
    }

    fn forget(&self, id: Id) {
        locked(&self.durable).remove(&id);
        locked(&self.failed).remove(&id);
    }
}

fn locked(ids: &Mutex<HashSet<Id>>) -> MutexGuard<'_, HashSet<Id>> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a folder cannot be used.
enum Unusable {
    Errno(Errno),
    /// Its name may be lost, and no sync can tell any more.
    Doubtful,
}

impl From<Errno> for Unusable {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// Opens the folder of a key and makes it if it is missing. If asked for, its name and those above it are durable then.
/// None if another removes folders meanwhile.
pub(super) fn open_parent<V: Vfs>(
    root: &RootFolder<V>,
    key: &Key,
    durability: Durability,
) -> Result<Option<Arc<V::Folder>>> {
    let error = match open_or_make(root, &key.parent(), durability) {
        Ok(folder) => return Ok(Some(folder)),
        // Another writer has removed what was an empty folder a moment ago.
        Err(Unusable::Errno(Errno::NOENT)) => return Ok(None),
        Err(Unusable::Errno(Errno::NOTDIR)) => {
            Error::invalid("a folder of the key is an object").caused_by(Errno::NOTDIR)
        }
        Err(Unusable::Errno(errno)) => absent_or("write", errno),
        Err(Unusable::Doubtful) => {
            let message = "a sync of the folders above has failed, and nothing below them can be promised to last";
            Error::new(ErrorKind::Poisoned, message).during("write")
        }
    };
    Err(error.with("key", key))
}

fn open_or_make<V: Vfs>(
    root: &RootFolder<V>,
    folder: &Prefix,
    durability: Durability,
) -> Result<Arc<V::Folder>, Unusable> {
    match root.open_folder(folder) {
        Ok(opened) if folder.is_root() || durability != Durability::Full => Ok(opened),
        Ok(opened) if root.folder_names().is_durable(&*opened)? => Ok(opened),
        Ok(opened) => match make_all(root, folder, durability) {
            // A folder above that may be passed but not read cannot be synced: it is not one of ours.
            Err(Unusable::Errno(Errno::ACCESS)) => Ok(opened),
            made => made,
        },
        Err(Errno::NOENT) => make_all(root, folder, durability),
        Err(errno) => Err(errno.into()),
    }
}

/// Opens a folder, from the root down, and makes what is missing.
fn make_all<V: Vfs>(root: &RootFolder<V>, folder: &Prefix, durability: Durability) -> Result<Arc<V::Folder>, Unusable> {
    let mut above = root.open_folder(&Prefix::root())?;
    for (end, _) in folder.as_str().match_indices('/').chain([(folder.as_str().len(), "")]) {
        let path = &folder.as_str()[..end];
        let name = path.rsplit('/').next().unwrap_or(path);
        let since = root.folder_names().failures();
        let (below, is_new) = match root.open_folder_at(path) {
            Err(Errno::NOENT) => match above.make_folder(name).map_err(errno_of) {
                Ok(()) => (root.open_folder_at(path)?, true),
                Err(Errno::EXIST) => (root.open_folder_at(path)?, false),
                Err(errno) => return Err(errno.into()),
            },
            opened => (opened?, false),
        };
        if is_new && let Ok(about) = below.stat_self() {
            // Its inode may have been that of a folder which another has removed.
            root.folder_names().forget(about.id);
        }
        if durability == Durability::Full && !root.folder_names().is_durable(&*below)? {
            if !is_new && root.folder_names().has_failed(&*above)? {
                return Err(Unusable::Doubtful);
            }
            if let Err(errno) = root.folder_names().sync(&*above, since) {
                // The next one to make the folder makes a name that a sync can keep.
                if is_new {
                    let _ = above.remove_folder(name);
                }
                return Err(errno.into());
            }
            root.folder_names().learn(&*below)?;
        }
        above = below;
    }
    Ok(above)
}

/// Removes a folder below which there are only folders. False if there is anything else, which stays.
pub(super) fn remove_empty<V: Vfs>(root: &RootFolder<V>, above: &V::Folder, name: &str) -> bool {
    let folder = match above.open_folder(name).map_err(errno_of) {
        Ok(folder) => folder,
        Err(errno) => return errno == Errno::NOENT,
    };
    let (Ok(entries), Ok(about)) = (folder.list(), folder.stat_self()) else { return false };
    if !entries.iter().all(|entry| remove_empty(root, &folder, &entry.name)) {
        return false;
    }
    root.folder_names().forget(about.id);
    matches!(above.remove_folder(name).map_err(errno_of), Ok(()) | Err(Errno::NOENT))
}
