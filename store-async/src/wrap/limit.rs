//! Limits: how many calls at one time, and how many bytes per second.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use worldstore_core::ops::*;
use worldstore_core::wrap::{Bandwidth, LimitOptions};
use worldstore_core::{Key, Prefix, Result};

use super::clock::{Timer, TokioClock};
use super::{into_stream, no_links};
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend behind bounds on calls at one time and on bytes per second, by [`LimitOptions`]. Calls over the bound wait.
///
/// Bytes that move over signed links are not bounded.
#[derive(Debug, Clone)]
pub struct AsyncLimitBackend {
    inner: Arc<dyn AsyncBackend>,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    gate: Option<Gate>,
    bandwidth: Bandwidth,
    clock: Arc<dyn Timer>,
}

impl Engine {
    /// Waits for a place, which is free again when the permit is dropped.
    async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // A semaphore that nobody closes gives a permit in the end.
        match &self.gate {
            Some(gate) => gate.acquire().await.ok(),
            None => None,
        }
    }

    /// Waits until bytes that were read may go on.
    async fn read(&self, bytes: usize) {
        let pause = self.bandwidth.read(bytes as u64, self.clock.now());
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
    }

    /// Waits until bytes may be written.
    async fn write(&self, bytes: usize) {
        let pause = self.bandwidth.write(bytes as u64, self.clock.now());
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
    }
}

type Gate = Semaphore;

impl AsyncLimitBackend {
    /// Bounds what goes to `inner`, by tokio's clock.
    pub fn new(inner: Arc<dyn AsyncBackend>, options: LimitOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(TokioClock::default()))
    }

    /// Bounds what goes to `inner`, by this clock.
    pub fn with_clock(inner: Arc<dyn AsyncBackend>, options: LimitOptions, clock: Arc<dyn Timer>) -> Self {
        // A semaphore panics above its bound, which no number of calls gets near to.
        let gate = options.calls_max.map(|calls| Gate::new(calls.clamp(1, Gate::MAX_PERMITS)));
        let bandwidth = Bandwidth::new(&options, clock.now());
        Self { inner, engine: Arc::new(Engine { gate, bandwidth, clock }) }
    }
}

impl fmt::Display for AsyncLimitBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncLimitBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let _pass = self.engine.enter().await;
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let pass = self.engine.enter().await;
        let ReadReply { meta, range, body, .. } = self.inner.read(key, options).await?;
        drop(pass);
        let limited = Limited { body, engine: Arc::clone(&self.engine) };
        Ok(ReadReply::new(meta, range, into_stream(limited)))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let pass = self.engine.enter().await;
        let parts = self.inner.read_ranges(key, ranges, options).await?;
        drop(pass);
        self.engine.read(parts.iter().map(Bytes::len).sum()).await;
        Ok(parts)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.engine.write(body.len()).await;
        let _pass = self.engine.enter().await;
        self.inner.write(key, body, options).await
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let _pass = self.engine.enter().await;
        let inner = self.inner.open_writer(key, options).await?;
        Ok(Box::new(LimitWriter { inner, engine: Arc::clone(&self.engine) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let _pass = self.engine.enter().await;
        self.inner.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let _pass = self.engine.enter().await;
        self.inner.delete(keys, options).await
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let _pass = self.engine.enter().await;
        self.inner.list(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let _pass = self.engine.enter().await;
        self.inner.copy(from, to, options).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let _pass = self.engine.enter().await;
        self.inner.rename(from, to, options).await
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        let _pass = self.engine.enter().await;
        self.inner.check(options).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncLimitBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let _pass = self.engine.enter().await;
        self.inner.presign().ok_or_else(no_links)?.sign(key, options).await
    }
}

/// A body whose chunks wait.
struct Limited {
    body: AsyncChunks,
    engine: Arc<Engine>,
}

impl super::Steps for Limited {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        let pass = self.engine.enter().await;
        let item = self.body.next().await;
        drop(pass);
        if let Some(Ok(chunk)) = &item {
            self.engine.read(chunk.len()).await;
        }
        item
    }
}

#[derive(Debug)]
struct LimitWriter {
    inner: Box<dyn AsyncWriter>,
    engine: Arc<Engine>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for LimitWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.engine.write(chunk.len()).await;
        let _pass = self.engine.enter().await;
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, engine } = *self;
        let _pass = engine.enter().await;
        inner.commit().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, engine } = *self;
        let _pass = engine.enter().await;
        inner.abort().await
    }
}
