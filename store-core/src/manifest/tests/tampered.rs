//! A backend in whose changes a test has its hand.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Writer};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::ops::*;

type Write = dyn Fn(&dyn Backend, &Key, Bytes, &WriteOptions) -> Result<Outcome> + Send + Sync;
type Delete = dyn Fn(&dyn Backend, &[Key]) -> Result<Vec<Deleted>> + Send + Sync;

/// Calls closures in the place of `write` and `delete`.
pub struct Tampered {
    inner: Arc<dyn Backend>,
    write: Box<Write>,
    delete: Box<Delete>,
}

impl Tampered {
    pub fn writes(
        inner: &Arc<dyn Backend>,
        write: impl Fn(&dyn Backend, &Key, Bytes, &WriteOptions) -> Result<Outcome> + Send + Sync + 'static,
    ) -> Arc<dyn Backend> {
        let delete = Box::new(|inner: &dyn Backend, keys: &[Key]| inner.delete(keys, &DeleteOptions::default()));
        Arc::new(Self { inner: Arc::clone(inner), write: Box::new(write), delete })
    }

    pub fn deletes(
        inner: &Arc<dyn Backend>,
        delete: impl Fn(&dyn Backend, &[Key]) -> Result<Vec<Deleted>> + Send + Sync + 'static,
    ) -> Arc<dyn Backend> {
        let write =
            Box::new(|inner: &dyn Backend, key: &Key, body, options: &WriteOptions| inner.write(key, body, options));
        Arc::new(Self { inner: Arc::clone(inner), write, delete: Box::new(delete) })
    }
}

impl fmt::Debug for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tampered")
    }
}

impl Backend for Tampered {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.inner.read(key, options)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(key, ranges, options)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        (self.write)(&*self.inner, key, body, options)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.inner.open_writer(key, options)
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.inner.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], _options: &DeleteOptions) -> Result<Vec<Deleted>> {
        (self.delete)(&*self.inner, keys)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.inner.copy(from, to, options)
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.inner.rename(from, to, options)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options)
    }
}
