//! What is to be done to make one folder like another. No I/O.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::options::Resume;
use super::sync::{Compare, EmptySource, Extras, SyncOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::ops::{Condition, ObjectMeta};

/// What is to be done about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncAction {
    /// The target does not have it.
    CopyNew,
    /// The target has something else.
    CopyChanged,
    /// Only the target has it.
    Delete,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncStep {
    /// The path below both folders.
    pub path: String,
    /// What is to be done.
    pub action: SyncAction,
    /// Bytes of the object that is copied or deleted.
    pub bytes: u64,
}

/// A plan in the making: what both folders hold, and then what is to be done. Memory is in proportion to the number of
/// objects.
#[derive(Debug)]
pub struct SyncPlan {
    from: Prefix,
    to: Prefix,
    source: BTreeMap<String, ObjectMeta>,
    target: BTreeMap<String, ObjectMeta>,
}

impl SyncPlan {
    /// Begins a plan.
    ///
    /// # Errors
    /// `Invalid` for options that no sync can have, and for what is no folder.
    pub fn new(from: &str, to: &str, options: &SyncOptions) -> Result<Self> {
        if options.transfer.condition != Condition::None {
            return Err(Error::invalid("a sync has no condition"));
        }
        if options.transfer.resume != Resume::Anew {
            return Err(Error::invalid("a sync goes on by being called again"));
        }
        Ok(Self { from: Prefix::new(from)?, to: Prefix::new(to)?, source: BTreeMap::new(), target: BTreeMap::new() })
    }

    /// Checks that two folders of one backend have nothing in common, given their names below its root.
    ///
    /// # Errors
    /// `Invalid` if one is in the other, or is the other.
    pub fn refuse_overlap(from: &Prefix, to: &Prefix) -> Result<()> {
        match from == to || from.strip(to.as_str()).is_some() || to.strip(from.as_str()).is_some() {
            true => Err(Error::invalid("one of the folders is in the other")
                .with("from", format!("{:?}", from.as_str()))
                .with("to", format!("{:?}", to.as_str()))),
            false => Ok(()),
        }
    }

    /// Takes an object of the source.
    ///
    /// # Errors
    /// `Unexpected` if it is not in the folder.
    pub fn add_source(&mut self, meta: ObjectMeta) -> Result<()> {
        self.source.insert(below(&self.from, &meta)?, meta);
        Ok(())
    }

    /// Takes an object of the target.
    ///
    /// # Errors
    /// `Unexpected` if it is not in the folder.
    pub fn add_target(&mut self, meta: ObjectMeta) -> Result<()> {
        self.target.insert(below(&self.to, &meta)?, meta);
        Ok(())
    }

    /// The key of a path in the source.
    pub fn source_key(&self, path: &str) -> String {
        join(&self.from, path)
    }

    /// The key of a path in the target.
    pub fn target_key(&self, path: &str) -> String {
        join(&self.to, path)
    }

    /// The paths whose bytes have to be compared: those of equal size, if it is by content.
    pub fn to_read(&self, compare: Compare) -> Vec<String> {
        let both = self.source.iter().filter_map(|(path, source)| Some((path, source, self.target.get(path)?)));
        match compare {
            Compare::Content => {
                both.filter(|(_, source, target)| source.size == target.size).map(|(path, ..)| path.clone()).collect()
            }
            Compare::Size | Compare::SizeAndTime | Compare::SizeAndVersion => Vec::new(),
        }
    }

    /// The steps, copies before deletes, and how many objects are equal. `equal` are the paths whose bytes were compared
    /// and are the same, in byte order.
    ///
    /// # Errors
    /// `ConditionFailed` if everything in the target would go because the source has nothing.
    pub fn steps(&self, options: &SyncOptions, equal: &[String]) -> Result<(Vec<SyncStep>, u64)> {
        let (mut steps, mut unchanged) = (Vec::new(), 0);
        for (path, source) in &self.source {
            let action = match self.target.get(path) {
                None => SyncAction::CopyNew,
                Some(target) if is_equal(source, target, options.compare, || equal.binary_search(path).is_ok()) => {
                    unchanged += 1;
                    continue;
                }
                Some(_) => SyncAction::CopyChanged,
            };
            steps.push(SyncStep { path: path.clone(), action, bytes: source.size });
        }
        if options.extras == Extras::Delete {
            if self.source.is_empty() && !self.target.is_empty() && options.empty_source == EmptySource::Refuse {
                return Err(Error::new(
                    ErrorKind::ConditionFailed,
                    "source has no objects, so everything would be deleted",
                )
                .during("sync")
                .with("from", format!("{:?}", self.from.as_str()))
                .with("objects", self.target.len()));
            }
            let extras = self.target.iter().filter(|(path, _)| !self.source.contains_key(*path));
            steps.extend(extras.map(|(path, target)| SyncStep {
                path: path.clone(),
                action: SyncAction::Delete,
                bytes: target.size,
            }));
        }
        Ok((steps, unchanged))
    }
}

fn is_equal(source: &ObjectMeta, target: &ObjectMeta, compare: Compare, is_read_equal: impl Fn() -> bool) -> bool {
    source.size == target.size
        && match compare {
            Compare::Size => true,
            Compare::SizeAndTime => match (source.modified, target.modified) {
                (Some(source), Some(target)) => source <= target,
                _ => false,
            },
            Compare::SizeAndVersion => source.version.is_some() && source.version == target.version,
            Compare::Content => is_read_equal(),
        }
}

/// Compares two bodies, given as functions that give the next chunk or none at the end.
///
/// # Errors
/// Those of the bodies.
pub(super) fn are_equal(
    mut left: impl FnMut() -> Result<Option<Bytes>>,
    mut right: impl FnMut() -> Result<Option<Bytes>>,
) -> Result<bool> {
    let (mut one, mut other) = (Bytes::new(), Bytes::new());
    loop {
        if one.is_empty() {
            one = some_bytes(&mut left)?;
        }
        if other.is_empty() {
            other = some_bytes(&mut right)?;
        }
        let both = one.len().min(other.len());
        if both == 0 {
            return Ok(one.is_empty() && other.is_empty());
        }
        if one.split_to(both) != other.split_to(both) {
            return Ok(false);
        }
    }
}

/// The next chunk with bytes in it; an empty one at the end.
fn some_bytes(next: &mut impl FnMut() -> Result<Option<Bytes>>) -> Result<Bytes> {
    loop {
        match next()? {
            Some(chunk) if chunk.is_empty() => {}
            Some(chunk) => return Ok(chunk),
            None => return Ok(Bytes::new()),
        }
    }
}

fn below(folder: &Prefix, meta: &ObjectMeta) -> Result<String> {
    let path = folder.strip(meta.key.as_str());
    path.map(str::to_owned).ok_or_else(|| {
        Error::unexpected("listing gave an object outside of the folder").with("key", &meta.key).with("folder", folder)
    })
}

fn join(folder: &Prefix, path: &str) -> String {
    match folder.is_root() {
        true => path.to_owned(),
        false => format!("{folder}/{path}"),
    }
}
