//! Snapshots: states that are kept under a name, checked to the last byte, and carried elsewhere as one file.
//!
//! A snapshot is a manifest with a pin that keeps it and everything in it. Its [`content_hash`] says what it means, not
//! how it is stored: compaction does not change it. [`archive`] is the form in which it travels.

pub mod archive;
mod content;

pub use content::content_hash;
