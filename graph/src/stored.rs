//! The catalog of a graph in a byte store.

use std::sync::Arc;
use std::time::Duration;

use worldstore_async::{AsyncBackend, AsyncBackendAdapter};
use worldstore_core::manifest::{ExpireOptions, ManifestOptions, Manifests};
use worldstore_core::{Error, ErrorKind, Prefix, Result};
use worldstore_cypher::ast::{CreateNodeLabel, Name, Source, StatementKind, Text};
use worldstore_cypher::{Span, parse};
use worldstore_cypher_runtime::writes;

use crate::catalog::{CatalogStore, Declared, Dropped, ExpiredCatalog, Here, Record, blocking};
use crate::error::QueryError;
use crate::graph::Graph;
use crate::owned::{CreatedName, Published, forget};

/// So often a name is forgotten anew because others change what was created.
const FORGETS_MAX: u32 = 32;

impl Graph {
    /// Opens the catalog in a folder of a store, or begins one if there is none. What is declared and created from now on
    /// is stored there: each statement wholly or not at all. What others declare, drop, create and change is seen by the
    /// next statement. Say what is mounted, and which formats and
    /// tables there are, before: labels whose mount is missing are there, and fail when they are asked.
    ///
    /// Columns and path columns are as they were when a label was made; nothing but the catalog is read.
    ///
    /// # Errors
    /// Those of [`Manifests`]; `Corrupt` if a record cannot be read.
    pub async fn open(self, store: Arc<dyn AsyncBackend>, folder: Prefix) -> Result<Self> {
        let manifests = blocking(move || {
            let backend = Arc::new(AsyncBackendAdapter::new(store)?);
            Manifests::open_or_create(backend, folder, ManifestOptions::default().with_writer("graph"))
        });
        self.open_manifests(manifests.await?).await
    }

    /// Opens the catalog in a folder of a store, and begins none: nothing is written, so that readers need no right to.
    /// What is declared and created later is stored as after [`open`](Self::open).
    ///
    /// # Errors
    /// As for [`open`](Self::open); `NotFound` if there is no catalog.
    pub async fn open_existing(self, store: Arc<dyn AsyncBackend>, folder: Prefix) -> Result<Self> {
        let manifests = blocking(move || {
            let backend = Arc::new(AsyncBackendAdapter::new(store)?);
            Manifests::open(backend, folder, ManifestOptions::default().with_writer("graph"))
        });
        self.open_manifests(manifests.await?).await
    }

    /// True if a statement of the text declares or creates something: such a text may begin a catalog where there is none.
    /// What only reads, drops or cannot be parsed may not.
    pub fn is_beginning(text: &str) -> bool {
        let statements = parse(text).unwrap_or_default();
        statements.iter().any(|statement| match &statement.kind {
            StatementKind::CreateNodeLabel(_)
            | StatementKind::CreateEdgeType(_)
            | StatementKind::CreateOverlay(_)
            | StatementKind::CreateLiveView(_) => true,
            StatementKind::Query(query) | StatementKind::Profile(query) => writes(query),
            _ => false,
        })
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
        self.store = Some(Arc::new(CatalogStore::new(manifests, self.expiry.clone())));
        self.refresh().await?;
        Ok(self)
    }

    /// Takes over what others have declared, dropped, created and changed, as every statement does by itself: one listing if there is
    /// nothing new. Nothing happens where the catalog is in memory only.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn refresh(&self) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut failed: Option<(u64, Error)> = None;
        loop {
            let newest = store.refresh(self.here()).await?;
            let (number, created, owned) = (newest.number, store.owned(), Arc::clone(&self.owned));
            let has_news = created.has_news(&newest, &owned)?;
            match failed {
                Some((before, error)) if before == number => return Err(error),
                _ if !has_news => return Ok(()),
                _ => {}
            }
            match blocking(move || created.take(&newest, &owned)).await {
                // Others may have merged and collected it; then there is a newer manifest, which does not need it.
                Err(error) if error.is_not_found() => failed = Some((number, error)),
                taken => return taken,
            }
        }
    }

    /// What a stored catalog keeps when it expires by itself: the last 64 states and those younger than 10 minutes. What is
    /// tagged or leased is kept in any case.
    pub fn kept_states() -> ExpireOptions {
        ExpireOptions::default().with_keep_last(64).with_keep_for(Duration::from_secs(600))
    }

    /// Removes old states of the stored catalog, and contents to which nothing refers any more, as it does by itself after
    /// each 64th manifest. A content goes in the second call after nothing refers to it any more. It can be called at any time, by
    /// any process, and is taken up by the next call if it is cut short.
    ///
    /// States that are younger than a statement takes should be kept, as [`kept_states`](Self::kept_states) does: what reads
    /// a state that is gone begins again on the newest, and a statement whose state is gone before it is known to be published
    /// is `OutcomeUnknown`.
    ///
    /// # Errors
    /// `Invalid` if no catalog is open; those of [`Manifests::expire`] and [`Manifests::collect`].
    pub async fn expire(&self, options: &ExpireOptions) -> Result<ExpiredCatalog> {
        match &self.store {
            Some(store) => store.expire(options).await,
            None => Err(Error::invalid("a graph in memory has no states to expire")),
        }
    }

    /// Expires if it is time.
    pub(crate) async fn keep_up(&self) {
        if let Some(store) = &self.store {
            store.keep_up().await;
        }
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
        let number = self.create_label(&create).await?.0;
        self.keep_up().await;
        Ok(number)
    }

    /// Stores a declaration, if there is where, takes it over, and answers the number of its manifest, or 0.
    pub(crate) async fn declare(&self, declared: Declared, record: &Record) -> Result<u64> {
        Ok(self.declare_after(declared, record, None).await?.unwrap_or_default())
    }

    /// The same for what must not be created: none if more statements have created something than `created`.
    pub(crate) async fn declare_after(
        &self,
        declared: Declared,
        record: &Record,
        created: Option<u64>,
    ) -> Result<Option<u64>> {
        let Some(store) = &self.store else {
            self.change(|catalog| declared.put(catalog));
            return Ok(Some(0));
        };
        store.declare(declared, record, created, self.here()).await
    }

    pub(crate) fn here(&self) -> Here<'_> {
        Here { catalog: &self.catalog, mounts: &self.mounts }
    }

    /// Forgets a label or a type that queries have created, and that nothing has any more; false if none have.
    pub(crate) async fn forget(&self, name: CreatedName) -> Result<bool> {
        for _ in 0..FORGETS_MAX {
            let (name, owned) = (name.clone(), Arc::clone(&self.owned));
            let store = self.store.as_ref().map(|store| store.owned());
            match blocking(move || forget(&name, &owned, store.as_ref())).await? {
                None => return Ok(false),
                Some(Published::Done) => return Ok(true),
                Some(Published::Stale) => self.refresh().await?,
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others have changed what was created first each time"))
    }

    /// Stores that something is gone, if there is where, and takes it over.
    pub(crate) async fn undeclare(&self, what: Dropped, name: &str) -> Result<()> {
        match &self.store {
            Some(store) => store.undeclare(what, name, self.here()).await,
            None => {
                self.change(|catalog| what.take(name, catalog));
                Ok(())
            }
        }
    }
}
