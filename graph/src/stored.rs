//! The catalog of a graph in a byte store.

use std::sync::Arc;

use worldstore_async::{AsyncBackend, AsyncBackendAdapter};
use worldstore_core::manifest::{ManifestOptions, Manifests};
use worldstore_core::{Error, Prefix, Result};
use worldstore_cypher::Span;
use worldstore_cypher::ast::{CreateNodeLabel, Name, Source, Text};

use crate::catalog::{CatalogStore, Declared, Dropped, Record};
use crate::error::QueryError;
use crate::graph::Graph;

impl Graph {
    /// Opens the catalog in a folder of a store, or begins one if there is none. What is declared from now on is stored
    /// there, and what others declare and drop is seen by the next statement. Say what is mounted, and which formats and
    /// tables there are, before: labels whose mount is missing are there, and fail when they are asked.
    ///
    /// Columns and path columns are as they were when a label was made; nothing but the catalog is read.
    ///
    /// # Errors
    /// Those of [`Manifests`]; `Corrupt` if a record cannot be read.
    pub async fn open(self, store: Arc<dyn AsyncBackend>, folder: Prefix) -> Result<Self> {
        let opened = tokio::task::spawn_blocking(move || {
            let backend = Arc::new(AsyncBackendAdapter::new(store)?);
            Manifests::open_or_create(backend, folder, ManifestOptions::default().with_writer("graph"))
        });
        let manifests = opened.await.map_err(|source| Error::unexpected("a task did not end").caused_by(source))??;
        self.open_manifests(manifests).await
    }

    /// The same, of a chain of manifests that is open already. It is for catalogs only: nobody may take it over with a
    /// [`Writer`](worldstore_core::manifest::Writer).
    ///
    /// # Errors
    /// As for [`open`](Self::open); `Invalid` if something is declared already, or a catalog is open.
    pub async fn open_manifests(mut self, manifests: Manifests) -> Result<Self> {
        if self.store.is_some() || !self.read().labels.is_empty() {
            return Err(Error::invalid("a catalog is opened by a graph without labels"));
        }
        // Clones from before keep what they had.
        (self.catalog, self.owned) = Default::default();
        self.store = Some(Arc::new(CatalogStore::new(manifests)));
        self.refresh().await?;
        Ok(self)
    }

    /// Takes over what others have declared and dropped, as every statement does by itself: one listing if there is
    /// nothing new. Nothing happens where the catalog is in memory only.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn refresh(&self) -> Result<()> {
        if let Some(store) = &self.store
            && let Some(change) = store.refresh(&self.mounts).await?
        {
            self.change(change);
        }
        Ok(())
    }

    /// Declares a label over Hive partitions of Parquet, as `CREATE NODE LABEL label VIRTUAL FROM PARTITION 'partition'`
    /// does, and answers the number of the manifest that says so: 0 where the catalog is in memory only.
    ///
    /// # Errors
    /// As for [`query`](Self::query).
    pub async fn register_virtual_partition(&self, label: &str, partition: &str) -> Result<u64, QueryError> {
        let span = Span::default();
        let create = CreateNodeLabel {
            label: Name { text: label.to_owned(), span },
            source: Source::Partition(Text { value: partition.to_owned(), span }),
            key: None,
            computed: Vec::new(),
        };
        if label.is_empty() {
            return Err(Error::invalid("a label has a name").into());
        }
        Ok(self.create_label(&create).await?.0)
    }

    /// Stores a declaration, if there is where, and takes it over.
    pub(crate) async fn declare(&self, declared: Declared, record: &Record) -> Result<u64> {
        let Some(store) = &self.store else {
            self.change(|catalog| declared.put(catalog));
            return Ok(0);
        };
        let (number, change) = store.declare(declared, record, &self.mounts).await?;
        self.change(change);
        Ok(number)
    }

    /// Stores that something is gone, if there is where, and takes it over.
    pub(crate) async fn undeclare(&self, what: Dropped, name: &str) -> Result<()> {
        match &self.store {
            Some(store) => {
                if let Some(change) = store.undeclare(what, name, &self.mounts).await? {
                    self.change(change);
                }
            }
            None => self.change(|catalog| match what {
                Dropped::Label => _ = catalog.labels.remove(name),
                Dropped::EdgeType => _ = catalog.edge_types.remove(name),
            }),
        }
        Ok(())
    }
}
