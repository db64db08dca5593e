//! The folders of keys: making them durable, and removing them when an object needs their name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::errno::errno_of;
use super::root::RootFolder;
use crate::key::{Key, Prefix};
use crate::ops::Durability;
use crate::vfs::{Folder, Vfs};

/// Folders that are remembered. When there are more, all that are durable are forgotten and proved anew.
const KNOWN_MAX: usize = 1 << 14;

/// What is known of folders: whether their names, and those of all folders above them, are durable.
///
/// That a folder is there proves nothing: another may have made it a moment ago, or without durability, or was killed
/// before its sync. So the first durable write of a backend into a folder syncs everything above it. The folder is
/// remembered by its inode, which may be given to another once the folder is removed: what this backend removes it
/// forgets, and what another removes is made durable by whoever makes it again.
#[derive(Debug)]
pub(super) struct FolderNames(Mutex<HashMap<Id, Name>>);

/// Device and inode.
type Id = (u64, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Durable,
    /// Its sync has failed, and no later one proves anything.
    Doubtful,
}

impl FolderNames {
    pub fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Id, Name>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the name of the folder is durable, false if that is not known.
    fn is_durable(&self, folder: &impl Folder) -> Result<bool, Errno> {
        let id = folder.stat_self().map_err(errno_of)?.id;
        match self.known().get(&id) {
            Some(Name::Durable) => Ok(true),
            Some(Name::Doubtful) => Err(Errno::IO),
            None => Ok(false),
        }
    }

    fn learn(&self, folder: &impl Folder, name: Name) -> Result<(), Errno> {
        let id = folder.stat_self().map_err(errno_of)?.id;
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.retain(|_, name| *name == Name::Doubtful);
        }
        known.insert(id, name);
        Ok(())
    }

    fn forget(&self, id: Id) {
        self.known().remove(&id);
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
        Ok(folder)
            if parent.is_root() || durability != Durability::Full || root.folder_names().is_durable(&*folder)? =>
        {
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
        if durability == Durability::Full && !root.folder_names().is_durable(&*below)? {
            match above.sync().map_err(errno_of) {
                Ok(()) => root.folder_names().learn(&*below, Name::Durable)?,
                // The next one to make the folder makes a name that a sync can keep.
                Err(errno) if is_new && above.remove_folder(name).is_ok() => return Err(errno),
                Err(errno) => {
                    root.folder_names().learn(&*below, Name::Doubtful)?;
                    return Err(errno);
                }
            }
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
