//! Manifests: a numbered chain of states, published without a race, by any number of processes on any backend that
//! writes only what is absent.
//!
//! A [`Manifest`] is one whole state: which tables and files there are, in which version, and which older manifests must
//! be kept. [`Manifests`] is the chain of them. Each is an object of its own, `{folder}/manifests/{number, 20 digits}`,
//! and is created only if there is none, so that each number has one winner. Everything that decides what may be removed
//! goes through the chain: publishing by the [`Writer`], pins by anyone, expiry, and the beginning of a collection. So all
//! of it happens in one order, which everyone sees.
//!
//! Readers need no writer, no lock, and nothing but the folder. The protocol with the reasons why it holds is in the
//! documentation of the facade under `docs::manifests`.

mod chain;
mod change;
mod clock;
mod collect;
mod draft;
mod expire;
mod format;
mod model;
mod options;
mod pins;
mod place;
mod rules;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex};

pub use clock::{ManualWallClock, SystemWallClock, WallClock};
pub use collect::{CollectOptions, Collected};
pub use draft::Draft;
pub use expire::{ExpireOptions, Expired};
pub use format::{MANIFEST_BYTES_MAX, Stored, decode, encode};
pub use model::{Entry, File, Manifest, Pin};
pub use options::ManifestOptions;
pub use pins::Lease;
pub use rules::NAME_BYTES_MAX;
pub use writer::Writer;

use crate::backend::Backend;
use crate::blocks::Blocks;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use change::no_manifests;
use options::Chance;

/// Whether a change is made, or only what it would do is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Make it.
    #[default]
    Apply,
    /// Change nothing, and tell what it would do if nobody else changed anything meanwhile.
    DryRun,
}

/// A chain of manifests in a folder of a backend, and the blocks to which they refer. Clones are the same handle.
///
/// ```
/// use std::sync::Arc;
/// use worldstore_core::blocks::Hash;
/// use worldstore_core::manifest::{Entry, ManifestOptions, Manifests};
/// use worldstore_core::{Memory, Prefix};
///
/// # fn main() -> worldstore_core::Result<()> {
/// let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::new("world")?, ManifestOptions::default())?;
/// let writer = manifests.writer()?;
/// let content = manifests.blocks()?.put("tick 1")?;
/// let published = writer.publish(|draft| {
///     draft.put(Entry::new("log", "1", content.hash).with_blocks(content.blocks.clone()));
///     Ok(())
/// })?;
/// assert_eq!(manifests.latest()?.entry("log"), published.entry("log"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Manifests {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Arc<dyn Backend>,
    folder: Prefix,
    /// The folder of the manifests, in that one.
    numbers: Prefix,
    blocks: Blocks,
    options: ManifestOptions,
    chance: Chance,
    /// The newest manifest that was seen to be in the chain.
    cache: Mutex<Option<Arc<Stored>>>,
}

impl Manifests {
    /// Begins a chain: publishes an empty manifest with number 1 and epoch 0.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is a chain in the folder,
    /// [`Unsupported`](ErrorKind::Unsupported) if the backend cannot write only what is absent,
    /// [`Invalid`](ErrorKind::Invalid) for options out of range, [`OutcomeUnknown`](ErrorKind::OutcomeUnknown), and those
    /// of the backend.
    pub fn create(backend: Arc<dyn Backend>, folder: Prefix, options: ManifestOptions) -> Result<Self> {
        let manifests = Self::new(backend, folder, options)?;
        manifests.begin()?;
        Ok(manifests)
    }

    /// Opens a chain. Nothing is written: readers need no right to.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, [`Corrupt`](ErrorKind::Corrupt) if its newest manifest is
    /// damaged, [`Invalid`](ErrorKind::Invalid) for options out of range, and those of the backend.
    pub fn open(backend: Arc<dyn Backend>, folder: Prefix, options: ManifestOptions) -> Result<Self> {
        let manifests = Self::new(backend, folder, options)?;
        manifests.latest()?;
        Ok(manifests)
    }

    /// Opens a chain, or begins it if there is none.
    ///
    /// # Errors
    /// As for [`open`](Self::open) and [`create`](Self::create), save that it exists or not.
    pub fn open_or_create(backend: Arc<dyn Backend>, folder: Prefix, options: ManifestOptions) -> Result<Self> {
        let manifests = Self::new(backend, folder, options)?;
        if manifests.newest()?.is_none() {
            match manifests.begin() {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                begun => drop(begun?),
            }
            manifests.latest()?;
        }
        Ok(manifests)
    }

    fn new(backend: Arc<dyn Backend>, folder: Prefix, options: ManifestOptions) -> Result<Self> {
        options.check()?;
        let numbers = folder.join("manifests")?;
        let mut of_blocks = options.blocks.clone();
        of_blocks.planted = options.planted;
        let blocks = Blocks::new(Arc::clone(&backend), folder.join("blocks")?, of_blocks)?;
        let (chance, cache) = (Chance::new(options.seed), Mutex::new(None));
        Ok(Self { inner: Arc::new(Inner { backend, folder, numbers, blocks, options, chance, cache }) })
    }

    /// The newest manifest, at some moment between call and answer.
    ///
    /// What it refers to stays for as long as it is retained. Whoever reads for long takes a
    /// [lease](Self::lease) first.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no chain, [`Corrupt`](ErrorKind::Corrupt) with the key if the
    /// manifest is damaged: an older one is never given in its place.
    pub fn latest(&self) -> Result<Arc<Stored>> {
        self.newest()?.ok_or_else(|| no_manifests().with("folder", self.folder().told()))
    }

    /// The manifest with this number. It is checked to be the one of the chain.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, or none any more; [`Corrupt`](ErrorKind::Corrupt) if it is
    /// damaged, missing, or not the one that its successor or its pin names.
    pub fn at(&self, number: u64) -> Result<Stored> {
        let newest = self.latest()?;
        if !newest.retains(number) {
            let message = if number > newest.number { "no such manifest yet" } else { "the manifest is expired" };
            return Err(Error::not_found(message).with("number", number).with("newest", newest.number));
        }
        self.read_retained(&newest, number)
    }

    /// The numbers of all manifests that the newest keeps: those from its floor up, and pinned ones. In order.
    ///
    /// # Errors
    /// As for [`latest`](Self::latest).
    pub fn list(&self) -> Result<Vec<u64>> {
        let (newest, mut numbers) = self.listed()?;
        numbers.retain(|number| newest.retains(*number));
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// What is stored under a number, whether it is in the chain or not: for those who look for what is lost.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Corrupt`](ErrorKind::Corrupt).
    pub fn stored(&self, number: u64) -> Result<Stored> {
        self.read(number)
    }

    /// Reads every manifest that the newest keeps and checks that each names the one before. Returns how many there are.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt), naming the first that is damaged or missing.
    pub fn verify(&self) -> Result<u64> {
        let newest = self.latest()?;
        let mut count = 0;
        self.walk(&newest, |_| count += 1)?;
        Ok(count)
    }

    /// The blocks of the chain. They follow the newest manifest from this call on: what it refers to is not written again.
    ///
    /// # Errors
    /// As for [`latest`](Self::latest).
    pub fn blocks(&self) -> Result<Blocks> {
        self.inner.blocks.follow(self.latest()?.references());
        Ok(self.inner.blocks.clone())
    }

    /// The folder of the chain.
    pub fn folder(&self) -> &Prefix {
        &self.inner.folder
    }

    /// The backend.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.inner.backend
    }
}

impl fmt::Debug for Manifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "manifests in {:?} of {}", self.inner.folder.as_str(), self.inner.backend)
    }
}

/// A manifest that must be there and is not.
fn missing(error: Error, number: u64) -> Error {
    Error::new(ErrorKind::Corrupt, "a manifest of the chain is missing").with("number", number).caused_by(error)
}

#[cfg(test)]
mod tests;
