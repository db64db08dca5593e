//! A memory that can do less.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::memory::Memory;
use crate::ops::*;

/// A memory with some capabilities switched off, which refuses what it has not.
#[derive(Debug)]
pub struct Lesser {
    inner: Memory,
    limit: fn(&mut Capability),
}

impl Lesser {
    pub fn new(inner: Memory, limit: fn(&mut Capability)) -> Self {
        Self { inner, limit }
    }

    fn need(&self, has: fn(&Capability) -> bool) -> Result<()> {
        match has(&self.info().capability) {
            true => Ok(()),
            false => Err(Error::unsupported("a capability is switched off")),
        }
    }
}

impl fmt::Display for Lesser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lesser({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for Lesser {
    fn info(&self) -> BackendInfo {
        let mut info = self.inner.info();
        (self.limit)(&mut info.capability);
        info
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
        self.inner.write(key, body, options)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.inner.open_writer(key, options)
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.inner.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.inner.delete(keys, options)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.need(|capability| capability.copy)?;
        if options.condition == Condition::IfAbsent {
            self.need(|capability| capability.copy_if_absent)?;
        }
        self.inner.copy(from, to, options)
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.need(|capability| capability.rename)?;
        if options.condition == Condition::IfAbsent {
            self.need(|capability| capability.rename_if_absent)?;
        }
        self.inner.rename(from, to, options)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options)
    }

    fn presign(&self) -> Option<&dyn crate::backend::Presign> {
        None
    }
}
