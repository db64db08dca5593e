//! Queries of a PostgreSQL database, as an async backend.

mod column;
mod numeric;
mod run;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sqlx::postgres::PgPool;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
use worldstore_core::{
    BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, Key, ListOptions, ListPage, Namespace,
    ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions,
    Settled, StatOptions, Version, WriteOptions, WriteToken,
};

use crate::config::{Source, SqlQueryConfig};
use crate::shelf::{Shelf, Snapshot, read_only};

/// Connections to the server at most.
pub const CONNECTIONS_MAX: u32 = 4;

/// Named queries of one PostgreSQL database.
///
/// Each call that is not pinned to a version runs the query, `stat` and each object of a page of `list` included. A
/// query runs in a read-only transaction. That keeps it from writing to tables, not from calling functions that act
/// elsewhere: give it a user that may only read.
#[derive(Debug)]
pub struct PostgresQueries {
    pool: PgPool,
    location: String,
    shelf: Arc<Shelf>,
}

impl SqlQueryConfig {
    /// Takes the queries of a PostgreSQL database, over at most [`CONNECTIONS_MAX`] (4) connections without TLS.
    /// Nothing is connected before the first call.
    ///
    /// # Errors
    /// `Invalid` if the address is that of another database, `Unsupported` outside of a tokio runtime.
    pub fn open_postgres(self) -> Result<PostgresQueries> {
        let location = self.location();
        match &self.source {
            Source::Postgres(url) => {
                let pool = run::pool(url, &self.limits)?;
                Ok(PostgresQueries { pool, location, shelf: Arc::new(Shelf::new(self.queries, self.limits)) })
            }
            Source::Sqlite(_) => Err(Error::invalid("the address is none of a postgres database")),
        }
    }
}

impl PostgresQueries {
    async fn snapshot(&self, key: &Key, version: Option<&Version>) -> Result<Snapshot> {
        let entry = self.shelf.queries.get(key)?;
        if let Some(kept) = self.shelf.kept(key, version) {
            return Ok(kept);
        }
        let batch = run::run(&self.pool, entry, &self.shelf.limits).await?;
        self.seal(key, batch).await?.expect(version)
    }

    /// Writing a result in a format takes time, which is not that of the runtime.
    async fn seal(&self, key: &Key, batch: RecordBatch) -> Result<Snapshot> {
        let (shelf, key) = (Arc::clone(&self.shelf), key.clone());
        let sealed = tokio::task::spawn_blocking(move || {
            let entry = shelf.queries.get(&key)?;
            shelf.seal(&key, entry, &batch)
        });
        sealed.await.map_err(|error| Error::unexpected("writing the result was interrupted").caused_by(error))?
    }

    /// Fills a page of names; formats of one query that follow each other come from one result.
    async fn page(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let mut page = self.shelf.page(prefix, options)?;
        let mut last: Option<(Arc<str>, RecordBatch)> = None;
        for meta in &mut page.objects {
            let entry = self.shelf.queries.get(&meta.key)?;
            let batch = match last.take() {
                Some((name, batch)) if name == entry.name => batch,
                _ => run::run(&self.pool, entry, &self.shelf.limits).await?,
            };
            *meta = self.seal(&meta.key, batch.clone()).await?.meta;
            last = Some((Arc::clone(&entry.name), batch));
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

impl fmt::Display for PostgresQueries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sql-query({})", self.location)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for PostgresQueries {
    fn info(&self) -> BackendInfo {
        let info = BackendInfo::new("sql-query", self.location.as_str(), Shelf::capability());
        info.with_namespace(Namespace::Flat)
    }

    async fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        let snapshot = self.snapshot(key, None).await;
        snapshot.map(|snapshot| snapshot.meta).map_err(|error| self.failed("stat", error))
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let read = self.snapshot(key, options.version.as_ref()).await.and_then(|snapshot| {
            let (range, bytes) = snapshot.part(options)?;
            let body = stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed();
            Ok(ReadReply::new(snapshot.meta, range, body))
        });
        read.map_err(|error| self.failed("read", error))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let snapshot = self.snapshot(key, options.version.as_ref()).await;
        let parts = snapshot.and_then(|snapshot| snapshot.parts(ranges, options));
        parts.map_err(|error| self.failed("read_ranges", error))
    }

    async fn write(&self, _key: &Key, _body: Bytes, _options: &WriteOptions) -> Result<Outcome> {
        Err(self.refused("write"))
    }

    async fn open_writer(&self, _key: &Key, _options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        Err(self.refused("open_writer"))
    }

    async fn settle(&self, _key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Err(self.refused("settle"))
    }

    async fn delete(&self, _keys: &[Key], _options: &DeleteOptions) -> Result<Vec<Deleted>> {
        Err(self.refused("delete"))
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.page(prefix, options).await.map_err(|error| self.failed("list", error))
    }

    async fn copy(&self, _from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        Err(self.refused("copy"))
    }

    async fn rename(&self, _from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        Err(self.refused("rename"))
    }

    /// Makes sure that the server answers and that every query is one, without running any.
    async fn check(&self, _options: &CheckOptions) -> Result<()> {
        run::check(&self.pool, &self.shelf).await.map_err(|error| self.failed("check", error))
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        None
    }
}
