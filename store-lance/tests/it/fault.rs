//! A backend that loses answers on command.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
use worldstore_core::{
    BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Key, ListOptions, ListPage,
    ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions,
    Settled, StatOptions, WriteOptions, WriteToken,
};

/// What happens to the next write of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not written, and an error says so.
    Before,
    /// It is written, and the outcome is unknown.
    Unknown,
    /// It is written, and an error is answered.
    Error,
    /// It is written, the outcome is unknown, and nothing can be read until [`FaultBackend::heal`].
    UnknownAndBlind,
}

#[derive(Debug)]
pub struct FaultBackend {
    inner: Arc<dyn AsyncBackend>,
    next: Mutex<Option<Fault>>,
    blind: AtomicBool,
}

impl FaultBackend {
    pub fn new(inner: Arc<dyn AsyncBackend>) -> Arc<Self> {
        Arc::new(Self { inner, next: Mutex::default(), blind: AtomicBool::new(false) })
    }

    pub fn fail(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some(fault);
    }

    pub fn heal(&self) {
        self.blind.store(false, Ordering::SeqCst);
    }

    fn see(&self) -> Result<()> {
        match self.blind.load(Ordering::SeqCst) {
            true => Err(away()),
            false => Ok(()),
        }
    }
}

fn away() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is away")
}

impl fmt::Display for FaultBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for FaultBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.see()?;
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        self.see()?;
        self.inner.read(key, options).await
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.see()?;
        self.inner.read_ranges(key, ranges, options).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let is_commit = key.as_str().ends_with(".manifest");
        let fault = if is_commit { self.next.lock().unwrap().take() } else { None };
        if fault == Some(Fault::Before) {
            return Err(away());
        }
        let written = self.inner.write(key, body, options).await?;
        match fault {
            Some(Fault::Error) => Err(away()),
            Some(Fault::Unknown) => Ok(Outcome::Unknown),
            Some(Fault::UnknownAndBlind) => {
                self.blind.store(true, Ordering::SeqCst);
                Ok(Outcome::Unknown)
            }
            _ => Ok(written),
        }
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        self.inner.open_writer(key, options).await
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.inner.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.inner.delete(keys, options).await
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.see()?;
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
