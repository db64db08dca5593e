//! Checksums: what is written is digested, and compared when it is read.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use worldstore_core::ops::*;
use worldstore_core::wrap::{Digest, DigestBook, Digester};
use worldstore_core::{Key, Prefix, Result};

use super::into_stream;
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend that notes the digest of every object written through it in a [`DigestBook`], and compares every whole read
/// with what the book expects of that state.
///
/// A body that is not what was written ends with `Corrupt` in place of its end: who uses chunks
/// before the end must undo that. Parts of objects are not compared, for a digest is of the whole; nor are copies,
/// renamed objects, and what is written by signed links: the book does not know their digests.
#[derive(Debug, Clone)]
pub struct AsyncChecksumBackend {
    inner: Arc<dyn AsyncBackend>,
    book: Arc<dyn DigestBook>,
}

impl AsyncChecksumBackend {
    /// Digests what goes to `inner`, and compares what comes from it with the book.
    pub fn new(inner: Arc<dyn AsyncBackend>, book: Arc<dyn DigestBook>) -> Self {
        Self { inner, book }
    }
}

fn note(book: &dyn DigestBook, answer: Result<Outcome>, digest: Digest) -> Result<Outcome> {
    if let Ok(Outcome::Applied(meta)) = &answer {
        book.written(meta, digest);
    }
    answer
}

impl fmt::Display for AsyncChecksumBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checksum({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncChecksumBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let reply = self.inner.read(key, options).await?;
        let expected = self.book.expected(&reply.meta).filter(|_| reply.range == (0..reply.meta.size));
        let Some(expected) = expected else { return Ok(reply) };
        let compared = Compared { body: Some(reply.body), digester: Digester::default(), expected, key: key.clone() };
        Ok(ReadReply::new(reply.meta, reply.range, into_stream(compared)))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(key, ranges, options).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let digest = Digester::of(&body);
        note(&*self.book, self.inner.write(key, body, options).await, digest)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let inner = self.inner.open_writer(key, options).await?;
        Ok(Box::new(DigestWriter { inner, digester: Digester::default(), book: Arc::clone(&self.book) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.inner.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.inner.delete(keys, options).await
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.inner.copy(from, to, options).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.inner.rename(from, to, options).await
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign()
    }
}

/// A body that is digested, and compared at its end.
struct Compared {
    /// None once it has ended.
    body: Option<AsyncChunks>,
    digester: Digester,
    expected: Digest,
    key: Key,
}

impl super::Steps for Compared {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        let item = self.body.as_mut()?.next().await;
        match item {
            Some(Ok(chunk)) => {
                self.digester.update(&chunk);
                Some(Ok(chunk))
            }
            Some(Err(error)) => {
                self.body = None;
                Some(Err(error))
            }
            None => {
                self.body = None;
                self.digester.expect(self.expected, &self.key).err().map(Err)
            }
        }
    }
}

#[derive(Debug)]
struct DigestWriter {
    inner: Box<dyn AsyncWriter>,
    digester: Digester,
    book: Arc<dyn DigestBook>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for DigestWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.digester.update(&chunk);
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, digester, book } = *self;
        note(&*book, inner.commit().await, digester.finish())
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
