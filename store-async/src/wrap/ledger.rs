//! A ledger: length and hash of what is written, for whoever has to vouch for it later without reading it again.

mod book;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use worldstore_core::blocks::{Hash, Hasher};
use worldstore_core::ops::*;
use worldstore_core::{Key, Prefix, Result};

use super::no_links;
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
pub use book::{Ledger, Noted};

/// So many objects are remembered unless another number is set; some 16 MB.
const ENTRIES_MAX: usize = 65_536;

/// A backend that remembers length and BLAKE3 of each object that is written whole through it, in a [`Ledger`].
///
/// The newest 65,536 are remembered unless [`with_entries_max`](Self::with_entries_max) says otherwise. Copies and
/// renames take along what is known of the source. Whoever publishes which files a state is made of asks the ledger instead of
/// reading them again.
#[derive(Debug, Clone)]
pub struct AsyncLedgerBackend {
    inner: Arc<dyn AsyncBackend>,
    ledger: Ledger,
}

impl AsyncLedgerBackend {
    /// Remembers what goes to `inner`.
    pub fn new(inner: Arc<dyn AsyncBackend>) -> Self {
        Self::with_entries_max(inner, ENTRIES_MAX)
    }

    /// Remembers so many objects, the newest, and as many keys of changes whose end nobody knows. If there are more of
    /// those, nothing is remembered any more.
    pub fn with_entries_max(inner: Arc<dyn AsyncBackend>, entries_max: usize) -> Self {
        Self { inner, ledger: Ledger::new(entries_max) }
    }

    /// What is remembered.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl fmt::Display for AsyncLedgerBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ledger({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncLedgerBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        self.inner.read(key, options).await
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(key, ranges, options).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let change = self.ledger.begin(key);
        let length = body.len() as u64;
        let (answer, hash) = meanwhile(self.inner.write(key, body.clone(), options), || Hash::of(&body)).await;
        change.answered(&answer, Some(Noted { length, hash }));
        answer
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let inner = self.inner.open_writer(key, options).await?;
        let ledger = self.ledger.clone();
        Ok(Box::new(LedgerWriter { inner, ledger, key: key.clone(), hasher: Hasher::new(), length: 0 }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.inner.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let changes: Vec<_> = keys.iter().map(|key| self.ledger.begin(key)).collect();
        let answers = self.inner.delete(keys, options).await?;
        for (change, answer) in changes.into_iter().zip(&answers) {
            match answer {
                Deleted::Deleted | Deleted::Missing | Deleted::Gone => {
                    change.holds(None);
                }
                Deleted::Rejected => {
                    change.unchanged();
                }
                // It may still go.
                Deleted::Failed(_) => drop(change),
            }
        }
        Ok(answers)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let source = self.ledger.entry(from);
        let change = self.ledger.begin(to);
        let answer = self.inner.copy(from, to, options).await;
        // A source that was changed meanwhile may have been copied before or after.
        let same = source.filter(|source| self.ledger.entry(from).is_some_and(|entry| entry.0 == source.0));
        change.answered(&answer, same.map(|(_, noted)| noted));
        answer
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let (leaves, arrives) = (self.ledger.begin(from), self.ledger.begin(to));
        let source = leaves.before();
        let answer = self.inner.rename(from, to, options).await;
        // A source that was changed meanwhile may have been moved before or after. Where both are one key, it was begun
        // twice, and nothing is known of it.
        let alone = leaves.answered(&answer, None);
        arrives.answered(&answer, source.filter(|_| alone));
        answer
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    /// What is written by a link does not go through the ledger: the key is forgotten for good.
    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncLedgerBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        if options.access == Access::Write {
            self.ledger.lose(key);
        }
        match self.inner.presign() {
            Some(presign) => presign.sign(key, options).await,
            None => Err(no_links()),
        }
    }
}

#[derive(Debug)]
struct LedgerWriter {
    inner: Box<dyn AsyncWriter>,
    ledger: Ledger,
    key: Key,
    hasher: Hasher,
    length: u64,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for LedgerWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let Self { inner, hasher, length, .. } = self;
        *length += chunk.len() as u64;
        meanwhile(inner.write(chunk.clone()), || hasher.update(&chunk)).await.0
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, ledger, key, hasher, length } = *self;
        let noted = Noted { length, hash: hasher.hash() };
        let change = ledger.begin(&key);
        let answer = inner.commit().await;
        change.answered(&answer, Some(noted));
        answer
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

/// Does something while a backend writes: most leave that to another thread once they are asked for the first time.
async fn meanwhile<Value, Done>(mut writing: BoxFuture<'_, Value>, work: impl FnOnce() -> Done) -> (Value, Done) {
    let begun = futures::poll!(&mut writing);
    let done = work();
    match begun {
        Poll::Ready(value) => (value, done),
        Poll::Pending => (writing.await, done),
    }
}
