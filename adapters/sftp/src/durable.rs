//! Folders whose names are known to survive a power cut.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Folders that are remembered. When there are more all are forgotten, and synced anew.
const KNOWN_MAX: usize = 1 << 14;

/// The folders of one connection whose names were synced. That a folder is there proves nothing: whoever made it may have
/// asked for no durability, or was cut off before the sync.
#[derive(Debug, Default)]
pub struct DurableFolders(Mutex<HashSet<Vec<u8>>>);

impl DurableFolders {
    pub fn has(&self, path: &[u8]) -> bool {
        self.folders().contains(path)
    }

    /// The folder above was synced while this one was there.
    pub fn learn(&self, path: &[u8]) {
        let mut folders = self.folders();
        if folders.len() >= KNOWN_MAX {
            folders.clear();
        }
        folders.insert(path.to_vec());
    }

    /// The folder is a new one, or gone.
    pub fn forget(&self, path: &[u8]) {
        self.folders().remove(path);
    }

    fn folders(&self) -> MutexGuard<'_, HashSet<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
