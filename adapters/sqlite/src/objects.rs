//! Rows: what an object is in the tables, and the changes within one transaction.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use worldstore_core::{Condition, Error, ErrorKind, Key, ObjectMeta, Result, Version, WriteToken};
use worldstore_db_common::sqlite::translate;

/// Bytes in one row of an object; the last row has the rest.
pub const CHUNK_BYTES: usize = 256 << 10;

/// An object as the tables have it.
#[derive(Debug)]
pub(crate) struct Object {
    pub meta: ObjectMeta,
    pub generation: i64,
    pub token: Option<String>,
}

/// What an object shall be.
pub(crate) struct New {
    pub generation: i64,
    pub size: u64,
    pub token: Option<String>,
}

/// The columns that [`object_of`] reads.
pub(crate) const COLUMNS: &str = "key, generation, version, size, modified_us, token";

/// Access to the tables, inside a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'connection> {
    pub connection: &'connection Connection,
    /// The file's random name.
    pub name: &'connection str,
}

impl Tables<'_> {
    pub(crate) fn find(&self, key: &Key) -> Result<Option<Object>> {
        let sql = format!("SELECT {COLUMNS} FROM objects WHERE key = ?1");
        let mut statement = self.connection.prepare_cached(&sql).map_err(translate)?;
        let found = statement.query_row([key.as_str().as_bytes()], |row| Ok(self.object_of(row)));
        found.optional().map_err(translate)?.transpose()
    }

    pub(crate) fn get(&self, key: &Key) -> Result<Object> {
        self.find(key)?.ok_or_else(|| Error::not_found("no such object").with("key", key))
    }

    /// Reads a row of [`COLUMNS`].
    pub(crate) fn object_of(&self, row: &SqlRow<'_>) -> Result<Object> {
        let key: Vec<u8> = row.get(0).map_err(translate)?;
        let text = String::from_utf8(key).map_err(|error| damaged("key in the file is no text").caused_by(error))?;
        let key = Key::new(text).map_err(|error| damaged("key in the file is no key").caused_by(error))?;
        let number = |at: usize| row.get::<_, i64>(at).map_err(translate);
        let (generation, version, modified) = (number(1)?, number(2)?, number(4)?);
        let meta = ObjectMeta::new(key, number(3)?.max(0) as u64)
            .with_version(self.version(version))
            .with_modified(UNIX_EPOCH + Duration::from_micros(modified.max(0) as u64));
        Ok(Object { meta, generation, token: row.get(5).map_err(translate)? })
    }

    fn version(&self, number: i64) -> Version {
        Version::new(format!("{}-{number}", self.name))
    }

    /// The next number, which nothing else gets.
    pub(crate) fn count(&self) -> Result<i64> {
        let sql = "UPDATE store SET counter = counter + 1 RETURNING counter";
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        statement.query_row([], |row| row.get(0)).map_err(translate)
    }

    /// Makes `new` the object at the key in place of `old`, whose chunks go.
    pub(crate) fn publish(&self, key: &Key, old: Option<&Object>, new: New) -> Result<ObjectMeta> {
        if let Some(old) = old {
            self.remove_chunks(old.generation)?;
        }
        let (number, modified) = (self.count()?, now_us());
        let sql = "INSERT OR REPLACE INTO objects (key, generation, version, size, modified_us, token)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        let row = params![key.as_str().as_bytes(), new.generation, number, new.size as i64, modified, new.token];
        statement.execute(row).map_err(translate)?;
        Ok(ObjectMeta::new(key.clone(), new.size)
            .with_version(self.version(number))
            .with_modified(UNIX_EPOCH + Duration::from_micros(modified as u64)))
    }

    /// Removes the row of an object, not its chunks.
    pub(crate) fn remove_row(&self, key: &Key) -> Result<()> {
        let mut statement = self.connection.prepare_cached("DELETE FROM objects WHERE key = ?1").map_err(translate)?;
        statement.execute([key.as_str().as_bytes()]).map(drop).map_err(translate)
    }

    pub(crate) fn remove_chunks(&self, generation: i64) -> Result<()> {
        let sql = "DELETE FROM chunks WHERE generation = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        statement.execute([generation]).map(drop).map_err(translate)
    }

    /// Stores bytes as chunks, the first one at this place.
    pub(crate) fn add_chunks(&self, generation: i64, first: i64, bytes: &[u8]) -> Result<()> {
        let sql = "INSERT INTO chunks (generation, at, bytes) VALUES (?1, ?2, ?3)";
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        for (at, chunk) in (first..).zip(bytes.chunks(CHUNK_BYTES)) {
            statement.execute(params![generation, at, chunk]).map_err(translate)?;
        }
        Ok(())
    }

    pub(crate) fn copy_chunks(&self, from: i64, to: i64) -> Result<()> {
        let sql = "INSERT INTO chunks (generation, at, bytes) SELECT ?2, at, bytes FROM chunks WHERE generation = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        statement.execute([from, to]).map(drop).map_err(translate)
    }

    /// The part of the range that lies in the chunk of its start. The range is not empty and within the object.
    pub(crate) fn chunk(&self, object: &Object, range: &Range<u64>) -> Result<Bytes> {
        let (at, offset) = (range.start / CHUNK_BYTES as u64, range.start % CHUNK_BYTES as u64);
        let length = (range.end - range.start).min(CHUNK_BYTES as u64 - offset);
        let sql = "SELECT substr(bytes, ?3, ?4) FROM chunks WHERE generation = ?1 AND at = ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        let row = params![object.generation, at as i64, offset as i64 + 1, length as i64];
        let bytes: Option<Vec<u8>> = statement.query_row(row, |row| row.get(0)).optional().map_err(translate)?;
        match bytes {
            Some(bytes) if bytes.len() as u64 == length => Ok(bytes.into()),
            _ => Err(damaged("bytes of the object are missing in the file").with("key", &object.meta.key)),
        }
    }
}

/// Whether a change under this condition may happen to what is there.
pub(crate) fn holds(condition: &Condition, object: Option<&Object>) -> Result<bool> {
    match (condition, object) {
        (Condition::None, _) => Ok(true),
        (Condition::IfAbsent, object) => Ok(object.is_none()),
        (Condition::IfMatch(version), Some(object)) => Ok(object.meta.version.as_ref() == Some(version)),
        (Condition::IfMatch(_), None) => Ok(false),
        _ => Err(Error::unsupported("the condition is unknown here")),
    }
}

pub(crate) fn text(token: Option<&WriteToken>) -> Option<String> {
    token.map(|token| token.as_str().to_owned())
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

fn damaged(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}
