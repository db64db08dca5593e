//! worldstore tables in the Lance format, every byte through a worldstore backend.
//!
//! [`LanceTables`] is an [`AsyncTableBackend`](worldstore_async::table::AsyncTableBackend). A table is a Lance dataset
//! in the folder `<prefix>/<table>.lance`, readable by pylance, LanceDB and DuckDB. Appends happen exactly once: the
//! watermark lies in the manifest that commits the rows, and the commit compares it first.
//!
//! ```
//! # use std::sync::Arc;
//! # use arrow::array::{Int64Array, RecordBatch};
//! # use arrow::datatypes::{DataType, Field, Schema};
//! use worldstore_async::{SyncBackendAdapter, table::AsyncTableBackend};
//! use worldstore_core::{ErrorKind, Memory, table::*};
//! use worldstore_lance::{LanceConfig, LanceTables};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())));
//! let tables = LanceTables::open(backend, LanceConfig::default())?;
//!
//! let table = TableName::new("events")?;
//! let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
//! tables.create(&table, &CreateOptions::new(schema.clone())).await?;
//! let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1, 2, 3]))])?;
//! let once = AppendOptions::exactly_once(0, 1);
//! let receipt = tables.append(&table, vec![batch.clone()], &once).await?;
//! assert_eq!((receipt.rows, receipt.level), (3, Level::Committed));
//!
//! let again = tables.append(&table, vec![batch], &once).await.unwrap_err();
//! assert_eq!(again.kind(), ErrorKind::ConditionFailed);
//! # Ok(())
//! # }
//! ```

mod append;
mod caught;
mod commit;
mod config;
mod error;
mod expression;
mod files;
mod hidden;
mod index;
mod lineage;
mod provider;
mod rewrite;
mod scan;
mod spans;
mod tables;
mod types;
mod upkeep;

pub use commit::{EPOCH_KEY, WATERMARK_KEY};
pub use config::{LanceConfig, WhenIndexed};
pub use index::Indexing;
pub use tables::LanceTables;
