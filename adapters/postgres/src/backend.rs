//! The backend: the contract spread over transactions.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
use worldstore_core::{
    BackendInfo, Capability, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Key, ListOptions,
    ListPage, Namespace, ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result,
    SettleOptions, Settled, StatOptions, WriteOptions, WriteToken,
};

use crate::config::PostgresConfig;
use crate::error::translate;
use crate::objects::{Lock, Object};
use crate::schema;
use crate::server::Server;
use crate::writer::PostgresWriter;

/// One namespace of a database as a backend. Clones share its connections.
///
/// Every change is one transaction. If the connection breaks while it is committed, the outcome is
/// [`Outcome::Unknown`]; a write token settles it. `Durability::Full` and `File` wait until the server's log is synced,
/// `Durability::None` does not.
#[derive(Debug, Clone)]
pub struct PostgresBackend {
    server: Arc<Server>,
}

impl PostgresBackend {
    pub(crate) async fn connect(config: PostgresConfig) -> Result<Self> {
        let location = config.location();
        let failed = |error: Error| error.during("connect").with("backend", format!("postgres({location})"));
        let backend = Self { server: Server::connect(config).await.map_err(failed)? };
        backend.sweep().await?;
        Ok(backend)
    }

    /// Removes the chunks of writers that were abandoned, which connecting does too. Returns how many writers there
    /// were.
    ///
    /// # Errors
    /// `Unavailable` if the server cannot be reached.
    pub async fn sweep(&self) -> Result<usize> {
        self.server.sweep().await.map_err(|error| self.failed("sweep", error))
    }

    /// Closes the connections. Later calls fail as poisoned.
    pub async fn close(&self) {
        self.server.pool.close().await;
    }

    fn failed(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation).with("backend", self)
    }

    async fn find(&self, key: &Key) -> Result<Option<Object>> {
        let mut connection = self.server.pool.acquire().await.map_err(translate)?;
        self.server.find(&mut connection, key, Lock::None).await
    }

    async fn same_namespace(&self) -> Result<()> {
        let mut connection = self.server.pool.acquire().await.map_err(translate)?;
        match schema::find(&mut connection, &self.server.namespace).await? {
            Some(name) if name == self.server.name => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::Poisoned, "the namespace was made anew, connect again")),
            None => Err(Error::not_found("the namespace does not exist")),
        }
    }
}

impl fmt::Display for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres({})", self.server.location)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for PostgresBackend {
    fn info(&self) -> BackendInfo {
        let mut capability = Capability::read_only();
        (capability.list_sorted, capability.versions) = (true, true);
        capability.write = true;
        (capability.write_if_absent, capability.write_if_match) = (true, true);
        (capability.copy, capability.copy_if_absent, capability.copy_if_match) = (true, true, true);
        (capability.rename, capability.rename_if_absent, capability.rename_if_match) = (true, true, true);
        (capability.delete_if_match, capability.write_tokens) = (true, true);
        capability.durable = self.server.syncs;
        BackendInfo::new("postgres", self.server.location.as_str(), capability).with_namespace(Namespace::Flat)
    }

    async fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        let found = self.find(key).await.and_then(|found| found.ok_or_else(|| crate::objects::missing(key)));
        found.map(|object| object.meta).map_err(|error| self.failed("stat", error))
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        self.server.read(key, options).await.map_err(|error| self.failed("read", error))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.server.read_ranges(key, ranges, options).await.map_err(|error| self.failed("read_ranges", error))
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.server.put(key, &body, options).await.map_err(|error| self.failed("write", error))
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        Ok(Box::new(PostgresWriter::new(Arc::clone(&self.server), key.clone(), options.clone())))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Ok(match self.find(key).await.map_err(|error| self.failed("settle", error))? {
            None => Settled::Absent,
            Some(Object { meta, token: Some(found), .. }) if found == token.as_str() => Settled::Applied(meta),
            Some(object) => Settled::Other(object.meta),
        })
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        self.server.delete(keys, options).await.map_err(|error| self.failed("delete", error))
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.server.list(prefix, options).await.map_err(|error| self.failed("list", error))
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.server.copy(from, to, options).await.map_err(|error| self.failed("copy", error))
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.server.rename(from, to, options).await.map_err(|error| self.failed("rename", error))
    }

    /// Makes sure that the namespace is there, is still the same, and can be read.
    async fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.same_namespace().await.map_err(|error| self.failed("check", error))?;
        self.list(&Prefix::root(), &ListOptions::default().with_limit(1)).await.map(drop)
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        None
    }
}
