//! Tables that are found from outside: by a metadata file, whoever wrote it, or by a catalog's word for where that is.

use std::fmt;
use std::sync::Arc;

use futures::TryStreamExt;
use iceberg::spec::TableMetadata;
use worldstore_async::AsyncBackend;
use worldstore_async::wrap::{AsyncPrefixBackend, AsyncReadOnlyBackend};
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Key, Prefix, ReadOptions, Result};

use crate::catalog::{CATALOG, FileCatalog, NAMESPACE, Pointers, pointers};
use crate::config::{CatalogLocation, IcebergConfig};
use crate::error::from_iceberg;
use crate::storage::Root;
use crate::tables::IcebergTables;

/// The folder in a table's own in which most programs keep metadata.
const METADATA: &str = "metadata";
/// What tells the newest metadata file in it, where there is no catalog.
const HINT: &str = "version-hint.text";
/// What names of metadata files end in.
const ENDING: &str = ".metadata.json";

/// The table that is meant where every name means the same one.
const ANY: &str = "table";

impl IcebergTables {
    /// The table that a metadata file describes, whoever wrote it, read-only; every name means it. The file may lie under
    /// another URI than the table says it has, as long as the files beside it came along: what the table's location and
    /// the place of the file have in common at their ends is where both begin.
    ///
    /// A folder stands for the metadata file that its `metadata/version-hint.text` names.
    ///
    /// # Errors
    /// `NotFound` if there is no such file; `Corrupt` if it is no table's metadata; `Invalid` for a folder that does not
    /// tell its newest metadata file.
    pub async fn of_metadata(backend: Arc<dyn AsyncBackend>, metadata: &Key) -> Result<Self> {
        let key = match metadata.as_str().ends_with(ENDING) {
            true => metadata.clone(),
            false => hinted(&backend, metadata).await?,
        };
        // Looked for by itself: behind a table, what is missing is damage.
        backend.stat(&key, &Default::default()).await.map_err(|error| match error.is_not_found() {
            true => Error::not_found("there is no such metadata file").with("key", &key).caused_by(error),
            false => error,
        })?;
        let whole = Root { backend: Arc::clone(&backend), location: "whole:".into() };
        let read = TableMetadata::read_from(&whole.file_io(), format!("whole:/{key}")).await;
        let location = read.map_err(|source| unreadable(source, &key))?.location().trim_end_matches('/').to_owned();
        let (folder, rest) = split(&key);
        let (of_table, of_root, inside) = common(&location, folder);
        let pointer = match rest.is_empty() {
            true => return Err(Error::unexpected("a metadata file has no name").with("key", &key)),
            false => format!("{of_table}/{rest}"),
        };
        let backend: Arc<dyn AsyncBackend> = Arc::new(AsyncReadOnlyBackend::new(backend));
        let backend = match inside.is_empty() {
            true => backend,
            false => Arc::new(AsyncPrefixBackend::new(backend, Prefix::new(inside)?)),
        };
        let config = IcebergConfig::new(CatalogLocation::Memory, of_root);
        Ok(Self::with_catalog(backend, config, Arc::new(FileCatalog { pointer })))
    }

    /// The name by which a table of [`of_metadata`](Self::of_metadata) may be asked; any other does too.
    ///
    /// # Errors
    /// None in practice: the name is a legal one.
    pub fn any_name() -> Result<TableName> {
        TableName::new(ANY)
    }
}

/// The metadata file that the hint in a folder names.
async fn hinted(backend: &Arc<dyn AsyncBackend>, folder: &Key) -> Result<Key> {
    let hint = Key::new(format!("{folder}/{METADATA}/{HINT}"))?;
    let help = "name the metadata file, or the catalog that has the table";
    let read = async {
        let chunks: Vec<_> = backend.read(&hint, &ReadOptions::default()).await?.body.try_collect().await?;
        Ok(String::from_utf8_lossy(&chunks.concat()).trim().to_owned())
    };
    let text: String = read.await.map_err(|error: Error| match error.is_not_found() {
        true => {
            let error = Error::invalid("the place is no metadata file, and no folder that tells its newest");
            error.with("place", folder).with("looked_for", &hint).with("help", help)
        }
        false => error,
    })?;
    let name = match text.parse::<u64>() {
        Ok(version) => format!("v{version}{ENDING}"),
        Err(_) if text.ends_with(ENDING) => text,
        Err(_) => format!("{text}{ENDING}"),
    };
    Key::new(format!("{folder}/{METADATA}/{name}"))
}

/// A file that is there and cannot be read, whatever is wrong with it.
fn unreadable(source: iceberg::Error, key: &Key) -> Error {
    let error = from_iceberg(source);
    match error.kind() {
        ErrorKind::Unexpected | ErrorKind::Invalid => {
            Error::new(ErrorKind::Corrupt, "the metadata file cannot be read").with("key", key).caused_by(error)
        }
        _ => error.with("key", key),
    }
}

/// The folder of the table, and the metadata file in it.
fn split(key: &Key) -> (&str, &str) {
    let text = key.as_str();
    let Some((folder, _)) = text.rsplit_once('/') else { return ("", text) };
    let folder = match folder.rsplit_once('/') {
        Some((outer, METADATA)) => outer,
        None if folder == METADATA => "",
        _ => folder,
    };
    (folder, text[folder.len()..].trim_start_matches('/'))
}

/// Where a table is by its own word, what of that is the root of its files, and the folder that this root is.
fn common(location: &str, folder: &str) -> (String, String, String) {
    let (mut outer, mut inside) = (location, folder);
    while let (Some((before, last)), false) = (outer.rsplit_once('/'), inside.is_empty()) {
        let (above, name) = inside.rsplit_once('/').unwrap_or(("", inside));
        if name != last || last.is_empty() {
            break;
        }
        (outer, inside) = (before, above);
    }
    (location.to_owned(), outer.to_owned(), inside.to_owned())
}

/// Looks up where the newest metadata files of tables are. Nothing is changed, and no file of a table is read.
#[derive(Clone)]
pub struct CatalogReader {
    pointers: Arc<dyn Pointers>,
    catalog: String,
    namespace: String,
}

impl CatalogReader {
    /// A reader of a catalog, which is opened when it is first asked. No I/O.
    ///
    /// # Errors
    /// `Invalid` for the URI of a server that is none; `Unsupported` for a catalog in memory, and for one whose protocol
    /// is not compiled in.
    pub fn new(catalog: &CatalogLocation) -> Result<Self> {
        let (name, namespace) = (CATALOG.to_owned(), NAMESPACE.to_owned());
        Ok(Self { pointers: pointers(catalog)?, catalog: name, namespace })
    }

    /// Sets the name that a database has the catalog under, `worldstore` by default: PyIceberg's `load_catalog` is called
    /// with it. A server of the REST protocol knows none.
    #[must_use]
    pub fn with_catalog(mut self, name: impl Into<String>) -> Self {
        self.catalog = name.into();
        self
    }

    /// Sets the namespace in a database, `world` by default. That of a server is in its URI.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Where the newest metadata file of a table is, as the catalog says it.
    ///
    /// # Errors
    /// `NotFound` if the catalog or the table is missing; those of the database or the server.
    pub async fn metadata_location(&self, table: &str) -> Result<String> {
        let named = Named { catalog: &self.catalog, namespace: &self.namespace, table };
        self.pointers.pointer_of(named).await?.ok_or_else(|| {
            Error::not_found("the catalog has no such table").with("table", table).with("namespace", &self.namespace)
        })
    }
}

impl fmt::Debug for CatalogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogReader").field("catalog", &self.catalog).field("namespace", &self.namespace).finish()
    }
}

/// A table, as databases name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'name> {
    pub catalog: &'name str,
    pub namespace: &'name str,
    pub table: &'name str,
}

impl<'name> Named<'name> {
    /// One of ours.
    pub fn ours(table: &'name TableName) -> Self {
        Self { catalog: CATALOG, namespace: NAMESPACE, table: table.as_str() }
    }
}

#[cfg(test)]
mod tests;
