//! Objects in memory: the reference backend, with every capability but durability.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::listing;
use crate::ops::*;

/// A backend in memory. It is gone when dropped.
#[derive(Debug, Default)]
pub struct Memory {
    objects: Arc<Mutex<Objects>>,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: BTreeMap<Key, Object>,
    /// The last version given out, over all keys.
    last_version: u64,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    meta: ObjectMeta,
    token: Option<WriteToken>,
}

impl Memory {
    /// An empty backend.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        lock(&self.objects)
    }
}

fn lock(objects: &Mutex<Objects>) -> MutexGuard<'_, Objects> {
    objects.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Objects {
    fn get(&self, key: &Key) -> Result<&Object> {
        self.by_key.get(key).ok_or_else(|| Error::not_found("no such object").with("key", key))
    }

    /// Checks the condition and stores the object, in one step.
    fn put(&mut self, key: &Key, bytes: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.refuse_folder(key)?;
        if !self.holds(key, &options.condition) {
            return Ok(Outcome::Rejected);
        }
        self.last_version += 1;
        let version = Version::new(self.last_version.to_string());
        let meta = ObjectMeta::new(key.clone(), bytes.len() as u64).with_version(version);
        let meta = meta.with_modified(SystemTime::now());
        self.by_key.insert(key.clone(), Object { bytes, meta: meta.clone(), token: options.token.clone() });
        Ok(Outcome::Applied(meta))
    }

    fn holds(&self, key: &Key, condition: &Condition) -> bool {
        match (condition, self.by_key.get(key)) {
            (Condition::None, _) | (Condition::IfAbsent, None) => true,
            (Condition::IfMatch(version), Some(object)) => object.meta.version.as_ref() == Some(version),
            (Condition::IfAbsent, Some(_)) | (Condition::IfMatch(_), None) => false,
        }
    }

    fn remove(&mut self, key: &Key, condition: &Condition) -> Deleted {
        if !self.holds(key, condition) {
            return Deleted::Rejected;
        }
        match self.by_key.remove(key) {
            Some(_) => Deleted::Deleted,
            None => Deleted::Missing,
        }
    }

    /// An object is no folder and a folder no object, as in a file system: so all backends answer alike.
    fn refuse_folder(&self, key: &Key) -> Result<()> {
        let below = format!("{key}/");
        let after =
            self.by_key.range::<str, _>((std::ops::Bound::Included(below.as_str()), std::ops::Bound::Unbounded));
        if after.map(|(other, _)| other.as_str()).next().is_some_and(|other| other.starts_with(&below)) {
            return Err(Error::invalid("key is a folder").with("key", key));
        }
        let mut folder = key.parent();
        while !folder.is_root() {
            let above = Key::new(folder.as_str())?;
            if self.by_key.contains_key(&above) {
                return Err(Error::invalid("a folder of the key is an object").with("key", key).with("object", above));
            }
            folder = above.parent();
        }
        Ok(())
    }
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
        Ok(self.lock().get(key)?.meta.clone())
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let Object { bytes, meta, .. } = self.lock().get(key)?.clone();
        meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(meta.size).map_err(|error| error.with("key", key))?,
            None => 0..meta.size,
        };
        let body = bytes.slice(range.start as usize..range.end as usize);
        let chunks = (!body.is_empty()).then_some(Ok(body));
        Ok(ReadReply::new(meta, range, Box::new(chunks.into_iter())))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let Object { bytes, meta, .. } = self.lock().get(key)?.clone();
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
        Ok(ranges.iter().map(|range| bytes.slice(range.start as usize..range.end as usize)).collect())
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.lock().put(key, body, options)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let (objects, parts) = (Arc::clone(&self.objects), BytesMut::new());
        Ok(Box::new(MemoryWriter { objects, key: key.clone(), options: options.clone(), parts }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Ok(match self.lock().by_key.get(key) {
            None => Settled::Absent,
            Some(object) if object.token.as_ref() == Some(token) => Settled::Applied(object.meta.clone()),
            Some(object) => Settled::Other(object.meta.clone()),
        })
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        let mut objects = self.lock();
        Ok(keys.iter().map(|key| objects.remove(key, &options.condition)).collect())
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let objects = self.lock();
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let start = listing::start(&below, options);
        let from = objects.by_key.range::<str, _>((start.as_bound(), std::ops::Bound::Unbounded));
        let metas = from.map(|(_, object)| &object.meta).take_while(|meta| meta.key.as_str().starts_with(&below));
        listing::page(prefix, options, metas.map(|meta| Ok(meta.clone())))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let mut objects = self.lock();
        let bytes = objects.get(from)?.bytes.clone();
        objects.put(to, bytes, &WriteOptions::default().with_condition(options.condition.clone()))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let mut objects = self.lock();
        let object = objects.get(from)?.clone();
        if from == to {
            let holds = objects.holds(to, &options.condition);
            return Ok(if holds { Outcome::Applied(object.meta) } else { Outcome::Rejected });
        }
        let mut write = WriteOptions::default().with_condition(options.condition.clone());
        write.token = object.token;
        let outcome = objects.put(to, object.bytes, &write)?;
        if matches!(outcome, Outcome::Applied(_)) {
            objects.by_key.remove(from);
        }
        Ok(outcome)
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryWriter {
    objects: Arc<Mutex<Objects>>,
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
        lock(&self.objects).put(&self.key, self.parts.freeze(), &self.options)
    }

    fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
