//! Objects in memory: the reference backend, with every capability but durability.

mod hook;
mod objects;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::{Bytes, BytesMut};

pub use hook::{Event, Moment, Verdict};

use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::listing;
use crate::ops::*;
use hook::Hook;
use objects::Objects;

/// A backend in memory. It is gone when dropped.
///
/// It is the model that other backends are compared with: versions are numbers that only grow, conditions are decided
/// in one step, listings are sorted. Reads share the stored bytes and copy none.
///
/// # Faults
/// A hook sees every operation before and after it is done, and can let it fail or lose its answer:
///
/// ```
/// use worldstore_core::memory::{Moment, Verdict};
/// use worldstore_core::{Backend, Key, Memory, Outcome, StatOptions, WriteOptions};
///
/// # fn main() -> worldstore_core::Result<()> {
/// // Every write happens, and none is answered.
/// let memory = Memory::new().with_hook(|event| match (event.operation, event.moment) {
///     ("write", Moment::After) => Verdict::Unknown,
///     _ => Verdict::Pass,
/// });
/// let key = Key::new("a")?;
/// assert_eq!(memory.write(&key, "x".into(), &WriteOptions::default())?, Outcome::Unknown);
/// assert_eq!(memory.stat(&key, &StatOptions::default())?.size, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    objects: Arc<RwLock<Objects>>,
    hook: Hook,
}

impl Memory {
    /// An empty backend.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same objects, with a hook around every operation of this handle and of writers that it opens. It replaces
    /// one that was set before. Without a hook nothing is called.
    #[must_use]
    pub fn with_hook(mut self, decide: impl Fn(&Event<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self.hook = Hook::new(decide);
        self
    }

    /// Everything that it holds now, as a backend of its own, without the hook. Neither sees changes of the other.
    ///
    /// It takes constant time: both share one map of keys until one of them is changed. The first change after that
    /// copies the map, which takes time and memory in proportion to the number of objects, about 40 bytes each; the
    /// bytes of objects are never copied. Versions are not used twice, not even across snapshots of one origin.
    pub fn snapshot(&self) -> Self {
        Self { objects: Arc::new(RwLock::new(self.objects().clone())), hook: Hook::default() }
    }

    fn objects(&self) -> RwLockReadGuard<'_, Objects> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Objects> {
        change(&self.objects)
    }
}

fn change(objects: &RwLock<Objects>) -> RwLockWriteGuard<'_, Objects> {
    objects.write().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

impl Backend for Memory {
    fn info(&self) -> BackendInfo {
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
            durable: false,
        };
        BackendInfo::new("memory", "", capability)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.hook.around_key("stat", key, || self.objects().get(key).map(|object| object.meta.clone()))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.hook.around_key("read", key, || {
            let objects = self.objects();
            let object = objects.get(key)?;
            object.meta.expect_version(options.version.as_ref())?;
            let range = match &options.range {
                Some(range) => range.resolve(object.meta.size).map_err(|error| error.with("key", key))?,
                None => 0..object.meta.size,
            };
            let body = object.bytes.slice(range.start as usize..range.end as usize);
            let chunks: Chunks = Box::new((!body.is_empty()).then_some(Ok(body)).into_iter());
            Ok(ReadReply::new(object.meta.clone(), range, chunks))
        })
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.hook.around_key("read_ranges", key, || {
            let objects = self.objects();
            let object = objects.get(key)?;
            object.meta.expect_version(options.version.as_ref())?;
            check_ranges(ranges, object.meta.size).map_err(|error| error.with("key", key))?;
            let part = |range: &Range<u64>| object.bytes.slice(range.start as usize..range.end as usize);
            Ok(ranges.iter().map(part).collect())
        })
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let run = || self.change().put(key, body, &options.condition, options.token.clone());
        self.hook.around_key("write", key, run)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.hook.around_key("open_writer", key, || {
            let (objects, hook, parts) = (Arc::clone(&self.objects), self.hook.clone(), BytesMut::new());
            let writer = MemoryWriter { objects, hook, key: key.clone(), options: options.clone(), parts };
            Ok(Box::new(writer) as Box<dyn Writer>)
        })
    }

    fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        self.hook.around_key("settle", key, || {
            Ok(match self.objects().find(key) {
                None => Settled::Absent,
                Some(object) if object.token.as_ref() == Some(token) => Settled::Applied(object.meta.clone()),
                Some(object) => Settled::Other(object.meta.clone()),
            })
        })
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        let delete = |key: &Key| {
            let run = || Ok(self.change().remove(key, &options.condition));
            self.hook.around_key("delete", key, run).unwrap_or_else(Deleted::Failed)
        };
        Ok(keys.iter().map(delete).collect())
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.hook.around("list", prefix.as_str(), || {
            let objects = self.objects();
            let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
            let start = listing::start(&below, options);
            let metas = objects.from(start.as_bound()).take_while(|meta| meta.key.as_str().starts_with(&below));
            listing::page(prefix, options, metas.map(|meta| Ok(meta.clone())))
        })
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.hook.around_key("copy", to, || self.change().copy(from, to, &options.condition))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.hook.around_key("rename", to, || self.change().rename(from, to, &options.condition))
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.hook.around("check", "", || Ok(()))
    }
}

#[derive(Debug)]
struct MemoryWriter {
    objects: Arc<RwLock<Objects>>,
    hook: Hook,
    key: Key,
    options: WriteOptions,
    parts: BytesMut,
}

impl Writer for MemoryWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.parts.extend_from_slice(&chunk);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { objects, hook, key, options, parts } = *self;
        let WriteOptions { condition, token, .. } = options;
        hook.around_key("commit", &key, || change(&objects).put(&key, parts.freeze(), &condition, token))
    }

    fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
