//! The one loop by which anything changes: build on the newest manifest, take the next number, check, acknowledge.

use std::sync::Arc;

use super::Manifests;
use super::format::{Stored, encode};
use super::model::Manifest;
use super::place::{Placed, Role, Standing};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::Bug;

/// What came of editing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// It can be published.
    Done,
    /// What it was based on is not the newest any more.
    Stale,
}

impl Manifests {
    /// Publishes a change of the newest manifest. `edit` is called with the newest and with a copy to be changed, again
    /// each time someone else was first.
    pub(super) fn change(
        &self,
        role: Role,
        mut edit: impl FnMut(&Stored, &mut Manifest) -> Result<Edit>,
    ) -> Result<Arc<Stored>> {
        self.refuse_unable()?;
        for attempt in 0..self.inner.options.attempts {
            if attempt > 0 {
                self.pause(attempt);
            }
            let base = self.newest()?.ok_or_else(no_manifests)?;
            if !self.inner.options.planted.has(Bug::IgnoreEpoch) {
                role.check(base.epoch)?;
            }
            let mut next = base.manifest.clone();
            if edit(&base, &mut next)? == Edit::Stale {
                continue;
            }
            if let Some(published) = self.publish_next(Some(&base), next, role)? {
                return Ok(published);
            }
        }
        let message = "others have published first each time";
        Err(Error::new(ErrorKind::Conflict, message).with("attempts", self.inner.options.attempts))
    }

    /// Publishes the first manifest.
    pub(super) fn begin(&self) -> Result<Arc<Stored>> {
        self.refuse_unable()?;
        let taken =
            || Error::new(ErrorKind::AlreadyExists, "there are manifests already").with("folder", self.folder().told());
        if self.greatest(None)?.is_some() {
            return Err(taken());
        }
        let next = Manifest {
            number: 0,
            epoch: 0,
            commit: self.inner.chance.commit(),
            parent: None,
            collections: 0,
            created_ms: 0,
            writer: String::new(),
            entries: Vec::new(),
            properties: std::collections::BTreeMap::new(),
            pins: std::collections::BTreeMap::new(),
            floor: 1,
        };
        self.publish_next(None, next, Role::Keeper)?.ok_or_else(taken)
    }

    /// Publishes `next` on `base`. None if someone else was first, so that it has to be made anew.
    fn publish_next(&self, base: Option<&Stored>, mut next: Manifest, role: Role) -> Result<Option<Arc<Stored>>> {
        next.number = base.map_or(0, |base| base.number) + 1;
        next.parent = base.map(|base| base.hash);
        next.commit = self.inner.chance.commit();
        next.created_ms = self.now_ms();
        next.writer.clone_from(&self.inner.options.writer);
        let (bytes, hash) = encode(&next)?;
        let own = Stored { manifest: next, hash };
        let standing = match self.place(&own, &bytes)? {
            Placed::Mine => self.standing(&own, role)?,
            Placed::Theirs => return Ok(None),
            Placed::Gone => Standing::Forgotten,
        };
        match (standing, role) {
            (Standing::InChain, _) => Ok(Some(self.remember(own))),
            // What others do has the same effect when it is done twice.
            (Standing::Foreign | Standing::Forgotten, Role::Keeper) | (Standing::Foreign, Role::Sharer) => Ok(None),
            // If it was in the chain, what it says would be said twice.
            (Standing::Forgotten, Role::Sharer) => Err(self.unknown(&own, None)),
            (Standing::Foreign | Standing::Forgotten, Role::Writer(epoch)) => {
                let message = "this writer was asleep until its place in the chain was expired";
                let error = Error::new(ErrorKind::Fenced, message).with("epoch", epoch);
                Err(error.with("number", own.number).with("commit", own.commit))
            }
        }
    }

    /// Refuses a backend on which two could win.
    fn refuse_unable(&self) -> Result<()> {
        match self.inner.backend.info().capability.write_if_absent {
            true => Ok(()),
            false => Err(Error::unsupported("manifests need a backend that writes only what is absent")
                .with("backend", &self.inner.backend)),
        }
    }

    pub(super) fn pause(&self, attempt: u32) {
        let pause = self.inner.chance.pause(attempt, self.inner.options.pause_max);
        self.inner.options.clock.sleep(pause);
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.inner.options.clock.unix_ms()
    }
}

pub(super) fn no_manifests() -> Error {
    Error::not_found("there are no manifests, create them first")
}
