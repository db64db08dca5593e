//! One object from one place to another, with bounded memory: a chunk at a time.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use worldstore_core::kernel::Ability;
use worldstore_core::transfer::{
    Crc32c, LocalSource, LocalTarget, Meter, Resume, Route, TransferOptions, TransferReport, Verify,
};
use worldstore_core::{ObjectMeta, ReadOptions, ReadRange, ReadReply, Result};

use crate::blocking::run;
use crate::store::AsyncStore;

impl AsyncStore {
    /// Stores a local file as an object, under a condition at the target. It appears whole or not at all.
    ///
    /// # Errors
    /// `NotFound` for the file, `Conflict` if it changes meanwhile, `Corrupt` if what is read back differs; as for
    /// [`write_with`](AsyncStore::write_with).
    pub async fn upload(&self, local: &Path, key: &str, options: &TransferOptions) -> Result<TransferReport> {
        options.refuse_resume()?;
        self.kernel.may_write(&options.to_write())?;
        let path = local.to_owned();
        let mut source = run(move || LocalSource::open(&path)).await??;
        let mut meter = Meter::new(source.bytes(), options.watcher.as_ref());
        let mut writer = self.open_atomic(key, &options.to_write()).await?;
        loop {
            let chunk: Option<Bytes>;
            (chunk, source) = run(move || source.next_chunk().map(|chunk| (chunk, source))).await??;
            let Some(chunk) = chunk else { break };
            meter.take(&chunk).map_err(|error| error.during("upload").with("key", key))?;
            writer.write(chunk).await?;
            meter.tell();
        }
        run(move || source.expect_unchanged()).await??;
        let (bytes, checksum) = meter.finish().map_err(|error| error.during("upload").with("key", key))?;
        let meta = writer.commit().await?;
        self.read_back(key, &meta, checksum, options).await?;
        Ok(TransferReport::streamed(meta, bytes, checksum))
    }

    /// Stores an object as a local file. It appears whole or not at all, and can be gone on with if it breaks off, as
    /// [`Resume`] says.
    ///
    /// # Errors
    /// As for [`read`](AsyncStore::read), also if the object changes between two reads; `AlreadyExists` if the file was
    /// to be absent, `Unsupported` for a version to match, `Conflict` if another download goes on with the same partial
    /// file, `Corrupt` if what is read back differs; those of the file system.
    pub async fn download(&self, key: &str, local: &Path, options: &TransferOptions) -> Result<TransferReport> {
        let begin = |source: Option<ObjectMeta>| {
            let (path, options) = (local.to_owned(), options.clone());
            async move { run(move || LocalTarget::begin(&path, &options, source.as_ref())).await? }
        };
        let (mut target, reply) = match options.resume {
            Resume::Anew => {
                let reply = self.read(key, &ReadOptions::default()).await?;
                (begin(None).await?, reply)
            }
            Resume::Continue => {
                let meta = self.stat(key).await?;
                let target = begin(self.supports(Ability::Versions).then(|| meta.clone())).await?;
                let mut rest = ReadOptions::default().with_range(ReadRange::From(target.resumed_bytes()));
                rest.version = meta.version.filter(|_| self.supports(Ability::Versions));
                let reply = self.read(key, &rest).await?;
                (target, reply)
            }
        };
        let ReadReply { meta, mut body, .. } = reply;
        let resumed = target.resumed_bytes();
        let mut meter = Meter::resumed(resumed, target.checksum(), meta.size, options.watcher.as_ref());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| self.kernel.explain(error, "download"))?;
            meter.take(&chunk).map_err(|error| self.kernel.explain(error, "download").with("key", key))?;
            target = run(move || target.append(&chunk).map(|()| target)).await??;
            meter.tell();
        }
        let (bytes, checksum) =
            meter.finish().map_err(|error| self.kernel.explain(error, "download").with("key", key))?;
        run(move || target.publish()).await??;
        Ok(TransferReport::streamed(meta, bytes, checksum).with_resumed_bytes(resumed))
    }

    /// Copies an object into a store, this one or another, under a condition at the target. It appears whole or not at
    /// all. Between two backends the bytes go through here; within one they are copied where they are, as [`Route`]
    /// says. Two backends are one if the stores share it, as a store and its children do.
    ///
    /// # Errors
    /// `Unsupported` if bytes would have to come here to stay within one backend, `Corrupt` if what is read back
    /// differs; as for [`read`](AsyncStore::read) and [`write_with`](AsyncStore::write_with).
    pub async fn transfer(
        &self,
        key: &str,
        to: &AsyncStore,
        to_key: &str,
        options: &TransferOptions,
    ) -> Result<TransferReport> {
        options.refuse_resume()?;
        if options.route == Route::Auto && Arc::ptr_eq(&self.backend, &to.backend) {
            return self.transfer_in_place(key, to, to_key, options).await;
        }
        to.kernel.may_write(&options.to_write())?;
        let ReadReply { meta, mut body, .. } = self.read(key, &ReadOptions::default()).await?;
        let mut meter = Meter::new(meta.size, options.watcher.as_ref());
        let mut writer = to.open_atomic(to_key, &options.to_write()).await?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| self.kernel.explain(error, "transfer"))?;
            meter.take(&chunk).map_err(|error| self.kernel.explain(error, "transfer").with("key", key))?;
            writer.write(chunk).await?;
            meter.tell();
        }
        let (bytes, checksum) =
            meter.finish().map_err(|error| self.kernel.explain(error, "transfer").with("key", key))?;
        let meta = writer.commit().await?;
        to.read_back(to_key, &meta, checksum, options).await?;
        Ok(TransferReport::streamed(meta, bytes, checksum))
    }

    async fn transfer_in_place(
        &self,
        key: &str,
        to: &AsyncStore,
        to_key: &str,
        options: &TransferOptions,
    ) -> Result<TransferReport> {
        let copy = options.to_copy();
        to.kernel.may_copy(&copy)?;
        let before = self.stat(key).await?;
        let (source, target) = (self.kernel.object(key)?, to.kernel.object(to_key)?);
        if source == target {
            let meta = to.kernel.same(to.stat(to_key).await?, &copy.condition)?;
            return Ok(TransferReport::in_place(meta, None));
        }
        let outcome = to.backend.copy(&source, &target, &copy).await;
        let outcome = outcome.map_err(|error| to.kernel.explain(error, "transfer"))?;
        let meta = to.kernel.applied(outcome, &target, &copy.condition, "transfer")?;
        let checksum = match options.verify {
            Verify::Passing => None,
            Verify::ReadBack => {
                let checksum = self.checksum(key, &before).await?;
                to.read_back(to_key, &meta, checksum, options).await?;
                Some(checksum)
            }
        };
        let meter = Meter::resumed(meta.size, Crc32c::new(), meta.size, options.watcher.as_ref());
        meter.tell();
        Ok(TransferReport::in_place(meta, checksum))
    }

    /// Reads what was written, where that is asked for.
    async fn read_back(&self, key: &str, meta: &ObjectMeta, written: Crc32c, options: &TransferOptions) -> Result<()> {
        match options.verify {
            Verify::Passing => Ok(()),
            Verify::ReadBack => {
                let read = self.checksum(key, meta).await?;
                Meter::expect(written, read).map_err(|error| self.kernel.explain(error, "verify").with("key", key))
            }
        }
    }

    /// The checksum of an object in this state, as far as the backend has versions.
    async fn checksum(&self, key: &str, meta: &ObjectMeta) -> Result<Crc32c> {
        let mut pinned = ReadOptions::default();
        pinned.version = meta.version.clone().filter(|_| self.supports(Ability::Versions));
        let mut reply = self.read(key, &pinned).await?;
        let mut meter = Meter::new(meta.size, None);
        while let Some(chunk) = reply.body.next().await {
            let chunk = chunk.map_err(|error| self.kernel.explain(error, "verify"))?;
            meter.take(&chunk).map_err(|error| self.kernel.explain(error, "verify").with("key", key))?;
        }
        let (_, checksum) = meter.finish().map_err(|error| self.kernel.explain(error, "verify").with("key", key))?;
        Ok(checksum)
    }
}
