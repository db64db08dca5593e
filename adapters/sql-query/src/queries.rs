//! Names: which objects there are, and which query is behind each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use worldstore_core::{Error, Key, Result};

/// The form in which a result is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// An Arrow IPC file, `name.arrow`.
    Arrow,
    /// Comma-separated text with a header, `name.csv`: blobs are hexadecimal, and NULL is empty, as is empty text.
    Csv,
    /// A Parquet file, `name.parquet`.
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Arrow, Self::Csv, Self::Parquet];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arrow => "arrow",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        })
    }
}

/// An object: a query and the form of its result.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: Arc<str>,
    pub sql: Arc<str>,
    pub format: Format,
}

/// The objects, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queries {
    pub by_key: BTreeMap<Key, Entry>,
}

impl Queries {
    pub(crate) fn add(&mut self, name: &str, sql: &str) -> Result<()> {
        Key::new(name).map_err(|error| error.with("query", name))?;
        let (name, sql): (Arc<str>, Arc<str>) = (name.into(), sql.into());
        for format in Format::ALL {
            let key = Key::new(format!("{name}.{format}")).map_err(|error| error.with("query", &name))?;
            let entry = Entry { name: Arc::clone(&name), sql: Arc::clone(&sql), format };
            if self.by_key.insert(key, entry).is_some() {
                return Err(Error::invalid("two queries have one name").with("query", &name));
            }
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: &Key) -> Result<&Entry> {
        self.by_key.get(key).ok_or_else(|| Error::not_found("no such object").with("key", key))
    }

    /// Each query once, with its name.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Entry> {
        self.by_key.values().filter(|entry| entry.format == Format::Arrow)
    }
}
