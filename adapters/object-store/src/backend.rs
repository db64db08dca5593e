//! The backend: names, settings, and the contract spread over the modules of its operations.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, PutPayload};
#[cfg(feature = "cloud")]
use worldstore_async::AsyncPresign;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncWriter};
use worldstore_core::{
    BackendInfo, Capability, CheckOptions, Condition, CopyOptions, DeleteOptions, Deleted, Error, Key, ListOptions,
    ListPage, Namespace, ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result,
    SettleOptions, Settled, StatOptions, WriteOptions, WriteToken,
};

use crate::attempts::Seen;
#[cfg(feature = "cloud")]
use crate::direct::Direct;
use crate::failure;
use crate::protocol::Protocol;
use crate::upload::ObjectWriter;
use crate::write::Token;

/// The size of a part of a multipart upload, in bytes. S3 allows 10,000 parts, so an object can have 78 GiB.
pub const PART_BYTES: usize = 8 << 20;

/// How much a writer with a condition holds in memory at most, in bytes, unless configured.
pub const CONDITIONAL_BYTES_MAX: usize = 256 << 20;

/// Any object store as a backend.
///
/// Versions are etags, on Google Cloud Storage generations. A change is answered with [`Outcome::Unknown`] if a request
/// may have arrived but no reply said so, and no write token resolves it.
///
/// With the capability `write_tokens` every object carries, as user metadata `worldstorewrite`, the token that the
/// caller gave or a random one. A lost reply is then resolved by reading back.
///
/// # Contract
/// The capability that is given must be true of the store. Object stores do not tell what they can do; what is not
/// declared is refused before any I/O. `rename` in particular may only be declared if it is atomic, which copy and
/// delete are not.
#[derive(Clone)]
pub struct ObjectStoreBackend {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) conditional: Arc<dyn ObjectStore>,
    pub(crate) capability: Capability,
    pub(crate) protocol: Protocol,
    pub(crate) part_bytes: usize,
    pub(crate) conditional_bytes_max: usize,
    #[cfg(feature = "cloud")]
    pub(crate) direct: Option<Direct>,
    scheme: &'static str,
    location: String,
    service: Option<String>,
    root: Prefix,
}

impl ObjectStoreBackend {
    /// Uses a store that can do what `capability` says, from its root on.
    pub fn new(store: Arc<dyn ObjectStore>, capability: Capability) -> Self {
        Self {
            conditional: Arc::clone(&store),
            location: store.to_string(),
            store,
            capability,
            protocol: Protocol::ANY,
            part_bytes: PART_BYTES,
            conditional_bytes_max: CONDITIONAL_BYTES_MAX,
            #[cfg(feature = "cloud")]
            direct: None,
            scheme: "object-store",
            service: None,
            root: Prefix::root(),
        }
    }

    /// Sends writes with a condition through this store: the same one, but without retries. A conditional write that
    /// is repeated after a lost reply would be rejected by its own first attempt.
    #[must_use]
    pub fn with_conditional_store(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.conditional = store;
        self
    }

    /// Sets scheme and location for messages; the location is without secrets.
    #[must_use]
    pub fn with_name(mut self, scheme: &'static str, location: impl Into<String>) -> Self {
        (self.scheme, self.location) = (scheme, location.into());
        self
    }

    /// Sets the address of the service, without secrets.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// The address of the service, where the location may name a bucket at several: an endpoint that was set, by the program
    /// or the environment, and on Azure always one with the account.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Keeps everything below this folder of the store.
    #[must_use]
    pub fn with_root(mut self, root: Prefix) -> Self {
        self.root = root;
        self
    }

    /// Sets the ways of a service and how it is asked without object_store.
    #[cfg(feature = "cloud")]
    pub(crate) fn with_protocol(mut self, protocol: Protocol, direct: Option<Direct>) -> Self {
        (self.protocol, self.direct) = (protocol, direct);
        self
    }

    /// Sets the size of a part of an upload, [`PART_BYTES`] by default. Smaller objects are sent at once. S3 wants at
    /// least 5 MiB.
    #[must_use]
    pub fn with_part_bytes(mut self, part_bytes: usize) -> Self {
        self.part_bytes = part_bytes.max(1);
        self
    }

    /// Sets how much a writer with a condition may hold in memory, [`CONDITIONAL_BYTES_MAX`] by default. Only
    /// Azure, and S3 where it can, finish an upload in parts under a condition; elsewhere such an object is sent at
    /// once.
    #[must_use]
    pub fn with_conditional_bytes_max(mut self, bytes_max: usize) -> Self {
        self.conditional_bytes_max = bytes_max;
        self
    }

    /// The path of a key, byte for byte.
    pub(crate) fn path(&self, key: &Key) -> Result<Path> {
        self.path_of(key.as_str()).map_err(|error| error.with("key", key))
    }

    pub(crate) fn path_of(&self, below_root: &str) -> Result<Path> {
        let full = self.root.key(below_root)?;
        match Path::parse(full.as_str()) {
            Ok(path) if path.as_ref() == full.as_str() => Ok(path),
            Ok(_) => Err(Error::invalid("the store would rewrite the key")),
            Err(error) => Err(Error::invalid("the store has no name for the key").caused_by(error)),
        }
    }

    /// The path of a folder; none for the root of the store.
    pub(crate) fn folder(&self, prefix: &Prefix) -> Result<Option<Path>> {
        match (prefix.is_root(), self.root.is_root()) {
            (true, true) => Ok(None),
            (true, false) => Ok(Some(Path::parse(self.root.as_str()).map_err(|error| {
                Error::invalid("the store has no name for the root").with("root", &self.root).caused_by(error)
            })?)),
            (false, _) => self.path_of(prefix.as_str()).map(Some),
        }
    }

    /// The text of a path below the root.
    pub(crate) fn below_root<'path>(&self, path: &'path Path) -> Result<&'path str> {
        self.root
            .strip(path.as_ref())
            .ok_or_else(|| Error::unexpected("the store answered with a name outside of the root").with("path", path))
    }

    pub(crate) fn key_of(&self, path: &Path) -> Result<Key> {
        Key::new(self.below_root(path)?)
    }

    pub(crate) fn meta_of(&self, meta: object_store::ObjectMeta) -> Result<ObjectMeta> {
        let key = self.key_of(&meta.location)?;
        let ours = ObjectMeta::new(key, meta.size).with_modified(meta.last_modified.into());
        Ok(self.versioned(ours, meta.e_tag, meta.version))
    }

    pub(crate) fn versioned(&self, meta: ObjectMeta, etag: Option<String>, generation: Option<String>) -> ObjectMeta {
        match self.protocol.version(etag, generation) {
            Some(version) if self.capability.versions => meta.with_version(version),
            _ => meta,
        }
    }

    /// An error of the store, with what was done to what.
    pub(crate) fn error(&self, operation: &'static str, name: &str, error: object_store::Error, seen: Seen) -> Error {
        failure::error_of(error, seen).during(operation).with("backend", self).with("key", name)
    }

    /// Refuses what the capability does not have.
    pub(crate) fn declared(&self, has: bool, message: &'static str) -> Result<()> {
        match has {
            true => Ok(()),
            false => Err(Error::unsupported(message).with("backend", self)),
        }
    }
}

impl fmt::Debug for ObjectStoreBackend {
    /// Without the store, whose own form shows credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreBackend")
            .field("name", &self.to_string())
            .field("capability", &self.capability)
            .field("part_bytes", &self.part_bytes)
            .field("conditional_bytes_max", &self.conditional_bytes_max)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ObjectStoreBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root.is_root() {
            true => write!(f, "{}({})", self.scheme, self.location),
            false => write!(f, "{}({}/{})", self.scheme, self.location, self.root),
        }
    }
}

#[async_trait]
impl AsyncBackend for ObjectStoreBackend {
    fn info(&self) -> BackendInfo {
        let root = match self.root.is_root() {
            true => self.location.clone(),
            false => format!("{}/{}", self.location, self.root),
        };
        BackendInfo::new(self.scheme, root, self.capability).with_namespace(Namespace::Flat)
    }

    async fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.head(key, None).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        self.read_object(key, options).await
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.read_parts(key, ranges, options).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.allow_write(options)?;
        let token = Token::new(options, self.capability);
        self.put(key, PutPayload::from(body), &options.condition, &token).await
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        self.allow_write(options)?;
        let path = self.path(key)?;
        Ok(Box::new(ObjectWriter::new(self.clone(), key.clone(), path, options)))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        self.settle_token(key, token).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        match &options.condition {
            Condition::IfMatch(version) => self.delete_if_match(keys, version).await,
            _ => self.delete_keys(keys).await,
        }
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.list_page(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.copy_object(from, to, &options.condition).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.rename_object(from, to, &options.condition).await
    }

    async fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.check_root().await?;
        self.check_conditions().await
    }

    #[cfg(feature = "cloud")]
    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.direct.as_ref()?.signer.as_ref().map(|_| self as &dyn AsyncPresign)
    }
}
