//! Swapping the manifest, so that of several writers none is lost.

use std::time::Duration;

use uuid::Uuid;
use worldstore_core::{Ability, Condition, Error, ErrorKind, ReadOptions, Result, Store, Version, WriteOptions};

use crate::manifest::{Body, MANIFEST, Manifest};

/// How often a swap is tried before it is given up. In each round one of all writers succeeds.
const ATTEMPTS_MAX: u32 = 1000;
/// The longest pause between two attempts; the first is a hundredth of it. Pauses are random, or writers would keep in
/// step.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// The manifest with the version that a swap has to match; none if there is no dataset.
///
/// # Errors
/// `Corrupt` if it is damaged, `Unsupported` for another version of the format; those of the store.
pub(crate) fn load(store: &Store) -> Result<Option<(Manifest, Option<Version>)>> {
    let reply = match store.read(MANIFEST, &ReadOptions::default()) {
        Ok(reply) => reply,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = reply.body.collect::<Result<Vec<_>>>()?.concat();
    if bytes.len() as u64 != reply.meta.size {
        return Err(Error::new(ErrorKind::Unavailable, "body ended before its announced length").with("key", MANIFEST));
    }
    Ok(Some((Manifest::decode(&bytes)?, reply.meta.version)))
}

/// Checks that the store can swap a manifest. No I/O.
///
/// # Errors
/// `Unsupported`, naming what is missing.
pub(crate) fn expect_swaps(store: &Store) -> Result<()> {
    for ability in [Ability::Write, Ability::WriteIfAbsent, Ability::WriteIfMatch] {
        if !store.supports(ability) {
            return Err(Error::unsupported(
                "a dataset is written by compare-and-swap, which the backend does not have",
            )
            .with("capability", ability.as_str())
            .with("store", store));
        }
    }
    Ok(())
}

/// Puts what `change` makes of the current manifest in its place, and again if another writer was faster. Gives the new
/// manifest, and the number of attempts.
///
/// # Errors
/// Those of `change`, after which nothing has changed; `Conflict` after a thousand attempts; `OutcomeUnknown` if so many
/// commits came after one whose answer was lost that it can no longer be found.
pub(crate) fn swap(
    store: &Store,
    mut change: impl FnMut(Option<&Manifest>) -> Result<Body>,
) -> Result<(Manifest, u32)> {
    let commit = Uuid::new_v4();
    // The error of an attempt whose answer was lost, and what the next manifest would have been.
    let mut lost: Option<(Error, u64)> = None;
    for attempt in 1..=ATTEMPTS_MAX {
        let current = load(store).map_err(|error| unclear(error, &mut lost))?;
        if let Some((manifest, _)) = &current {
            // It may be there: after an answer that was lost, or a request that somebody below has sent twice.
            if manifest.remembers(commit) {
                return Ok((manifest.clone(), attempt - 1));
            }
            // Whoever had it as the last of the remembered has forgotten it by now.
            if let Some((_, sequence)) = &lost
                && manifest.has_forgotten(*sequence)
            {
                break;
            }
        }
        let sequence = current.as_ref().map_or(0, |(manifest, _)| manifest.sequence()) + 1;
        let next = change(current.as_ref().map(|(manifest, _)| manifest))?;
        let next = Manifest::new(next.next(commit))?;
        let condition = match current {
            None => Condition::IfAbsent,
            Some((_, Some(version))) => Condition::IfMatch(version),
            Some((_, None)) => return Err(Error::unsupported("objects have no versions").with("store", store)),
        };
        let options = WriteOptions::default().with_condition(condition);
        match store.write_with(MANIFEST, next.body().clone().encode()?, &options) {
            Ok(_) => return Ok((next, attempt)),
            Err(error) => match error.kind() {
                ErrorKind::AlreadyExists | ErrorKind::ConditionFailed | ErrorKind::Conflict => {}
                ErrorKind::OutcomeUnknown => lost = lost.or(Some((error, sequence))),
                _ => return Err(unclear(error, &mut lost)),
            },
        }
        pause(attempt);
    }
    match lost {
        Some((error, _)) => Err(error),
        None => {
            Err(Error::new(ErrorKind::Conflict, "other writers were faster each time").with("attempts", ATTEMPTS_MAX))
        }
    }
}

/// After an answer was lost, no other error may say that nothing has happened.
fn unclear(error: Error, lost: &mut Option<(Error, u64)>) -> Error {
    match lost.take() {
        Some((lost, _)) => lost.caused_by(error),
        None => error,
    }
}

fn pause(attempt: u32) {
    let most = (PAUSE_MAX / 100 * 2u32.pow(attempt.min(7))).min(PAUSE_MAX);
    let random = Uuid::new_v4().as_u128() as u32;
    std::thread::sleep(most.mul_f64(f64::from(random) / f64::from(u32::MAX)));
}
