//! A store near by in front of one far away: whole objects are kept, and served only in their present version.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::runtime::Handle;
use worldstore_core::ops::*;
use worldstore_core::wrap::{TierChecks, TierDigester, TierEntry, TierIndex, TierOptions, TierRoom, TierStats};
use worldstore_core::{Error, ErrorKind, Key, Prefix, Result};

use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

use super::{Steps, into_stream};

/// A backend that keeps whole objects of a `remote` backend in a `local` one, up to a bound in bytes.
///
/// Before each read it asks the remote for the object's metadata, and serves only what it holds of that very version: a
/// change by anyone is seen at once, for the price of one `stat`. What it holds carries its place, key, version, length
/// and checksums, which are compared when it is read; what is damaged is dropped and fetched again, also in the middle of a
/// body. It survives a restart, is removed when room is needed, the least recently read first, and may be removed at any
/// time by anyone. Every change goes to the remote and drops what is held of the key; nothing is written near by alone.
/// Where the local backend fails, reads go to the remote, and [`TierStats::failed`] counts. Without versions, and for what
/// is longer than [`TierOptions::object_bytes_max`], reads go to the remote.
///
/// Several backends may share one local store, but the bound holds for each of them alone. In a
/// [`AsyncStack`](super::AsyncStack), this is the backend.
#[derive(Debug, Clone)]
pub struct AsyncTieredBackend {
    tier: Arc<Tier>,
}

#[derive(Debug)]
struct Tier {
    remote: Arc<dyn AsyncBackend>,
    local: Arc<dyn AsyncBackend>,
    index: Arc<TierIndex>,
    /// Tells objects of this remote from those of another one that is kept in the same place.
    place: String,
    has_versions: bool,
}

impl AsyncTieredBackend {
    /// Keeps in `local` what is read from `remote`. Lists `local`, and removes what is beyond the bound; objects with other
    /// names than its own are left alone.
    ///
    /// # Errors
    /// Those of `local`.
    pub async fn open(
        remote: Arc<dyn AsyncBackend>,
        local: Arc<dyn AsyncBackend>,
        options: TierOptions,
    ) -> Result<Self> {
        let index = Arc::new(TierIndex::new(options));
        let (mut objects, mut page) = (Vec::new(), ListOptions::default());
        loop {
            let listed = local.list(&Prefix::root(), &page).await?;
            objects.extend(listed.objects);
            match listed.next {
                Some(token) => page = page.with_token(token),
                None => break,
            }
        }
        let info = remote.info();
        let (place, has_versions) = (format!("{}:{}", info.scheme, info.root), info.capability.versions);
        let tier = Tier { remote, local, index, place, has_versions };
        tier.remove(tier.index.restore(objects)).await;
        Ok(Self { tier: Arc::new(tier) })
    }

    /// What it has done so far.
    pub fn stats(&self) -> TierStats {
        self.tier.index.stats()
    }
}

impl Tier {
    /// What may be kept of this state of an object.
    fn entry(&self, meta: &ObjectMeta) -> Result<Option<TierEntry>> {
        let Some(version) = meta.version.as_ref().filter(|_| self.has_versions) else { return Ok(None) };
        let entry = TierEntry::new(&self.place, meta, version)?;
        Ok(self.index.takes(&entry).then_some(entry))
    }

    /// The checksums of an entry that is there now, fetched if need be. None if it cannot be kept.
    async fn checks(&self, entry: &TierEntry) -> Result<Option<TierChecks>> {
        if self.index.touch(&entry.name) {
            let tail = self.local.read_ranges(&entry.name, &[entry.tail()], &ReadRangesOptions::default()).await;
            match tail.map(|parts| parts.first().and_then(|tail| entry.checks(tail))) {
                Ok(Some(checks)) => {
                    self.index.count(true);
                    return Ok(Some(checks));
                }
                // Another version, or damage: the tail of a longer or shorter object is elsewhere.
                Ok(None) | Err(_) => self.forget(&entry.name).await,
            }
        }
        self.index.count(false);
        self.fetch(entry).await
    }

    async fn fetch(&self, entry: &TierEntry) -> Result<Option<TierChecks>> {
        let (room, removed) = self.index.reserve(entry);
        self.remove(removed).await;
        let pinned = ReadOptions::default().with_version(entry.version.clone());
        let reply = match self.remote.read(&entry.meta.key, &pinned).await {
            Ok(reply) => reply,
            // It has changed since: the caller reads what is there now.
            Err(error) if has_changed(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let checks = self.keep(entry, reply.body, room).await?;
        if checks.is_none() {
            self.index.count_failed();
        }
        Ok(checks)
    }

    /// Writes a body near by. None if that store fails, or the body has another length than was said.
    async fn keep(&self, entry: &TierEntry, mut body: AsyncChunks, room: TierRoom) -> Result<Option<TierChecks>> {
        let options = WriteOptions::default().with_durability(Durability::None);
        let Ok(mut writer) = self.local.open_writer(&entry.name, &options).await else { return Ok(None) };
        let mut digester = TierDigester::default();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            digester.update(&chunk);
            if writer.write(chunk).await.is_err() {
                return Ok(None);
            }
        }
        let Some(checks) = digester.finish(entry.meta.size) else { return Ok(None) };
        let kept = writer.write(entry.with_checks(&checks)).await.is_ok() && commit(writer, room).await;
        Ok(kept.then_some(checks))
    }

    /// Blocks of an entry; none if they are damaged or gone.
    async fn blocks(&self, entry: &TierEntry, checks: &TierChecks, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        let wanted: Vec<_> = ranges.iter().map(|range| entry.blocks(range)).collect();
        let read = self.local.read_ranges(&entry.name, &wanted, &ReadRangesOptions::default()).await;
        let parts = read.unwrap_or_default();
        let checked = ranges.iter().zip(&parts).map(|(range, blocks)| entry.checked(checks, range, blocks));
        let checked: Option<Vec<_>> = checked.collect();
        let sound = checked.filter(|checked| checked.len() == ranges.len());
        if sound.is_none() {
            self.suspect(entry).await;
        }
        sound
    }

    /// Drops an entry that could not be read, unless another reader has put another state in its place.
    async fn suspect(&self, entry: &TierEntry) {
        let tail = self.local.read_ranges(&entry.name, &[entry.tail()], &ReadRangesOptions::default()).await;
        match tail.map(|parts| parts.first().is_some_and(|tail| entry.checks(tail).is_some())) {
            Ok(true) => {
                self.index.count_damaged();
                self.forget(&entry.name).await;
            }
            Ok(false) => {}
            Err(_) => self.forget(&entry.name).await,
        }
    }

    /// Drops what is held under this name.
    async fn forget(&self, name: &Key) {
        if self.index.forget(name) {
            self.remove(vec![name.clone()]).await;
        }
    }

    /// Drops what is held of these objects: they were changed, or may have been.
    async fn changed(&self, keys: &[&Key]) {
        for name in keys.iter().filter_map(|key| TierEntry::name_of(&self.place, key).ok()) {
            self.forget(&name).await;
        }
    }

    async fn remove(&self, names: Vec<Key>) {
        if names.is_empty() {
            return;
        }
        let answers = self.local.delete(&names, &DeleteOptions::default()).await;
        let failed = |answer: &&Deleted| matches!(answer, Deleted::Failed(_) | Deleted::Rejected);
        let failures = answers.map_or(names.len(), |answers| answers.iter().filter(failed).count());
        (0..failures).for_each(|_| self.index.count_failed());
    }
}

impl fmt::Display for AsyncTieredBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tiered({}, {})", self.tier.local, self.tier.remote)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncTieredBackend {
    fn info(&self) -> BackendInfo {
        self.tier.remote.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.tier.remote.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let tier = &self.tier;
        if !tier.has_versions {
            return tier.remote.read(key, options).await;
        }
        let meta = tier.remote.stat(key, &StatOptions::default()).await?;
        meta.expect_version(options.version.as_ref())?;
        let whole = ReadRange::From(0);
        let wanted = options.range.as_ref().unwrap_or(&whole).resolve(meta.size);
        let wanted = wanted.map_err(|error| error.with("key", key))?;
        let Some(entry) = tier.entry(&meta)? else { return tier.remote.read(key, options).await };
        let Some(checks) = tier.checks(&entry).await? else { return tier.remote.read(key, options).await };
        let rest = wanted.clone();
        let mut chunks = TierChunks { tier: Arc::clone(tier), entry, checks, rest, remote: None };
        let first = chunks.step().await;
        match &first {
            // It has changed since it was looked up, and nothing of it was handed out: what is there now will do.
            Some(Err(error)) if options.version.is_none() && has_changed(error) => tier.remote.read(key, options).await,
            _ => Ok(ReadReply::new(meta, wanted, stream::iter(first).chain(into_stream(chunks)).boxed())),
        }
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let tier = &self.tier;
        if !tier.has_versions {
            return tier.remote.read_ranges(key, ranges, options).await;
        }
        let meta = tier.remote.stat(key, &StatOptions::default()).await?;
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
        let Some(entry) = tier.entry(&meta)? else { return tier.remote.read_ranges(key, ranges, options).await };
        let Some(checks) = tier.checks(&entry).await? else {
            return tier.remote.read_ranges(key, ranges, options).await;
        };
        match tier.blocks(&entry, &checks, ranges).await {
            Some(parts) => Ok(parts),
            None => tier.remote.read_ranges(key, ranges, options).await,
        }
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let answer = self.tier.remote.write(key, body, options).await;
        self.tier.changed(&[key]).await;
        answer
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let inner = self.tier.remote.open_writer(key, options).await?;
        Ok(Box::new(TierWriter { inner, key: key.clone(), tier: Arc::clone(&self.tier) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.tier.remote.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let answers = self.tier.remote.delete(keys, options).await;
        self.tier.changed(&keys.iter().collect::<Vec<_>>()).await;
        answers
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.tier.remote.list(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let answer = self.tier.remote.copy(from, to, options).await;
        self.tier.changed(&[to]).await;
        answer
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let answer = self.tier.remote.rename(from, to, options).await;
        self.tier.changed(&[from, to]).await;
        answer
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.tier.remote.check(options).await
    }

    /// What is written by a link is another version, which the next read sees.
    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.tier.remote.presign()
    }
}

/// Commits an entry, and takes its room for good if that was done. Both happen also if the reader goes away meanwhile, or
/// there would be objects near by that the bound does not know of.
async fn commit(writer: Box<dyn AsyncWriter>, room: TierRoom) -> bool {
    let work = async move {
        let is_kept = matches!(writer.commit().await, Ok(Outcome::Applied(_)));
        if is_kept {
            room.kept();
        }
        is_kept
    };
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn(work).await.unwrap_or(false),
        Err(_) => work.await,
    }
}

/// True if an object is no longer in the state that was asked for.
fn has_changed(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::NotFound)
}

/// A body out of the store near by, checked window by window. Where that fails, the rest comes from the remote.
struct TierChunks {
    tier: Arc<Tier>,
    entry: TierEntry,
    checks: TierChecks,
    rest: Range<u64>,
    remote: Option<AsyncChunks>,
}

impl Steps for TierChunks {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        if let Some(remote) = &mut self.remote {
            return remote.next().await;
        }
        if self.rest.is_empty() {
            return None;
        }
        let window = self.entry.window(&self.rest);
        let found = self.tier.blocks(&self.entry, &self.checks, std::slice::from_ref(&window)).await;
        if let Some(bytes) = found.and_then(|parts| parts.into_iter().next()) {
            self.rest.start = window.end;
            return Some(Ok(bytes));
        }
        let options = ReadOptions::default()
            .with_range(ReadRange::Bounded(self.rest.clone()))
            .with_version(self.entry.version.clone());
        let rest = self.tier.remote.read(&self.entry.meta.key, &options).await;
        self.rest.start = self.rest.end;
        match rest {
            Ok(reply) => self.remote.insert(reply.body).next().await,
            Err(error) => Some(Err(error)),
        }
    }
}

#[derive(Debug)]
struct TierWriter {
    inner: Box<dyn AsyncWriter>,
    key: Key,
    tier: Arc<Tier>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for TierWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, key, tier } = *self;
        let answer = inner.commit().await;
        tier.changed(&[&key]).await;
        answer
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
