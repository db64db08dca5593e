//! Where the tables lie, where their catalog does, and how new ones are made.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

use worldstore_core::{Prefix, Result};

/// Where the catalog is: the database that says which metadata file is a table's newest.
#[derive(Clone, PartialEq, Eq)]
pub enum CatalogLocation {
    /// An SQLite file. It comes into being with the first table; reading never creates it.
    File(PathBuf),
    /// A PostgreSQL server: `postgres://user:password@host/database`, for writers on several hosts. The tables come into
    /// being with the first table of the store, in the schema that the search path names first; another one is chosen
    /// with `?options[search_path]=...`.
    Postgres(String),
    /// A server of Iceberg's REST protocol: `rest+https://host/path?namespace=name`, or `rest+http:`. Feature `rest`.
    ///
    /// Parameters are `namespace` (`world`; each store of tables needs one of its own), `warehouse`, `prefix`, and
    /// `token`, or `credential` as `id:secret` with `scope` (`catalog`) and `oauth2_server_uri`.
    Rest(String),
    /// In memory: the tables are forgotten with the [`IcebergTables`](crate::IcebergTables), their files stay.
    Memory,
}

impl CatalogLocation {
    /// Refuses what cannot be one, as far as its text tells. No I/O.
    ///
    /// # Errors
    /// `Invalid` for the URI of a REST catalog that is none, or has an unknown parameter.
    pub fn check(&self) -> Result<()> {
        match self {
            #[cfg(feature = "rest")]
            Self::Rest(uri) => crate::catalog::check_rest(uri),
            _ => Ok(()),
        }
    }
}

/// Without what a URI may keep secret.
impl fmt::Debug for CatalogLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
            Self::Rest(_) => f.write_str("Rest(..)"),
            Self::Memory => f.write_str("Memory"),
        }
    }
}

/// How the rows of a new table with the base columns are divided into files. It belongs to the table: a handle with
/// another setting appends as the table wants it.
///
/// Files tell the bounds of their columns, so files of one run and few ticks are found without partitions as well as
/// with them. Partitions are of use where one append or one compaction holds rows of several long runs; each costs a
/// file with every append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Partitioning {
    /// Not at all. The default.
    #[default]
    None,
    /// By world and run.
    Runs,
    /// By world, run and so many ticks. PyIceberg reads such tables; it appends only where `pyiceberg-core` is installed.
    RunsAndTicks(NonZeroU32),
}

/// How the metadata files of new tables are stored. They are read either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MetadataCompression {
    /// As plain JSON, `.metadata.json`.
    None,
    /// With gzip, `.gz.metadata.json`: a sixth of the bytes of a table with many snapshots. The default.
    #[default]
    Gzip,
}

impl MetadataCompression {
    /// As the property `write.metadata.compression-codec` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }
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
    /// How new tables with the base columns are divided. Default: not at all.
    pub partitioning: Partitioning,
    /// How the metadata of new tables is stored. Default: with gzip.
    pub metadata_compression: MetadataCompression,
}

impl IcebergConfig {
    /// Tables in the backend's root. Slashes at the end of `location` are cut.
    pub fn new(catalog: CatalogLocation, location: impl Into<String>) -> Self {
        let location = location.into().trim_end_matches('/').to_owned();
        let (partitioning, metadata_compression) = Default::default();
        Self { catalog, location, prefix: Prefix::root(), partitioning, metadata_compression }
    }

    /// Sets the folder of the tables.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Sets how new tables with the base columns are divided.
    #[must_use]
    pub fn with_partitioning(mut self, partitioning: Partitioning) -> Self {
        self.partitioning = partitioning;
        self
    }

    /// Sets how the metadata of new tables is stored.
    #[must_use]
    pub fn with_metadata_compression(mut self, compression: MetadataCompression) -> Self {
        self.metadata_compression = compression;
        self
    }
}
