//! What both backends share: pages of names, results with their version, and those that are kept.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use worldstore_core::listing;
use worldstore_core::{
    Capability, Error, Key, ListOptions, ListPage, ObjectMeta, Prefix, ReadOptions, ReadRangesOptions, Result, Version,
    check_ranges,
};

use crate::config::Limits;
use crate::encode::encode;
use crate::queries::{Entry, Queries};

/// Hexadecimal digits of a version.
const VERSION_DIGITS: usize = 32;

#[derive(Debug)]
pub(crate) struct Shelf {
    pub queries: Queries,
    pub limits: Limits,
    /// The results that were read last, the latest one at the end.
    kept: Mutex<VecDeque<Snapshot>>,
}

/// One result in one format.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub meta: ObjectMeta,
    pub bytes: Bytes,
}

impl Shelf {
    pub(crate) fn new(queries: Queries, limits: Limits) -> Self {
        Self { queries, limits, kept: Mutex::default() }
    }

    pub(crate) fn capability() -> Capability {
        let mut capability = Capability::read_only();
        (capability.list_sorted, capability.versions) = (true, true);
        capability
    }

    /// Writes a result in a format, and keeps it.
    pub(crate) fn seal(&self, key: &Key, entry: &Entry, batch: &RecordBatch) -> Result<Snapshot> {
        let bytes = encode(batch, entry.format)?;
        let hash = blake3::hash(&bytes).to_hex();
        let version = Version::new(&hash[..VERSION_DIGITS]);
        let meta = ObjectMeta::new(key.clone(), bytes.len() as u64).with_version(version);
        let snapshot = Snapshot { meta, bytes };
        self.keep(&snapshot);
        Ok(snapshot)
    }

    /// A result that was read before.
    pub(crate) fn kept(&self, key: &Key, version: Option<&Version>) -> Option<Snapshot> {
        let version = version?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|one| one.meta.key == *key && one.meta.version.as_ref() == Some(version)).cloned()
    }

    fn keep(&self, snapshot: &Snapshot) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| one.meta.key != snapshot.meta.key || one.meta.version != snapshot.meta.version);
        kept.push_back(snapshot.clone());
        let mut bytes: usize = kept.iter().map(|one| one.bytes.len()).sum();
        while bytes > self.limits.cache_bytes_max {
            let Some(oldest) = kept.pop_front() else { break };
            bytes -= oldest.bytes.len();
        }
    }

    /// A page of names. Sizes and versions are still missing.
    pub(crate) fn page(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        if let Some(token) = &options.token {
            let name = token.as_str().strip_suffix('/').unwrap_or(token.as_str());
            Key::new(name)
                .map_err(|error| Error::invalid("token of a page is not of this backend").caused_by(error))?;
        }
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let start = listing::start(&below, options);
        let keys = self.queries.by_key.keys().filter(|key| !start.skips(key.as_str()));
        let keys = keys.filter(|key| key.as_str().starts_with(&below));
        listing::page(prefix, options, keys.map(|key| Ok(ObjectMeta::new(key.clone(), 0))))
    }
}

impl Snapshot {
    pub(crate) fn expect(self, version: Option<&Version>) -> Result<Self> {
        self.meta.expect_version(version).map(|()| self)
    }

    pub(crate) fn part(&self, options: &ReadOptions) -> Result<(Range<u64>, Bytes)> {
        let range = match &options.range {
            Some(range) => range.resolve(self.meta.size).map_err(|error| error.with("key", &self.meta.key))?,
            None => 0..self.meta.size,
        };
        Ok((range.clone(), self.bytes.slice(range.start as usize..range.end as usize)))
    }

    pub(crate) fn parts(&self, ranges: &[Range<u64>], _options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        check_ranges(ranges, self.meta.size).map_err(|error| error.with("key", &self.meta.key))?;
        Ok(ranges.iter().map(|range| self.bytes.slice(range.start as usize..range.end as usize)).collect())
    }
}

/// Puts columns together, each nullable.
pub(crate) fn batch(columns: Vec<(String, ArrayRef)>, rows: usize) -> Result<RecordBatch> {
    for (at, (name, _)) in columns.iter().enumerate() {
        if columns[..at].iter().any(|(other, _)| other == name) {
            return Err(Error::invalid("two columns of the query have one name: rename one by AS").with("column", name));
        }
    }
    let (names, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let fields = names.into_iter().zip(&arrays).map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.into(), arrays, &options)
        .map_err(|error| Error::unexpected("the columns of the result do not fit together").caused_by(error))
}

/// Counts the bytes of a result, up to its limit.
#[derive(Debug)]
pub(crate) struct Meter {
    left: usize,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { left: limits.result_bytes_max }
    }

    /// Takes the bytes of a value, and one more for its place.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        let left = self.left.checked_sub(bytes.saturating_add(1));
        self.left =
            left.ok_or_else(|| Error::invalid("the result is larger than allowed: let the query select less"))?;
        Ok(())
    }
}

pub(crate) fn read_only() -> Error {
    Error::unsupported("results of queries are read only")
}
