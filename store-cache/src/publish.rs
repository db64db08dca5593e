//! Publication: what a cache tells the world after a flush, and the contract of whoever writes it down.

#[cfg(feature = "manifests")]
pub(crate) mod blocking;
#[cfg(feature = "manifests")]
pub(crate) mod content;
#[cfg(feature = "manifests")]
pub(crate) mod entry;
#[cfg(feature = "manifests")]
mod options;
#[cfg(feature = "manifests")]
pub(crate) mod publisher;
#[cfg(feature = "manifests")]
mod upkeep;

use std::fmt::Debug;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use worldstore_core::Result;
use worldstore_core::table::TableName;

#[cfg(feature = "manifests")]
pub use entry::{manifest_appended, manifest_tables};
#[cfg(feature = "manifests")]
pub use options::{FileCheck, PublisherOptions};
#[cfg(feature = "manifests")]
pub use publisher::{ManifestPublisher, manifest_seq};
#[cfg(feature = "manifests")]
pub use upkeep::{
    ExpireTablesOptions, ExpiredTables, Retained, expire_tables, retained, verify_manifest, verify_retained,
};

/// A state of all tables of a cache at one sequence number: a tick is in all of its tables, or in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The greatest sequence number such that every append up to it is in the tables.
    pub seq: u64,
    /// The tables, sorted by name, each once. A table that is not here was removed, or has no version up to `seq` yet.
    pub tables: Vec<CutTable>,
}

/// A table at the newest version that holds nothing above the sequence number of the cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutTable {
    /// Its name.
    pub name: TableName,
    /// The version.
    pub version: u64,
    /// The last sequence number in the version; at most that of the cut.
    pub watermark: u64,
    /// The rows in the version.
    pub rows: u64,
    /// The columns of the version.
    pub schema: SchemaRef,
}

/// Writes cuts down where readers in other processes find them, one whole state at a time.
///
/// # Contract
/// - A cut is published whole or not at all, and what was published before stays for as long as it is retained.
/// - Cuts are published one after the other by their owner; publishing the newest cut again is harmless.
#[async_trait]
pub trait Publish: Send + Sync + Debug {
    /// The epoch that this publisher has claimed. Every append to the tables carries it.
    fn epoch(&self) -> u64;

    /// Looks whether that epoch is still the newest: nobody has begun to take over then who has not seen the tables as they
    /// are now.
    ///
    /// # Errors
    /// [`Fenced`](worldstore_core::ErrorKind::Fenced) if another writer has taken over. With others nobody knows.
    async fn check_epoch(&self) -> Result<()>;

    /// Publishes a cut, durably, and returns the number of the manifest that holds it.
    ///
    /// # Errors
    /// [`Fenced`](worldstore_core::ErrorKind::Fenced) if another writer has taken over: nothing is acknowledged as
    /// committed after it. [`OutcomeUnknown`](worldstore_core::ErrorKind::OutcomeUnknown) if it cannot be found out
    /// whether it is published; publishing the same or a later cut again settles that. Others change nothing.
    async fn publish(&self, cut: &Cut) -> Result<u64>;
}
