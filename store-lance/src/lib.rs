//! worldstore tables in the Lance format, every byte through a worldstore backend.
//!
//! [`LanceTables`] is an [`AsyncTableBackend`](worldstore_async::table::AsyncTableBackend). A table is a Lance dataset
//! in the folder `<prefix>/<table>.lance`, readable by pylance, LanceDB and DuckDB. Appends happen exactly once: the
//! watermark lies in the manifest that commits the rows, and the commit compares it first.

mod commit;
mod config;
mod error;
mod expression;
mod provider;
mod scan;
mod tables;

pub use commit::WATERMARK_KEY;
pub use config::LanceConfig;
pub use tables::LanceTables;
