//! Entries of tables in a manifest: their names, and the files of a version with length and hash.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::blocks::{Hash, Hasher};
use worldstore_core::manifest::{Entry, File, Manifest};
use worldstore_core::table::{DescribeOptions, FilesOptions, TableFile, TableName};
use worldstore_core::{Backend, Error, ErrorKind, Key, ReadOptions, Result, StatOptions};

use super::blocking;
use super::content::content_of;
use super::options::{FileCheck, PublisherOptions};
use super::{Cut, CutTable};

/// What the name of a table's entry begins with.
const TABLE: &str = "table/";

/// The name of a table's entry.
pub(crate) fn entry_name(table: &TableName) -> String {
    format!("{TABLE}{table}")
}

/// The table that an entry is about; none if it is about something else.
///
/// # Errors
/// `Corrupt` if it is about a table whose name or version is none.
pub(crate) fn table_of(entry: &Entry) -> Result<Option<(TableName, u64)>> {
    let Some(name) = entry.name.strip_prefix(TABLE) else { return Ok(None) };
    let corrupt = || {
        Error::new(ErrorKind::Corrupt, "the entry of a table has no legal name or version")
            .with("entry", &entry.name)
            .with("version", &entry.version)
    };
    let name = TableName::new(name).map_err(|source| corrupt().caused_by(source))?;
    let version: u64 = entry.version.parse().map_err(|_| corrupt())?;
    match version.to_string() == entry.version {
        true => Ok(Some((name, version))),
        false => Err(corrupt()),
    }
}

/// The tables that a manifest names, each with its version.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if a name or version is none.
pub fn manifest_tables(manifest: &Manifest) -> Result<BTreeMap<TableName, u64>> {
    manifest.entries.iter().filter_map(|entry| table_of(entry).transpose()).collect()
}

/// Those of them that a cache has appended to: others are of other programs, which may do with them what they want.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if a name or version is none.
pub fn manifest_appended(manifest: &Manifest) -> Result<BTreeMap<TableName, u64>> {
    let appended = manifest.entries.iter().filter(|entry| entry.watermark > 0);
    appended.filter_map(|entry| table_of(entry).transpose()).collect()
}

/// Builds the entries of a cut on those of the newest manifest.
pub(super) struct Builder<'parts> {
    pub tables: &'parts Arc<dyn AsyncTableBackend>,
    pub backend: &'parts Arc<dyn Backend>,
    pub options: &'parts PublisherOptions,
    pub base: &'parts Manifest,
}

impl Builder<'_> {
    /// The entries of all tables of the cut, in its order.
    pub async fn entries(&self, cut: &Cut) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(cut.tables.len());
        for table in &cut.tables {
            let entry = self.entry(table).await;
            entries.push(entry.map_err(|error| error.with("table", &table.name).with("version", table.version))?);
        }
        Ok(entries)
    }

    async fn entry(&self, table: &CutTable) -> Result<Entry> {
        let content = content_of(&table.name, &table.schema, table.watermark, table.rows);
        let (name, version) = (entry_name(&table.name), table.version.to_string());
        let before = self.base.entry(&name);
        // At watermark 0 an older table of the name may have looked the same.
        let same = |entry: &&Entry| entry.version == version && entry.content == content && entry.watermark > 0;
        if let Some(entry) = before.filter(same) {
            return Ok(entry.clone());
        }
        let options = DescribeOptions::default().with_version(table.version);
        let info = self.tables.describe(&table.name, &options).await?;
        let is_cut = content_of(&table.name, &info.schema, info.watermark, info.rows) == content;
        if !is_cut && !self.has_newest_columns(table).await? {
            let message = "the table is not what the cut says, it was changed or made anew meanwhile";
            let error = Error::new(ErrorKind::Conflict, message).with("watermark", info.watermark);
            return Err(error.with("expected", table.watermark).with("rows", info.rows));
        }
        let known = before.map(|entry| entry.files.as_slice()).unwrap_or_default();
        let files = self.files(table, known).await?;
        Ok(Entry::new(name, version, content).with_watermark(table.watermark).with_files(files))
    }

    /// Whether a cut tells the newest version with the newest columns: another program may have changed them since the
    /// version was made.
    async fn has_newest_columns(&self, table: &CutTable) -> Result<bool> {
        let newest = self.tables.describe(&table.name, &DescribeOptions::default()).await?;
        let is_same = (newest.version, newest.watermark, newest.rows) == (table.version, table.watermark, table.rows);
        Ok(is_same && newest.schema == table.schema)
    }

    async fn files(&self, table: &CutTable, known: &[File]) -> Result<Vec<File>> {
        let options = FilesOptions::default().with_version(table.version);
        let known: BTreeMap<&str, &File> = known.iter().map(|file| (file.key.as_str(), file)).collect();
        let named = self.tables.files(&table.name, &options).await?;
        let mut looks = Vec::with_capacity(named.len());
        for TableFile { key, .. } in named {
            let whole = self.options.tables_in.key(key.as_str())?;
            let before = known.get(whole.as_str()).map(|file| (file.length, file.hash));
            let noted = self.options.ledger.as_ref().and_then(|ledger| ledger.get(&key));
            let noted = noted.map(|noted| (noted.length, noted.hash));
            // What was written last counts, should the two differ.
            let vouched = before.filter(|_| noted.is_none() || noted == before);
            let vouched = vouched.filter(|_| self.options.check == FileCheck::New);
            let backend = Arc::clone(self.backend);
            looks.push(async move {
                match vouched {
                    Some((length, hash)) => Ok(File { key: whole.to_string(), length, hash }),
                    None => blocking::run(move || look(&*backend, &whole, noted.or(before))).await,
                }
            });
        }
        stream::iter(looks).buffered(self.options.files_at_once).try_collect().await
    }
}

/// A file as it is stored; it is read only if nothing is known of it.
fn look(backend: &dyn Backend, key: &Key, expected: Option<(u64, Hash)>) -> Result<File> {
    let refused = |message: &str| Error::new(ErrorKind::Corrupt, message).with("key", key);
    let missing = |error: Error| match error.is_not_found() {
        true => refused("a file of the table is missing").caused_by(error),
        false => error,
    };
    let Some((length, hash)) = expected else {
        let reply = backend.read(key, &ReadOptions::default()).map_err(missing)?;
        let (mut hasher, mut length) = (Hasher::new(), 0_u64);
        for chunk in reply.body {
            let chunk = chunk?;
            length += chunk.len() as u64;
            hasher.update(&chunk);
        }
        return match length == reply.meta.size {
            true => Ok(File { key: key.to_string(), length, hash: hasher.hash() }),
            false => Err(Error::new(ErrorKind::Unavailable, "the file's body ended early").with("key", key)),
        };
    };
    let meta = backend.stat(key, &StatOptions::default()).map_err(missing)?;
    match meta.size == length {
        true => Ok(File { key: key.to_string(), length, hash }),
        false => Err(refused("a file of the table has another length than was written")
            .with("expected", length)
            .with("found", meta.size)),
    }
}
