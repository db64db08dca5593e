//! Tables, async.

mod backend;
mod sync_adapter;

pub use backend::{AsyncBatches, AsyncTableBackend};
pub use sync_adapter::SyncTableAdapter;
