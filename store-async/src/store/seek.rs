//! An async reader with a position, over ranged reads.

use std::fmt;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncSeek};
use worldstore_core::kernel::{Ability, Fault, ReadAhead, SeekOptions, expect_state, io_error};
use worldstore_core::{ObjectMeta, ReadOptions, ReadRange, Result};

use super::AsyncStore;

/// An object open for reading, from [`read_seekable`](AsyncStore::read_seekable).
///
/// Every byte comes from the state in which the object was when it was opened, where the backend has versions. Where it
/// has none, reads fail with `ConditionFailed` once length or time of the last write are others: another state of the same
/// length and time is not noticed. Errors of the store are inside the errors of reads.
pub struct AsyncSeekReader {
    store: AsyncStore,
    meta: ObjectMeta,
    ahead: ReadAhead,
    /// A read under way, and the position that it is for.
    fetching: Option<(u64, BoxFuture<'static, Result<Bytes>>)>,
}

impl AsyncSeekReader {
    pub(super) fn new(store: AsyncStore, meta: ObjectMeta, options: &SeekOptions) -> Self {
        let ahead = ReadAhead::new(meta.size, options.read_ahead_bytes);
        Self { store, meta, ahead, fetching: None }
    }

    /// The object as it was opened. No I/O.
    pub fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// Where the next byte comes from. No I/O.
    pub fn position(&self) -> u64 {
        self.ahead.position()
    }

    fn fetch(&self, length: usize) -> BoxFuture<'static, Result<Bytes>> {
        let range = self.ahead.wanted(length);
        let mut options = ReadOptions::default().with_range(ReadRange::Bounded(range.clone()));
        if self.store.supports(Ability::Versions) {
            options.version = self.meta.version.clone();
        }
        let (store, opened) = (self.store.clone(), self.meta.clone());
        Box::pin(async move {
            let (found, bytes) = store.collect_found(opened.key.as_str(), &options).await?;
            if options.version.is_none() {
                expect_state(&opened, &found)?;
            }
            match bytes.len() as u64 == range.end - range.start {
                true => Ok(bytes),
                false => Err(Fault::Changed.about(opened.key)),
            }
        })
    }
}

impl fmt::Debug for AsyncSeekReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AsyncSeekReader");
        shown.field("store", &self.store).field("meta", &self.meta).field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

impl AsyncRead for AsyncSeekReader {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            if let Some(count) = this.ahead.take(into) {
                return Poll::Ready(Ok(count));
            }
            let position = this.ahead.position();
            // A read for a position that was left since is dropped.
            let mut fetching = match this.fetching.take() {
                Some((start, fetching)) if start == position => fetching,
                _ => this.fetch(into.len()),
            };
            match fetching.as_mut().poll(context) {
                Poll::Ready(fetched) => this.ahead.fill(position, fetched.map_err(io_error)?),
                Poll::Pending => {
                    this.fetching = Some((position, fetching));
                    return Poll::Pending;
                }
            }
        }
    }
}

impl AsyncSeek for AsyncSeekReader {
    fn poll_seek(mut self: Pin<&mut Self>, _context: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        Poll::Ready(self.ahead.seek(to))
    }
}
