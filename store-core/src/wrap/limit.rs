//! Limits: how many calls at one time, and how many bytes per second.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::clock::{Clock, SystemClock};
use super::limits::{Bandwidth, LimitOptions};
use super::no_links;

/// A backend behind bounds on calls at one time and on bytes per second, by [`LimitOptions`]. Calls over the bound wait.
///
/// Bytes that move over signed links are not bounded.
#[derive(Debug, Clone)]
pub struct LimitBackend {
    inner: Arc<dyn Backend>,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    gate: Option<Gate>,
    bandwidth: Bandwidth,
    clock: Arc<dyn Clock>,
}

impl Engine {
    /// Waits for a place, which is free again when the pass is dropped.
    fn enter(&self) -> Option<Pass<'_>> {
        self.gate.as_ref().map(Gate::enter)
    }

    /// Waits until bytes that were read may go on.
    fn read(&self, bytes: usize) {
        let pause = self.bandwidth.read(bytes as u64, self.clock.now());
        if !pause.is_zero() {
            self.clock.sleep(pause);
        }
    }

    /// Waits until bytes may be written.
    fn write(&self, bytes: usize) {
        let pause = self.bandwidth.write(bytes as u64, self.clock.now());
        if !pause.is_zero() {
            self.clock.sleep(pause);
        }
    }
}

/// Places for calls.
#[derive(Debug)]
struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place that is taken.
struct Pass<'gate>(&'gate Gate);

impl Gate {
    fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), freed: Condvar::new() }
    }

    fn enter(&self) -> Pass<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(self)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

impl LimitBackend {
    /// Bounds what goes to `inner`, by the system's clock.
    pub fn new(inner: Arc<dyn Backend>, options: LimitOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(SystemClock::default()))
    }

    /// Bounds what goes to `inner`, by this clock.
    pub fn with_clock(inner: Arc<dyn Backend>, options: LimitOptions, clock: Arc<dyn Clock>) -> Self {
        let gate = options.calls_max.map(|calls| Gate::new(calls.max(1)));
        let bandwidth = Bandwidth::new(&options, clock.now());
        Self { inner, engine: Arc::new(Engine { gate, bandwidth, clock }) }
    }
}

impl fmt::Display for LimitBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for LimitBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let _pass = self.engine.enter();
        self.inner.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let pass = self.engine.enter();
        let ReadReply { meta, range, body, .. } = self.inner.read(key, options)?;
        drop(pass);
        let limited = Limited { body, engine: Arc::clone(&self.engine) };
        Ok(ReadReply::new(meta, range, Box::new(limited)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let pass = self.engine.enter();
        let parts = self.inner.read_ranges(key, ranges, options)?;
        drop(pass);
        self.engine.read(parts.iter().map(Bytes::len).sum());
        Ok(parts)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.engine.write(body.len());
        let _pass = self.engine.enter();
        self.inner.write(key, body, options)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let _pass = self.engine.enter();
        let inner = self.inner.open_writer(key, options)?;
        Ok(Box::new(LimitWriter { inner, engine: Arc::clone(&self.engine) }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let _pass = self.engine.enter();
        self.inner.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let _pass = self.engine.enter();
        self.inner.delete(keys, options)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let _pass = self.engine.enter();
        self.inner.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let _pass = self.engine.enter();
        self.inner.copy(from, to, options)
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let _pass = self.engine.enter();
        self.inner.rename(from, to, options)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        let _pass = self.engine.enter();
        self.inner.check(options)
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for LimitBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let _pass = self.engine.enter();
        self.inner.presign().ok_or_else(no_links)?.sign(key, options)
    }
}

/// A body whose chunks wait.
struct Limited {
    body: Chunks,
    engine: Arc<Engine>,
}

impl Iterator for Limited {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let pass = self.engine.enter();
        let item = self.body.next();
        drop(pass);
        if let Some(Ok(chunk)) = &item {
            self.engine.read(chunk.len());
        }
        item
    }
}

#[derive(Debug)]
struct LimitWriter {
    inner: Box<dyn Writer>,
    engine: Arc<Engine>,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for LimitWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.engine.write(chunk.len());
        let _pass = self.engine.enter();
        self.inner.write(chunk)
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, engine } = *self;
        let _pass = engine.enter();
        inner.commit()
    }

    fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, engine } = *self;
        let _pass = engine.enter();
        inner.abort()
    }
}
