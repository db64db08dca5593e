//! The objects of a memory, and how they change: one state, replaced whole.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::key::Key;
use crate::ops::*;

/// What a memory holds. Cloning shares the objects; the first change after that copies the map, but no bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    by_key: Arc<BTreeMap<Key, Arc<Object>>>,
    /// The last version given out, over all keys, here and in all snapshots of one origin.
    last_version: Arc<AtomicU64>,
}

#[derive(Debug)]
pub(super) struct Object {
    pub bytes: Bytes,
    pub meta: ObjectMeta,
    pub token: Option<WriteToken>,
}

impl Objects {
    pub fn get(&self, key: &Key) -> Result<&Arc<Object>> {
        self.by_key.get(key).ok_or_else(|| Error::not_found("no such object").with("key", key))
    }

    pub fn find(&self, key: &Key) -> Option<&Arc<Object>> {
        self.by_key.get(key)
    }

    /// The objects from here on, in the order of their keys.
    pub fn from<'objects>(&'objects self, start: Bound<&str>) -> impl Iterator<Item = &'objects ObjectMeta> {
        self.by_key.range::<str, _>((start, Bound::Unbounded)).map(|(_, object)| &object.meta)
    }

    /// Checks the condition and stores the object, in one step.
    pub fn put(
        &mut self,
        key: &Key,
        bytes: Bytes,
        condition: &Condition,
        token: Option<WriteToken>,
    ) -> Result<Outcome> {
        let old = self.find(key);
        if old.is_none() {
            self.refuse_folder(key)?;
        }
        if !holds(old, condition) {
            return Ok(Outcome::Rejected);
        }
        let version = Version::of_number(self.last_version.fetch_add(1, Ordering::Relaxed) + 1);
        let meta = ObjectMeta::new(key.clone(), bytes.len() as u64).with_version(version);
        let meta = meta.with_modified(SystemTime::now());
        let object = Object { bytes, meta: meta.clone(), token };
        let by_key = Arc::make_mut(&mut self.by_key);
        match by_key.get_mut(key) {
            None => drop(by_key.insert(key.clone(), Arc::new(object))),
            Some(old) => match Arc::get_mut(old) {
                Some(place) => *place = object,
                // A snapshot has it, too.
                None => *old = Arc::new(object),
            },
        }
        Ok(Outcome::Applied(meta))
    }

    pub fn remove(&mut self, key: &Key, condition: &Condition) -> Deleted {
        let old = self.find(key);
        if !holds(old, condition) {
            return Deleted::Rejected;
        }
        if old.is_none() {
            return Deleted::Missing;
        }
        Arc::make_mut(&mut self.by_key).remove(key);
        Deleted::Deleted
    }

    pub fn copy(&mut self, from: &Key, to: &Key, condition: &Condition) -> Result<Outcome> {
        let bytes = self.get(from)?.bytes.clone();
        self.put(to, bytes, condition, None)
    }

    pub fn rename(&mut self, from: &Key, to: &Key, condition: &Condition) -> Result<Outcome> {
        let object = Arc::clone(self.get(from)?);
        if from == to {
            let holds = holds(self.find(to), condition);
            return Ok(if holds { Outcome::Applied(object.meta.clone()) } else { Outcome::Rejected });
        }
        let outcome = self.put(to, object.bytes.clone(), condition, object.token.clone())?;
        if matches!(outcome, Outcome::Applied(_)) {
            Arc::make_mut(&mut self.by_key).remove(from);
        }
        Ok(outcome)
    }

    /// An object is no folder and a folder no object, as in a file system: so all backends answer alike. For keys that
    /// hold no object.
    fn refuse_folder(&self, key: &Key) -> Result<()> {
        let below = format!("{key}/");
        let next = self.from(Bound::Included(below.as_str())).next();
        if next.is_some_and(|other| other.key.as_str().starts_with(&below)) {
            return Err(Error::invalid("key is a folder").with("key", key));
        }
        for (end, _) in key.as_str().match_indices('/') {
            let above = &key.as_str()[..end];
            if self.by_key.contains_key(above) {
                return Err(Error::invalid("a folder of the key is an object").with("key", key).with("object", above));
            }
        }
        Ok(())
    }
}

fn holds(object: Option<&Arc<Object>>, condition: &Condition) -> bool {
    match (condition, object) {
        (Condition::None, _) | (Condition::IfAbsent, None) => true,
        (Condition::IfMatch(version), Some(object)) => object.meta.version.as_ref() == Some(version),
        (Condition::IfAbsent, Some(_)) | (Condition::IfMatch(_), None) => false,
    }
}
