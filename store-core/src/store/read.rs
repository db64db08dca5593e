//! Reading objects and looking them up.

use std::ops::Range;

use bytes::Bytes;

use super::{SeekReader, Store};
use crate::error::{Error, Result};
use crate::kernel::{Collector, SeekOptions};
use crate::key::{Key, Prefix};
use crate::ops::*;

impl Store {
    /// Reads an object or a part of it as chunks, all from one state.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Invalid` for a folder, a wrong key or a range that starts past the end,
    /// `ConditionFailed` if it is in another state than the pinned one.
    pub fn read(&self, key: &str, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.kernel.may_read(options.version.as_ref())?;
        let full = self.kernel.object(key)?;
        let reply = self.backend.read(&full, options);
        let reply = reply.map_err(|error| self.absent_or(error, key, &full, "read"))?;
        Ok(ReadReply::new(self.kernel.relative(reply.meta)?, reply.range, reply.body))
    }

    /// Reads an object into memory.
    ///
    /// # Errors
    /// As for [`read`](Self::read); `Unavailable` if the body ends early.
    pub fn read_bytes(&self, key: &str) -> Result<Bytes> {
        self.collect(key, &ReadOptions::default())
    }

    /// Reads an object as UTF-8.
    ///
    /// # Errors
    /// As for [`read_bytes`](Self::read_bytes); `Invalid` if it is not UTF-8.
    pub fn read_text(&self, key: &str) -> Result<String> {
        String::from_utf8(self.read_bytes(key)?.into())
            .map_err(|source| Error::invalid("object is not UTF-8").with("key", key).caused_by(source))
    }

    /// Reads a part of an object into memory. An end past the object is cut.
    ///
    /// # Errors
    /// As for [`read_bytes`](Self::read_bytes).
    pub fn read_range(&self, key: &str, range: ReadRange) -> Result<Bytes> {
        self.collect(key, &ReadOptions::default().with_range(range))
    }

    /// Reads several parts of an object, all from one state, each whole and in the order asked for.
    ///
    /// # Errors
    /// As for [`read`](Self::read); an end past the object is `Invalid` here.
    pub fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read_ranges_with(key, ranges, &ReadRangesOptions::default())
    }

    /// Reads several parts of an object as [`read_ranges`](Self::read_ranges) does, from a state that can be insisted
    /// on.
    ///
    /// # Errors
    /// As for [`read_ranges`](Self::read_ranges); `ConditionFailed` if the object is in another state.
    pub fn read_ranges_with(
        &self,
        key: &str,
        ranges: &[Range<u64>],
        options: &ReadRangesOptions,
    ) -> Result<Vec<Bytes>> {
        self.kernel.may_read(options.version.as_ref())?;
        let full = self.kernel.object(key)?;
        let parts = self.backend.read_ranges(&full, ranges, options);
        parts.map_err(|error| self.absent_or(error, key, &full, "read"))
    }

    /// Opens an object for reading with positions. What is read comes from the state that was found here; if the
    /// object is replaced, reads fail with `ConditionFailed` inside, on a backend without versions as far as length and
    /// time of the last write tell.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub fn read_seekable(&self, key: &str, options: &SeekOptions) -> Result<SeekReader> {
        Ok(SeekReader::new(self.clone(), self.stat(key)?, options))
    }

    /// Looks an object up.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Invalid` for a folder or a wrong key.
    pub fn stat(&self, key: &str) -> Result<ObjectMeta> {
        self.kernel.open()?;
        let full = self.kernel.object(key)?;
        let meta = self.backend.stat(&full, &StatOptions::default());
        self.kernel.relative(meta.map_err(|error| self.absent_or(error, key, &full, "stat"))?)
    }

    /// Looks an object up: [`stat`](Self::stat) under its longer name.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub fn file_info(&self, key: &str) -> Result<ObjectMeta> {
        self.stat(key)
    }

    /// Tells again what the write of an object has returned: [`stat`](Self::stat), if nobody has written since.
    ///
    /// # Errors
    /// As for [`stat`](Self::stat).
    pub fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.stat(key)
    }

    /// True if the path is an object or a folder.
    ///
    /// # Errors
    /// `Invalid` for a wrong key; those of the backend, `NotFound` excepted.
    pub fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.is_file(path)? || self.is_folder(path)?)
    }

    /// True if the key holds an object.
    ///
    /// # Errors
    /// As for [`exists`](Self::exists).
    pub fn is_file(&self, path: &str) -> Result<bool> {
        self.kernel.open()?;
        if path.is_empty() {
            return Ok(false);
        }
        match self.backend.stat(&self.kernel.object(path)?, &StatOptions::default()) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(self.kernel.explain(error, "stat")),
        }
    }

    /// True if an object is below the path, at any depth, and for the root.
    ///
    /// # Errors
    /// As for [`exists`](Self::exists).
    pub fn is_folder(&self, path: &str) -> Result<bool> {
        self.kernel.open()?;
        match path.is_empty() {
            true => Ok(true),
            false => self.holds_objects(&self.kernel.folder(path)?),
        }
    }

    /// Tells what became of a write with this token whose outcome was unknown.
    ///
    /// # Errors
    /// `Unsupported` if the backend keeps no tokens.
    pub fn settle(&self, key: &str, token: &WriteToken) -> Result<Settled> {
        self.kernel.need(crate::Ability::WriteTokens)?;
        let settled = self.backend.settle(&self.kernel.object(key)?, token, &SettleOptions::default());
        self.kernel.settled(settled.map_err(|error| self.kernel.explain(error, "settle"))?)
    }

    /// Proves that the root can be listed.
    ///
    /// # Errors
    /// `Unavailable`, `PermissionDenied` or `NotFound` for the root itself.
    pub fn ping(&self) -> Result<()> {
        self.kernel.open()?;
        let page = self.backend.list(self.kernel.root(), &ListOptions::default().with_limit(1));
        page.map(drop).map_err(|error| self.kernel.explain(error, "ping"))
    }

    /// Proves that the backend can be reached, and that what it declares works where that can be tried out.
    ///
    /// # Errors
    /// As for [`Backend::check`](crate::Backend::check).
    pub fn check(&self) -> Result<()> {
        self.kernel.open()?;
        self.backend.check(&CheckOptions::default()).map_err(|error| self.kernel.explain(error, "check"))
    }

    pub(super) fn collect(&self, key: &str, options: &ReadOptions) -> Result<Bytes> {
        self.collect_found(key, options).map(|(_, bytes)| bytes)
    }

    pub(super) fn collect_found(&self, key: &str, options: &ReadOptions) -> Result<(ObjectMeta, Bytes)> {
        let ReadReply { meta, range, body } = self.read(key, options)?;
        let about = |error: Error| self.kernel.explain(error, "read");
        let mut collector = Collector::new(&range);
        for chunk in body {
            collector.push(chunk.map_err(about)?).map_err(|error| about(error.with("key", key)))?;
        }
        let bytes = collector.finish().map_err(|error| about(error.with("key", key)))?;
        Ok((meta, bytes))
    }

    /// Explains an error of the backend. Whether a missing object is a folder is looked up only then.
    pub(super) fn absent_or(&self, error: Error, key: &str, full: &Key, operation: &'static str) -> Error {
        if !error.is_not_found() {
            return self.kernel.explain(error, operation);
        }
        match self.is_folder_key(full) {
            Ok(true) => self.kernel.absent(key, true, operation),
            Ok(false) => self.kernel.explain(error, operation),
            Err(other) => other,
        }
    }

    pub(crate) fn is_folder_key(&self, full: &Key) -> Result<bool> {
        self.holds_objects(&Prefix::new(full)?)
    }

    pub(super) fn holds_objects(&self, folder: &Prefix) -> Result<bool> {
        let page = self.backend.list(folder, &ListOptions::default().with_limit(1));
        let page = self.kernel.listed(page, folder, true)?;
        Ok(!page.objects.is_empty() || !page.folders.is_empty())
    }
}
