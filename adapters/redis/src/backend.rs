//! The backend.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use worldstore_core::kv::page_by_stretches;
use worldstore_core::{
    Backend, BackendInfo, Capability, CheckOptions, Chunks, CopyOptions, DeleteOptions, Deleted, Error, Key,
    ListOptions, ListPage, Namespace, ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply,
    RenameOptions, Result, SettleOptions, Settled, StatOptions, WriteOptions, WriteToken, Writer, check_ranges,
};

use crate::config::Sizes;
use crate::head::Head;
use crate::read::Opened;
use crate::space::{Change, Space};
use crate::writer::{RedisWriter, Staged};

/// Keys that one script deletes at most.
const DELETED_AT_ONCE: usize = 1_000;
/// Pieces that one script copies at most.
const COPIED_AT_ONCE: u64 = 16;

/// Objects in a namespace of a Redis server. Made by [`RedisConfig::connect`](crate::RedisConfig::connect).
///
/// Names are [`Flat`](Namespace::Flat). Versions count up over all keys. A lost answer to a change is
/// [`Outcome::Unknown`]; what can be asked again is, once. A read of a large object asks for one piece at a time and sees
/// one state, as long as it asks more often than replaced objects expire; else it fails with `Conflict`.
#[derive(Debug, Clone)]
pub struct Redis {
    space: Arc<Space>,
    sizes: Sizes,
    root: String,
    durable: bool,
}

impl Redis {
    pub(crate) fn new(space: Space, sizes: Sizes, root: String, durable: bool) -> Self {
        Self { space: Arc::new(space), sizes, root, durable }
    }

    fn writer(&self, key: &Key, options: &WriteOptions) -> RedisWriter {
        RedisWriter::new(Arc::clone(&self.space), self.sizes, key.clone(), options.clone())
    }

    /// Copies a large object within the server, some pieces at a time, and publishes the copy.
    fn copy_large(&self, from: &Key, source: Head, to: &Key, options: &WriteOptions) -> Result<Outcome> {
        let Some(pieces) = source.pieces else {
            return Err(Error::unexpected("server took a small object for a large one").with("key", from));
        };
        let sizes = Sizes { piece_bytes: pieces.piece_bytes as usize, ..self.sizes };
        let mut writer = RedisWriter::new(Arc::clone(&self.space), sizes, to.clone(), options.clone());
        let staged = Staged { generation: self.space.new_generation()?, count: pieces.count };
        writer.staged = Some(staged.clone());
        let mut first = 0;
        while first < pieces.count {
            let last = (first + COPIED_AT_ONCE).min(pieces.count) - 1;
            let copied = self.space.copy_pieces(&pieces, &staged.generation, first, last);
            copied.map_err(|error| error.with("key", from))?;
            first = last + 1;
        }
        writer.publish_staged(source.meta.size)
    }
}

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis({})", self.root)
    }
}

impl Backend for Redis {
    fn info(&self) -> BackendInfo {
        let mut capability = Capability::read_only();
        capability.write = true;
        capability.write_if_absent = true;
        capability.write_if_match = true;
        capability.copy = true;
        capability.copy_if_absent = true;
        capability.copy_if_match = true;
        capability.rename = true;
        capability.rename_if_absent = true;
        capability.rename_if_match = true;
        capability.delete_if_match = true;
        capability.write_tokens = true;
        capability.list_sorted = true;
        capability.versions = true;
        capability.durable = self.durable;
        BackendInfo::new("redis", self.root.clone(), capability).with_namespace(Namespace::Flat)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.space.head(key).map(|head| head.meta)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let opened = Opened::new(&self.space, key)?;
        let meta = opened.meta.clone();
        meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(meta.size).map_err(|error| error.with("key", key))?,
            None => 0..meta.size,
        };
        Ok(ReadReply::new(meta, range.clone(), opened.chunks(range)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let opened = Opened::new(&self.space, key)?;
        opened.meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, opened.meta.size).map_err(|error| error.with("key", key))?;
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
        match self.space.head(key) {
            Ok(head) if head.token.as_deref() == Some(token.as_str()) => Ok(Settled::Applied(head.meta)),
            Ok(head) => Ok(Settled::Other(head.meta)),
            Err(error) if error.is_not_found() => Ok(Settled::Absent),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        let mut answers = Vec::with_capacity(keys.len());
        for keys in keys.chunks(DELETED_AT_ONCE) {
            match self.space.delete(keys, &options.condition) {
                Ok(batch) => answers.extend(batch.into_iter().map(|answer| match answer {
                    1 => Deleted::Deleted,
                    2 => Deleted::Rejected,
                    _ => Deleted::Missing,
                })),
                Err(error) => answers.extend(keys.iter().map(|key| {
                    let failed = Error::new(error.kind(), error.message()).during("delete").with("key", key);
                    Deleted::Failed(failed)
                })),
            }
        }
        Ok(answers)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        page_by_stretches(prefix, options, |stretch| self.space.scan(stretch))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        match self.space.change(&self.space.scripts.copy, &[from, to], &options.condition, &[]) {
            Ok(Change::Outcome(outcome)) => Ok(outcome),
            Ok(Change::Large(source)) => {
                let options = WriteOptions::default().with_condition(options.condition.clone());
                self.copy_large(from, *source, to, &options)
            }
            Ok(Change::Expired) => Err(Error::unexpected("server answered a copy with a write").with("key", from)),
            Err(error) => Err(error.with("key", from)),
        }
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        match self.space.change(&self.space.scripts.rename, &[from, to], &options.condition, &[]) {
            Ok(Change::Outcome(outcome)) => Ok(outcome),
            Ok(_) => Err(Error::unexpected("server answered a rename with something else").with("key", from)),
            Err(error) => Err(error.with("key", from)),
        }
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.space.pool.ask(|connection| redis::cmd("HLEN").arg(&self.space.heads).exec(connection))?;
        self.space.pool.ask(|connection| redis::cmd("ZCARD").arg(&self.space.names).exec(connection))
    }
}
