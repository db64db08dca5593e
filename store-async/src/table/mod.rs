//! Tables, async.

mod backend;

pub use backend::{AsyncBatches, AsyncTableBackend};
