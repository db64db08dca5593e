//! Where the tables lie, and where their catalog does.

use std::path::PathBuf;

use worldstore_core::Prefix;

/// Where the catalog is: the database that says which metadata file is a table's newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogLocation {
    /// An SQLite file. It comes into being with the first table; reading never creates it.
    File(PathBuf),
    /// In memory: the tables are forgotten with the [`IcebergTables`](crate::IcebergTables), their files stay.
    Memory,
}

/// Settings of [`IcebergTables`](crate::IcebergTables).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IcebergConfig {
    /// Where the catalog is.
    pub catalog: CatalogLocation,
    /// The URI of the backend's root under which other programs find it, without `/` at the end: `file:///tmp/w`. It
    /// is written into every table.
    pub location: String,
    /// The folder of the tables below the backend's root. Default: the root.
    pub prefix: Prefix,
}

impl IcebergConfig {
    /// Tables in the backend's root. Slashes at the end of `location` are cut.
    pub fn new(catalog: CatalogLocation, location: impl Into<String>) -> Self {
        let location = location.into().trim_end_matches('/').to_owned();
        Self { catalog, location, prefix: Prefix::root() }
    }

    /// Sets the folder of the tables.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }
}
