//! Any backend as an `object_store::ObjectStore`, so that formats and engines keep their bytes in ours.

mod convert;
mod error;
mod upload;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode,
    Result,
};
use worldstore_core::{
    Condition, DeleteOptions, Deleted, Key, ListOptions, ListPage, Prefix, ReadOptions, ReadRangesOptions, StatOptions,
    Version, WriteOptions,
};

use crate::backend::AsyncBackend;
use convert::{key_of, meta_of, path_of, prefix_of};
pub use error::{find as find_error, from_object_store, to_object_store};
use upload::Upload;

/// Entries of the first page of a listing: who wants the newest name only does not wait for a thousand.
const FIRST_PAGE: usize = 100;

/// A backend, shown as an object store.
///
/// Etags are the backend's versions. Vectored reads are handed on as they are, not merged. An outcome that is not
/// known is an error that carries [`OutcomeUnknown`](worldstore_core::ErrorKind::OutcomeUnknown).
#[derive(Debug, Clone)]
pub struct BackendObjectStore {
    backend: Arc<dyn AsyncBackend>,
}

impl BackendObjectStore {
    /// Shows a backend.
    pub fn new(backend: Arc<dyn AsyncBackend>) -> Self {
        Self { backend }
    }

    async fn page(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.backend.list(prefix, options).await.map_err(to_object_store)
    }

    /// Lists page by page, and no further than it is asked.
    fn pages(&self, prefix: Prefix, first: ListOptions) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let pages = stream::try_unfold(Some(first), move |next| {
            let (store, prefix) = (store.clone(), prefix.clone());
            async move {
                let Some(options) = next else { return Ok::<_, object_store::Error>(None) };
                let page = store.page(&prefix, &options).await?;
                let next = page.next.map(|token| ListOptions::default().with_token(token));
                let metas = page.objects.into_iter().map(meta_of);
                Ok(Some((stream::iter(metas), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn delete_one(&self, location: Path) -> Result<Path> {
        let keys = [key_of(&location)?];
        let outcomes = self.backend.delete(&keys, &DeleteOptions::default()).await.map_err(to_object_store)?;
        match outcomes.into_iter().next() {
            Some(Deleted::Failed(error)) => Err(to_object_store(error)),
            Some(Deleted::Missing) => {
                Err(object_store::Error::NotFound { path: location.to_string(), source: "no such object".into() })
            }
            _ => Ok(location),
        }
    }
}

impl fmt::Display for BackendObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worldstore({})", self.backend)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for BackendObjectStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let key = key_of(location)?;
        let condition = match opts.mode {
            PutMode::Overwrite => Condition::None,
            PutMode::Create => Condition::IfAbsent,
            PutMode::Update(version) => match version.e_tag.or(version.version) {
                Some(token) => Condition::IfMatch(Version::new(token)),
                None => return Err(error::not_implemented("update without an etag")),
            },
        };
        let options = WriteOptions::default().with_condition(condition.clone());
        let written = self.backend.write(&key, Bytes::from(payload), &options).await;
        let meta = written.and_then(|outcome| outcome.applied(&key, &condition)).map_err(to_object_store)?;
        Ok(PutResult { e_tag: meta.version.map(|version| version.to_string()), version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let key = key_of(location)?;
        let writer = self.backend.open_writer(&key, &WriteOptions::default()).await.map_err(to_object_store)?;
        Ok(Box::new(Upload::new(key, writer)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let key = key_of(location)?;
        let pinned = options.version.as_ref().map(|version| Version::new(version.as_str()));
        let conditional = options.if_none_match.is_some()
            || options.if_match.is_some()
            || options.if_modified_since.is_some()
            || options.if_unmodified_since.is_some();
        let mut read = ReadOptions::default();
        read.version = pinned;
        if options.head || conditional {
            let meta = self.backend.stat(&key, &StatOptions::default()).await.map_err(to_object_store)?;
            meta.expect_version(read.version.as_ref()).map_err(to_object_store)?;
            let version = meta.version.clone();
            let meta = meta_of(meta)?;
            options.check_preconditions(&meta)?;
            if options.head {
                let (range, payload) = (0..0, GetResultPayload::Stream(stream::empty().boxed()));
                return Ok(GetResult { payload, meta, range, attributes: Default::default() });
            }
            // What was checked is what is read.
            read.version = read.version.or(version);
        }
        read.range = options.range.map(convert::range_of);
        let reply = self.backend.read(&key, &read).await.map_err(to_object_store)?;
        let payload = GetResultPayload::Stream(reply.body.map_err(to_object_store).boxed());
        Ok(GetResult { payload, meta: meta_of(reply.meta)?, range: reply.range, attributes: Default::default() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (key, options) = (key_of(location)?, ReadRangesOptions::default());
        self.backend.read_ranges(&key, ranges, &options).await.map_err(to_object_store)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = locations.and_then(move |location| {
            let store = store.clone();
            async move { store.delete_one(location).await }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match prefix_of(prefix) {
            Ok(prefix) => self.pages(prefix, ListOptions::default().with_limit(FIRST_PAGE)),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let first = Key::new(offset.as_ref()).map(|after| ListOptions::default().with_after(after));
        match (prefix_of(prefix), first) {
            (Ok(prefix), Ok(first)) => self.pages(prefix, first.with_limit(FIRST_PAGE)),
            // No key, but a place between keys.
            (Ok(prefix), Err(_)) => {
                let (all, offset) = (self.pages(prefix, ListOptions::default()), offset.clone());
                all.try_filter(move |meta| future::ready(meta.location > offset)).boxed()
            }
            (Err(error), _) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix_of(prefix)?;
        let mut options = ListOptions::default().one_level();
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        loop {
            let page = self.page(&prefix, &options).await?;
            for folder in &page.folders {
                common_prefixes.push(path_of(folder.as_str())?);
            }
            for object in page.objects {
                objects.push(meta_of(object)?);
            }
            match page.next {
                Some(token) => options = options.with_token(token),
                None => return Ok(ListResult { common_prefixes, objects }),
            }
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (from, to) = (key_of(from)?, key_of(to)?);
        let options = match options.mode {
            CopyMode::Overwrite => worldstore_core::CopyOptions::default(),
            CopyMode::Create => worldstore_core::CopyOptions::if_absent(),
        };
        let copied = self.backend.copy(&from, &to, &options).await;
        let applied = copied.and_then(|outcome| outcome.applied(&to, &options.condition));
        applied.map(|_| ()).map_err(to_object_store)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (from, to) = (key_of(from)?, key_of(to)?);
        let options = match options.target_mode {
            RenameTargetMode::Overwrite => worldstore_core::RenameOptions::default(),
            RenameTargetMode::Create => worldstore_core::RenameOptions::if_absent(),
        };
        let moved = self.backend.rename(&from, &to, &options).await;
        let applied = moved.and_then(|outcome| outcome.applied(&to, &options.condition));
        applied.map(|_| ()).map_err(to_object_store)
    }
}
