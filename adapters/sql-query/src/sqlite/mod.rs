//! Queries of a SQLite file, as a sync backend.

mod column;
mod run;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use worldstore_core::{
    Backend, BackendInfo, CheckOptions, Chunks, CopyOptions, DeleteOptions, Deleted, Error, Key, ListOptions, ListPage,
    Namespace, ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result,
    SettleOptions, Settled, StatOptions, Version, WriteOptions, WriteToken, Writer,
};

use crate::config::{Source, SqlQueryConfig};
use crate::shelf::{Shelf, Snapshot, read_only};

/// Named queries of one SQLite file.
///
/// Each call that is not pinned to a version runs the query, `stat` and each object of a page of `list` included. The
/// file is opened to be read only, and a query that is no query is refused.
#[derive(Debug)]
pub struct SqliteQueries {
    path: PathBuf,
    shelf: Shelf,
}

impl SqlQueryConfig {
    /// Takes the queries of a SQLite file. Nothing is opened before the first call.
    ///
    /// # Errors
    /// `Invalid` if the address is that of another database.
    pub fn open_sqlite(self) -> Result<SqliteQueries> {
        match self.source {
            Source::Sqlite(path) => Ok(SqliteQueries { path, shelf: Shelf::new(self.queries, self.limits) }),
            Source::Postgres(_) => Err(Error::invalid("the address is none of a sqlite file")),
        }
    }
}

impl SqliteQueries {
    fn snapshot(&self, key: &Key, version: Option<&Version>) -> Result<Snapshot> {
        let entry = self.shelf.queries.get(key)?;
        if let Some(kept) = self.shelf.kept(key, version) {
            return Ok(kept);
        }
        let batch = run::run(&self.path, entry, &self.shelf.limits)?;
        self.shelf.seal(key, entry, &batch)?.expect(version)
    }

    /// Fills a page of names; formats of one query that follow each other come from one result.
    fn page(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let mut page = self.shelf.page(prefix, options)?;
        let mut last: Option<(&str, _)> = None;
        for meta in &mut page.objects {
            let entry = self.shelf.queries.get(&meta.key)?;
            let batch = match last.take() {
                Some((name, batch)) if name == &*entry.name => batch,
                _ => run::run(&self.path, entry, &self.shelf.limits)?,
            };
            *meta = self.shelf.seal(&meta.key, entry, &batch)?.meta;
            last = Some((&entry.name, batch));
        }
        Ok(page)
    }

    fn failed(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation).with("backend", self)
    }

    fn refused(&self, operation: &'static str) -> Error {
        self.failed(operation, read_only())
    }
}

impl fmt::Display for SqliteQueries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sql-query({})", self.path.display())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for SqliteQueries {
    fn info(&self) -> BackendInfo {
        let info = BackendInfo::new("sql-query", self.path.display().to_string(), Shelf::capability());
        info.with_namespace(Namespace::Flat)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.snapshot(key, None).map(|snapshot| snapshot.meta).map_err(|error| self.failed("stat", error))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let read = self.snapshot(key, options.version.as_ref()).and_then(|snapshot| {
            let (range, bytes) = snapshot.part(options)?;
            let body = (!bytes.is_empty()).then_some(Ok(bytes));
            Ok(ReadReply::new(snapshot.meta, range, Box::new(body.into_iter()) as Chunks))
        });
        read.map_err(|error| self.failed("read", error))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let snapshot = self.snapshot(key, options.version.as_ref());
        snapshot.and_then(|snapshot| snapshot.parts(ranges, options)).map_err(|error| self.failed("read_ranges", error))
    }

    fn write(&self, _key: &Key, _body: Bytes, _options: &WriteOptions) -> Result<Outcome> {
        Err(self.refused("write"))
    }

    fn open_writer(&self, _key: &Key, _options: &WriteOptions) -> Result<Box<dyn Writer>> {
        Err(self.refused("open_writer"))
    }

    fn settle(&self, _key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Err(self.refused("settle"))
    }

    fn delete(&self, _keys: &[Key], _options: &DeleteOptions) -> Result<Vec<Deleted>> {
        Err(self.refused("delete"))
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.page(prefix, options).map_err(|error| self.failed("list", error))
    }

    fn copy(&self, _from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        Err(self.refused("copy"))
    }

    fn rename(&self, _from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        Err(self.refused("rename"))
    }

    /// Makes sure that the file can be read and that every query is one, without running any.
    fn check(&self, _options: &CheckOptions) -> Result<()> {
        run::check(&self.path, &self.shelf).map_err(|error| self.failed("check", error))
    }

    fn presign(&self) -> Option<&dyn worldstore_core::Presign> {
        None
    }
}
