//! The folder of a log on its backend: what is there, and creating objects with an outcome that is known.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::names::{FLOOR, Slot};
use super::object::OBJECT_BYTES_MAX;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::key::{Key, Prefix};
use crate::ops::*;
use crate::planted::{Bug, Planted};
use crate::wrap::Tokens;

/// How often a write is tried.
const ATTEMPTS: u32 = 8;
/// The pause after the first attempt; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(5);

/// The folder.
#[derive(Debug)]
pub(super) struct Shelf {
    backend: Arc<dyn Backend>,
    pub folder: Prefix,
    tokens: Option<Tokens>,
    pub planted: Planted,
}

/// What became of an object that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there.
    Stored,
    /// Another is there.
    Taken,
}

/// Why nothing is known of an object, or that it is not there.
#[derive(Debug)]
pub(super) enum PutFailure {
    /// It is not there, nor will it be.
    Refused(Error),
    /// It may be there, or may still come.
    Unclear(Error),
}

impl PutFailure {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Refused(error) | Self::Unclear(error) => error,
        }
    }
}

impl Shelf {
    /// A folder of a backend that can keep writers apart.
    pub(super) fn new(backend: Arc<dyn Backend>, folder: Prefix, planted: Planted) -> Result<Self> {
        let capability = backend.info().capability;
        need(&backend, capability.write && capability.write_if_absent, "write_if_absent")?;
        let tokens = capability.write_tokens.then(Tokens::default);
        Ok(Self { tokens, planted, ..Self::to_read(backend, folder)? })
    }

    /// A folder of a backend that is only read.
    pub(super) fn to_read(backend: Arc<dyn Backend>, folder: Prefix) -> Result<Self> {
        need(&backend, backend.info().capability.list_sorted, "list_sorted")?;
        Ok(Self { backend, folder, tokens: None, planted: Planted::default() })
    }

    /// The objects after a key, with their sizes, in order. Other names are left out.
    pub(super) fn slots(&self, after: Option<Key>) -> impl Iterator<Item = Result<(Slot, u64)>> + Send + use<> {
        let entries = self.entries(self.folder.clone(), after);
        entries.filter_map(|entry| entry.map(|(name, size)| Some((Slot::parse(&name)?, size))).transpose())
    }

    /// True if there is an object behind this one. A listing that fails in passing is asked for again.
    pub(super) fn has_after(&self, slot: Slot) -> Result<bool> {
        let after = slot.key(&self.folder)?;
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.slots(Some(after.clone())).next().transpose() {
                Err(error) if error.retry() == Retry::Later => std::thread::sleep(pause),
                found => return Ok(found?.is_some()),
            }
            pause *= 2;
        }
        Ok(self.slots(Some(after)).next().transpose()?.is_some())
    }

    /// The slot before which everything has been trimmed.
    pub(super) fn floor(&self) -> Result<Option<Slot>> {
        Ok(self.floors()?.last().copied())
    }

    fn floors(&self) -> Result<Vec<Slot>> {
        let entries = self.entries(self.folder.join(FLOOR)?, None);
        entries.map(|entry| Ok(Slot::parse(&entry?.0))).filter_map(Result::transpose).collect()
    }

    fn entries(
        &self,
        folder: Prefix,
        after: Option<Key>,
    ) -> impl Iterator<Item = Result<(String, u64)>> + Send + use<> {
        let options = ListOptions { after, one_level: true, ..ListOptions::default() };
        let (backend, mut next) = (Arc::clone(&self.backend), Some(options));
        let pages = std::iter::from_fn(move || {
            let options = next.take()?;
            let page = backend.list(&folder, &options);
            if let Ok(ListPage { next: Some(token), .. }) = &page {
                next = Some(options.with_token(token.clone()));
            }
            Some(page)
        });
        pages.flat_map(|page| {
            let (objects, failure) = match page {
                Ok(page) => (page.objects, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            objects.into_iter().map(|meta| Ok((meta.key.name().to_owned(), meta.size))).chain(failure)
        })
    }

    /// An object, of which there is no more than an object of a log may have.
    pub(super) fn read(&self, key: &Key) -> Result<Bytes> {
        let reply = self.backend.read(key, &ReadOptions::default())?;
        let size = reply.meta.size;
        let corrupt = |message| Error::new(ErrorKind::Corrupt, message).with("object", key).with("bytes", size);
        if size > OBJECT_BYTES_MAX {
            return Err(corrupt("object is larger than one of a log"));
        }
        let mut whole: Option<Bytes> = None;
        let mut joined = BytesMut::new();
        for chunk in reply.body {
            let chunk = chunk?;
            match whole.take() {
                None if joined.is_empty() => whole = Some(chunk),
                first => {
                    joined.reserve(size as usize - joined.len().min(size as usize));
                    joined.extend_from_slice(&first.unwrap_or_default());
                    joined.extend_from_slice(&chunk);
                }
            }
        }
        let bytes = whole.unwrap_or_else(|| joined.freeze());
        match bytes.len() as u64 == size {
            true => Ok(bytes),
            false => Err(Error::new(ErrorKind::Unavailable, "object was read in part only").with("object", key)),
        }
    }

    /// Creates an object, durably, unless the key holds one.
    pub(super) fn create(&self, key: &Key, body: &Bytes) -> Result<Put, PutFailure> {
        let token = self.tokens.as_ref().map(Tokens::make).transpose().map_err(PutFailure::Refused)?;
        let mut options = WriteOptions::if_absent();
        options.token.clone_from(&token);
        let (mut is_clear, mut failure) = (true, None);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(PAUSE * (1 << (attempt - 1)));
            }
            let answer = self.backend.write(key, body.clone(), &options);
            match answer {
                Ok(Outcome::Applied(_)) => return Ok(Put::Stored),
                Ok(Outcome::Rejected) if self.planted.has(Bug::ExistsIsForeign) => return Ok(Put::Taken),
                Ok(Outcome::Unknown) if self.planted.has(Bug::UnknownIsFailed) => {
                    return Err(PutFailure::Refused(unclear(key)));
                }
                Ok(Outcome::Rejected | Outcome::Unknown) => is_clear = false,
                Err(error) if is_clear && changed_nothing(error.kind()) => return Err(PutFailure::Refused(error)),
                Err(error) => {
                    is_clear &= changed_nothing(error.kind());
                    failure = Some(error);
                }
            }
            match self.settle(key, body, token.as_ref()) {
                Ok(Some(put)) => return Ok(put),
                Ok(None) => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(PutFailure::Unclear(failure.unwrap_or_else(|| unclear(key))))
    }

    /// What the key holds now: the object that was to be created, another, or none.
    fn settle(&self, key: &Key, body: &Bytes, token: Option<&WriteToken>) -> Result<Option<Put>> {
        if let Some(token) = token {
            return Ok(match self.backend.settle(key, token, &SettleOptions::default())? {
                Settled::Applied(_) => Some(Put::Stored),
                Settled::Other(_) => Some(Put::Taken),
                Settled::Absent => None,
            });
        }
        match self.read(key) {
            Ok(found) if found == *body => Ok(Some(Put::Stored)),
            Ok(_) => Ok(Some(Put::Taken)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(Put::Taken)),
            Err(error) => Err(error),
        }
    }

    /// Says that everything before this slot is trimmed.
    pub(super) fn raise_floor(&self, slot: Slot) -> Result<()> {
        let folder = self.folder.join(FLOOR)?;
        let older = self.floors()?;
        // Whoever has created it: it says the same.
        self.create(&slot.key(&folder)?, &Bytes::new()).map_err(PutFailure::into_error)?;
        let older = older.iter().filter(|floor| **floor < slot).map(|floor| floor.key(&folder));
        self.delete(&older.collect::<Result<Vec<_>>>()?)
    }

    /// Deletes objects.
    pub(super) fn delete(&self, keys: &[Key]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let answers = self.backend.delete(keys, &DeleteOptions::default())?;
        answers.into_iter().try_for_each(|answer| match answer {
            Deleted::Failed(error) => Err(error),
            _ => Ok(()),
        })
    }
}

fn need(backend: &Arc<dyn Backend>, has: bool, capability: &str) -> Result<()> {
    match has {
        true => Ok(()),
        false => {
            let error = Error::unsupported("a log needs a backend with this capability").with("capability", capability);
            Err(error.with("backend", backend))
        }
    }
}

/// Failures after which it is known that nothing has changed.
fn changed_nothing(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    matches!(kind, Unsupported | Invalid | PermissionDenied | StorageFull)
}

fn unclear(key: &Key) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "object of the log may or may not be there").with("object", key)
}
