//! Files that no manifest names: what failed writers have left, and what was replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use worldstore_core::transfer::{BatchOptions, BatchResult};
use worldstore_core::{Error, ListFilesOptions, Missing, ObjectMeta, Result};

use crate::commit::{expect_swaps, load, swap};
use crate::dataset::Dataset;
use crate::manifest::{Body, DATA, Manifest};
use crate::stage::{begun_ms, now_ms};

/// An object among the data files that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The key, in the folder of the dataset.
    pub path: String,
    /// Bytes of it.
    pub bytes: u64,
    /// What it is.
    pub kind: LeftoverKind,
    /// How long it has been too much: since it was begun, or replaced. None for a foreign one.
    pub age: Option<Duration>,
    /// True if [`collect`](Dataset::collect) would remove it.
    pub is_collected: bool,
}

/// What does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftoverKind {
    /// It was replaced, and may still be read.
    Retired,
    /// A writer has begun it and not committed it: it has failed, or is at work.
    Orphan,
    /// It has no name of this crate. It is never removed.
    Foreign,
}

/// What a collection has removed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Collected {
    /// Files that are gone.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that could not be removed, each with its error. The next collection tries again.
    pub failed: Vec<(String, Error)>,
}

impl Dataset {
    /// Finds what does not count, and says what [`collect`](Self::collect) would remove. Nothing changes.
    ///
    /// # Errors
    /// `Corrupt` if the manifest is damaged; those of the store.
    pub fn garbage(&self, older_than: Duration) -> Result<Vec<Leftover>> {
        // Listed first: what is committed in between then counts as what it is.
        let listed = self.list_data()?;
        let body = load(&self.store)?.map(|(manifest, _)| manifest.body().clone()).unwrap_or_default();
        let now = now_ms();
        let horizon = body.horizon_ms.max(now.saturating_sub(millis(older_than)));
        Ok(find(listed, &body, horizon, now, older_than))
    }

    /// Removes what was replaced, and what writers have left that begun before, longer ago than `older_than`. A writer
    /// that is still at it after that long is refused with `Conflict` when it commits, so that no manifest ever names a
    /// file that is gone; it has to write again. Readers that began before something was replaced, and still read it
    /// after that long, get `NotFound`. A day is a good choice.
    ///
    /// # Errors
    /// `Unsupported` before any I/O if the backend has no compare-and-swap, `Corrupt` if the manifest is damaged; those
    /// of the store. Failures of single files are in the answer.
    pub fn collect(&self, older_than: Duration) -> Result<Collected> {
        expect_swaps(&self.store)?;
        let horizon = now_ms().saturating_sub(millis(older_than));
        // From here on no file can be committed that is older.
        let (manifest, _) = swap(&self.store, |current| {
            let mut body = body_of(current);
            body.horizon_ms = body.horizon_ms.max(horizon);
            Ok(body)
        })?;
        let body = manifest.body();
        let leftovers = find(self.list_data()?, body, body.horizon_ms, now_ms(), older_than);
        let (gone, kept): (Vec<_>, Vec<_>) = leftovers.into_iter().partition(|leftover| leftover.is_collected);
        let collected = self.remove(gone.into_iter().map(|leftover| (leftover.path, leftover.bytes)).collect())?;
        let kept = kept.into_iter().map(|leftover| leftover.path);
        let there = kept.chain(collected.failed.iter().map(|(path, _)| path.clone())).collect();
        self.forget(body, &there)?;
        Ok(collected)
    }

    /// Deletes the dataset with all that it holds, also for those who read it. What stays is an empty manifest, which
    /// keeps writers that are at work from bringing back what is gone.
    ///
    /// # Errors
    /// `NotFound` if there is no dataset; as for [`collect`](Self::collect).
    pub fn delete(&self) -> Result<Collected> {
        expect_swaps(&self.store)?;
        let mut before = Body::default();
        let (manifest, _) = swap(&self.store, |current| {
            before = body_of(current);
            if before.schema.is_none() {
                return Err(Error::not_found("no such dataset").with("dataset", self));
            }
            let emptied = Body { sequence: before.sequence, recent: before.recent.clone(), ..Body::default() };
            Ok(Body { horizon_ms: before.horizon_ms.max(now_ms()), ..emptied })
        })?;
        let named = before.files.iter().map(|file| &file.path).chain(before.retired.iter().map(|file| &file.path));
        let named: BTreeSet<&String> = named.collect();
        let horizon = manifest.body().horizon_ms;
        let is_gone = |meta: &ObjectMeta| {
            let path = meta.key.to_string();
            named.contains(&path) || begun_ms(&path).is_some_and(|begun| begun < horizon)
        };
        let gone = self.list_data()?.into_iter().filter(is_gone);
        self.remove(gone.map(|meta| (meta.key.to_string(), meta.size)).collect())
    }

    fn list_data(&self) -> Result<Vec<ObjectMeta>> {
        self.store.list_files(DATA, &ListFilesOptions::recursive())?.collect()
    }

    fn remove(&self, gone: Vec<(String, u64)>) -> Result<Collected> {
        let keys: Vec<&str> = gone.iter().map(|(path, _)| path.as_str()).collect();
        let results = self.store.delete_many(&keys, Missing::Ignore, &BatchOptions::default())?;
        let mut collected = Collected { files: 0, bytes: 0, failed: Vec::new() };
        for ((path, bytes), result) in gone.into_iter().zip(results) {
            match result {
                BatchResult::Failed(error) => collected.failed.push((path, error)),
                BatchResult::Done(_) => {
                    collected.files += 1;
                    collected.bytes += bytes;
                }
                BatchResult::Skipped => {}
            }
        }
        Ok(collected)
    }

    /// Takes files that were replaced and are not `there` any more out of the manifest.
    fn forget(&self, body: &Body, there: &BTreeSet<String>) -> Result<()> {
        let retired = body.retired.iter().map(|retired| &retired.path);
        let gone: BTreeSet<&String> = retired.filter(|path| !there.contains(*path)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        swap(&self.store, |current| {
            let mut body = body_of(current);
            body.retired.retain(|retired| !gone.contains(&retired.path));
            Ok(body)
        })
        .map(drop)
    }
}

fn body_of(manifest: Option<&Manifest>) -> Body {
    manifest.map(|manifest| manifest.body().clone()).unwrap_or_default()
}

/// What is there and does not count, in the order of the keys.
fn find(listed: Vec<ObjectMeta>, body: &Body, horizon_ms: u64, now: u64, older_than: Duration) -> Vec<Leftover> {
    let counting: BTreeSet<&str> = body.files.iter().map(|file| file.path.as_str()).collect();
    let retired: BTreeMap<&str, u64> = body.retired.iter().map(|file| (file.path.as_str(), file.at_ms)).collect();
    let too_much = listed.into_iter().filter(|meta| !counting.contains(meta.key.as_str()));
    let leftover = |meta: ObjectMeta| {
        let path = meta.key.to_string();
        let (kind, since, is_collected) = match (retired.get(path.as_str()), begun_ms(&path)) {
            (Some(at), _) => (LeftoverKind::Retired, Some(*at), now.saturating_sub(*at) >= millis(older_than)),
            (None, Some(begun)) => (LeftoverKind::Orphan, Some(begun), begun < horizon_ms),
            (None, None) => (LeftoverKind::Foreign, None, false),
        };
        let age = since.map(|since| Duration::from_millis(now.saturating_sub(since)));
        Leftover { path, bytes: meta.size, kind, age, is_collected }
    };
    too_much.map(leftover).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
