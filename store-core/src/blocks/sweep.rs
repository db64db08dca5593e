//! Removing blocks that nobody refers to: the second half of a collection.

use std::collections::HashSet;

use super::Blocks;
use super::content::Block;
use super::hash::Hash;
use crate::error::Result;
use crate::ops::{DeleteOptions, Deleted, ListOptions, ObjectMeta};

impl Blocks {
    /// Goes through the blocks of the generations up to this one, finds those that are not in use, and removes them if it
    /// is told to. Returns them, and how many of them may still be there.
    pub(crate) fn sweep(&self, last: u64, used: &HashSet<(u64, Hash)>, remove: bool) -> Result<(Vec<Block>, u64)> {
        let inner = &*self.inner;
        let sorted = inner.backend.info().capability.list_sorted;
        let (mut found, mut left, mut options) = (Vec::new(), 0, ListOptions::default());
        loop {
            let page = inner.backend.list(&inner.folder, &options)?;
            let is_young = |meta: &ObjectMeta| self.parse(meta).is_some_and(|block| block.generation > last);
            let is_over = sorted && page.objects.last().is_some_and(is_young);
            let is_garbage =
                |block: &Block| block.generation <= last && !used.contains(&(block.generation, block.hash));
            let garbage: Vec<_> = page.objects.iter().filter_map(|meta| self.parse(meta)).filter(is_garbage).collect();
            if remove {
                left += self.remove(&garbage)?;
            }
            found.extend(garbage);
            match page.next {
                Some(next) if !is_over => options.token = Some(next),
                _ => return Ok((found, left)),
            }
        }
    }

    /// The block of an object. None for what others have put into the folder.
    fn parse(&self, meta: &ObjectMeta) -> Option<Block> {
        let (generation, hash) = Block::parse(&self.inner.folder, &meta.key)?;
        Some(Block { hash, length: meta.size, generation })
    }

    /// Removes blocks. Returns how many of them may still be there.
    fn remove(&self, blocks: &[Block]) -> Result<u64> {
        if blocks.is_empty() {
            return Ok(0);
        }
        let keys = blocks.iter().map(|block| self.key(block)).collect::<Result<Vec<_>>>()?;
        let answers = self.inner.backend.delete(&keys, &DeleteOptions::default())?;
        let is_left = |answer: &&Deleted| matches!(answer, Deleted::Failed(_) | Deleted::Rejected);
        Ok(answers.iter().filter(is_left).count() as u64)
    }
}
