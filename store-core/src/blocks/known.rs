//! What a store of blocks knows to be there and durable.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::content::Block;
use super::hash::Hash;
use crate::manifest::Manifest;

/// How many blocks that were written here are remembered, of about 100 bytes each. Those that come later are written
/// again when they are put again.
const WRITTEN_MAX: usize = 1 << 20;

/// Blocks that need not be written again.
#[derive(Debug, Default)]
pub(super) struct Known {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the manifest that is followed; 0 for none.
    number: u64,
    generation: u64,
    referenced: HashMap<Hash, Block>,
    written: HashMap<Hash, Block>,
}

impl Known {
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    pub fn find(&self, hash: Hash) -> Option<Block> {
        let state = self.read();
        state.referenced.get(&hash).or_else(|| state.written.get(&hash)).copied()
    }

    pub fn has_written(&self, block: &Block) -> bool {
        self.read().written.get(&block.hash) == Some(block)
    }

    pub fn written(&self, block: Block) {
        let mut state = self.write();
        // While it was written a newer manifest may have come, for which it is too old already.
        if state.written.len() < WRITTEN_MAX && is_young(&block, state.generation) {
            state.written.insert(block.hash, block);
        }
    }

    pub fn follow(&self, manifest: &Manifest) {
        let mut state = self.write();
        if manifest.number <= state.number {
            return;
        }
        (state.number, state.generation) = (manifest.number, manifest.collections);
        state.referenced = manifest.blocks().map(|block| (block.hash, *block)).collect();
        state.written.retain(|_, block| is_young(block, manifest.collections));
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True if no collection that has begun removes the block although nothing refers to it: it was put under this count of
/// collections or the one before.
pub(crate) fn is_young(block: &Block, collections: u64) -> bool {
    block.generation.saturating_add(1) >= collections
}
