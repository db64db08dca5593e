//! Reading: small parts at once, large ones chunk by chunk from one state of the file.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use worldstore_core::{Chunks, Key, ReadOptions, ReadRangesOptions, ReadReply, Result, check_ranges};
use worldstore_db_common::sqlite::Reader;

use crate::database::Database;
use crate::objects::{CHUNK_BYTES, Object, Tables};

/// Up to so many bytes are read before `read` returns; beyond, the stream keeps a connection and its state of the file
/// until it is dropped.
const EAGER_BYTES_MAX: u64 = 4 * CHUNK_BYTES as u64;

impl Database {
    pub(crate) fn read(self: &Arc<Self>, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let reader = self.reader()?;
        let object = self.tables(&reader)?.get(key)?;
        object.meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(object.meta.size).map_err(|error| error.with("key", key))?,
            None => 0..object.meta.size,
        };
        let meta = object.meta.clone();
        let body = Body { database: Arc::clone(self), reader, object, rest: range.clone() };
        let body: Chunks = match range.end - range.start > EAGER_BYTES_MAX {
            true => Box::new(body),
            false => Box::new(body.collect::<Result<Vec<_>>>()?.into_iter().map(Ok)),
        };
        Ok(ReadReply::new(meta, range, body))
    }

    pub(crate) fn read_ranges(
        self: &Arc<Self>,
        key: &Key,
        ranges: &[Range<u64>],
        options: &ReadRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let reader = self.reader()?;
        let tables = self.tables(&reader)?;
        let object = tables.get(key)?;
        object.meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, object.meta.size).map_err(|error| error.with("key", key))?;
        ranges.iter().map(|range| part(&tables, &object, range.clone())).collect()
    }

    pub(crate) fn tables<'reader>(&'reader self, reader: &'reader Reader) -> Result<Tables<'reader>> {
        Ok(Tables { connection: reader.connection()?, name: &self.name })
    }
}

fn part(tables: &Tables<'_>, object: &Object, mut rest: Range<u64>) -> Result<Bytes> {
    let mut part = BytesMut::new();
    while !rest.is_empty() {
        let chunk = tables.chunk(object, &rest)?;
        rest.start += chunk.len() as u64;
        if part.is_empty() && rest.is_empty() {
            return Ok(chunk);
        }
        part.extend_from_slice(&chunk);
    }
    Ok(part.freeze())
}

/// The chunks of an object, one in memory at a time.
struct Body {
    database: Arc<Database>,
    reader: Reader,
    object: Object,
    rest: Range<u64>,
}

impl Iterator for Body {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = self.database.tables(&self.reader).and_then(|tables| tables.chunk(&self.object, &self.rest));
        self.rest.start = match &chunk {
            Ok(chunk) => self.rest.start + chunk.len() as u64,
            Err(_) => self.rest.end,
        };
        Some(chunk)
    }
}
