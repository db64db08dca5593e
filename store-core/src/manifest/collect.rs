//! Collection: removing blocks to which no manifest refers that is kept.

use std::collections::HashSet;
use std::sync::Arc;

use super::chain::foreign;
use super::change::Edit;
use super::format::Stored;
use super::place::Role;
use super::{Manifests, Mode, missing};
use crate::blocks::{Block, Hash};
use crate::error::Result;
use crate::planted::Bug;

/// Options of [`collect`](Manifests::collect).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CollectOptions {
    /// Whether to do it.
    pub mode: Mode,
}

impl CollectOptions {
    /// Only tells what would be removed.
    pub fn dry_run() -> Self {
        Self { mode: Mode::DryRun }
    }
}

/// What [`collect`](Manifests::collect) has done, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Collected {
    /// The count of collections, this one included.
    pub collections: u64,
    /// Blocks to which nothing refers.
    pub blocks: Vec<Block>,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them that may still be there; the next collection removes them.
    pub left: u64,
}

impl Manifests {
    /// Removes blocks to which no manifest refers that the newest keeps. What was put lately is spared: a block goes in
    /// the second collection after it was put, at the earliest, and in the second after nothing refers to it any more, at
    /// the latest.
    ///
    /// A collection begins by publishing that it does. Whatever is removed can never be referred to again, not even by
    /// what is being published meanwhile; so it does not matter how long the removal takes, whether it is cut short, and
    /// whether another collection runs at the same time.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use worldstore_core::manifest::{CollectOptions, ManifestOptions, Manifests};
    /// # use worldstore_core::{Memory, Prefix};
    /// # fn main() -> worldstore_core::Result<()> {
    /// # let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::root(), ManifestOptions::default())?;
    /// let content = manifests.blocks()?.put("to which nothing refers")?;
    /// assert_eq!(manifests.collect(&CollectOptions::default())?.blocks, []);
    /// assert_eq!(manifests.collect(&CollectOptions::dry_run())?.blocks, content.blocks);
    /// assert_eq!(manifests.collect(&CollectOptions::default())?.blocks, content.blocks);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if a manifest that is kept is damaged or missing: nobody knows then what it refers
    /// to, and nothing is removed. Those of [`publish`](super::Writer::publish) that are about the chain, save that nobody
    /// is fenced; those of the backend.
    pub fn collect(&self, options: &CollectOptions) -> Result<Collected> {
        let planted = self.inner.options.planted;
        let remove = options.mode == Mode::Apply;
        let begins_late = planted.has(Bug::CollectBeforeCondemned);
        let newest = if remove && !begins_late { self.begin_collection()? } else { self.latest()? };
        let collections = newest.collections + u64::from(!remove || begins_late);
        let used = self.used(&newest)?;
        let spared = if planted.has(Bug::CollectTakesYoung) { 0 } else { 2 };
        let (blocks, left) = match collections.checked_sub(spared) {
            Some(last) => self.inner.blocks.sweep(last, &used, remove)?,
            None => (Vec::new(), 0),
        };
        if remove && begins_late {
            self.begin_collection()?;
        }
        let bytes = blocks.iter().map(|block| block.length).sum();
        Ok(Collected { collections, blocks, bytes, left })
    }

    /// Publishes that a collection begins: what is older than the last one may go from now on. All that decides about it
    /// is durable with this manifest, also what was only to be seen in the one before it.
    fn begin_collection(&self) -> Result<Arc<Stored>> {
        self.change(Role::Keeper, |_, next| {
            next.collections += 1;
            Ok(Edit::Done)
        })
    }

    /// Every block to which a manifest refers that `newest` keeps.
    pub(super) fn used(&self, newest: &Stored) -> Result<HashSet<(u64, Hash)>> {
        let mut used = HashSet::new();
        self.walk(newest, |stored| used.extend(stored.blocks().map(|block| (block.generation, block.hash))))?;
        Ok(used)
    }

    /// Visits every manifest that `newest` keeps, the oldest first, and checks that each is the one of the chain. Those
    /// that are expired meanwhile are left out.
    pub(super) fn walk(&self, newest: &Stored, mut visit: impl FnMut(&Stored)) -> Result<()> {
        let planted = self.inner.options.planted;
        let mut before: Option<Stored> = None;
        for number in newest.retained() {
            let skips = (planted.has(Bug::CollectIgnoresPins) && number < newest.floor)
                || (planted.has(Bug::CollectIgnoresOlder) && number < newest.number);
            if skips {
                continue;
            }
            let stored = match number == newest.number {
                true => newest.clone(),
                false => match self.read(number) {
                    Ok(stored) => stored,
                    Err(error) if error.is_not_found() && !self.latest()?.retains(number) => continue,
                    Err(error) if error.is_not_found() => return Err(missing(error, number)),
                    Err(error) => return Err(error),
                },
            };
            self.check_link(newest, before.as_ref(), &stored)?;
            visit(&stored);
            before = Some(stored);
        }
        Ok(())
    }

    /// Checks that a manifest names the one before it, and that pins name it. What does not fit may be from a writer that
    /// was asleep, in the place of one that was expired meanwhile: it does no harm that it is visited.
    fn check_link(&self, newest: &Stored, before: Option<&Stored>, stored: &Stored) -> Result<()> {
        let before = before.filter(|before| before.number + 1 == stored.number);
        let follows = before.is_none_or(|before| stored.parent == Some(before.hash));
        let mut pins = newest.pins.values().filter(|pin| pin.number == stored.number);
        if follows && pins.all(|pin| pin.hash == stored.hash) {
            return Ok(());
        }
        let later = self.latest()?;
        let is_kept = |number: u64| later.retains(number);
        match is_kept(stored.number) && before.is_none_or(|before| is_kept(before.number)) {
            true => Err(foreign(&self.key(stored.number)?)),
            false => Ok(()),
        }
    }
}
