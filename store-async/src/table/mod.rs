//! Tables, async.

mod async_adapter;
mod backend;
#[cfg(feature = "conformance")]
pub mod conformance;
mod sync_adapter;
#[cfg(feature = "tracing")]
mod trace;

pub use async_adapter::AsyncTableAdapter;
pub use backend::{AsyncBatches, AsyncTableBackend};
pub use sync_adapter::SyncTableAdapter;
#[cfg(feature = "tracing")]
pub use trace::AsyncTraceTables;
