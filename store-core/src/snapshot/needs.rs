//! What a manifest needs besides itself: every file and block, each once.

use std::collections::btree_map::{BTreeMap, Entry};

use super::archive::ArchiveMember;
use crate::blocks::{Block, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::manifest::Manifest;

/// The files of a manifest by key, and its blocks by hash.
#[derive(Debug, Default)]
pub(super) struct Needs {
    files: BTreeMap<Key, (u64, Hash)>,
    /// A block may be stored several times, under several generations.
    blocks: BTreeMap<Hash, Vec<Block>>,
}

impl Needs {
    /// Gathers them.
    ///
    /// # Errors
    /// `Corrupt` if two entries disagree on a file or a block.
    pub fn of(manifest: &Manifest) -> Result<Self> {
        let mut needs = Self::default();
        for entry in &manifest.entries {
            for file in &entry.files {
                needs.file(Key::new(&file.key)?, (file.length, file.hash))?;
            }
            for block in &entry.blocks {
                needs.block(*block)?;
            }
        }
        Ok(needs)
    }

    /// The files: key, length and hash of each.
    pub fn files(&self) -> impl Iterator<Item = (&Key, u64, Hash)> {
        self.files.iter().map(|(key, (length, hash))| (key, *length, *hash))
    }

    /// The blocks, with every copy of each.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values().flatten()
    }

    /// The copies of a block.
    pub fn copies(&self, hash: &Hash) -> &[Block] {
        self.blocks.get(hash).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same as members of an archive.
    pub fn members(&self) -> Vec<ArchiveMember> {
        let files = self.files().map(|(key, length, hash)| ArchiveMember::file(key, length, hash));
        let firsts = self.blocks.values().filter_map(|copies| copies.first());
        files.chain(firsts.map(|block| ArchiveMember::block(block.length, block.hash))).collect()
    }

    fn file(&mut self, key: Key, what: (u64, Hash)) -> Result<()> {
        match self.files.entry(key) {
            Entry::Occupied(there) if *there.get() != what => Err(disagree("file").with("key", there.key())),
            Entry::Occupied(_) => Ok(()),
            Entry::Vacant(place) => {
                place.insert(what);
                Ok(())
            }
        }
    }

    fn block(&mut self, block: Block) -> Result<()> {
        let copies = self.blocks.entry(block.hash).or_default();
        if copies.iter().any(|copy| copy.length != block.length) {
            return Err(disagree("block").with("hash", block.hash));
        }
        if !copies.contains(&block) {
            copies.push(block);
        }
        Ok(())
    }
}

fn disagree(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("two entries of the manifest disagree on a {what}"))
}
