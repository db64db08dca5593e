//! worldstore tables in the Iceberg format with an SQL or REST catalog, every byte through a worldstore backend.
//!
//! [`IcebergTables`] is an [`AsyncTableBackend`](worldstore_async::table::AsyncTableBackend). Data files, manifests and
//! table metadata go through the backend; only the catalog, one pointer for each table, is a database beside it: an SQLite
//! file, or for writers on several hosts a PostgreSQL server, or a server of Iceberg's REST protocol (feature `rest`).
//! PyIceberg and DuckDB read the tables, and may append to them.
//!
//! Appends happen exactly once: the watermark is a property of the table and stands in the summary of every snapshot
//! of ours; it is compared with the very metadata on which the commit builds, and the commit takes effect only if the
//! catalog still points there. Where the two disagree, another program rolled the table back: that is an error, never
//! a silent second append.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow::array::{Int64Array, RecordBatch};
//! use futures::TryStreamExt;
//! use worldstore_async::SyncBackendAdapter;
//! use worldstore_async::table::AsyncTableBackend;
//! use worldstore_core::Memory;
//! use worldstore_core::table::{AppendOptions, CreateOptions, Scan, TableName};
//! use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> worldstore_core::Result<()> {
//! let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())));
//! let config = IcebergConfig::new(CatalogLocation::Memory, "memory://here");
//! let tables = IcebergTables::open(backend, config).await?;
//!
//! # let invalid = |_| worldstore_core::Error::unexpected("batch");
//! let rows = RecordBatch::try_from_iter([("tick", Arc::new(Int64Array::from(vec![1, 2])) as _)]).map_err(invalid)?;
//! let name = TableName::new("ticks")?;
//! tables.create(&name, &CreateOptions::new(rows.schema())).await?;
//! let receipt = tables.append(&name, vec![rows.clone()], &AppendOptions::exactly_once(0, 1)).await?;
//! assert_eq!((receipt.rows, receipt.version), (2, Some(1)));
//! // The same step again is refused: it has happened.
//! assert!(tables.append(&name, vec![rows.clone()], &AppendOptions::exactly_once(0, 1)).await.is_err());
//!
//! let read: Vec<RecordBatch> = tables.scan(&name, &Scan::all()).await?.batches.try_collect().await?;
//! assert_eq!(read, [rows]);
//! # Ok(())
//! # }
//! ```

mod absent;
mod catalog;
mod claim;
mod clock;
mod commit;
mod config;
mod create;
mod data;
mod dated;
mod deletes;
mod edit;
mod error;
mod evolution;
mod files;
mod fit;
mod orphans;
mod outside;
mod partition;
mod pruning;
mod recover;
mod scan;
mod shelf;
mod state;
mod storage;
mod summary;
mod tables;
mod types;
mod upkeep;

pub use catalog::{CATALOG, NAMESPACE};
pub use config::{CatalogLocation, IcebergConfig, MetadataCompression, Partitioning};
pub use orphans::{OrphanOptions, Orphans};
pub use outside::CatalogReader;
pub use recover::{CatalogRecovery, RecoveredTable, UnclearTable};
pub use state::{EPOCH_KEY, WATERMARK_KEY};
pub use tables::IcebergTables;
pub use types::ARROW_TYPE_KEY;
