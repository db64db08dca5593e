//! The catalog: which state of each table is the newest, and the one step that makes another the newest.
//!
//! An SQL catalog holds a pointer to a metadata file that we write; a REST catalog is sent the changes, and writes that
//! file by itself. Either way a commit takes effect only on the very state that it was built on.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use iceberg::TableUpdate;
use iceberg::spec::TableMetadata;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use crate::commit::Place;
use crate::config::{CatalogLocation, IcebergConfig};
use crate::outside::Named;
use crate::state::{Marks, State};
use crate::storage::Root;

mod file;
#[cfg(feature = "rest")]
mod rest;
mod sql;

pub(crate) use file::FileCatalog;

/// The name of the catalog in its database: what PyIceberg's `load_catalog` has to be called with.
pub const CATALOG: &str = "worldstore";
/// The namespace that all tables are in, unless a REST catalog's URI names another.
pub const NAMESPACE: &str = "world";

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swap {
    /// It took effect.
    Won,
    /// Another came first; nothing changed.
    Lost,
}

/// Up to where a claimed epoch shuts out the writers before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fenced {
    /// In all tables: the catalog compares epochs itself.
    Everywhere,
    /// In tables that come: each that is there needs a commit with the epoch.
    #[cfg_attr(not(feature = "rest"), expect(dead_code, reason = "SQL catalogs compare epochs themselves"))]
    NewTables,
}

/// What is to become of a table.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The whole of it.
    pub metadata: TableMetadata,
    /// What of it is new.
    #[cfg_attr(not(feature = "rest"), expect(dead_code, reason = "SQL catalogs swap the whole"))]
    pub changes: Vec<TableUpdate>,
    #[cfg_attr(not(feature = "rest"), expect(dead_code, reason = "SQL catalogs swap the whole"))]
    pub marks: Marks,
}

/// A catalog. A reading method makes nothing.
#[async_trait]
pub(crate) trait Catalog: Debug + Send + Sync {
    /// Whether there is a catalog at all.
    async fn exists(&self) -> Result<bool>;

    /// Makes the catalog if there is none.
    async fn make(&self) -> Result<()>;

    /// The names of all tables, sorted. Another program may have given some that are no table names.
    async fn names(&self) -> Result<Vec<String>>;

    /// All tables, sorted. Those whose names are no table names are another program's.
    async fn list(&self) -> Result<Vec<TableName>> {
        Ok(self.names().await?.iter().filter_map(|name| TableName::new(name).ok()).collect())
    }

    /// The location that the newest metadata of a table tells, whatever its name. Nothing else of it is looked at.
    ///
    /// # Errors
    /// `Unsupported` if the catalog does not tell it, or if its metadata is not below the root.
    async fn location_of(&self, root: &Root, name: &str) -> Result<String>;

    /// The newest state of a table; the one that is held if that is it.
    ///
    /// # Errors
    /// `NotFound` if the catalog or the table in it is missing.
    async fn load(&self, root: &Root, table: &TableName, held: Option<Arc<State>>) -> Result<Arc<State>>;

    /// The location of a table's newest metadata file, once no commit of ours can change it any more.
    async fn settled(&self, table: &TableName) -> Result<String>;

    /// Enters a new table into a catalog that was made before. After an error nothing is left of it, but what the error
    /// names as `left_behind`: a table that another was made as, and that may still be there.
    ///
    /// # Errors
    /// `AlreadyExists` if it is there; `OutcomeUnknown` if it may be ours.
    async fn create(&self, root: &Root, table: &TableName, metadata: TableMetadata) -> Result<State>;

    /// Enters a table by the location of its newest metadata file.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    async fn enter(&self, table: &TableName, metadata: &str) -> Result<()>;

    /// Makes what was prepared the newest state if the base is it, and nobody has claimed a greater epoch than the
    /// writer's. None if the base is not. Files that this writes are added to `written`.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it may have taken effect; after any other error it did not. `Fenced` by a greater epoch.
    async fn commit(
        &self,
        place: Place<'_>,
        base: &State,
        prepared: Prepared,
        written: &mut Vec<String>,
    ) -> Result<Option<State>>;

    /// Takes a table out if it is in this state.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it may be gone; after any other error it is not.
    async fn remove(&self, table: &TableName, state: &State) -> Result<Swap>;

    /// Claims an epoch: from now on no commit of a writer with a smaller one takes effect, as far as is told.
    ///
    /// # Errors
    /// `Fenced` if a greater one was claimed.
    async fn claim(&self, epoch: u64) -> Result<Fenced>;

    /// Whether metadata files are ours to delete once they are old.
    fn leaves_metadata_to_us(&self) -> bool;

    /// Lets go of connections. They are opened again if they are needed. A catalog in memory stays: it would be lost.
    async fn close(&self);
}

/// Where a catalog says that the newest metadata of tables is. A reading method makes nothing.
#[async_trait]
pub(crate) trait Pointers: Debug + Send + Sync {
    /// The location of a table's newest metadata file; none without the catalog, or without the table in it.
    async fn pointer_of(&self, table: Named<'_>) -> Result<Option<String>>;
}

/// What looks tables up in the catalog that is named. No I/O.
///
/// # Errors
/// As for [`open`]; `Unsupported` for a catalog in memory, which nobody else can see.
pub(crate) fn pointers(location: &CatalogLocation) -> Result<Arc<dyn Pointers>> {
    match location {
        CatalogLocation::Memory => Err(Error::unsupported("a catalog in memory is seen by its tables alone")),
        CatalogLocation::Rest(uri) => rest_pointers(uri),
        location => Ok(Arc::new(sql::SqlCatalog::new(location)?)),
    }
}

#[cfg(feature = "rest")]
fn rest_pointers(uri: &str) -> Result<Arc<dyn Pointers>> {
    // Nothing is made there: no location is needed.
    Ok(Arc::new(rest::RestCatalog::new(uri, &IcebergConfig::new(CatalogLocation::Memory, "none:"))?))
}

#[cfg(not(feature = "rest"))]
fn rest_pointers(_uri: &str) -> Result<Arc<dyn Pointers>> {
    Err(absent())
}

/// The catalog that the config names. No I/O.
///
/// # Errors
/// `Invalid` if the URI of a server is none; `Unsupported` if what it needs is not compiled in.
pub(crate) fn open(config: &IcebergConfig) -> Result<Arc<dyn Catalog>> {
    match &config.catalog {
        CatalogLocation::Rest(uri) => rest(uri, config),
        location => Ok(Arc::new(sql::SqlCatalog::new(location)?)),
    }
}

#[cfg(feature = "rest")]
fn rest(uri: &str, config: &IcebergConfig) -> Result<Arc<dyn Catalog>> {
    Ok(Arc::new(rest::RestCatalog::new(uri, config)?))
}

/// Refuses a URI that is none of a REST catalog.
#[cfg(feature = "rest")]
pub(crate) fn check_rest(uri: &str) -> Result<()> {
    rest::check(uri)
}

#[cfg(not(feature = "rest"))]
fn rest(_uri: &str, _config: &IcebergConfig) -> Result<Arc<dyn Catalog>> {
    Err(absent())
}

#[cfg(not(feature = "rest"))]
fn absent() -> Error {
    Error::unsupported("REST catalogs are not compiled in, build with feature rest")
}

fn missing(table: &TableName) -> Error {
    Error::not_found("no such table").with("table", table)
}

/// A table of the list that cannot be looked at.
fn unseen() -> Error {
    Error::unsupported("the catalog lists a table and does not tell its metadata")
}

fn exists_already(table: &TableName) -> Error {
    Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table)
}

fn unknown(table: &TableName, error: Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the change may or may not have happened")
        .with("table", table)
        .caused_by(error)
}

fn check_fence(fence: u64, epoch: u64) -> Result<()> {
    match epoch < fence {
        true => Err(Error::new(ErrorKind::Fenced, "a writer of a greater epoch has taken the catalog over")
            .with("have", fence)
            .with("epoch", epoch)),
        false => Ok(()),
    }
}
