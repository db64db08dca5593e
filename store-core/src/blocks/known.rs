//! What a store of blocks knows to be there and durable.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::content::Block;
use super::hash::Hash;

/// What a state refers to, one of a chain whose states are numbered.
#[derive(Debug, Clone)]
pub struct References<All> {
    /// The number of the state, from 1.
    pub number: u64,
    /// How many garbage collections had begun when it was made.
    pub collections: u64,
    /// Every block that it refers to.
    pub blocks: All,
}

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
    /// The number of the state that is followed; 0 for none.
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

    pub fn follow(&self, references: References<impl IntoIterator<Item = Block>>) {
        let References { number, collections, blocks } = references;
        let mut state = self.write();
        if number <= state.number {
            return;
        }
        (state.number, state.generation) = (number, collections);
        state.referenced = blocks.into_iter().map(|block| (block.hash, block)).collect();
        state.written.retain(|_, block| is_young(block, collections));
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
