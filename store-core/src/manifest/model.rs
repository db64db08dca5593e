//! What a manifest says: plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::blocks::{Block, CommitId, Hash, References};

/// One state of everything, complete in itself: the tables and files of it, and what must be kept.
///
/// Manifests are numbered without gaps from 1 and never change. How they are written, field by field, is in the
/// documentation of the facade under `docs::manifests`; [`encode`](super::encode) does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// Its place in the chain, from 1.
    pub number: u64,
    /// How often a writer has taken over. A writer publishes only under the epoch that it has claimed.
    pub epoch: u64,
    /// The random name of the attempt that published it.
    pub commit: CommitId,
    /// Hash of the manifest before; none for number 1.
    pub parent: Option<Hash>,
    /// How many garbage collections have begun.
    pub collections: u64,
    /// When it was made: milliseconds since 1970 by its writer's clock. It says nothing about order.
    pub created_ms: u64,
    /// Who published it: for people.
    pub writer: String,
    /// What there is, sorted by name, each name once.
    pub entries: Vec<Entry>,
    /// Free texts.
    pub properties: BTreeMap<String, String>,
    /// Older manifests that must be kept, by the name of the pin.
    pub pins: BTreeMap<String, Pin>,
    /// Manifests below this number are expired, unless they are pinned.
    pub floor: u64,
}

impl Manifest {
    /// The entry with this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        let place = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name));
        place.ok().and_then(|place| self.entries.get(place))
    }

    /// True if this manifest still keeps the one with the number: as one from the floor up, or as a pinned one.
    pub fn retains(&self, number: u64) -> bool {
        (self.floor..=self.number).contains(&number) || self.pins.values().any(|pin| pin.number == number)
    }

    /// The numbers of the manifests that it keeps, itself included, in order.
    pub fn retained(&self) -> impl Iterator<Item = u64> + use<> {
        let pinned = self.pins.values().map(|pin| pin.number).filter(|number| *number < self.floor);
        pinned.collect::<BTreeSet<_>>().into_iter().chain(self.floor..=self.number)
    }

    /// Every block that its entries are made of.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.entries.iter().flat_map(|entry| &entry.blocks)
    }

    /// What a store of blocks needs of it, to [follow](crate::blocks::Blocks::follow) it.
    pub fn references(&self) -> References<impl Iterator<Item = Block>> {
        References { number: self.number, collections: self.collections, blocks: self.blocks().copied() }
    }
}

/// A table, a file, or anything else with a name and a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// Its name: 1 to 1,024 bytes, no control characters.
    pub name: String,
    /// Which version of it this is, in the words of its format.
    pub version: String,
    /// Up to which sequence number it holds what was written.
    pub watermark: u64,
    /// The hash of what it means, which does not change when it is stored in another way. The caller decides over what.
    pub content: Hash,
    /// The files that it is made of.
    pub files: Vec<File>,
    /// The blocks that it is made of, in order.
    pub blocks: Vec<Block>,
}

impl Entry {
    /// An entry without files and blocks, at watermark 0.
    pub fn new(name: impl Into<String>, version: impl Into<String>, content: Hash) -> Self {
        let (name, version) = (name.into(), version.into());
        Self { name, version, watermark: 0, content, files: Vec::new(), blocks: Vec::new() }
    }

    /// Sets the watermark.
    #[must_use]
    pub fn with_watermark(mut self, watermark: u64) -> Self {
        self.watermark = watermark;
        self
    }

    /// Sets the files.
    #[must_use]
    pub fn with_files(mut self, files: Vec<File>) -> Self {
        self.files = files;
        self
    }

    /// Sets the blocks.
    #[must_use]
    pub fn with_blocks(mut self, blocks: Vec<Block>) -> Self {
        self.blocks = blocks;
        self
    }
}

/// A file that is stored under a key of its own, by others: a data file of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its key: a legal [`Key`](crate::Key).
    pub key: String,
    /// Its length in bytes.
    pub length: u64,
    /// BLAKE3 of its bytes.
    pub hash: Hash,
}

/// Keeps a manifest from being expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The manifest that is kept.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
    /// A lease ends at this time, in milliseconds since 1970; none for a tag, which stays until it is released.
    pub expires_ms: Option<u64>,
}
