//! The writer: who has claimed the newest epoch.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Manifests;
use super::change::Edit;
use super::draft::Draft;
use super::format::{Stored, encode};
use super::model::Manifest;
use super::place::Role;
use crate::blocks::{Block, is_young};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{Outcome, WriteOptions};
use crate::planted::Bug;

/// The right to publish entries and properties, until another takes it. Clones share it.
#[derive(Debug, Clone)]
pub struct Writer {
    manifests: Manifests,
    epoch: u64,
    fenced: Arc<AtomicBool>,
}

impl Manifests {
    /// Takes over: claims the next epoch by publishing a manifest that differs in nothing else. Whoever had the epoch
    /// before can publish nothing from then on.
    ///
    /// It is tried out whether the backend keeps its word: the same manifest is written again if absent, which must be
    /// rejected.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no chain, [`Unsupported`](ErrorKind::Unsupported) if the backend
    /// cannot write only what is absent, or says so and overwrites; [`Conflict`](ErrorKind::Conflict) if others were first
    /// in every attempt; [`OutcomeUnknown`](ErrorKind::OutcomeUnknown), and those of the backend.
    pub fn writer(&self) -> Result<Writer> {
        let claimed = self.change(Role::Keeper, |base, next| {
            let overflow = || Error::unexpected("epochs are used up");
            next.epoch = base.epoch.checked_add(1).ok_or_else(overflow)?;
            Ok(Edit::Done)
        })?;
        self.try_condition(&claimed)?;
        Ok(Writer { manifests: self.clone(), epoch: claimed.epoch, fenced: Arc::default() })
    }

    /// Publishes the next manifest without being the writer, and fences nobody: for chains that many change, each on top
    /// of what the others have published. `edit` is called again with a new draft each time someone else was first, so it
    /// decides by what is there then. One manifest for each call. Not for chains that have a [`Writer`], who counts on
    /// nobody else changing entries.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use worldstore_core::manifest::{ManifestOptions, Manifests};
    /// use worldstore_core::{Memory, Prefix};
    ///
    /// # fn main() -> worldstore_core::Result<()> {
    /// let memory = Arc::new(Memory::new());
    /// let one = Manifests::create(memory.clone(), Prefix::new("shared")?, ManifestOptions::default())?;
    /// let other = Manifests::open(memory, Prefix::new("shared")?, ManifestOptions::default())?;
    /// for (manifests, name) in [(&one, "a"), (&other, "b"), (&one, "c")] {
    ///     manifests.publish_shared(|draft| {
    ///         draft.properties.insert(name.to_owned(), String::new());
    ///         Ok(())
    ///     })?;
    /// }
    /// assert_eq!(other.latest()?.properties.len(), 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`Writer::publish`], save that nobody is fenced: who was asleep until the place in the chain was expired gets
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown). An expiry that keeps what is young makes nobody sleep so long.
    pub fn publish_shared(&self, mut edit: impl FnMut(&mut Draft<'_>) -> Result<()>) -> Result<Arc<Stored>> {
        self.change(Role::Sharer, |base, next| {
            let mut draft = Draft::new(base);
            edit(&mut draft)?;
            draft.write_to(next);
            self.check_blocks(base, next)
        })
    }

    /// Writes the same bytes again, which changes nothing on any backend. If the number was expired meanwhile, it is free,
    /// and nothing is proved.
    fn try_condition(&self, own: &Stored) -> Result<()> {
        let (bytes, _) = encode(own)?;
        let again = self.inner.backend.write(&self.key(own.number)?, bytes, &WriteOptions::if_absent());
        if matches!(again, Ok(Outcome::Applied(_))) && self.latest()?.floor <= own.number {
            return Err(Error::unsupported("the backend overwrites what it was to write only if absent")
                .with("backend", &self.inner.backend));
        }
        Ok(())
    }

    /// Refuses a manifest that would refer to a block that is not there, or that a collection may remove.
    ///
    /// A block to which the newest manifest refers, or an older one that it keeps, stays. Any other must be young: put
    /// under the newest count of collections or the one before it, for older ones are garbage, and may be removed at any
    /// time from now on. A collection that begins after this check takes the number that is to be published, and the
    /// check is made anew.
    fn check_blocks(&self, base: &Stored, next: &Manifest) -> Result<Edit> {
        let planted = self.inner.options.planted;
        let stay: HashSet<&Block> = base.blocks().collect();
        let mut kept = None;
        for block in next.blocks().filter(|block| !stay.contains(block)) {
            if !is_young(block, base.collections) && !planted.has(Bug::IgnoreCondemned) {
                // Older manifests are read only for those who go back to one.
                let kept = match &mut kept {
                    Some(kept) => kept,
                    none => none.insert(self.used(base)?),
                };
                if kept.contains(&(block.generation, block.hash)) {
                    continue;
                }
                // From now on, putting the same content again writes it.
                self.inner.blocks.follow(base.references());
                let message = "a block was put before the last two collections, put it again";
                let error = Error::new(ErrorKind::Conflict, message).with("block", block.hash);
                return Err(error.with("generation", block.generation).with("collections", base.collections));
            }
            if self.inner.blocks.has_written(block) || planted.has(Bug::ManifestBeforeBlocks) {
                continue;
            }
            match self.inner.blocks.stat(block) {
                Ok(_) => {}
                // A collection that has begun meanwhile may have removed it.
                Err(error) if error.is_not_found() && self.latest()?.number != base.number => return Ok(Edit::Stale),
                Err(error) => return Err(error),
            }
        }
        Ok(Edit::Done)
    }
}

impl Writer {
    /// Publishes the next manifest. `edit` changes a draft that begins as the newest manifest. It is called again, with a
    /// new draft, each time someone else has published first: a pin, an expiry, another thread with a clone of this writer.
    ///
    /// Blocks to which the manifest refers must have been put before. Files are the caller's: they must be durable.
    ///
    /// # Errors
    /// - [`Fenced`](ErrorKind::Fenced) if another writer has taken over, or this one was asleep for so long that its place
    ///   in the chain is expired. This writer can do nothing any more. What it has not had acknowledged may be published or
    ///   not: read before going on.
    /// - [`Conflict`](ErrorKind::Conflict) if a block was put too long ago, before the last two collections: put it again;
    ///   or if others were first in every attempt.
    /// - [`NotFound`](ErrorKind::NotFound) if a block is missing, [`Corrupt`](ErrorKind::Corrupt) if its length is wrong.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if nobody knows whether it is published, or will be. The writer
    ///   goes on; what it publishes next comes after that, or instead.
    /// - [`Invalid`](ErrorKind::Invalid) if the manifest breaks a rule or is too long, those of `edit`, those of the
    ///   backend. Nothing is published then.
    pub fn publish(&self, mut edit: impl FnMut(&mut Draft<'_>) -> Result<()>) -> Result<Arc<Stored>> {
        if self.fenced.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Fenced, "this writer was fenced before").with("epoch", self.epoch));
        }
        let published = self.manifests.change(Role::Writer(self.epoch), |base, next| {
            let mut draft = Draft::new(base);
            edit(&mut draft)?;
            draft.write_to(next);
            self.manifests.check_blocks(base, next)
        });
        if published.as_ref().is_err_and(|error| error.kind() == ErrorKind::Fenced) {
            self.fenced.store(true, Ordering::Release);
        }
        published
    }

    /// The epoch that it has claimed.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The chain.
    pub fn manifests(&self) -> &Manifests {
        &self.manifests
    }
}
