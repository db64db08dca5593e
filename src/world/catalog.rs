//! Where the catalog of an Iceberg world is.

use std::fmt;
use std::path::{Path, PathBuf};

use worldstore_core::{Error, Result};

use crate::config::Lookup;
use crate::config::expand::expand;
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
    /// A server of Iceberg's REST protocol, `rest+https://host/path?namespace=name`: see [tables](crate::docs::tables).
    /// Each world has a namespace of its own. Feature `iceberg-rest`.
    Rest(String),
}

impl CatalogPlace {
    /// Reads what a person wrote: a path, `sqlite:` and a path, or the URI of a server. In that of a REST catalog,
    /// `${NAME}` stands for a variable, so that no secret is on a command line.
    ///
    /// # Errors
    /// `Invalid` for the URI of something else, and for a variable that is not set.
    pub fn parse(text: &str, lookup: &Lookup) -> Result<Self> {
        match (text.split_once(':'), Self::from(text)) {
            (Some((scheme, rest)), Self::File(_)) if rest.starts_with("//") && scheme != "sqlite" => {
                Err(Error::invalid("unknown kind of catalog")
                    .with("scheme", scheme)
                    .with("known", "sqlite: postgres:// rest+http:// rest+https://"))
            }
            (_, Self::File(path)) if path.as_os_str().is_empty() => Err(Error::invalid("the catalog has no path")),
            (_, Self::Rest(uri)) => expand(&uri, lookup).map(Self::Rest),
            (_, place) => Ok(place),
        }
    }

    /// What kind it is: the same for each place of that kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "sqlite",
            Self::Postgres(_) => "postgres",
            Self::Rest(_) => "rest",
        }
    }
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

/// A URI of a server, or else a path, with or without `sqlite:` before it.
impl From<&str> for CatalogPlace {
    fn from(text: &str) -> Self {
        let begins = |schemes: [&str; 2]| schemes.iter().any(|scheme| text.starts_with(scheme));
        if begins(["postgres://", "postgresql://"]) {
            return Self::Postgres(text.to_owned());
        }
        if begins(["rest+http://", "rest+https://"]) {
            return Self::Rest(text.to_owned());
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        Self::File(path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path).into())
    }
}

/// Without what a URI may keep secret.
impl fmt::Display for CatalogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Postgres(uri) | Self::Rest(uri) => f.write_str(&masked(uri)),
        }
    }
}

/// Without what a URI may keep secret.
impl fmt::Debug for CatalogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
            Self::Rest(_) => f.write_str("Rest(..)"),
        }
    }
}

#[cfg(test)]
mod tests;
