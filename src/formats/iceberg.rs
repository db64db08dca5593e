//! Iceberg tables: by a metadata file, or by a catalog.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::{Error, Key, Result};
use worldstore_datafusion::{Moment, PinnedTable};
use worldstore_graph::{FormatTable, TableFormat, TablePlace};
use worldstore_iceberg::{CatalogLocation, CatalogReader, IcebergTables};

use super::{place, table};
use crate::Registry;
use crate::registry::masked;
use crate::world::CatalogPlace;

/// What the places of catalogs begin with.
const CATALOGS: [&str; 5] = ["sqlite:", "postgres://", "postgresql://", "rest+http://", "rest+https://"];
/// What names of metadata files end in.
const ENDING: &str = ".metadata.json";
/// The folder of metadata in that of a table.
const METADATA: &str = "metadata";

/// See the module.
#[derive(Debug)]
pub(super) struct IcebergFormat {
    registry: Registry,
}

impl IcebergFormat {
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

#[async_trait]
impl TableFormat for IcebergFormat {
    async fn open(&self, place: TablePlace<'_>) -> Result<Arc<dyn FormatTable>> {
        let source = match place {
            TablePlace::Mounted { backend, path } => Source::of_path(Arc::clone(backend), path)?,
            TablePlace::Uri(text) if CATALOGS.iter().any(|begin| text.starts_with(begin)) => {
                Source::of_catalog(&self.registry, &place::resolve(text)?)?
            }
            TablePlace::Uri(text) => {
                let (backend, path) = open_file(&self.registry, &place::resolve(text)?).await?;
                Source::of_path(backend, &path)?
            }
            _ => return Err(Error::unsupported("a place of this kind is not known")),
        };
        Ok(Arc::new(Table { source, newest: Mutex::default() }))
    }
}

/// What says which metadata file is the newest.
#[derive(Debug)]
enum Source {
    /// This file is, for ever.
    File(Arc<dyn AsyncBackend>, Key),
    /// A file in this folder tells.
    Folder(Arc<dyn AsyncBackend>, Key),
    /// A catalog tells.
    Catalog(Box<Registry>, CatalogReader, String),
}

impl Source {
    fn of_path(backend: Arc<dyn AsyncBackend>, path: &str) -> Result<Self> {
        let key = Key::new(path.trim_end_matches('/'))?;
        Ok(match path.ends_with(ENDING) {
            true => Self::File(backend, key),
            false => Self::Folder(backend, key),
        })
    }

    /// Reads `CATALOG#[name/][namespace.]table`.
    fn of_catalog(registry: &Registry, text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let form = "CATALOG#table, CATALOG#namespace.table or CATALOG#name/namespace.table";
            Err(Error::invalid(why).with("place", masked(text)).with("form", form))
        };
        let Some((catalog, table)) = text.rsplit_once('#').filter(|(_, table)| !table.is_empty()) else {
            return wrong("a table of a catalog is named behind `#`");
        };
        let (name, table) = table.split_once('/').map_or((None, table), |(name, table)| (Some(name), table));
        let (namespace, table) = table.rsplit_once('.').map_or((None, table), |(space, table)| (Some(space), table));
        if table.is_empty() || name == Some("") || namespace == Some("") {
            return wrong("a part of the table's name is empty");
        }
        let location = match CatalogPlace::from(catalog) {
            CatalogPlace::File(file) => CatalogLocation::File(file),
            CatalogPlace::Postgres(uri) => CatalogLocation::Postgres(uri),
            CatalogPlace::Rest(_) if name.or(namespace).is_some() => {
                return wrong("the namespace of a server stands in its URI, as `?namespace=`");
            }
            CatalogPlace::Rest(uri) => CatalogLocation::Rest(uri),
        };
        let mut reader = CatalogReader::new(&location)?;
        if let Some(name) = name {
            reader = reader.with_catalog(name);
        }
        if let Some(namespace) = namespace {
            reader = reader.with_namespace(namespace);
        }
        Ok(Self::Catalog(Box::new(registry.clone()), reader, table.to_owned()))
    }

    /// What identifies the newest state, if it can be known without reading it.
    async fn state(&self) -> Result<Option<String>> {
        match self {
            Self::File(_, key) => Ok(Some(key.to_string())),
            Self::Folder(..) => Ok(None),
            Self::Catalog(_, reader, table) => reader.metadata_location(table).await.map(Some),
        }
    }

    async fn open(&self, state: Option<&str>) -> Result<IcebergTables> {
        match (self, state) {
            (Self::File(backend, key) | Self::Folder(backend, key), _) => {
                IcebergTables::of_metadata(Arc::clone(backend), key).await
            }
            (Self::Catalog(registry, ..), Some(location)) => {
                let about = |error: Error| error.with("metadata", masked(location));
                let (backend, path) = open_file(registry, location).await.map_err(about)?;
                IcebergTables::of_metadata(backend, &Key::new(path)?).await.map_err(about)
            }
            (Self::Catalog(..), None) => Err(Error::unexpected("a catalog gave no location")),
        }
    }
}

/// Opens the store of a metadata file so that the files of its table are in it too.
async fn open_file(registry: &Registry, uri: &str) -> Result<(Arc<dyn AsyncBackend>, String)> {
    let Some((folder, name)) = uri.rsplit_once('/').filter(|_| uri.ends_with(ENDING)) else {
        return place::open(registry, uri).await;
    };
    let (table, rest) = match folder.rsplit_once('/') {
        Some((table, METADATA)) if !table.is_empty() => (table, format!("{METADATA}/{name}")),
        _ => (folder, name.to_owned()),
    };
    let (backend, path) = place::open(registry, table).await?;
    let separator = if path.is_empty() { "" } else { "/" };
    Ok((backend, format!("{path}{separator}{rest}")))
}

#[derive(Debug)]
struct Table {
    source: Source,
    /// The newest state that was opened, and what identifies it.
    newest: Mutex<Option<(String, Arc<dyn AsyncTableBackend>)>>,
}

impl Table {
    async fn tables(&self) -> Result<Arc<dyn AsyncTableBackend>> {
        let state = self.source.state().await?;
        let mut newest = self.newest.lock().await;
        if let (Some((known, tables)), Some(state)) = (&*newest, &state)
            && known == state
        {
            return Ok(Arc::clone(tables));
        }
        let tables: Arc<dyn AsyncTableBackend> = Arc::new(self.source.open(state.as_deref()).await?);
        if let Some(state) = state {
            *newest = Some((state, Arc::clone(&tables)));
        }
        Ok(tables)
    }
}

#[async_trait]
impl FormatTable for Table {
    async fn pin(&self, at: Option<&Moment>) -> Result<Option<Arc<dyn PinnedTable>>> {
        table::pin(&self.tables().await?, &IcebergTables::any_name()?, at).await
    }
}
