//! The folders of keys: making them durable, and removing them when an object needs their name.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use super::errno::errno_of;
use super::root::RootFolder;
use crate::key::{Key, Prefix};
use crate::ops::Durability;
use crate::vfs::{Folder, Vfs};

/// Folders that are remembered. When there are more all are forgotten, and proved anew.
const KNOWN_MAX: usize = 1 << 14;

/// Folders whose names, and those of all folders above them, are known to be durable.
///
/// That a folder is there proves nothing: another may have made it a moment ago, or without durability, or was killed
/// before its sync. So the first durable write of a backend into a folder syncs everything above it. The folder is
/// remembered by its inode, which may be given to another once the folder is removed: what this backend removes it
/// forgets, and what another removes is made durable by whoever makes it again.
#[derive(Debug)]
pub(super) struct DurableFolders(Mutex<HashSet<(u64, u64)>>);

impl DurableFolders {
    pub fn new() -> Self {
        Self(Mutex::new(HashSet::new()))
    }

    fn knows(&self, folder: &impl Folder) -> Result<bool, Errno> {
        let id = folder.stat_self().map_err(errno_of)?.id;
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id))
    }

    fn learn(&self, folder: &impl Folder) -> Result<(), Errno> {
        let id = folder.stat_self().map_err(errno_of)?.id;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(id);
        Ok(())
    }

    fn forget(&self, id: (u64, u64)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Opens the folder of a key and makes it if it is missing. If asked for, its name and those above it are durable then.
pub(super) fn open_parent<V: Vfs>(
    root: &RootFolder<V>,
    key: &Key,
    durability: Durability,
) -> Result<Arc<V::Folder>, Errno> {
    let parent = key.parent();
    match root.open_folder(&parent) {
        Ok(folder) if parent.is_root() || durability != Durability::Full || root.durable().knows(&*folder)? => {
            Ok(folder)
        }
        Ok(folder) => match make_all(root, &parent, durability) {
            // A folder above that may be passed but not read cannot be synced: it is not one of ours.
            Err(Errno::ACCESS) => Ok(folder),
            made => made,
        },
        Err(Errno::NOENT) => make_all(root, &parent, durability),
        Err(errno) => Err(errno),
    }
}

/// Opens a folder, from the root down, and makes what is missing.
fn make_all<V: Vfs>(root: &RootFolder<V>, folder: &Prefix, durability: Durability) -> Result<Arc<V::Folder>, Errno> {
    let mut above = root.open_folder(&Prefix::root())?;
    for (end, _) in folder.as_str().match_indices('/').chain([(folder.as_str().len(), "")]) {
        let path = &folder.as_str()[..end];
        let name = path.rsplit('/').next().unwrap_or(path);
        let (below, is_new) = match root.open_folder_at(path) {
            Err(Errno::NOENT) => match above.make_folder(name).map_err(errno_of) {
                Ok(()) | Err(Errno::EXIST) => (root.open_folder_at(path)?, true),
                Err(errno) => return Err(errno),
            },
            opened => (opened?, false),
        };
        if durability == Durability::Full && !root.durable().knows(&*below)? {
            if let Err(errno) = above.sync().map_err(errno_of) {
                // A later sync would not make this name durable, but it would another one.
                if is_new {
                    let _ = above.remove_folder(name);
                }
                return Err(errno);
            }
            root.durable().learn(&*below)?;
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
    root.durable().forget(about.id);
    matches!(above.remove_folder(name).map_err(errno_of), Ok(()) | Err(Errno::NOENT))
}
