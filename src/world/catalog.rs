//! Where the catalog of an Iceberg world is.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::registry::masked;

/// The database that says which metadata file of an Iceberg table is its newest.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogPlace {
    /// An SQLite file on this machine.
    File(PathBuf),
    /// A PostgreSQL server, `postgres://user:password@host/database`: for writers on several machines. Each world has a
    /// database or a schema of its own, which `?options[search_path]=...` chooses.
    Postgres(String),
}

impl From<PathBuf> for CatalogPlace {
    fn from(file: PathBuf) -> Self {
        Self::File(file)
    }
}

impl From<&Path> for CatalogPlace {
    fn from(file: &Path) -> Self {
        Self::File(file.to_owned())
    }
}

/// A URI of a server, or else a path.
impl From<&str> for CatalogPlace {
    fn from(text: &str) -> Self {
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => Self::Postgres(text.to_owned()),
            false => Self::File(text.into()),
        }
    }
}

/// Without what a URI may keep secret.
impl fmt::Display for CatalogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Postgres(uri) => f.write_str(&masked(uri)),
        }
    }
}

/// Without what a URI may keep secret.
impl fmt::Debug for CatalogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}
