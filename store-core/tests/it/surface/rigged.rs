//! A backend in memory whose names are flat and whose answers can be rigged. It writes down every call.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use worldstore_core::*;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rig {
    /// Nothing.
    Sound,
    /// Writes happen, and their answers are lost.
    LostAnswers,
    /// After the first page that is listed everything is gone, and the container too.
    VanishesTold,
    /// After the first page that is listed everything is gone, and the pages that follow are empty.
    VanishesSilently,
    /// There is no container.
    NoContainer,
    /// Bodies end one byte early.
    ShortBodies,
    /// Writes of parts fail.
    FullDisk,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    meta: ObjectMeta,
    token: Option<WriteToken>,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: BTreeMap<Key, Object>,
    version: u64,
    listed: usize,
}

#[derive(Debug)]
pub struct Rigged {
    objects: Arc<Mutex<Objects>>,
    calls: Mutex<Vec<&'static str>>,
    rig: Rig,
    capability: Capability,
}

impl Rigged {
    pub fn new(rig: Rig) -> Self {
        Self::with_capability(rig, Memory::new().info().capability)
    }

    pub fn with_capability(rig: Rig, capability: Capability) -> Self {
        Self { objects: Arc::default(), calls: Mutex::default(), rig, capability }
    }

    /// The calls since the last time that this was asked.
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn called(&self, name: &'static str) -> std::sync::MutexGuard<'_, Objects> {
        self.calls.lock().unwrap().push(name);
        self.objects.lock().unwrap()
    }

    fn answer(&self, outcome: Outcome) -> Result<Outcome> {
        match (self.rig, outcome) {
            (Rig::LostAnswers, Outcome::Applied(_)) => Ok(Outcome::Unknown),
            (_, outcome) => Ok(outcome),
        }
    }
}

impl Objects {
    fn get(&self, key: &Key) -> Result<&Object> {
        self.by_key.get(key).ok_or_else(|| Error::not_found("no such object").with("key", key))
    }

    fn holds(&self, key: &Key, condition: &Condition) -> bool {
        match condition {
            Condition::IfAbsent => !self.by_key.contains_key(key),
            Condition::IfMatch(version) => {
                self.by_key.get(key).is_some_and(|object| object.meta.version.as_ref() == Some(version))
            }
            _ => true,
        }
    }

    fn put(&mut self, key: &Key, bytes: Bytes, condition: &Condition, token: Option<WriteToken>) -> Outcome {
        if !self.holds(key, condition) {
            return Outcome::Rejected;
        }
        self.version += 1;
        let meta =
            ObjectMeta::new(key.clone(), bytes.len() as u64).with_version(Version::new(self.version.to_string()));
        self.by_key.insert(key.clone(), Object { bytes, meta: meta.clone(), token });
        Outcome::Applied(meta)
    }
}

impl fmt::Display for Rigged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rigged")
    }
}

impl Backend for Rigged {
    fn info(&self) -> BackendInfo {
        BackendInfo::new("rigged", "", self.capability).with_namespace(Namespace::Flat)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        Ok(self.called("stat").get(key)?.meta.clone())
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let Object { bytes, meta, .. } = self.called("read").get(key)?.clone();
        meta.expect_version(options.version.as_ref())?;
        let range = options.range.clone().unwrap_or(ReadRange::From(0)).resolve(meta.size)?;
        let end = if self.rig == Rig::ShortBodies { range.end - 1 } else { range.end };
        // Chunks of three bytes, so that bodies have to be put together.
        let chunks: Vec<_> = bytes[range.start as usize..end as usize].chunks(3).map(Bytes::copy_from_slice).collect();
        Ok(ReadReply::new(meta, range, Box::new(chunks.into_iter().map(Ok))))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let Object { bytes, meta, .. } = self.called("read_ranges").get(key)?.clone();
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size)?;
        Ok(ranges.iter().map(|range| bytes.slice(range.start as usize..range.end as usize)).collect())
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let outcome = self.called("write").put(key, body, &options.condition, options.token.clone());
        self.answer(outcome)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        drop(self.called("open_writer"));
        let (objects, rig) = (Arc::clone(&self.objects), self.rig);
        Ok(Box::new(RiggedWriter { objects, rig, key: key.clone(), options: options.clone(), body: Vec::new() }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Ok(match self.called("settle").by_key.get(key) {
            None => Settled::Absent,
            Some(object) if object.token.as_ref() == Some(token) => Settled::Applied(object.meta.clone()),
            Some(object) => Settled::Other(object.meta.clone()),
        })
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let mut objects = self.called("delete");
        let delete = |key| {
            if !objects.holds(key, &options.condition) {
                return Deleted::Rejected;
            }
            objects.by_key.remove(key);
            Deleted::Gone
        };
        Ok(keys.iter().map(delete).collect())
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let mut objects = self.called("list");
        objects.listed += 1;
        match self.rig {
            Rig::VanishesTold | Rig::VanishesSilently if objects.listed > 1 => objects.by_key.clear(),
            _ => {}
        }
        if self.rig == Rig::NoContainer || (self.rig == Rig::VanishesTold && objects.listed > 1) {
            return Err(Error::not_found("no such container"));
        }
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let start = listing::start(&below, options);
        let from = objects.by_key.range::<str, _>((start.as_bound(), Bound::Unbounded));
        let metas = from.map(|(_, object)| &object.meta).take_while(|meta| meta.key.as_str().starts_with(&below));
        // Pages of three, so that listings have several.
        let options = options.clone().with_limit(options.limit.unwrap_or(3));
        listing::page(prefix, &options, metas.map(|meta| Ok(meta.clone())))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let mut objects = self.called("copy");
        // As some services do: the target's condition first.
        if !objects.holds(to, &options.condition) {
            return Ok(Outcome::Rejected);
        }
        let bytes = objects.get(from)?.bytes.clone();
        Ok(objects.put(to, bytes, &options.condition, None))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let mut objects = self.called("rename");
        if !objects.holds(to, &options.condition) {
            return Ok(Outcome::Rejected);
        }
        let Object { bytes, token, .. } = objects.get(from)?.clone();
        objects.by_key.remove(from);
        Ok(objects.put(to, bytes, &options.condition, token))
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        drop(self.called("check"));
        Ok(())
    }
}

#[derive(Debug)]
struct RiggedWriter {
    objects: Arc<Mutex<Objects>>,
    rig: Rig,
    key: Key,
    options: WriteOptions,
    body: Vec<u8>,
}

impl Writer for RiggedWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        if self.rig == Rig::FullDisk {
            return Err(Error::new(ErrorKind::StorageFull, "no space left"));
        }
        self.body.extend_from_slice(&chunk);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { objects, key, options, body, .. } = *self;
        Ok(objects.lock().unwrap().put(&key, body.into(), &options.condition, options.token))
    }

    fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
