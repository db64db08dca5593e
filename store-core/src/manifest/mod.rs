//! Manifests: a numbered chain of states.

mod format;
mod model;
mod rules;

pub(crate) use format::HEADER_BYTES_MAX;
pub use format::{MANIFEST_BYTES_MAX, Stored, decode, encode};
pub use model::{Entry, File, Manifest, Pin};
pub use rules::NAME_BYTES_MAX;
