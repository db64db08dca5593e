//! Keys whose last change shows, and may be gone after a power cut.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// Keys that are remembered. When there are more, every key is in doubt until the root is opened anew.
const KNOWN_MAX: usize = 1 << 14;

/// The keys of changes that were answered as unknown because a sync has failed. What they hold now proves nothing: a
/// later sync that succeeds does not make up for the failed one. A later change of the key does.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    keys: Mutex<HashSet<Key>>,
    /// There were more than can be remembered.
    all: AtomicBool,
}

impl Doubts {
    /// The last change of the key may be lost.
    pub fn raise(&self, key: &Key) {
        let mut keys = self.keys();
        match keys.len() < KNOWN_MAX {
            true => drop(keys.insert(key.clone())),
            false => self.all.store(true, Ordering::SeqCst),
        }
    }

    /// The key was changed anew.
    pub fn settle(&self, key: &Key) {
        self.keys().remove(key);
    }

    /// Refuses to take what shows for what lasts.
    ///
    /// # Errors
    /// `OutcomeUnknown` for a key in doubt.
    pub fn refuse(&self, key: &Key) -> Result<()> {
        match self.all.load(Ordering::SeqCst) || self.keys().contains(key) {
            true => {
                let message = "a sync of the folder has failed, and a power cut may undo the last change of the key";
                Err(Error::new(ErrorKind::OutcomeUnknown, message).with("key", key))
            }
            false => Ok(()),
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
