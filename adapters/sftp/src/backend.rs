//! The backend: each call of the contract, with what is refused before anything is sent.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncWriter};
use worldstore_core::*;

use crate::config::SftpConfig;
use crate::lookup::{meta_of, refuse_staging};
use crate::server::Inner;
use crate::stage::Staged;
use crate::{change, check, publish, read, walk};

/// A folder on an SSH server as a byte store.
///
/// Objects are files, staged in a hidden folder and published under their name in one step: by a rename that replaces,
/// or by a hard link, which fails if the name is taken. Symbolic links below the root are not followed, as far as the
/// protocol allows: a path is looked at before it is used, and someone with write access to the root can change it in
/// between. Empty folders stay behind when their objects are deleted; no listing shows them, and an object may take
/// their name.
///
/// What is declared depends on the server's extensions and is found out when connecting. Versions and
/// [`Condition::IfMatch`] are never declared: the protocol tells times in whole seconds and has no compare-and-swap. Nor is
/// a rename if absent: that would take two requests, and another writer may come in between.
/// Write tokens are not kept: there is no place for them next to a file.
///
/// One connection serves all calls. When it is lost, the next call connects again; reads in progress are done again
/// once, a stream that has begun is not.
#[derive(Debug)]
pub struct Sftp {
    inner: Arc<Inner>,
}

impl Sftp {
    pub(crate) async fn connect(config: SftpConfig) -> Result<Self> {
        Ok(Self { inner: Arc::new(Inner::connect(config).await?) })
    }

    /// Adds to an error what failed and where.
    fn named(&self, operation: &'static str) -> impl FnOnce(Error) -> Error {
        let backend = self.to_string();
        move |error| error.during(operation).with("backend", backend)
    }

    /// Refuses a change before anything is sent, if the server cannot make it.
    fn refuse(&self, condition: &Condition, can: bool, can_if_absent: bool) -> Result<()> {
        if !can {
            return Err(Error::unsupported("the server lacks an extension of the protocol that this needs"));
        }
        match condition {
            Condition::None => Ok(()),
            Condition::IfAbsent if can_if_absent => Ok(()),
            Condition::IfAbsent => {
                Err(Error::unsupported("the server has no hard links, nothing is created if absent"))
            }
            _ => Err(Error::unsupported("sftp has no compare-and-swap")),
        }
    }

    fn refuse_write(&self, key: &Key, options: &WriteOptions) -> Result<()> {
        let capability = self.inner.server.capability();
        self.refuse(&options.condition, capability.write, capability.write_if_absent)?;
        if options.token.is_some() {
            return Err(Error::unsupported("sftp keeps no write tokens"));
        }
        refuse_staging(key.as_str())
    }

    async fn stage(&self, key: &Key, options: &WriteOptions) -> Result<Staged> {
        self.refuse_write(key, options).map_err(|error| error.with("key", key))?;
        Staged::begin(&self.inner, self.inner.session().await?, key).await
    }
}

impl fmt::Display for Sftp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sftp({}{})", self.inner.config.address(), self.inner.root.display())
    }
}

fn refuse_version(version: Option<&Version>) -> Result<()> {
    match version {
        Some(_) => Err(Error::unsupported("sftp has no versions")),
        None => Ok(()),
    }
}

#[async_trait]
impl AsyncBackend for Sftp {
    fn info(&self) -> BackendInfo {
        let root = format!("{}{}", self.inner.config.address(), self.inner.root.display());
        BackendInfo::new("sftp", root, self.inner.server.capability())
    }

    async fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        let stat = |session: Arc<_>| async move {
            let attrs = self.inner.root.object(&session, key, "stat").await?;
            meta_of(key, &attrs)
        };
        self.inner.reading(stat).await.map_err(self.named("stat"))
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        refuse_version(options.version.as_ref()).map_err(self.named("read"))?;
        let reply = self.inner.reading(|session| read::read(&self.inner.root, session, key, options)).await;
        reply.map_err(self.named("read"))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        refuse_version(options.version.as_ref()).map_err(self.named("read"))?;
        let parts = self.inner.reading(|session| read::read_ranges(&self.inner.root, session, key, ranges)).await;
        parts.map_err(self.named("read"))
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let written = async {
            let mut staged = self.stage(key, options).await?;
            staged.append(&body).await?;
            publish::publish(&self.inner, staged, &options.condition, options.durability).await
        };
        written.await.map_err(self.named("write"))
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let staged = self.stage(key, options).await.map_err(self.named("write"))?;
        Ok(Box::new(SftpWriter { inner: Arc::clone(&self.inner), staged, options: options.clone() }))
    }

    async fn settle(&self, key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Err(self.named("settle")(Error::unsupported("sftp keeps no write tokens").with("key", key)))
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check().map_err(self.named("delete"))?;
        self.refuse(&options.condition, self.inner.server.replaces, false).map_err(self.named("delete"))?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.inner.session().await.map_err(self.named("delete"))?;
        Ok(change::delete(&self.inner, &session, keys).await)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let list = |session: Arc<_>| async move { walk::list(&self.inner.root, &session, prefix, options).await };
        self.inner.reading(list).await.map_err(self.named("list"))
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let copied = async {
            let capability = self.inner.server.capability();
            self.refuse(&options.condition, capability.copy, capability.copy_if_absent)?;
            refuse_staging(to.as_str())?;
            change::copy(&self.inner, self.inner.session().await?, from, to, options).await
        };
        copied.await.map_err(self.named("copy"))
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let renamed = async {
            if options.condition == Condition::IfAbsent {
                return Err(Error::unsupported("sftp has no rename that fails if the name is taken"));
            }
            self.refuse(&options.condition, self.inner.server.replaces, false)?;
            refuse_staging(to.as_str())?;
            let session = self.inner.session().await?;
            publish::rename(&self.inner, &session, from, to, options).await
        };
        renamed.await.map_err(self.named("rename"))
    }

    async fn check(&self, _options: &CheckOptions) -> Result<()> {
        let session = self.inner.session().await.map_err(self.named("check"))?;
        check::check(&self.inner, session).await.map_err(self.named("check"))
    }
}

/// An object in the making, over the connection on which it was begun.
#[derive(Debug)]
struct SftpWriter {
    inner: Arc<Inner>,
    staged: Staged,
    options: WriteOptions,
}

#[async_trait]
impl AsyncWriter for SftpWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.staged.append(&chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        publish::publish(&self.inner, self.staged, &self.options.condition, self.options.durability).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.staged.discard().await
    }
}
