//! Blocks: contents under the hash of their bytes.

mod content;
mod hash;

pub use content::{BLOCK_BYTES_MAX, Block, Content};
pub(crate) use content::{parse_number, total};
pub use hash::{CommitId, Hash, Hasher};
