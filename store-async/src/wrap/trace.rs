//! Tracing: a span for every call, of a read over the whole life of its body.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tracing::{Instrument, Span};
use worldstore_core::ops::*;
use worldstore_core::wrap::{Operation, TraceScope, ended, ended_change, failed};
use worldstore_core::{Key, Prefix, Result};

use super::{into_stream, no_links};
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend that opens a span around each call, by [`TraceScope`], and changes nothing. The span of a read stays open
/// until its body is dropped, and so does that of a writer until it ends. Listings are not drained and bodies not held.
#[derive(Debug, Clone)]
pub struct AsyncTraceBackend {
    inner: Arc<dyn AsyncBackend>,
    scope: TraceScope,
}

impl AsyncTraceBackend {
    /// Traces what goes to `inner`.
    pub fn new(inner: Arc<dyn AsyncBackend>, scope: TraceScope) -> Self {
        Self { inner, scope }
    }

    fn span(&self, operation: Operation, name: &dyn fmt::Display) -> Span {
        self.scope.span(operation, &self.inner, name)
    }
}

impl fmt::Display for AsyncTraceBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncTraceBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let span = self.span(Operation::Stat, key);
        ended(&span, self.inner.stat(key, options).instrument(span.clone()).await)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let span = self.span(Operation::Read, key);
        let ReadReply { meta, range, body, .. } =
            ended(&span, self.inner.read(key, options).instrument(span.clone()).await)?;
        let traced = Traced { body, bytes: 0, span };
        Ok(ReadReply::new(meta, range, into_stream(traced)))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let span = self.span(Operation::ReadRanges, key);
        let parts = ended(&span, self.inner.read_ranges(key, ranges, options).instrument(span.clone()).await)?;
        span.record("worldstore.bytes", parts.iter().map(|part| part.len() as u64).sum::<u64>());
        Ok(parts)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let span = self.span(Operation::Write, key);
        span.record("worldstore.bytes", body.len() as u64);
        ended_change(&span, self.inner.write(key, body, options).instrument(span.clone()).await)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let span = self.span(Operation::OpenWriter, key);
        let inner = ended(&span, self.inner.open_writer(key, options).instrument(span.clone()).await)?;
        Ok(Box::new(TraceWriter { inner, bytes: 0, span }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let span = self.span(Operation::Settle, key);
        ended(&span, self.inner.settle(key, token, options).instrument(span.clone()).await)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let span = self.span(Operation::Delete, &keys.len());
        let answers = ended(&span, self.inner.delete(keys, options).instrument(span.clone()).await)?;
        for answer in &answers {
            if let Deleted::Failed(error) = answer {
                failed(&span, error);
            }
        }
        Ok(answers)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let span = self.span(Operation::List, prefix);
        ended(&span, self.inner.list(prefix, options).instrument(span.clone()).await)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let span = self.span(Operation::Copy, to);
        ended_change(&span, self.inner.copy(from, to, options).instrument(span.clone()).await)
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let span = self.span(Operation::Rename, to);
        ended_change(&span, self.inner.rename(from, to, options).instrument(span.clone()).await)
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        let span = self.span(Operation::Check, &"");
        ended(&span, self.inner.check(options).instrument(span.clone()).await)
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncTraceBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        let span = self.span(Operation::Sign, key);
        ended(&span, presign.sign(key, options).instrument(span.clone()).await)
    }
}

/// A body under the span of its read.
struct Traced {
    body: AsyncChunks,
    bytes: u64,
    span: Span,
}

impl super::Steps for Traced {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        let item = self.body.next().instrument(self.span.clone()).await;
        match &item {
            Some(Ok(chunk)) => self.bytes += chunk.len() as u64,
            Some(Err(error)) => failed(&self.span, error),
            None => {}
        }
        item
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.span.record("worldstore.bytes", self.bytes);
    }
}

#[derive(Debug)]
struct TraceWriter {
    inner: Box<dyn AsyncWriter>,
    bytes: u64,
    span: Span,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for TraceWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let Self { inner, bytes, span } = self;
        *bytes += chunk.len() as u64;
        ended(span, inner.write(chunk).instrument(span.clone()).await)
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, bytes, span } = *self;
        span.record("worldstore.bytes", bytes);
        ended_change(&span, inner.commit().instrument(span.clone()).await)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, span, .. } = *self;
        ended(&span, inner.abort().instrument(span.clone()).await)
    }
}
