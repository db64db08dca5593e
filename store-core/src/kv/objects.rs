//! The backend on an ordered key-value store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::OrderedKv;
use super::change::Shared;
use super::head::Body;
use super::list;
use super::read::Opened;
use super::writer::KvWriter;
use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

/// Keys that one transaction deletes at most.
const DELETED_AT_ONCE: usize = 1_000;

/// Objects in an [`OrderedKv`], with every capability; whether it is durable is the store's matter.
///
/// The names are [`Flat`](Namespace::Flat). Versions count up over all keys and are never given out twice. A read holds
/// one piece in memory, and so does a writer. Clones share the store.
#[derive(Debug)]
pub struct KvObjects<Map: OrderedKv> {
    shared: Arc<Shared<Map>>,
    sizes: Sizes,
}

impl<Map: OrderedKv> Clone for KvObjects<Map> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), sizes: self.sizes }
    }
}

/// How bodies are stored. It may change from one opening to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// Bytes of a body that is stored with its head. 4,096 by default: a listing reads over them.
    pub inline_bytes_max: u32,
    /// Bytes of a piece of a larger body. 262,016 by default, which with its key and what a page needs is just below
    /// 256 KiB.
    pub piece_bytes: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { inline_bytes_max: 4 << 10, piece_bytes: (256 << 10) - 128 }
    }
}

impl Sizes {
    /// Sets the largest body that is stored with its head, in bytes.
    #[must_use]
    pub fn with_inline_bytes_max(mut self, bytes: u32) -> Self {
        self.inline_bytes_max = bytes;
        self
    }

    /// Sets the size of a piece in bytes.
    #[must_use]
    pub fn with_piece_bytes(mut self, bytes: u32) -> Self {
        self.piece_bytes = bytes;
        self
    }
}

impl<Map: OrderedKv> KvObjects<Map> {
    /// Opens the objects of a store, and removes what a killed process has left behind. An empty store is set up.
    ///
    /// # Errors
    /// Those of the store; `Unsupported` if another version has written it; `Invalid` if a piece is to have no bytes.
    pub fn open(map: Map, sizes: Sizes) -> Result<Self> {
        if sizes.piece_bytes == 0 {
            return Err(Error::invalid("a piece has no bytes"));
        }
        Ok(Self { shared: Arc::new(Shared::open(map)?), sizes })
    }

    /// The store.
    pub fn map(&self) -> &Map {
        &self.shared.map
    }

    fn writer(&self, key: &Key, options: &WriteOptions) -> KvWriter<Map> {
        KvWriter::new(Arc::clone(&self.shared), self.sizes, key.clone(), options.clone())
    }
}

impl<Map: OrderedKv> fmt::Display for KvObjects<Map> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shared.map)
    }
}

impl<Map: OrderedKv> Backend for KvObjects<Map> {
    fn info(&self) -> BackendInfo {
        let profile = self.shared.map.profile();
        let capability = Capability {
            write: true,
            write_if_absent: true,
            write_if_match: true,
            copy: true,
            copy_if_absent: true,
            copy_if_match: true,
            rename: true,
            rename_if_absent: true,
            rename_if_match: true,
            delete_if_match: true,
            write_tokens: true,
            list_sorted: true,
            versions: true,
            durable: profile.durable,
        };
        BackendInfo::new(profile.scheme, profile.root, capability).with_namespace(Namespace::Flat)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.shared.head(key).map(|head| head.meta(key))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let opened = Opened::new(&self.shared, key)?;
        let meta = opened.head.meta(key);
        meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(meta.size).map_err(|error| error.with("key", key))?,
            None => 0..meta.size,
        };
        Ok(ReadReply::new(meta, range.clone(), opened.chunks(range)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let opened = Opened::new(&self.shared, key)?;
        let meta = opened.head.meta(key);
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
        ranges.iter().map(|range| opened.part(range.clone())).collect()
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let mut writer = self.writer(key, options);
        writer.append(body)?;
        writer.publish()
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        Ok(Box::new(self.writer(key, options)))
    }

    fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        match self.shared.head(key) {
            Ok(head) if head.token.as_ref() == Some(token) => Ok(Settled::Applied(head.meta(key))),
            Ok(head) => Ok(Settled::Other(head.meta(key))),
            Err(error) if error.is_not_found() => Ok(Settled::Absent),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        let mut answers = Vec::with_capacity(keys.len());
        for keys in keys.chunks(DELETED_AT_ONCE) {
            match self.shared.delete(keys, &options.condition) {
                Ok(batch) => answers.extend(batch),
                Err(error) => answers.extend(keys.iter().map(|key| {
                    let failed = Error::new(error.kind(), error.message()).during("delete").with("key", key);
                    Deleted::Failed(failed)
                })),
            }
        }
        Ok(answers)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        list::page(&self.shared, prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let source = Opened::new(&self.shared, from)?;
        let (condition, durability) = (options.condition.clone(), options.durability);
        let write = WriteOptions::default().with_condition(condition).with_durability(durability);
        if let Body::Inline(body) = &source.head.body {
            return self.write(to, body.clone(), &write);
        }
        let (mut writer, size) = (self.writer(to, &write), source.head.size);
        for chunk in source.chunks(0..size) {
            writer.append(chunk?)?;
        }
        writer.publish()
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.shared.rename(from, to, &options.condition, options.durability)
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.shared.check()
    }
}
