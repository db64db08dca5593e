//! Expiry: which manifests are kept, and removing the others.

use std::time::Duration;

use super::change::Edit;
use super::format::Stored;
use super::model::Manifest;
use super::place::Role;
use super::{Manifests, Mode};
use crate::error::Result;
use crate::key::Key;
use crate::ops::{DeleteOptions, Deleted};
use crate::planted::Bug;

/// Which manifests [`expire`](Manifests::expire) keeps: those that any of the two rules keeps, and those that are pinned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpireOptions {
    /// The last so many, 1 at least; 100 by default. The manifest by which the expiry is published counts.
    pub keep_last: u64,
    /// The one of this number and those after it, however many others publish meanwhile; none by default.
    pub keep_from: Option<u64>,
    /// Those that are younger; none by default. It goes by the clocks of those who have published.
    pub keep_for: Option<Duration>,
    /// Leases are dropped so long after their end, for clocks that differ; 60 s by default.
    pub lease_margin: Duration,
    /// Whether to do it.
    pub mode: Mode,
}

impl Default for ExpireOptions {
    fn default() -> Self {
        Self {
            keep_last: 100,
            keep_from: None,
            keep_for: None,
            lease_margin: Duration::from_secs(60),
            mode: Mode::Apply,
        }
    }
}

impl ExpireOptions {
    /// Sets how many are kept in any case.
    #[must_use]
    pub fn with_keep_last(mut self, keep_last: u64) -> Self {
        self.keep_last = keep_last;
        self
    }

    /// Keeps the one of this number and those after it, too.
    #[must_use]
    pub fn with_keep_from(mut self, number: u64) -> Self {
        self.keep_from = Some(number);
        self
    }

    /// Keeps those that are younger, too.
    #[must_use]
    pub fn with_keep_for(mut self, keep_for: Duration) -> Self {
        self.keep_for = Some(keep_for);
        self
    }

    /// Sets how long after their end leases are dropped.
    #[must_use]
    pub fn with_lease_margin(mut self, lease_margin: Duration) -> Self {
        self.lease_margin = lease_margin;
        self
    }

    /// Sets whether to do it.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

/// What [`expire`](Manifests::expire) has done, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Expired {
    /// Manifests below this number are expired, unless they are pinned.
    pub floor: u64,
    /// Objects of manifests that were removed, by number.
    pub removed: Vec<u64>,
    /// Those of them that may still be there; the next expiry removes them.
    pub left: u64,
    /// Names of leases that were dropped because they had ended.
    pub leases: Vec<String>,
}

impl Manifests {
    /// Expires old manifests and drops leases that have ended. Blocks are removed by a [collection](Self::collect) after
    /// that.
    ///
    /// The new floor is published first, then the objects below it are removed. If that is cut short, the next expiry goes
    /// on with it. Nothing is published if there is nothing to do.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use worldstore_core::manifest::{ExpireOptions, ManifestOptions, Manifests, Mode};
    /// # use worldstore_core::{Memory, Prefix};
    /// # fn main() -> worldstore_core::Result<()> {
    /// # let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::root(), ManifestOptions::default())?;
    /// # (0..3).try_for_each(|_| manifests.writer().map(drop))?;
    /// let options = ExpireOptions::default().with_keep_last(2);
    /// let plan = manifests.expire(&options.clone().with_mode(Mode::DryRun))?;
    /// assert_eq!(plan.removed, [1, 2, 3]);
    /// assert_eq!(manifests.expire(&options)?, plan);
    /// assert_eq!(manifests.list()?, [4, 5]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if a manifest whose age is asked for is damaged: it can be expired by
    /// number, without `keep_for`. Those of [`publish`](super::Writer::publish) that are about the chain, save that nobody
    /// is fenced; those of the backend.
    pub fn expire(&self, options: &ExpireOptions) -> Result<Expired> {
        let base = self.latest()?;
        let mut next = base.manifest.clone();
        let mut expired = self.plan(&base, &mut next, options)?;
        next.number += 1;
        expired.removed = self.expired_numbers(&next)?;
        if options.mode == Mode::DryRun || (expired.removed.is_empty() && expired.leases.is_empty()) {
            return Ok(expired);
        }
        if self.inner.options.planted.has(Bug::ExpireBeforeFloor) {
            self.remove(&expired.removed)?;
        }
        let published = self.change(Role::Keeper, |base, next| {
            expired = self.plan(base, next, options)?;
            Ok(Edit::Done)
        })?;
        // Once a manifest is expired, it can never be kept again: whatever is published meanwhile, these may go.
        expired.removed = self.expired_numbers(&published)?;
        expired.left = self.remove(&expired.removed)?;
        Ok(expired)
    }

    /// Drops leases that have ended, and raises the floor.
    fn plan(&self, base: &Stored, next: &mut Manifest, options: &ExpireOptions) -> Result<Expired> {
        let now = self.now_ms();
        let margin = millis(options.lease_margin);
        let mut leases = Vec::new();
        next.pins.retain(|name, pin| {
            let ended = pin.expires_ms.is_some_and(|end| end.saturating_add(margin) < now);
            if ended {
                leases.push(name.clone());
            }
            !ended
        });
        let highest = (base.number + 2).saturating_sub(options.keep_last.max(1));
        let highest = highest.min(options.keep_from.unwrap_or(u64::MAX)).max(base.floor);
        next.floor = match options.keep_for {
            Some(time) => self.first_young(base, highest, now.saturating_sub(millis(time)))?,
            None => highest,
        };
        Ok(Expired { floor: next.floor, leases, ..Expired::default() })
    }

    /// The first manifest that is not older than this; `highest` if none before it is.
    fn first_young(&self, base: &Stored, highest: u64, since_ms: u64) -> Result<u64> {
        let mut numbers = self.numbers(Some(base.floor - 1))?;
        numbers.sort_unstable();
        for number in numbers.into_iter().take_while(|number| *number < highest) {
            match self.read(number) {
                Ok(stored) if stored.created_ms >= since_ms => return Ok(number),
                Ok(_) => {}
                // Others have expired it.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(highest)
    }

    /// The numbers of stored manifests that `newest` does not keep.
    fn expired_numbers(&self, newest: &Manifest) -> Result<Vec<u64>> {
        let mut numbers = self.numbers(None)?;
        let ignores_pins = self.inner.options.planted.has(Bug::ExpireIgnoresPins);
        numbers.retain(|number| *number < newest.floor && (ignores_pins || !newest.retains(*number)));
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Removes objects of manifests. Returns how many of them may still be there.
    fn remove(&self, numbers: &[u64]) -> Result<u64> {
        if numbers.is_empty() {
            return Ok(0);
        }
        let keys = numbers.iter().map(|number| self.key(*number)).collect::<Result<Vec<Key>>>()?;
        let answers = self.inner.backend.delete(&keys, &DeleteOptions::default())?;
        let is_left = |answer: &&Deleted| matches!(answer, Deleted::Failed(_) | Deleted::Rejected);
        Ok(answers.iter().filter(is_left).count() as u64)
    }
}

/// Milliseconds of a time; what is longer than any time is the longest.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
