//! A sync backend as an async one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use worldstore_core::{
    Backend, BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Key, ListOptions,
    ListPage, ObjectMeta, Outcome, Prefix, PresignOptions, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions,
    Result, SettleOptions, Settled, StatOptions, WriteOptions, WriteToken, Writer,
};

use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
use crate::blocking::{self, look, run};

/// Any [`Backend`] as an [`AsyncBackend`], on tokio's blocking pool.
///
/// A body has at most two chunks in memory, one with the reader and one fetched ahead; a writer has one. A change whose future is dropped still happens whole; a read that
/// is dropped before its turn on the pool does not happen, and a body that is dropped fetches nothing more. Outside a
/// tokio runtime every call fails with [`ErrorKind::Unsupported`].
#[derive(Debug, Clone)]
pub struct SyncBackendAdapter {
    backend: Arc<dyn Backend>,
}

impl SyncBackendAdapter {
    /// Adapts a backend.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// A call that changes nothing.
    async fn look<Value: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Backend) -> Result<Value> + Send + 'static,
    ) -> Result<Value> {
        let backend = Arc::clone(&self.backend);
        look(move || work(&*backend)).await?
    }

    async fn call<Value: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Backend) -> Result<Value> + Send + 'static,
    ) -> Result<Value> {
        let backend = Arc::clone(&self.backend);
        run(move || work(&*backend)).await?
    }
}

impl fmt::Display for SyncBackendAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.backend)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for SyncBackendAdapter {
    fn info(&self) -> BackendInfo {
        self.backend.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let (key, options) = (key.clone(), options.clone());
        self.look(move |backend| backend.stat(&key, &options)).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let (key, options) = (key.clone(), options.clone());
        // The first chunk comes along, and that it is the last one if it seems so: a small object takes one hop.
        let read = move |backend: &dyn Backend| {
            let ReadReply { meta, range, mut body, .. } = backend.read(&key, &options)?;
            let first = body.next();
            let seems_last = matches!(&first, Some(Ok(chunk)) if chunk.len() as u64 >= range.end - range.start);
            let second = if seems_last { body.next() } else { None };
            // A body that has ended is dropped here, where that may take time.
            let rest = (first.is_some() && seems_last == second.is_some()).then_some(body);
            Ok((meta, range, first, second, rest))
        };
        let (meta, range, first, second, rest) = self.look(read).await?;
        let body = match (second, rest) {
            (_, None) => stream::iter(first).boxed(),
            (None, Some(rest)) => blocking::stream(first, rest),
            (second, Some(rest)) => stream::iter(first).chain(blocking::stream(second, rest)).boxed(),
        };
        Ok(ReadReply::new(meta, range, body))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let (key, ranges, options) = (key.clone(), ranges.to_vec(), options.clone());
        self.look(move |backend| backend.read_ranges(&key, &ranges, &options)).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let (key, options) = (key.clone(), options.clone());
        self.call(move |backend| backend.write(&key, body, &options)).await
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let (key, options) = (key.clone(), options.clone());
        let writer = self.call(move |backend| backend.open_writer(&key, &options)).await?;
        Ok(Box::new(WriterAdapter { writer: Some(writer) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let (key, token, options) = (key.clone(), token.clone(), options.clone());
        self.look(move |backend| backend.settle(&key, &token, &options)).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let (keys, options) = (keys.to_vec(), options.clone());
        self.call(move |backend| backend.delete(&keys, &options)).await
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let (prefix, options) = (prefix.clone(), options.clone());
        self.look(move |backend| backend.list(&prefix, &options)).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let (from, to, options) = (from.clone(), to.clone(), options.clone());
        self.call(move |backend| backend.copy(&from, &to, &options)).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let (from, to, options) = (from.clone(), to.clone(), options.clone());
        self.call(move |backend| backend.rename(&from, &to, &options)).await
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        let options = options.clone();
        self.look(move |backend| backend.check(&options)).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.backend.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for SyncBackendAdapter {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let (key, options) = (key.clone(), options.clone());
        let sign = move |backend: &dyn Backend| match backend.presign() {
            Some(presign) => presign.sign(&key, &options),
            None => Err(Error::unsupported("the backend signs no links").with("key", key)),
        };
        self.look(sign).await
    }
}

/// A sync writer, away on the blocking pool while it works.
#[derive(Debug)]
struct WriterAdapter {
    writer: Option<Box<dyn Writer>>,
}

impl Drop for WriterAdapter {
    fn drop(&mut self) {
        // A writer that is dropped may clean up behind itself, which takes as long as the storage likes.
        blocking::discard(self.writer.take());
    }
}

impl WriterAdapter {
    fn take(&mut self) -> Result<Box<dyn Writer>> {
        let interrupted =
            || Error::new(ErrorKind::Poisoned, "an earlier write was interrupted, begin the object again");
        self.writer.take().ok_or_else(interrupted)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for WriterAdapter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let mut writer = self.take()?;
        let (written, writer) = run(move || (writer.write(chunk), writer)).await?;
        self.writer = Some(writer);
        written
    }

    async fn commit(mut self: Box<Self>) -> Result<Outcome> {
        let writer = self.take()?;
        run(move || writer.commit()).await?
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        let writer = self.take()?;
        run(move || writer.abort()).await?
    }
}
