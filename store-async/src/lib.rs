//! The async mirror of `worldstore-core`: the same nouns, the same verbs, awaited.

pub mod backend;
#[cfg(feature = "table")]
pub mod table;

pub use backend::{AsyncBackend, AsyncChunks, AsyncWriter};
