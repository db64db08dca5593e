//! A store with faults: it loses replies, ignores conditions, or counts what reaches it.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None.
    Nothing,
    /// Puts happen, and their replies are lost.
    LosesReplies,
    /// Puts are lost on their way.
    LosesPuts,
    /// Puts happen whatever their condition.
    IgnoresConditions,
}

#[derive(Debug)]
pub struct Careless {
    pub inner: InMemory,
    pub fault: Fault,
    pub calls: AtomicUsize,
}

impl Careless {
    pub fn new(fault: Fault) -> Self {
        Self { inner: InMemory::new(), fault, calls: AtomicUsize::new(0) }
    }

    fn called(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

impl fmt::Display for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("careless")
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic { store: "careless", source: "nobody answered".into() }
}

#[async_trait]
impl ObjectStore for Careless {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        self.called();
        match self.fault {
            Fault::LosesPuts => return Err(lost()),
            Fault::IgnoresConditions => opts.mode = PutMode::Overwrite,
            Fault::Nothing | Fault::LosesReplies => {}
        }
        let put = self.inner.put_opts(location, payload, opts).await;
        if self.fault == Fault::LosesReplies { Err(lost()) } else { put }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.called();
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.called();
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.called();
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.called();
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.called();
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.called();
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.called();
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.called();
        self.inner.rename_opts(from, to, options).await
    }
}
