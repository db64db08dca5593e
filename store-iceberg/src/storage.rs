//! Iceberg's files in our backend: paths are keys behind the public URI of the backend's root.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use iceberg::io::{
    FileIO, FileIOBuilder, FileMetadata, FileRead, FileWrite, InputFile, OutputFile, Storage, StorageConfig,
    StorageFactory,
};
use serde::{Deserialize, Serialize};
use worldstore_async::{AsyncBackend, AsyncWriter};
use worldstore_core::{
    Condition, DeleteOptions, Deleted, Error, Key, ListOptions, Prefix, ReadOptions, ReadRangesOptions, Result,
    StatOptions, WriteOptions,
};

use crate::error::to_iceberg;

/// A backend and the public URI of its root.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub backend: Arc<dyn AsyncBackend>,
    pub location: Arc<str>,
}

impl Root {
    /// The key of a file that the table names by its URI.
    ///
    /// # Errors
    /// `Unsupported` if it is not below the root, `Invalid` if it is no key.
    pub fn key(&self, path: &str) -> Result<Key> {
        Key::new(self.strip(path)?)
    }

    fn strip<'path>(&self, path: &'path str) -> Result<&'path str> {
        path.strip_prefix(&*self.location).and_then(|rest| rest.strip_prefix('/')).ok_or_else(|| {
            Error::unsupported("the file is not below the tables' root")
                .with("path", path)
                .with("location", &self.location)
        })
    }

    /// All file access of Iceberg's own code through this backend.
    pub fn file_io(&self) -> FileIO {
        FileIOBuilder::new(Arc::new(BackendStorage { root: Some(self.clone()) })).build()
    }

    /// Deletes files, whether they exist or not.
    ///
    /// # Errors
    /// The first failure; the others were attempted.
    pub async fn delete(&self, paths: &[String]) -> Result<()> {
        let keys = paths.iter().map(|path| self.key(path)).collect::<Result<Vec<_>>>()?;
        self.delete_keys(&keys).await
    }

    /// As [`delete`](Self::delete), by their keys.
    pub async fn delete_keys(&self, keys: &[Key]) -> Result<()> {
        let failed = |deleted| match deleted {
            Deleted::Failed(error) => Some(error),
            _ => None,
        };
        let deleted = self.backend.delete(keys, &DeleteOptions::default()).await?;
        deleted.into_iter().find_map(failed).map_or(Ok(()), Err)
    }

    async fn read(&self, path: &str) -> Result<Bytes> {
        let key = self.key(path)?;
        let reply = self.backend.read(&key, &ReadOptions::default()).await?;
        let mut chunks: Vec<Bytes> = reply.body.try_collect().await?;
        if chunks.len() == 1 {
            return Ok(chunks.remove(0));
        }
        let mut whole = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
        chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
        Ok(whole.freeze())
    }

    /// Iceberg's files are written once: one that exists is never replaced.
    async fn write(&self, path: &str, body: Bytes) -> Result<()> {
        let key = self.key(path)?;
        let outcome = self.backend.write(&key, body, &WriteOptions::if_absent()).await?;
        outcome.applied(&key, &Condition::IfAbsent).map(|_| ())
    }

    /// Deletes everything below a folder.
    pub async fn delete_prefix(&self, path: &str) -> Result<()> {
        let prefix = Prefix::new(self.strip(path.trim_end_matches('/'))?)?;
        let mut options = ListOptions::default();
        loop {
            let page = self.backend.list(&prefix, &options).await?;
            let keys: Vec<Key> = page.objects.into_iter().map(|object| object.key).collect();
            self.delete_keys(&keys).await?;
            match page.next {
                Some(token) => options = ListOptions::default().with_token(token),
                None => return Ok(()),
            }
        }
    }
}

/// Storage and its factory. A live backend does not travel through serde: what comes out of there can do nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct BackendStorage {
    #[serde(skip)]
    root: Option<Root>,
}

impl BackendStorage {
    fn root(&self) -> iceberg::Result<&Root> {
        let lost = || to_iceberg(Error::unsupported("the storage was deserialized and has no backend"));
        self.root.as_ref().ok_or_else(lost)
    }
}

#[typetag::serde(name = "WorldstoreStorageFactory")]
impl StorageFactory for BackendStorage {
    fn build(&self, _config: &StorageConfig) -> iceberg::Result<Arc<dyn Storage>> {
        self.root()?;
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
#[typetag::serde(name = "WorldstoreStorage")]
impl Storage for BackendStorage {
    async fn exists(&self, path: &str) -> iceberg::Result<bool> {
        match self.metadata(path).await {
            Ok(_) => Ok(true),
            Err(error) if worldstore_async::object_store::find_error(&error).is_some_and(Error::is_not_found) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn metadata(&self, path: &str) -> iceberg::Result<FileMetadata> {
        let root = self.root()?;
        let key = root.key(path).map_err(to_iceberg)?;
        let meta = root.backend.stat(&key, &StatOptions::default()).await.map_err(to_iceberg)?;
        Ok(FileMetadata { size: meta.size })
    }

    async fn read(&self, path: &str) -> iceberg::Result<Bytes> {
        self.root()?.read(path).await.map_err(to_iceberg)
    }

    async fn reader(&self, path: &str) -> iceberg::Result<Box<dyn FileRead>> {
        let root = self.root()?.clone();
        let key = root.key(path).map_err(to_iceberg)?;
        Ok(Box::new(Reader { root, key }))
    }

    async fn write(&self, path: &str, bs: Bytes) -> iceberg::Result<()> {
        self.root()?.write(path, bs).await.map_err(to_iceberg)
    }

    async fn writer(&self, path: &str) -> iceberg::Result<Box<dyn FileWrite>> {
        let root = self.root()?;
        let key = root.key(path).map_err(to_iceberg)?;
        let inner = root.backend.open_writer(&key, &WriteOptions::if_absent()).await.map_err(to_iceberg)?;
        Ok(Box::new(Writer { key, inner: Some(inner) }))
    }

    async fn delete(&self, path: &str) -> iceberg::Result<()> {
        self.root()?.delete(&[path.to_owned()]).await.map_err(to_iceberg)
    }

    async fn delete_prefix(&self, path: &str) -> iceberg::Result<()> {
        self.root()?.delete_prefix(path).await.map_err(to_iceberg)
    }

    async fn delete_stream(&self, paths: BoxStream<'static, String>) -> iceberg::Result<()> {
        let root = self.root()?;
        let mut chunks = paths.chunks(1000);
        while let Some(paths) = chunks.next().await {
            root.delete(&paths).await.map_err(to_iceberg)?;
        }
        Ok(())
    }

    fn new_input(&self, path: &str) -> iceberg::Result<InputFile> {
        Ok(InputFile::new(Arc::new(self.clone()), path.to_owned()))
    }

    fn new_output(&self, path: &str) -> iceberg::Result<OutputFile> {
        Ok(OutputFile::new(Arc::new(self.clone()), path.to_owned()))
    }
}

struct Reader {
    root: Root,
    key: Key,
}

#[async_trait]
impl FileRead for Reader {
    async fn read(&self, range: Range<u64>) -> iceberg::Result<Bytes> {
        let options = ReadRangesOptions::default();
        let parts = self.root.backend.read_ranges(&self.key, &[range], &options).await.map_err(to_iceberg)?;
        let missing = || to_iceberg(Error::unexpected("the backend returned no part").with("key", &self.key));
        parts.into_iter().next().ok_or_else(missing)
    }
}

/// A file in the making: dropped before it is closed, it leaves nothing.
struct Writer {
    key: Key,
    inner: Option<Box<dyn AsyncWriter>>,
}

impl Writer {
    fn closed(&self) -> iceberg::Error {
        to_iceberg(Error::invalid("the file was closed before").with("key", &self.key))
    }
}

#[async_trait]
impl FileWrite for Writer {
    async fn write(&mut self, bs: Bytes) -> iceberg::Result<()> {
        match &mut self.inner {
            Some(inner) => inner.write(bs).await.map_err(to_iceberg),
            None => Err(self.closed()),
        }
    }

    async fn close(&mut self) -> iceberg::Result<()> {
        let inner = self.inner.take().ok_or_else(|| self.closed())?;
        let outcome = inner.commit().await.map_err(to_iceberg)?;
        outcome.applied(&self.key, &Condition::IfAbsent).map(|_| ()).map_err(to_iceberg)
    }
}
