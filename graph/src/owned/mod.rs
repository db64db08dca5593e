//! What queries have created: in memory, and kept in the stored catalog if there is one.
//!
//! Each statement that changes something is one content of blocks and one manifest that names it: it is there for all
//! readers or for none. A statement is run on the newest state; where somebody else was first, it is undone and run again.

mod codec;
mod forget;
mod store;
mod value;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use worldstore_cypher_runtime::{Graph, MemoryGraph};

use crate::error::QueryError;
use crate::limits::Guard;

pub(crate) use forget::{CreatedName, forget};
pub(crate) use store::{OwnedStore, Published, statements};
pub(crate) use value::{from_json, to_json};

/// What queries have created; all clones of a graph share it.
pub(crate) type Owned = Arc<OwnedRows>;

/// See the module. The lock is held while statements run and are stored, and is given in the order in which it was asked for.
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
    pub async fn read(&self) -> RwLockReadGuard<'_, Created> {
        self.created.read().await
    }

    /// Reads, on a thread that may wait.
    ///
    /// # Errors
    /// `Limit`: one was reached before.
    pub fn read_within(&self, handle: &Handle, guard: &Guard) -> Result<RwLockReadGuard<'_, Created>, QueryError> {
        match self.created.try_read() {
            Ok(created) => Ok(created),
            Err(_) => handle.block_on(guard.watch(async { Ok(self.created.read().await) })),
        }
    }

    /// Changes, on a thread that may wait.
    pub fn change<Answer>(&self, change: impl FnOnce(&mut Created) -> Answer) -> Answer {
        self.changed(self.created.blocking_write(), change)
    }

    /// The same for a query.
    ///
    /// # Errors
    /// `Limit`: one was reached before.
    pub fn change_within<Answer>(
        &self,
        handle: &Handle,
        guard: &Guard,
        change: impl FnOnce(&mut Created) -> Answer,
    ) -> Result<Answer, QueryError> {
        let created = match self.created.try_write() {
            Ok(created) => created,
            Err(_) => handle.block_on(guard.watch(async { Ok(self.created.write().await) }))?,
        };
        Ok(self.changed(created, change))
    }

    fn changed<Answer>(
        &self,
        mut created: RwLockWriteGuard<'_, Created>,
        change: impl FnOnce(&mut Created) -> Answer,
    ) -> Answer {
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
