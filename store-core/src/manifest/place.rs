//! Writing a manifest under its number, and finding out what became of it.

use bytes::Bytes;

use super::Manifests;
use super::format::Stored;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{Outcome, WriteOptions};
use crate::planted::Bug;

/// What became of an attempt to take a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// The number is ours, durably.
    Mine,
    /// It is another's.
    Theirs,
    /// The number is in use and nothing is there: what was there is expired. It may have been ours.
    Gone,
}

/// Whether a manifest that has its number is in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the newest, or its successor names it.
    InChain,
    /// It is not, and never will be: the number was expired, and its successor names another.
    Foreign,
    /// Nobody can tell any more: its successors are expired, too.
    Forgotten,
}

/// What is in the place of a manifest.
enum Found {
    Mine,
    Theirs,
    Nothing,
}

impl Manifests {
    /// Takes the number of `own` if it is free.
    ///
    /// A write without a clear answer is never taken for a failure, and a number that is taken never for another's: what
    /// is there is read, and compared as a whole; the commit id makes it unique. If nothing is there, the same bytes are
    /// written again under the same condition: one of both writes wins, and both are ours. If ours is there, it is written
    /// once more without a condition until that is acknowledged: a name whose folder could not be synced can be seen, and
    /// is lost in a power cut all the same. That harms nobody: the number is ours, or expired.
    pub(super) fn place(&self, own: &Stored, bytes: &Bytes) -> Result<Placed> {
        let key = self.key(own.number)?;
        let planted = self.inner.options.planted;
        let (mut condition, mut in_doubt, mut cause) = (WriteOptions::if_absent(), false, None);
        for attempt in 0..self.inner.options.settle_attempts {
            if attempt > 0 {
                self.pause(attempt);
            }
            match self.inner.backend.write(&key, bytes.clone(), &condition) {
                Ok(Outcome::Applied(_)) => return Ok(Placed::Mine),
                Ok(Outcome::Rejected) if planted.has(Bug::ExistsIsForeign) => return Ok(Placed::Theirs),
                Ok(Outcome::Unknown) if planted.has(Bug::UnknownIsFailed) => return Ok(Placed::Theirs),
                Ok(Outcome::Rejected) => in_doubt = true,
                Ok(Outcome::Unknown) => in_doubt = true,
                Err(error) if !in_doubt && is_clear(&error) => return Err(error),
                // By this attempt or one before, something may have changed.
                Err(error) => (in_doubt, cause) = (true, Some(error)),
            }
            match self.look(own) {
                Ok(Found::Mine) if planted.has(Bug::SeenIsDurable) => return Ok(Placed::Mine),
                Ok(Found::Mine) => condition = WriteOptions::default(),
                Ok(Found::Theirs) => return Ok(Placed::Theirs),
                Ok(Found::Nothing) => match self.greatest(Some(own.number)) {
                    Ok(Some(_)) => return Ok(Placed::Gone),
                    Ok(None) => condition = WriteOptions::if_absent(),
                    Err(error) => cause = Some(error),
                },
                Err(error) => cause = Some(error),
            }
        }
        Err(self.unknown(own, cause))
    }

    /// What is stored under the number of `own`.
    fn look(&self, own: &Stored) -> Result<Found> {
        match self.read(own.number) {
            Ok(stored) if stored.hash == own.hash => Ok(Found::Mine),
            Ok(_) => Ok(Found::Theirs),
            Err(error) if error.is_not_found() => Ok(Found::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Finds out whether a manifest that was written is in the chain. It is always one that had its number free; but a
    /// number is free again once it is expired, and a writer that was asleep for so long may take it.
    pub(super) fn standing(&self, own: &Stored, role: Role) -> Result<Standing> {
        let mut cause = None;
        for attempt in 0..self.inner.options.settle_attempts {
            if attempt > 0 {
                self.pause(attempt);
            }
            match self.stands(own, role) {
                Ok(standing) => return Ok(standing),
                Err(error) if error.kind() == ErrorKind::Fenced => return Err(error),
                Err(error) => cause = Some(error),
            }
        }
        // It is written: whatever has failed since, an error would claim that it is not.
        Err(self.unknown(own, cause))
    }

    fn stands(&self, own: &Stored, role: Role) -> Result<Standing> {
        let planted = self.inner.options.planted;
        if self.greatest(Some(own.number))? == Some(own.number) || planted.has(Bug::CollectDeletesFence) {
            return Ok(Standing::InChain);
        }
        let newest = self.newest()?.ok_or_else(|| Error::not_found("there are no manifests any more"))?;
        if newest.number < own.number {
            return Err(Error::new(ErrorKind::Unavailable, "a manifest that was written is not listed"));
        }
        if !planted.has(Bug::SkipFenceCheck) {
            role.check(newest.epoch)?;
        }
        if newest.pins.values().any(|pin| (pin.number, pin.hash) == (own.number, own.hash)) {
            return Ok(Standing::InChain);
        }
        if own.number < newest.floor {
            return Ok(Standing::Forgotten);
        }
        match self.read(own.number + 1) {
            Ok(successor) if successor.parent == Some(own.hash) => Ok(Standing::InChain),
            Ok(_) => Ok(Standing::Foreign),
            Err(error) if error.is_not_found() => Ok(Standing::Forgotten),
            Err(error) => Err(error),
        }
    }

    pub(super) fn unknown(&self, own: &Stored, cause: Option<Error>) -> Error {
        let message = "nobody knows whether the manifest is published, look at the newest before going on";
        let error = Error::new(ErrorKind::OutcomeUnknown, message).with("number", own.number);
        let error = error.with("commit", own.commit);
        match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

/// True if the error says that nothing has changed. Of one that nobody expected, such as that of a failing disk, it is
/// not believed.
fn is_clear(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::Unexpected)
}

/// As who a manifest is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The writer of an epoch. Nobody else changes entries and properties, in a chain that has one.
    Writer(u64),
    /// Anyone: takes over, pins, expires, collects. Done twice, it is as done once.
    Keeper,
    /// Anyone in a chain without a writer: publishes entries and properties, once.
    Sharer,
}

impl Role {
    /// Refuses a writer that was overtaken.
    pub fn check(self, epoch: u64) -> Result<()> {
        match self {
            Self::Writer(own) if own != epoch => {
                let error = Error::new(ErrorKind::Fenced, "another writer has taken over");
                Err(error.with("epoch", own).with("newest_epoch", epoch))
            }
            _ => Ok(()),
        }
    }
}
