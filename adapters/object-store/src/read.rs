//! Reading: one object, a part of it, or many parts of one state.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult};
use worldstore_async::AsyncChunks;
use worldstore_core::{
    Error, ErrorKind, Key, ObjectMeta, ReadOptions, ReadRange, ReadRangesOptions, ReadReply, Result, Version,
    check_ranges,
};

use crate::attempts::{Guard, guarded, watched};
use crate::backend::ObjectStoreBackend;
use crate::protocol::Versions;

/// Parts with at most so many bytes between them are fetched together.
const GAP_BYTES: u64 = 1 << 20;

/// Requests for parts of one object that are under way at once.
const PARTS_AT_ONCE: usize = 8;

/// How often parts are fetched anew because the object changed between them.
const STATES_MAX: usize = 3;

impl ObjectStoreBackend {
    pub(crate) async fn head(&self, key: &Key, pinned: Option<&Version>) -> Result<ObjectMeta> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        self.get(key, options, pinned).await.and_then(|result| self.meta_of(result.meta))
    }

    pub(crate) async fn read_object(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let pinned = options.version.as_ref();
        let Some(range) = &options.range else {
            let result = self.get(key, GetOptions::default(), pinned).await?;
            return self.reply(key, result);
        };
        match (part_of(range), range) {
            (None, _) => self.read_nothing(key, range, pinned).await,
            (Some(_), ReadRange::Last(length)) if !self.protocol.suffix_ranges => {
                self.read_last(key, *length, pinned).await
            }
            (Some(part), _) => self.read_part(key, range, part, pinned).await,
        }
    }

    async fn read_part(
        &self,
        key: &Key,
        range: &ReadRange,
        part: GetRange,
        pinned: Option<&Version>,
    ) -> Result<ReadReply<AsyncChunks>> {
        match self.get(key, GetOptions { range: Some(part), ..GetOptions::default() }, pinned).await {
            Ok(result) => self.reply(key, result),
            Err(error) if may_be_range(&error) => match self.read_nothing(key, range, pinned).await {
                Ok(reply) if !reply.range.is_empty() => Err(error),
                other => other,
            },
            Err(error) => Err(error),
        }
    }

    /// The last bytes, from a service that must be told where they begin.
    async fn read_last(&self, key: &Key, length: u64, pinned: Option<&Version>) -> Result<ReadReply<AsyncChunks>> {
        for _ in 0..STATES_MAX {
            let meta = self.head(key, pinned).await?;
            let range = ReadRange::Bounded(meta.size.saturating_sub(length)..meta.size);
            let Some(part) = part_of(&range) else { return self.read_nothing(key, &range, pinned).await };
            let state = pinned.or(meta.version.as_ref());
            match self.read_part(key, &range, part, state).await {
                Err(error) if error.kind() == ErrorKind::ConditionFailed && pinned.is_none() => {}
                other => return other,
            }
        }
        Err(changing(key))
    }

    /// What is left of a range that stores do not serve: its check against the object, and no bytes.
    async fn read_nothing(
        &self,
        key: &Key,
        range: &ReadRange,
        pinned: Option<&Version>,
    ) -> Result<ReadReply<AsyncChunks>> {
        let meta = self.head(key, pinned).await?;
        let range = range.resolve(meta.size).map_err(|error| error.with("key", key))?;
        Ok(ReadReply::new(meta, range, stream::empty().boxed()))
    }

    pub(crate) async fn read_parts(
        &self,
        key: &Key,
        ranges: &[Range<u64>],
        options: &ReadRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let pinned = options.version.as_ref();
        let groups = groups_of(ranges);
        if groups.is_empty() || ranges.iter().any(|range| range.start > range.end) {
            let meta = self.head(key, pinned).await?;
            check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
            return Ok(vec![Bytes::new(); ranges.len()]);
        }
        for _ in 0..STATES_MAX {
            let fetched = stream::iter(groups.clone()).map(|group| self.fetch(key, group, pinned));
            let fetched: Vec<Group> = match fetched.buffered(PARTS_AT_ONCE).try_collect().await {
                Err(error) if may_be_range(&error) => {
                    let meta = self.head(key, pinned).await?;
                    check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
                    return Err(error);
                }
                other => other?,
            };
            if fetched.windows(2).all(|pair| pair[0].meta == pair[1].meta) {
                return self.cut(key, ranges, &fetched);
            }
        }
        Err(changing(key))
    }

    async fn fetch(&self, key: &Key, range: Range<u64>, pinned: Option<&Version>) -> Result<Group> {
        let part = Some(GetRange::Bounded(range.clone()));
        let result = self.get(key, GetOptions { range: part, ..GetOptions::default() }, pinned).await?;
        let ReadReply { meta, body, .. } = self.reply(key, result)?;
        // Before the body, of which there may be any amount.
        check_ranges(std::slice::from_ref(&range), meta.size).map_err(|error| error.with("key", key))?;
        let mut chunks: Vec<Bytes> = body.try_collect().await?;
        let bytes = match chunks.len() {
            0 | 1 => chunks.pop().unwrap_or_default(),
            _ => {
                let mut all = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
                chunks.iter().for_each(|chunk| all.extend_from_slice(chunk));
                all.freeze()
            }
        };
        Ok(Group { range, meta, bytes })
    }

    /// Cuts the parts out of what was fetched. A part that shares its fetch is copied, so that it does not keep the
    /// others in memory.
    fn cut(&self, key: &Key, ranges: &[Range<u64>], groups: &[Group]) -> Result<Vec<Bytes>> {
        let size = groups.first().map_or(0, |group| group.meta.size);
        check_ranges(ranges, size).map_err(|error| error.with("key", key))?;
        let cut = |range: &Range<u64>| {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            let last = groups.partition_point(|group| group.range.start <= range.start);
            let group = last.checked_sub(1).and_then(|index| groups.get(index));
            let part = group.and_then(|group| {
                if group.range == *range {
                    return Some(group.bytes.clone());
                }
                let start = usize::try_from(range.start - group.range.start).ok()?;
                let end = usize::try_from(range.end - group.range.start).ok()?;
                group.bytes.get(start..end).map(Bytes::copy_from_slice)
            });
            match part {
                Some(part) if part.len() as u64 == range.end - range.start => Ok(part),
                _ => Err(Error::unexpected("the store sent too few bytes")
                    .with("key", key)
                    .with("range", format!("{range:?}"))),
            }
        };
        ranges.iter().map(cut).collect()
    }

    /// What the service is told of a pinned version: as the etag of object_store, or as a header of its own.
    fn pin(&self, key: &Key, version: &Version, method: &'static str) -> Result<(Option<String>, Option<Guard>)> {
        self.declared(self.capability.versions, "the store has no versions to read by")?;
        let text = self.protocol.single(version).ok_or_else(|| other_state(key, version))?.to_owned();
        match self.protocol.versions {
            Versions::Generation => Ok((None, Some(Guard::new(method, "", GENERATION_MATCH, Some(text))))),
            _ => Ok((Some(text), None)),
        }
    }

    async fn get(&self, key: &Key, options: GetOptions, pinned: Option<&Version>) -> Result<GetResult> {
        let path: Path = self.path(key)?;
        let (operation, method) = if options.head { ("stat", "HEAD") } else { ("read", "GET") };
        let (if_match, guard) = pinned.map(|version| self.pin(key, version, method)).transpose()?.unwrap_or_default();
        let options = GetOptions { if_match, ..options };
        let (result, seen) = guarded(guard, self.store.get_opts(&path, options)).await;
        if let (Err(_), true, Some(412)) = (&result, pinned.is_some(), seen.status) {
            // Some services find the condition false before they find that there is no object.
            self.exists(key, &path).await?;
        }
        let result = result.map_err(|error| self.error(operation, key.as_str(), error, seen))?;
        let found = self.protocol.version(result.meta.e_tag.clone(), result.meta.version.clone());
        match pinned {
            // Not every server that ignores the condition says so.
            Some(version) if found.as_ref() != Some(version) => Err(other_state(key, version)),
            _ => Ok(result),
        }
    }

    async fn exists(&self, key: &Key, path: &Path) -> Result<()> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let (result, seen) = watched(self.store.get_opts(path, options)).await;
        result.map(|_| ()).map_err(|error| self.error("stat", key.as_str(), error, seen))
    }

    fn reply(&self, key: &Key, result: GetResult) -> Result<ReadReply<AsyncChunks>> {
        let (meta, range) = (self.meta_of(result.meta.clone())?, result.range.clone());
        let (backend, key) = (self.clone(), key.clone());
        let body =
            result.into_stream().map_err(move |error| backend.error("read", key.as_str(), error, Default::default()));
        let body = whole(body.boxed(), range.end.saturating_sub(range.start));
        Ok(ReadReply::new(meta, range, body))
    }
}

/// The header of Google Cloud Storage that names the generation which must be there.
pub(crate) const GENERATION_MATCH: &str = "x-goog-if-generation-match";

fn other_state(key: &Key, expected: &Version) -> Error {
    Error::new(ErrorKind::ConditionFailed, "object is not in the expected state")
        .with("key", key)
        .with("expected", expected)
}

fn changing(key: &Key) -> Error {
    Error::new(ErrorKind::Conflict, "object kept changing while it was read").with("key", key)
}

/// One request for neighbouring parts.
struct Group {
    range: Range<u64>,
    meta: ObjectMeta,
    bytes: Bytes,
}

/// Ranges that are close together as one, in order, without empty ones.
fn groups_of(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    sorted.sort_by_key(|range| range.start);
    let mut groups: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match groups.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP_BYTES) => last.end = last.end.max(range.end),
            _ => groups.push(range),
        }
    }
    groups
}

/// The range in the terms of object_store; none for a range that is empty whatever the object.
fn part_of(range: &ReadRange) -> Option<GetRange> {
    match range {
        ReadRange::Bounded(range) if range.is_empty() => None,
        ReadRange::Last(0) => None,
        ReadRange::Bounded(range) => Some(GetRange::Bounded(range.clone())),
        ReadRange::From(start) => Some(GetRange::Offset(*start)),
        ReadRange::Last(length) => Some(GetRange::Suffix(*length)),
    }
}

/// Stores refuse a range at or past the end in several ways. What is certainly something else is not looked into.
fn may_be_range(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConditionFailed | ErrorKind::PermissionDenied)
}

/// The body, or an error if it ends before its announced length or runs past it.
fn whole(body: AsyncChunks, bytes: u64) -> AsyncChunks {
    let checked = stream::try_unfold((body, bytes), |(mut body, left)| async move {
        let chunk = body.try_next().await?;
        let rest = left.checked_sub(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
        match (chunk, rest) {
            (Some(chunk), Some(rest)) => Ok(Some((chunk, (body, rest)))),
            (None, Some(0)) => Ok(None),
            _ => Err(Error::unexpected("the store sent another length than it announced")),
        }
    });
    checked.boxed()
}

#[cfg(test)]
mod tests;
