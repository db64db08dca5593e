//! One object from one place to another, with bounded memory: a chunk at a time.

use std::path::Path;
use std::sync::Arc;

use super::crc::Crc32c;
use super::local::{LocalSource, LocalTarget};
use super::meter::Meter;
use super::options::{Resume, Route, TransferOptions, TransferReport, Verify};
use crate::error::Result;
use crate::kernel::Ability;
use crate::ops::*;
use crate::store::Store;

impl Store {
    /// Stores a local file as an object, under a condition at the target. It appears whole or not at all.
    ///
    /// # Errors
    /// `NotFound` for the file, `Conflict` if it changes meanwhile, `Corrupt` if what is read back differs; as for
    /// [`write_with`](Store::write_with).
    pub fn upload(&self, local: &Path, key: &str, options: &TransferOptions) -> Result<TransferReport> {
        options.refuse_resume()?;
        self.kernel.may_write(&options.to_write())?;
        let mut source = LocalSource::open(local)?;
        let mut meter = Meter::new(source.bytes(), options.watcher.as_ref());
        let mut writer = self.open_atomic(key, &options.to_write())?;
        while let Some(chunk) = source.next_chunk()? {
            meter.take(&chunk).map_err(|error| error.during("upload").with("key", key))?;
            writer.write(chunk)?;
            meter.tell();
        }
        source.expect_unchanged()?;
        let (bytes, checksum) = meter.finish().map_err(|error| error.during("upload").with("key", key))?;
        let meta = writer.commit()?;
        self.read_back(key, &meta, checksum, options)?;
        Ok(TransferReport::streamed(meta, bytes, checksum))
    }

    /// Stores an object as a local file. It appears whole or not at all, and can be gone on with if it breaks off, as
    /// [`Resume`] says.
    ///
    /// # Errors
    /// As for [`read`](Store::read), also if the object changes between two reads; `AlreadyExists` if the file was to be
    /// absent, `Unsupported` for a version to match, `Conflict` if another download goes on with the same partial file,
    /// `Corrupt` if what is read back differs; those of the file system.
    pub fn download(&self, key: &str, local: &Path, options: &TransferOptions) -> Result<TransferReport> {
        let (mut target, reply) = match options.resume {
            Resume::Anew => {
                let reply = self.read(key, &ReadOptions::default())?;
                (LocalTarget::begin(local, options, None)?, reply)
            }
            Resume::Continue => {
                let meta = self.stat(key)?;
                let target = LocalTarget::begin(local, options, self.supports(Ability::Versions).then_some(&meta))?;
                let mut rest = ReadOptions::default().with_range(ReadRange::From(target.resumed_bytes()));
                rest.version = meta.version.filter(|_| self.supports(Ability::Versions));
                let reply = self.read(key, &rest)?;
                (target, reply)
            }
        };
        let ReadReply { meta, body, .. } = reply;
        let resumed = target.resumed_bytes();
        let mut meter = Meter::resumed(resumed, target.checksum(), meta.size, options.watcher.as_ref());
        for chunk in body {
            let chunk = chunk.map_err(|error| self.kernel.explain(error, "download"))?;
            meter.take(&chunk).map_err(|error| self.kernel.explain(error, "download").with("key", key))?;
            target.append(&chunk)?;
            meter.tell();
        }
        let (bytes, checksum) =
            meter.finish().map_err(|error| self.kernel.explain(error, "download").with("key", key))?;
        target.publish()?;
        Ok(TransferReport::streamed(meta, bytes, checksum).with_resumed_bytes(resumed))
    }

    /// Copies an object into a store, this one or another, under a condition at the target. It appears whole or not at
    /// all. Between two backends the bytes go through here; within one they are copied where they are, as [`Route`]
    /// says. Two backends are one if the stores share it, as a store and its children do.
    ///
    /// # Errors
    /// `Unsupported` if bytes would have to come here to stay within one backend, `Corrupt` if what is read back
    /// differs; as for [`read`](Store::read) and [`write_with`](Store::write_with).
    pub fn transfer(&self, key: &str, to: &Store, to_key: &str, options: &TransferOptions) -> Result<TransferReport> {
        options.refuse_resume()?;
        if options.route == Route::Auto && Arc::ptr_eq(&self.backend, &to.backend) {
            return self.transfer_in_place(key, to, to_key, options);
        }
        to.kernel.may_write(&options.to_write())?;
        let ReadReply { meta, body, .. } = self.read(key, &ReadOptions::default())?;
        let mut meter = Meter::new(meta.size, options.watcher.as_ref());
        let mut writer = to.open_atomic(to_key, &options.to_write())?;
        for chunk in body {
            let chunk = chunk.map_err(|error| self.kernel.explain(error, "transfer"))?;
            meter.take(&chunk).map_err(|error| self.kernel.explain(error, "transfer").with("key", key))?;
            writer.write(chunk)?;
            meter.tell();
        }
        let (bytes, checksum) =
            meter.finish().map_err(|error| self.kernel.explain(error, "transfer").with("key", key))?;
        let meta = writer.commit()?;
        to.read_back(to_key, &meta, checksum, options)?;
        Ok(TransferReport::streamed(meta, bytes, checksum))
    }

    fn transfer_in_place(
        &self,
        key: &str,
        to: &Store,
        to_key: &str,
        options: &TransferOptions,
    ) -> Result<TransferReport> {
        let copy = options.to_copy();
        to.kernel.may_copy(&copy)?;
        let before = self.stat(key)?;
        let (source, target) = (self.kernel.object(key)?, to.kernel.object(to_key)?);
        if source == target {
            let meta = to.kernel.same(to.stat(to_key)?, &copy.condition)?;
            return Ok(TransferReport::in_place(meta, None));
        }
        let outcome = to.backend.copy(&source, &target, &copy);
        let outcome = outcome.map_err(|error| to.kernel.explain(error, "transfer"))?;
        let meta = to.kernel.applied(outcome, &target, &copy.condition, "transfer")?;
        let checksum = match options.verify {
            Verify::Passing => None,
            Verify::ReadBack => {
                let checksum = self.checksum(key, &before)?;
                to.read_back(to_key, &meta, checksum, options)?;
                Some(checksum)
            }
        };
        let meter = Meter::resumed(meta.size, Crc32c::new(), meta.size, options.watcher.as_ref());
        meter.tell();
        Ok(TransferReport::in_place(meta, checksum))
    }

    /// Reads what was written, where that is asked for.
    fn read_back(&self, key: &str, meta: &ObjectMeta, written: Crc32c, options: &TransferOptions) -> Result<()> {
        match options.verify {
            Verify::Passing => Ok(()),
            Verify::ReadBack => {
                let read = self.checksum(key, meta)?;
                Meter::expect(written, read).map_err(|error| self.kernel.explain(error, "verify").with("key", key))
            }
        }
    }

    /// The checksum of an object in this state, as far as the backend has versions.
    fn checksum(&self, key: &str, meta: &ObjectMeta) -> Result<Crc32c> {
        let version = meta.version.clone().filter(|_| self.supports(Ability::Versions));
        let pinned = ReadOptions { version, ..ReadOptions::default() };
        let reply = self.read(key, &pinned)?;
        let mut meter = Meter::new(meta.size, None);
        for chunk in reply.body {
            let chunk = chunk.map_err(|error| self.kernel.explain(error, "verify"))?;
            meter.take(&chunk).map_err(|error| self.kernel.explain(error, "verify").with("key", key))?;
        }
        let (_, checksum) = meter.finish().map_err(|error| self.kernel.explain(error, "verify").with("key", key))?;
        Ok(checksum)
    }
}
