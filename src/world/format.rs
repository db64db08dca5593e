//! The table formats that are compiled in, and how a world opens its tables in each.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use worldstore_async::table::{AsyncTableBackend, AsyncTraceTables, SyncTableAdapter};
use worldstore_core::table::MemoryTables;
use worldstore_core::{Error, Result};

use super::{CatalogPlace, WorldOptions};
use crate::registry::{Residence, masked};
use crate::storage::Storage;

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// Lance datasets in the folder `tables`. Feature `lance`.
    Lance,
    /// Iceberg tables in the folder `warehouse`, with a catalog in SQLite, PostgreSQL or behind REST. Feature `iceberg`.
    Iceberg,
    /// Tables in memory, gone with the process. Only for `memory:`.
    Memory,
}

impl TableFormat {
    /// Its name in configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lance => "lance",
            Self::Iceberg => "iceberg",
            Self::Memory => "memory",
        }
    }

    /// What a new world at this place gets if nothing is said.
    pub(crate) fn default_for(place: Residence) -> Self {
        match place {
            Residence::Process => Self::Memory,
            _ if cfg!(feature = "iceberg") && !cfg!(feature = "lance") => Self::Iceberg,
            _ => Self::Lance,
        }
    }

    /// Refuses what cannot be opened at this place, before anything is made there.
    pub(super) fn check(self, uri: &str, place: Residence, options: &WorldOptions) -> Result<()> {
        match (self, place) {
            (Self::Lance, _) if cfg!(not(feature = "lance")) => Err(absent("Lance", "lance")),
            (Self::Iceberg, _) if cfg!(not(feature = "iceberg")) => Err(absent("Iceberg", "iceberg")),
            (Self::Iceberg, Residence::Remote) if options.catalog.is_none() => {
                Err(Error::invalid("Iceberg on a remote store needs a catalog elsewhere, a file or a server: set one")
                    .with("at", masked(uri)))
            }
            (Self::Iceberg, _) if cfg!(not(feature = "iceberg-rest")) && is_rest(options) => {
                Err(absent("the REST protocol of Iceberg's catalogs", "iceberg-rest"))
            }
            #[cfg(feature = "iceberg")]
            (Self::Iceberg, _) if is_rest(options) => match &options.catalog {
                Some(CatalogPlace::Rest(uri)) => worldstore_iceberg::CatalogLocation::Rest(uri.clone()).check(),
                _ => Ok(()),
            },
            (Self::Memory, Residence::Folder | Residence::Remote) => {
                Err(Error::invalid("memory tables would be gone with the process, they are for `memory:` only"))
            }
            _ => Ok(()),
        }
    }
}

fn is_rest(options: &WorldOptions) -> bool {
    matches!(options.catalog, Some(CatalogPlace::Rest(_)))
}

fn absent(format: &str, feature: &str) -> Error {
    Error::unsupported(format!("{format} is not compiled in, build with feature {feature}"))
}

impl fmt::Display for TableFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TableFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "lance" => Ok(Self::Lance),
            "iceberg" => Ok(Self::Iceberg),
            "memory" => Ok(Self::Memory),
            other => {
                Err(Error::invalid("unknown table format").with("format", other).with("known", "lance iceberg memory"))
            }
        }
    }
}

/// The tables of a world, and what keeps writers before this one from them.
pub(super) struct OpenTables {
    pub tables: Arc<dyn AsyncTableBackend>,
    /// None for tables that nobody else can open.
    pub fence: Option<Arc<dyn Fence>>,
}

impl From<Arc<dyn AsyncTableBackend>> for OpenTables {
    fn from(tables: Arc<dyn AsyncTableBackend>) -> Self {
        Self { tables, fence: None }
    }
}

/// Tables that take part in fencing.
pub(super) trait Fence: Send + Sync {
    /// From when this is done, no append with a smaller epoch takes effect.
    fn claim(&self, epoch: u64) -> BoxFuture<'_, Result<()>>;

    /// Whether that takes a commit to each table. It is left out then where whatever another may still commit is in the log
    /// too, which is not so of direct appends.
    fn is_costly(&self) -> bool;
}

#[cfg(feature = "lance")]
impl Fence for worldstore_lance::LanceTables {
    fn claim(&self, epoch: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.claim(epoch))
    }

    fn is_costly(&self) -> bool {
        true
    }
}

#[cfg(feature = "iceberg")]
impl Fence for worldstore_iceberg::IcebergTables {
    fn claim(&self, epoch: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.claim(epoch))
    }

    fn is_costly(&self) -> bool {
        false
    }
}

pub(super) async fn open_tables(format: TableFormat, storage: &Storage, options: &WorldOptions) -> Result<OpenTables> {
    let opened = match format {
        TableFormat::Lance => lance(storage).await,
        TableFormat::Iceberg => iceberg(storage, options).await,
        TableFormat::Memory => memory(storage).map(OpenTables::from),
    };
    opened.map(|opened| OpenTables { tables: Arc::new(AsyncTraceTables::new(opened.tables)), ..opened })
}

fn memory(storage: &Storage) -> Result<Arc<dyn AsyncTableBackend>> {
    match storage.backend.info().scheme {
        "memory" => Ok(Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())))),
        _ => Err(Error::invalid("memory tables would be gone with the process").with("at", &storage.location)),
    }
}

#[cfg(feature = "lance")]
async fn lance(storage: &Storage) -> Result<OpenTables> {
    use worldstore_core::Prefix;
    use worldstore_lance::{LanceConfig, LanceTables};
    let config = LanceConfig::default().with_prefix(Prefix::new("tables")?);
    let tables = Arc::new(LanceTables::open(storage.backend.clone(), config)?);
    Ok(OpenTables { tables: tables.clone(), fence: Some(tables) })
}

#[cfg(not(feature = "lance"))]
async fn lance(_storage: &Storage) -> Result<OpenTables> {
    Err(absent("Lance", "lance"))
}

#[cfg(feature = "iceberg")]
async fn iceberg(storage: &Storage, options: &WorldOptions) -> Result<OpenTables> {
    use worldstore_core::Prefix;
    use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

    let catalog = match (&options.catalog, &storage.folder) {
        (Some(CatalogPlace::File(file)), _) => CatalogLocation::File(file.clone()),
        (Some(CatalogPlace::Postgres(uri)), _) => CatalogLocation::Postgres(uri.clone()),
        (Some(CatalogPlace::Rest(uri)), _) => CatalogLocation::Rest(uri.clone()),
        (None, Some(folder)) => CatalogLocation::File(folder.join("catalog.db")),
        (None, None) if storage.backend.info().scheme == "memory" => CatalogLocation::Memory,
        (None, None) => {
            return Err(Error::invalid(
                "Iceberg on a remote store needs a catalog elsewhere, a file or a server: set one",
            )
            .with("at", &storage.location));
        }
    };
    let config = IcebergConfig::new(catalog, storage.location.clone()).with_prefix(Prefix::new("warehouse")?);
    let tables = Arc::new(IcebergTables::open(storage.backend.clone(), config).await?);
    Ok(OpenTables { tables: tables.clone(), fence: Some(tables) })
}

#[cfg(not(feature = "iceberg"))]
async fn iceberg(_storage: &Storage, _options: &WorldOptions) -> Result<OpenTables> {
    Err(absent("Iceberg", "iceberg"))
}
