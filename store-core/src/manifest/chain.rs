//! The chain in storage: which manifest is the newest, what it says, and whether one belongs to it.

use std::sync::{Arc, PoisonError};

use super::change::no_manifests;
use super::format::{HEADER_BYTES_MAX, MANIFEST_BYTES_MAX, Stored, decode};
use super::{Manifests, missing};
use crate::blocks::parse_number;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Collector;
use crate::key::Key;
use crate::ops::{ListOptions, ReadOptions};

/// How often the newest manifest is looked for while it is expired before it can be read.
const RELOADS: usize = 100;

impl Manifests {
    /// The newest manifest; none if there is none.
    ///
    /// Numbers are never published above the newest, and the newest is never removed. So the greatest number in a listing
    /// is the newest at that moment, whatever sleepers have written below the floor.
    pub(super) fn newest(&self) -> Result<Option<Arc<Stored>>> {
        for _ in 0..RELOADS {
            let cached = self.cached();
            let Some(number) = self.greatest(cached.as_ref().map(|cached| cached.number))? else {
                match cached {
                    None => return Ok(None),
                    // The manifests are gone: someone has removed the whole folder.
                    Some(_) => self.forget(),
                }
                continue;
            };
            if let Some(cached) = cached.filter(|cached| cached.number == number) {
                return Ok(Some(cached));
            }
            match self.read(number) {
                Ok(stored) => return Ok(Some(self.remember(stored))),
                // Others have published on top of it and expired it.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Err(too_fast())
    }

    /// The greatest number that is in the folder, looking from here on only.
    pub(super) fn greatest(&self, from: Option<u64>) -> Result<Option<u64>> {
        let after = from.map(|from| from.saturating_sub(1));
        Ok(self.numbers(after)?.into_iter().max())
    }

    /// All numbers in the folder at one moment, and the manifest that was the newest then.
    pub(super) fn listed(&self) -> Result<(Stored, Vec<u64>)> {
        for _ in 0..RELOADS {
            let numbers = self.numbers(None)?;
            let newest = numbers.iter().max().ok_or_else(no_manifests)?;
            match self.read(*newest) {
                Ok(stored) => return Ok((stored, numbers)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Err(too_fast())
    }

    /// The numbers above this one that are in the folder.
    pub(super) fn numbers(&self, after: Option<u64>) -> Result<Vec<u64>> {
        let folder = &self.inner.numbers;
        let after = after.map(|after| self.key(after)).transpose()?;
        let mut options = ListOptions { after, ..ListOptions::default() };
        let mut numbers = Vec::new();
        loop {
            let page = self.inner.backend.list(folder, &options)?;
            // Names of others are none of ours.
            let parsed = |key: &Key| folder.strip(key.as_str()).and_then(parse_number);
            numbers.extend(page.objects.iter().filter_map(|meta| parsed(&meta.key)));
            match page.next {
                Some(next) => options.token = Some(next),
                None => return Ok(numbers),
            }
        }
    }

    /// Reads what is stored under a number.
    pub(super) fn read(&self, number: u64) -> Result<Stored> {
        let key = self.key(number)?;
        let about = |error: Error| error.with("key", &key);
        let reply = self.inner.backend.read(&key, &ReadOptions::default())?;
        if reply.meta.size > HEADER_BYTES_MAX + MANIFEST_BYTES_MAX {
            let error = Error::new(ErrorKind::Corrupt, "object is too long for a manifest");
            return Err(about(error.with("bytes", reply.meta.size)));
        }
        let mut collector = Collector::new(&(0..reply.meta.size));
        reply.body.into_iter().try_for_each(|chunk| collector.push(chunk?)).map_err(about)?;
        let stored = collector.finish().and_then(|bytes| decode(&bytes)).map_err(about)?;
        match stored.number == number {
            true => Ok(stored),
            false => Err(about(Error::new(ErrorKind::Corrupt, "a manifest has the name of another"))
                .with("number", stored.number)),
        }
    }

    /// Reads a manifest that `newest` keeps, and checks that it is the one of the chain.
    ///
    /// While it is read, it or its successor may be expired, and a writer that was asleep may have put another in the
    /// place. So whatever is wrong counts only if nothing was published meanwhile.
    pub(super) fn read_retained(&self, newest: &Stored, number: u64) -> Result<Stored> {
        let mut newest = Arc::new(newest.clone());
        for _ in 0..RELOADS {
            let error = match self.read_linked(&newest, number) {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => error,
                read => return read,
            };
            match self.latest()? {
                later if !later.retains(number) => {
                    return Err(Error::not_found("the manifest is expired").with("number", number));
                }
                later if later.number > newest.number => newest = later,
                _ if error.is_not_found() => return Err(missing(error, number)),
                _ => return Err(error),
            }
        }
        Err(too_fast())
    }

    fn read_linked(&self, newest: &Stored, number: u64) -> Result<Stored> {
        if number == newest.number {
            return Ok(newest.clone());
        }
        let stored = self.read(number)?;
        let pinned = newest.pins.values().find(|pin| pin.number == number).map(|pin| pin.hash);
        let expected = match pinned {
            Some(hash) => Some(hash),
            None if number + 1 == newest.number => newest.parent,
            None => self.read(number + 1)?.parent,
        };
        match expected == Some(stored.hash) {
            true => Ok(stored),
            false => Err(foreign(&self.key(number)?)),
        }
    }

    pub(super) fn key(&self, number: u64) -> Result<Key> {
        self.inner.numbers.key(format!("{number:020}"))
    }

    fn cached(&self) -> Option<Arc<Stored>> {
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self) {
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Keeps a manifest that is known to be in the chain, so that it needs not be read again while it is the newest.
    pub(super) fn remember(&self, stored: Stored) -> Arc<Stored> {
        let stored = Arc::new(stored);
        let mut cache = self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.as_ref().is_none_or(|cached| cached.number < stored.number) {
            *cache = Some(Arc::clone(&stored));
        }
        stored
    }
}

fn too_fast() -> Error {
    Error::new(ErrorKind::Conflict, "manifests are published and expired faster than one can be read")
}

/// The error for a manifest that does not fit into the chain.
pub(super) fn foreign(key: &Key) -> Error {
    let message = "a manifest is not the one that its successor or its pin names";
    Error::new(ErrorKind::Corrupt, message).with("key", key)
}
