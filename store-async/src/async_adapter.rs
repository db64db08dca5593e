//! An async backend as a sync one.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use worldstore_core::backend::Presign;
use worldstore_core::{
    Backend, BackendInfo, CheckOptions, Chunks, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Key,
    ListOptions, ListPage, ObjectMeta, Outcome, Prefix, PresignOptions, ReadOptions, ReadRangesOptions, ReadReply,
    RenameOptions, Result, SettleOptions, Settled, StatOptions, WriteOptions, WriteToken, Writer,
};

use crate::backend::{AsyncBackend, AsyncWriter};
use crate::bridge::Bridge;

/// Any [`AsyncBackend`] as a [`Backend`]: the reverse of [`SyncBackendAdapter`](crate::SyncBackendAdapter), and named
/// like it after the side that it adapts from.
///
/// The work runs on a runtime's threads while the caller's thread waits. Bodies are fetched two chunks ahead, a writer
/// has one chunk in flight, and dropping a body or a writer stops its work. The adapter's own runtime ends with the
/// adapter and its last body or writer.
///
/// # Errors
/// In async code, where waiting would block a runtime, every call fails with [`ErrorKind::Unsupported`]: on tasks, in
/// `block_on`, and nowhere else. Threads of `spawn_blocking` and sections of `block_in_place` may call. (A task under
/// `tokio::task::unconstrained` is not noticed, and waits.) After a borrowed runtime has shut down every call fails with
/// [`ErrorKind::Poisoned`].
#[derive(Debug, Clone)]
pub struct AsyncBackendAdapter {
    backend: Arc<dyn AsyncBackend>,
    bridge: Bridge,
}

impl AsyncBackendAdapter {
    /// Adapts a backend, on a runtime of the adapter's own with one worker thread.
    ///
    /// # Errors
    /// Those of the system if the thread does not start.
    pub fn new(backend: Arc<dyn AsyncBackend>) -> Result<Self> {
        Ok(Self { backend, bridge: Bridge::new(NonZeroUsize::MIN)? })
    }

    /// Adapts a backend, on a runtime of the caller. It must outlive the adapter.
    ///
    /// Not for calls from the blocking pool of that same runtime to a backend that needs the pool itself, as
    /// `SyncBackendAdapter` does: once callers fill the pool nothing moves on. A runtime of its own has its own pool.
    ///
    /// # Errors
    /// `Unsupported` for a runtime of one thread: nothing says that its thread moves on while a caller waits.
    pub fn with_handle(backend: Arc<dyn AsyncBackend>, handle: Handle) -> Result<Self> {
        Ok(Self { backend, bridge: Bridge::with_handle(handle)? })
    }

    fn call<Value: Send + 'static>(
        &self,
        work: impl for<'call> FnOnce(&'call dyn AsyncBackend) -> BoxFuture<'call, Result<Value>> + Send + 'static,
    ) -> Result<Value> {
        let backend = Arc::clone(&self.backend);
        self.bridge.run(async move { work(&*backend).await })
    }
}

impl fmt::Display for AsyncBackendAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.backend)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for AsyncBackendAdapter {
    fn info(&self) -> BackendInfo {
        self.backend.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let (key, options) = (key.clone(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.stat(&key, &options).await }))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let (key, options) = (key.clone(), options.clone());
        // The first chunk comes along, and that it is the last one if it seems so: a small object takes one hop. What is
        // wrong with a body may only be told behind its last chunk.
        let (meta, range, begun, rest) = self.call(move |backend| {
            Box::pin(async move {
                let ReadReply { meta, range, mut body, .. } = backend.read(&key, &options).await?;
                let mut begun: Vec<Result<Bytes>> = body.next().await.into_iter().collect();
                let seems_last = matches!(&begun[..], [Ok(chunk)] if chunk.len() as u64 >= range.end - range.start);
                if seems_last {
                    begun.extend(body.next().await);
                }
                let ended = begun.len() < 1 + usize::from(seems_last) || begun.iter().any(Result::is_err);
                Ok((meta, range, begun, (!ended).then_some(body)))
            })
        })?;
        let body: Chunks = match rest {
            None => Box::new(begun.into_iter()),
            Some(rest) => Box::new(begun.into_iter().chain(self.bridge.fetch_ahead(rest))),
        };
        Ok(ReadReply::new(meta, range, body))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let (key, ranges, options) = (key.clone(), ranges.to_vec(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.read_ranges(&key, &ranges, &options).await }))
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let (key, options) = (key.clone(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.write(&key, body, &options).await }))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let (key, options) = (key.clone(), options.clone());
        let writer = self.call(move |backend| Box::pin(async move { backend.open_writer(&key, &options).await }))?;
        Ok(Box::new(WriterAdapter { writer: Some(writer), bridge: self.bridge.clone() }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let (key, token, options) = (key.clone(), token.clone(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.settle(&key, &token, &options).await }))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let (keys, options) = (keys.to_vec(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.delete(&keys, &options).await }))
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let (prefix, options) = (prefix.clone(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.list(&prefix, &options).await }))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let (from, to, options) = (from.clone(), to.clone(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.copy(&from, &to, &options).await }))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let (from, to, options) = (from.clone(), to.clone(), options.clone());
        self.call(move |backend| Box::pin(async move { backend.rename(&from, &to, &options).await }))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        let options = options.clone();
        self.call(move |backend| Box::pin(async move { backend.check(&options).await }))
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.backend.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for AsyncBackendAdapter {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let (key, options) = (key.clone(), options.clone());
        self.call(move |backend| {
            Box::pin(async move {
                match backend.presign() {
                    Some(presign) => presign.sign(&key, &options).await,
                    None => Err(Error::unsupported("the backend signs no links").with("key", key)),
                }
            })
        })
    }
}

/// An async writer, away on the runtime while it works.
#[derive(Debug)]
struct WriterAdapter {
    writer: Option<Box<dyn AsyncWriter>>,
    bridge: Bridge,
}

impl WriterAdapter {
    fn take(&mut self) -> Result<Box<dyn AsyncWriter>> {
        let interrupted =
            || Error::new(ErrorKind::Poisoned, "an earlier write was interrupted, begin the object again");
        self.writer.take().ok_or_else(interrupted)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Writer for WriterAdapter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        let mut writer = self.take()?;
        let (written, writer) = self.bridge.run(async move {
            let written = writer.write(chunk).await;
            Ok((written, writer))
        })?;
        self.writer = Some(writer);
        written
    }

    fn commit(mut self: Box<Self>) -> Result<Outcome> {
        let writer = self.take()?;
        self.bridge.run(writer.commit())
    }

    fn abort(mut self: Box<Self>) -> Result<()> {
        let writer = self.take()?;
        self.bridge.run(writer.abort())
    }
}

impl Drop for WriterAdapter {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.bridge.discard(writer);
        }
    }
}
