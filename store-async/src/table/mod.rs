//! Tables, async.

mod backend;
#[cfg(feature = "conformance")]
pub mod conformance;
mod sync_adapter;

pub use backend::{AsyncBatches, AsyncTableBackend};
pub use sync_adapter::SyncTableAdapter;
