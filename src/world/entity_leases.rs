//! Who may write the entities of a run: whoever opened them last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use worldstore_core::{Error, ErrorKind, Result};

/// How often the entities of each run were opened for writing, and who writes right now.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<String, Arc<tokio::sync::Mutex<u64>>>>);

impl Leases {
    /// Takes the entities of a run over. What another is writing is written to its end before.
    pub async fn take(&self, run: &str) -> Lease {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(run.to_owned()).or_default())
        };
        let mut number = slot.lock().await;
        *number += 1;
        let lease = Lease { number: *number, slot: Arc::clone(&slot) };
        drop(number);
        lease
    }
}

/// The right to write the entities of a run, until another takes it.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    number: u64,
    slot: Arc<tokio::sync::Mutex<u64>>,
}

impl Lease {
    /// Keeps others out for one tick.
    ///
    /// # Errors
    /// `Fenced` if another has opened the entities since.
    pub async fn hold(&self) -> Result<OwnedMutexGuard<u64>> {
        let held = Arc::clone(&self.slot).lock_owned().await;
        match *held == self.number {
            true => Ok(held),
            false => Err(Error::new(ErrorKind::Fenced, "the entities of the run were opened by another since")),
        }
    }
}
