//! Verification: every byte of a state against its hash.

use std::collections::{BTreeMap, BTreeSet};

use super::examine::{Problem, examine};
use super::needs::Needs;
use super::{Snapshots, Which, content_hash};
use crate::blocks::{Block, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::manifest::{Manifest, Stored};

/// What [`verify`](Snapshots::verify) has found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verified {
    /// Manifests that were read and found right.
    pub manifests: u64,
    /// Files that were read to their ends.
    pub files: u64,
    /// Blocks that were read to their ends.
    pub blocks: u64,
    /// Bytes of files and blocks, as they should be.
    pub bytes: u64,
    /// The content hash, where one state alone was verified.
    pub content: Option<Hash>,
    /// Everything that is not as it should be; empty if all is well.
    pub damage: Vec<Damage>,
}

/// An object that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Damage {
    /// What it is.
    pub kind: ObjectKind,
    /// Its key.
    pub key: Key,
    /// What is wrong with it.
    pub problem: Problem,
    /// The newest of the verified manifests that refers to it; its own number for a manifest.
    pub number: u64,
    /// The entries of that manifest that refer to it.
    pub entries: Vec<String>,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A manifest.
    Manifest,
    /// A file of an entry.
    File,
    /// A block.
    Block,
}

impl ObjectKind {
    /// The kind in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::File => "file",
            Self::Block => "block",
        }
    }
}

/// Objects to look at, each with the manifest that was the first to be added of those that refer to it.
#[derive(Debug, Default)]
struct Objects {
    files: BTreeMap<(Key, u64, Hash), u64>,
    blocks: BTreeMap<Block, u64>,
}

impl Objects {
    fn add(&mut self, manifest: &Manifest) -> Result<()> {
        let needs = Needs::of(manifest)?;
        for (key, length, hash) in needs.files() {
            self.files.entry((key.clone(), length, hash)).or_insert(manifest.number);
        }
        for block in needs.blocks() {
            self.blocks.entry(*block).or_insert(manifest.number);
        }
        Ok(())
    }
}

impl Snapshots {
    /// Reads every file and block of a state and compares lengths and hashes. Memory is bounded by the manifest: files
    /// and blocks go by in chunks.
    ///
    /// # Errors
    /// As for [`manifest`](Self::manifest), also [`NotFound`](ErrorKind::NotFound) if the state is expired meanwhile.
    /// What is wrong with files and blocks is in the answer, also that they cannot be read.
    pub fn verify(&self, which: &Which) -> Result<Verified> {
        let stored = self.manifest(which)?;
        let mut objects = Objects::default();
        objects.add(&stored)?;
        let mut verified = self.look_at(objects)?;
        (verified.manifests, verified.content) = (1, Some(content_hash(&stored)));
        if !verified.damage.is_empty() && !self.manifests().latest()?.retains(stored.number) {
            let message = "the state was expired while it was verified, pin it first";
            return Err(Error::not_found(message).with("number", stored.number));
        }
        Ok(verified)
    }

    /// Verifies everything that is kept: every manifest, and every file and block to which one of them refers, each once.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the newest manifest is damaged: nobody knows then what is kept. Those of the
    /// backend about it. What is wrong with older manifests, files and blocks is in the answer.
    pub fn verify_all(&self) -> Result<Verified> {
        self.verify_kept(|_| {})
    }

    /// Verifies every manifest that is kept, and every block to which one of them refers. Files are left out.
    ///
    /// # Errors
    /// As for [`verify_all`](Self::verify_all).
    pub fn verify_blocks(&self) -> Result<Verified> {
        self.verify_kept(|objects| objects.files.clear())
    }

    fn verify_kept(&self, choose: impl FnOnce(&mut Objects)) -> Result<Verified> {
        let newest = self.manifests().latest()?;
        let (mut objects, mut damage, mut manifests) = (Objects::default(), Vec::new(), 0);
        // From the newest down: each names the one before it. Pins name those that stand alone.
        let mut before: Option<(u64, Hash)> = None;
        let pinned: BTreeSet<u64> = newest.pins.values().map(|pin| pin.number).collect();
        let (kept, pinned) = ((newest.floor..=newest.number).rev(), pinned.range(..newest.floor).rev());
        for number in kept.chain(pinned.copied()) {
            let pins = newest.pins.values().filter(|pin| pin.number == number).map(|pin| pin.hash);
            let parent = before.filter(|(named, _)| *named == number).map(|(_, hash)| hash);
            let read = match number == newest.number {
                true => Ok(newest.as_ref().clone()),
                false => self.vouched(number, pins.chain(parent)),
            };
            match read.and_then(|stored| objects.add(&stored).map(|()| stored)) {
                Ok(stored) => {
                    manifests += 1;
                    before = stored.parent.map(|parent| (number.saturating_sub(1), parent));
                }
                Err(error) => damage.push(Damage {
                    kind: ObjectKind::Manifest,
                    key: self.manifests().folder().key(format!("manifests/{number:020}"))?,
                    problem: match error.is_not_found() {
                        true => Problem::Missing,
                        false => Problem::Unreadable(error),
                    },
                    number,
                    entries: Vec::new(),
                }),
            }
        }
        choose(&mut objects);
        let mut verified = self.look_at(objects)?;
        verified.manifests = manifests;
        damage.append(&mut verified.damage);
        if !damage.is_empty() {
            // What was expired meanwhile may be gone.
            let newest = self.manifests().latest()?;
            damage.retain(|damage| newest.retains(damage.number));
        }
        Ok(Verified { damage, ..verified })
    }

    /// A manifest that has all of these hashes.
    fn vouched(&self, number: u64, mut hashes: impl Iterator<Item = Hash>) -> Result<Stored> {
        let stored = self.manifests().stored(number)?;
        match hashes.all(|hash| hash == stored.hash) {
            true => Ok(stored),
            false => {
                let message = "the manifest is not the one that its successor or its pin names";
                Err(Error::new(ErrorKind::Corrupt, message).with("number", number))
            }
        }
    }

    fn look_at(&self, objects: Objects) -> Result<Verified> {
        let backend = &**self.manifests().backend();
        let folder = self.manifests().folder().join("blocks")?;
        let (files, blocks) = (objects.files.len() as u64, objects.blocks.len() as u64);
        let (mut bytes, mut damage) = (0_u64, Vec::new());
        for (block, number) in objects.blocks {
            let key = block.key(&folder)?;
            bytes = bytes.saturating_add(block.length);
            if let Some(problem) = examine(backend, &key, block.length, block.hash) {
                let entries = self.entries(number, |entry| entry.blocks.contains(&block));
                damage.push(Damage { kind: ObjectKind::Block, key, problem, number, entries });
            }
        }
        for ((key, length, hash), number) in objects.files {
            bytes = bytes.saturating_add(length);
            if let Some(problem) = examine(backend, &key, length, hash) {
                let entries = self.entries(number, |entry| entry.files.iter().any(|file| file.key == key.as_str()));
                damage.push(Damage { kind: ObjectKind::File, key, problem, number, entries });
            }
        }
        Ok(Verified { manifests: 0, files, blocks, bytes, content: None, damage })
    }

    /// The names of entries of a manifest that refer to something; none if it is gone meanwhile.
    fn entries(&self, number: u64, refers: impl Fn(&crate::manifest::Entry) -> bool) -> Vec<String> {
        let Ok(stored) = self.manifests().at(number) else { return Vec::new() };
        stored.entries.iter().filter(|entry| refers(entry)).map(|entry| entry.name.clone()).collect()
    }
}
