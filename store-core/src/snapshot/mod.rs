//! Snapshots: states that are kept under a name, checked to the last byte, and carried elsewhere as one file.
//!
//! A snapshot is a manifest with a pin that keeps it and everything in it: a tag, which stays until it is released, or a
//! lease, which ends. Its [`content_hash`] says what it means, not how it is stored: compaction does not change it.
//! [`archive`] is the form in which it travels. The format and the commands are in the documentation of the facade under
//! `docs::snapshots`.

pub mod archive;
mod content;
mod examine;
mod export;
mod import;
mod intake;
mod named;
mod needs;
mod verify;

#[cfg(test)]
mod testing;

pub use content::content_hash;
pub use examine::Problem;
pub use export::Exported;
pub use import::{ImportOptions, Imported};
pub use named::{Description, Snapshot, Which};
pub use verify::{Damage, ObjectKind, Verified};

use crate::manifest::Manifests;

/// The snapshots of a chain of manifests. Clones are the same.
///
/// ```
/// use std::sync::Arc;
/// use worldstore_core::manifest::{Entry, ManifestOptions, Manifests};
/// use worldstore_core::snapshot::archive::ArchiveLimits;
/// use worldstore_core::snapshot::{ImportOptions, Snapshots, Which};
/// use worldstore_core::{Memory, Prefix};
///
/// # fn main() -> worldstore_core::Result<()> {
/// let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::root(), ManifestOptions::default())?;
/// let log = manifests.blocks()?.put("tick 1")?;
/// manifests.writer()?.publish(|draft| {
///     draft.put(Entry::new("log", "1", log.hash).with_blocks(log.blocks.clone()));
///     Ok(())
/// })?;
///
/// let snapshots = Snapshots::new(manifests);
/// snapshots.create("monday", &Which::Newest)?;
/// let monday = Which::Named("monday".into());
/// assert!(snapshots.verify(&monday)?.damage.is_empty());
///
/// let (archive, exported) = snapshots.export(&monday, Vec::new(), &ArchiveLimits::default())?;
/// let elsewhere = Arc::new(Memory::new());
/// let (_, imported) = Snapshots::import(elsewhere, Prefix::root(), &archive[..], &ImportOptions::default())?;
/// assert_eq!(imported.content, exported.content);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Snapshots {
    manifests: Manifests,
}

impl Snapshots {
    /// The snapshots of this chain. No I/O.
    pub fn new(manifests: Manifests) -> Self {
        Self { manifests }
    }

    /// The chain.
    pub fn manifests(&self) -> &Manifests {
        &self.manifests
    }
}

#[cfg(test)]
mod tests;
