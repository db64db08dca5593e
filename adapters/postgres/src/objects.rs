//! Rows: what an object is in the tables, and the statements on it.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, Result, Version};

use crate::error::translate;
use crate::server::Server;

/// Bytes in one row of an object; the last row has the rest.
pub const CHUNK_BYTES: usize = 256 << 10;

/// An object as the tables have it.
#[derive(Debug)]
pub(crate) struct Object {
    pub meta: ObjectMeta,
    pub generation: i64,
    pub token: Option<String>,
}

/// Whether a row stays as it is until the end of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    None,
    /// Nobody changes it.
    Share,
    /// Nobody else changes it.
    Update,
}

/// The columns that [`Server::object_of`] reads.
pub(crate) const COLUMNS: &str = "o.key, o.generation, o.version, o.size, o.modified_us, o.token";

impl Server {
    pub(crate) async fn find(&self, connection: &mut PgConnection, key: &Key, lock: Lock) -> Result<Option<Object>> {
        let lock = match lock {
            Lock::None => "",
            Lock::Share => " FOR SHARE",
            Lock::Update => " FOR UPDATE",
        };
        let sql = self.sql(&format!("SELECT {COLUMNS} FROM {{ns}}.objects o WHERE o.key = $1{lock}"));
        let row = sqlx::query(&sql).bind(key.as_str().as_bytes()).fetch_optional(connection).await;
        row.map_err(translate)?.map(|row| self.object_of(&row)).transpose()
    }

    pub(crate) async fn get(&self, connection: &mut PgConnection, key: &Key, lock: Lock) -> Result<Object> {
        self.find(connection, key, lock).await?.ok_or_else(|| missing(key))
    }

    /// Reads a row that begins with [`COLUMNS`].
    pub(crate) fn object_of(&self, row: &PgRow) -> Result<Object> {
        let text = String::from_utf8(row.try_get(0).map_err(translate)?);
        let text = text.map_err(|error| damaged("key in the table is no text").caused_by(error))?;
        let key = Key::new(text).map_err(|error| damaged("key in the table is no key").caused_by(error))?;
        let number = |at: usize| row.try_get::<i64, _>(at).map_err(translate);
        let meta = self.meta(&key, number(3)?, number(2)?, number(4)?);
        Ok(Object { meta, generation: number(1)?, token: row.try_get(5).map_err(translate)? })
    }

    pub(crate) fn meta(&self, key: &Key, size: i64, version: i64, modified_us: i64) -> ObjectMeta {
        ObjectMeta::new(key.clone(), size.max(0) as u64)
            .with_version(Version::new(format!("{}-{version}", self.name)))
            .with_modified(UNIX_EPOCH + Duration::from_micros(modified_us.max(0) as u64))
    }

    /// The number of a version; none for one that is not of this namespace.
    pub(crate) fn number_of(&self, version: &Version) -> Option<i64> {
        version.as_str().strip_prefix(&self.name)?.strip_prefix('-')?.parse().ok()
    }

    pub(crate) async fn next_number(&self, connection: &mut PgConnection) -> Result<i64> {
        let sql = self.sql("SELECT nextval('{ns}.numbers')");
        sqlx::query_scalar(&sql).fetch_one(connection).await.map_err(translate)
    }

    /// Stores bytes as chunks, the first one at this place.
    pub(crate) async fn add_chunks(
        &self,
        connection: &mut PgConnection,
        generation: i64,
        first: i32,
        bytes: &[u8],
    ) -> Result<()> {
        let sql = self.sql(
            "INSERT INTO {ns}.chunks (generation, at, bytes)
             SELECT $1, part.at, part.bytes FROM unnest($2::integer[], $3::bytea[]) AS part (at, bytes)",
        );
        // A statement carries a few megabytes at most, whatever the size of the object.
        for (at, batch) in (first..).step_by(BATCH_CHUNKS).zip(bytes.chunks(BATCH_CHUNKS * CHUNK_BYTES)) {
            let (places, chunks) = parts(at, batch);
            let query = sqlx::query(&sql).bind(generation).bind(places).bind(chunks);
            query.execute(&mut *connection).await.map_err(translate)?;
        }
        Ok(())
    }

    pub(crate) async fn remove_chunks(&self, connection: &mut PgConnection, generations: &[i64]) -> Result<()> {
        let sql = self.sql("DELETE FROM {ns}.chunks WHERE generation = ANY($1)");
        sqlx::query(&sql).bind(generations).execute(connection).await.map(drop).map_err(translate)
    }

    /// A part of an object that lies within it.
    pub(crate) async fn part(
        &self,
        connection: &mut PgConnection,
        object: &Object,
        range: &Range<u64>,
    ) -> Result<Bytes> {
        let (length, chunk) = ((range.end - range.start) as usize, CHUNK_BYTES as u64);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let sql = self.sql(
            "SELECT substring(
                 bytes FROM (greatest($4 - at::bigint * $6, 0) + 1)::integer
                 FOR (least($5 - at::bigint * $6, $6) - greatest($4 - at::bigint * $6, 0))::integer
             ) FROM {ns}.chunks WHERE generation = $1 AND at BETWEEN $2 AND $3 ORDER BY at",
        );
        let query = sqlx::query_scalar::<_, Vec<u8>>(&sql).bind(object.generation);
        let query = query.bind((range.start / chunk) as i32).bind(((range.end - 1) / chunk) as i32);
        let query = query.bind(range.start as i64).bind(range.end as i64).bind(chunk as i64);
        let mut found = query.fetch_all(connection).await.map_err(translate)?;
        let part: Bytes = match &mut found[..] {
            [only] => std::mem::take(only).into(),
            several => several
                .iter()
                .fold(BytesMut::with_capacity(length), |mut part, chunk| {
                    part.extend_from_slice(chunk);
                    part
                })
                .freeze(),
        };
        match part.len() == length {
            true => Ok(part),
            false => Err(damaged("bytes of the object are missing in the table").with("key", &object.meta.key)),
        }
    }
}

/// Chunks in one statement.
const BATCH_CHUNKS: usize = 16;

/// Places and contents of the chunks of these bytes, the first one at this place.
pub(crate) fn parts(first: i32, bytes: &[u8]) -> (Vec<i32>, Vec<&[u8]>) {
    (first..).zip(bytes.chunks(CHUNK_BYTES)).unzip()
}

pub(crate) fn missing(key: &Key) -> Error {
    Error::not_found("no such object").with("key", key)
}

pub(crate) fn damaged(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}
