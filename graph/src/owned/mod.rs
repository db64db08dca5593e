//! What queries have created: in memory, and kept in the stored catalog if there is one.
//!
//! Each statement that changes something is one content of blocks and one manifest that names it: it is there for all
//! readers or for none. A statement is run on the newest state; where somebody else was first, it is undone and run again.

mod codec;
mod forget;
mod store;
mod value;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use worldstore_cypher_runtime::{Graph, MemoryGraph};

pub(crate) use forget::{CreatedName, forget};
pub(crate) use store::{OwnedStore, Published};
pub(crate) use value::{from_json, to_json};

/// What queries have created; all clones of a graph share it.
pub(crate) type Owned = Arc<OwnedRows>;

/// See the module. The lock is held while statements run and are stored: it is taken only by threads that may wait.
#[derive(Debug, Default)]
pub(crate) struct OwnedRows {
    created: RwLock<Created>,
    /// What is known without the lock, as of the last change that came to its end.
    nodes: AtomicU64,
    has_names: AtomicBool,
    changes: AtomicU64,
}

impl OwnedRows {
    /// Reads. May wait for a statement.
    pub fn read(&self) -> RwLockReadGuard<'_, Created> {
        self.created.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes. May wait for statements.
    pub fn change<Answer>(&self, change: impl FnOnce(&mut Created) -> Answer) -> Answer {
        let mut created = self.created.write().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut created);
        self.nodes.store(created.graph.node_count(&[]).unwrap_or(u64::MAX), Ordering::Release);
        let (mut labels, mut types) = (created.graph.known_labels(), created.graph.known_types());
        self.has_names.store(labels.next().is_some() || types.next().is_some(), Ordering::Release);
        self.changes.store(created.changes, Ordering::Release);
        answer
    }

    /// How many statements have changed something.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

/// What queries have created, and how often they changed it.
#[derive(Debug, Default)]
pub(crate) struct Created {
    pub graph: MemoryGraph,
    /// How many statements have changed it; where it is stored, those of all processes.
    pub changes: u64,
}

/// True if queries have created labels or types, whether something has them still or not. Does not wait.
pub(crate) fn has_names(owned: &Owned) -> bool {
    owned.has_names.load(Ordering::Acquire)
}

/// True if nothing that queries have created is there. Does not wait.
pub(crate) fn is_empty(owned: &Owned) -> bool {
    owned.nodes.load(Ordering::Acquire) == 0
}
