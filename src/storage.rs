//! A byte store, opened from a URI.

use std::path::PathBuf;
use std::sync::Arc;

use worldstore_async::wrap::{AsyncMetricsBackend, AsyncTraceBackend};
use worldstore_async::{AsyncBackend, AsyncStore, SyncBackendAdapter};
use worldstore_core::wrap::{Metrics, MetricsBackend, TraceBackend, TraceScope};
use worldstore_core::{Backend, Result, Store};

use crate::registry::{OpenOptions, Registry};

/// A byte store, and how others find it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Storage {
    /// The bytes.
    pub backend: Arc<dyn AsyncBackend>,
    /// The same bytes for those who do not await, where the backend is sync by itself.
    pub sync_backend: Option<Arc<dyn Backend>>,
    /// The public URI of the root, without a trailing `/`: what other readers of the tables use.
    pub location: String,
    /// The folder, where the root is one.
    pub folder: Option<PathBuf>,
    /// The address of the service that has the bytes, where the location may name a root at several: of one that speaks
    /// S3 and is not Amazon's, of a storage account.
    pub service: Option<String>,
    /// What went through it, since it is [watched](Self::watched).
    pub(crate) metrics: Arc<Metrics>,
}

/// Whether the root may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Root {
    /// Make it if it is missing.
    #[default]
    Create,
    /// Fail with `NotFound` if it is missing.
    Existing,
}

impl Storage {
    /// A storage over an async backend.
    pub fn from_async(backend: Arc<dyn AsyncBackend>, location: impl Into<String>) -> Self {
        Self {
            backend,
            sync_backend: None,
            location: location.into(),
            folder: None,
            service: None,
            metrics: Arc::default(),
        }
    }

    /// A storage over a sync backend, which is used from both sides.
    pub fn from_sync(backend: Arc<dyn Backend>, location: impl Into<String>) -> Self {
        let adapter = SyncBackendAdapter::new(backend.clone());
        Self { sync_backend: Some(backend), ..Self::from_async(Arc::new(adapter), location) }
    }

    /// Sets the folder that the root is.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets the service that has the bytes. It is no secret, and shown in errors.
    #[must_use]
    pub fn with_service(mut self, service: Option<String>) -> Self {
        self.service = service;
        self
    }

    /// Opens what a URI names, with [`Registry::compiled_in`]: `memory:`, `file:///folder`, a plain path,
    /// `s3://bucket/prefix` and the like. A `memory:` store is new each time.
    ///
    /// # Errors
    /// `Invalid` for an unknown scheme, `NotFound` for a missing root that may not be made, those of the backend.
    pub async fn open(uri: &str, root: Root) -> Result<Self> {
        Registry::compiled_in().open(uri, &OpenOptions::default().with_root(root)).await
    }

    /// With a span around each call, and counts of them.
    #[must_use]
    pub(crate) fn watched(self) -> Self {
        let metrics = Arc::new(Metrics::default());
        let traced = Arc::new(AsyncTraceBackend::new(self.backend, TraceScope::Call));
        let sync_backend = self.sync_backend.map(|backend| {
            let traced = Arc::new(TraceBackend::new(backend, TraceScope::Call));
            Arc::new(MetricsBackend::new(traced, Arc::clone(&metrics))) as Arc<dyn Backend>
        });
        let backend = Arc::new(AsyncMetricsBackend::new(traced, Arc::clone(&metrics)));
        Self { backend, sync_backend, metrics, ..self }
    }

    /// The whole storage as a store.
    pub fn store(&self) -> AsyncStore {
        AsyncStore::new(self.backend.clone())
    }

    /// The whole storage as a store for those who do not await, where the backend is sync by itself.
    pub fn sync_store(&self) -> Option<Store> {
        self.sync_backend.clone().map(Store::new)
    }
}
