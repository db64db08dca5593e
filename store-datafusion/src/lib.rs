//! Tables of worldstore for DataFusion: lazy providers, and SQL that reads one state and changes nothing.
//!
//! - [`PinnedProvider`] is a `TableProvider` over a [`PinnedTable`]. Columns, conditions, tick ranges and limits go down
//!   into the [`Scan`](worldstore_core::table::Scan) of the table's format; rows come as a stream.
//! - [`BackendTables`] and [`TablePin`] make that of any
//!   [`AsyncTableBackend`](worldstore_async::table::AsyncTableBackend); a world brings its own [`TableSource`].
//! - [`SqlSession`] runs queries over a [`TableSource`]. All tables of a query are fixed at one moment before it is
//!   planned. Statements that change something are refused before anything is read. Memory, time and rows have limits,
//!   and what goes beyond is an error, never a shorter answer.
//!
//! ```
//! use std::sync::Arc;
//! use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
//! use worldstore_core::table::{AppendOptions, CreateOptions, MemoryTables, TableName};
//! use worldstore_datafusion::datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch};
//! use worldstore_datafusion::{BackendTables, SqlSession};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { tokio::runtime::Runtime::new()?.block_on(async {
//! let tables: Arc<dyn AsyncTableBackend> = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
//! let speeds: ArrayRef = Arc::new(Float64Array::from(vec![1.5, 9.0]));
//! let rows = RecordBatch::try_from_iter([("speed", speeds)])?;
//! let cars = TableName::new("cars")?;
//! tables.create(&cars, &CreateOptions::new(rows.schema())).await?;
//! let _ = tables.append(&cars, vec![rows], &AppendOptions::default()).await?;
//!
//! let session = SqlSession::new(Arc::new(BackendTables::new(tables)));
//! let fast = session.sql("select count(*) from cars where speed > 2").await?.collect().await?;
//! assert_eq!(fast[0].num_rows(), 1);
//! let refused = session.sql("insert into cars values (3.0)").await.err().ok_or("it was not refused")?;
//! assert!(refused.to_string().contains("only queries can be run"));
//! # Ok(()) }) }
//! ```

mod as_of;
mod backend;
mod catalog;
mod depth;
mod error;
mod execute;
mod filter;
mod limits;
mod near;
mod openings;
mod provider;
mod room;
mod rows;
mod session;
mod source;
mod statement;

pub use backend::{BackendTables, TablePin};
pub use datafusion;
pub use error::{from_datafusion, to_datafusion};
pub use limits::{Limit, LimitExceeded, SqlOptions};
pub use provider::{PinnedProvider, ScanObserver};
pub use room::{Roomy, with_room};
pub use rows::SqlRows;
pub use session::SqlSession;
pub use source::{Moment, PinnedTable, RowCount, TableSelection, TableSnapshot, TableSource};
