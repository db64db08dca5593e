//! Reading: small objects in one statement, large ones piece by piece from one state.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use sqlx::{Postgres, Row, Transaction};
use tokio::runtime::Handle;
use worldstore_async::AsyncChunks;
use worldstore_core::{Error, Key, ReadOptions, ReadRangesOptions, ReadReply, Result, check_ranges};

use crate::error::translate;
use crate::objects::{CHUNK_BYTES, COLUMNS, Lock, Object, missing};
use crate::server::Server;

/// Up to so many bytes are read before `read` returns; beyond, the stream keeps a connection and its state of the
/// database until it is dropped. Also the size of the pieces of a stream.
const PIECE_BYTES: u64 = 4 * CHUNK_BYTES as u64;

impl Server {
    pub(crate) async fn read(self: &Arc<Self>, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        if options.range.is_none()
            && let Some((object, bytes)) = self.small(key).await?
        {
            object.meta.expect_version(options.version.as_ref())?;
            let range = 0..object.meta.size;
            return Ok(ReadReply::new(object.meta, range, chunks(bytes)));
        }
        let mut transaction = self.snapshot().await?;
        let object = self.get(&mut transaction, key, Lock::None).await?;
        object.meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(object.meta.size).map_err(|error| error.with("key", key))?,
            None => 0..object.meta.size,
        };
        let meta = object.meta.clone();
        if range.end - range.start > PIECE_BYTES {
            let state = State { transaction: Some(transaction), runtime: Handle::current() };
            let body = Body { server: Arc::clone(self), state, object, rest: range.clone() };
            return Ok(ReadReply::new(meta, range, stream::try_unfold(body, Body::next).boxed()));
        }
        let bytes = self.part(&mut transaction, &object, &range).await?;
        transaction.rollback().await.map_err(translate)?;
        Ok(ReadReply::new(meta, range, chunks(bytes)))
    }

    /// An object of at most one chunk, with its bytes.
    async fn small(&self, key: &Key) -> Result<Option<(Object, Bytes)>> {
        let sql = self.sql(&format!(
            "SELECT {COLUMNS}, c.bytes FROM {{ns}}.objects o
             LEFT JOIN {{ns}}.chunks c ON c.generation = o.generation AND c.at = 0 AND o.size <= $2 WHERE o.key = $1"
        ));
        let query = sqlx::query(&sql).bind(key.as_str().as_bytes()).bind(CHUNK_BYTES as i64);
        let row = query.fetch_optional(&self.pool).await.map_err(translate)?.ok_or_else(|| missing(key))?;
        let (object, bytes) = (self.object_of(&row)?, row.try_get::<Option<Vec<u8>>, _>(6).map_err(translate)?);
        let bytes = bytes.unwrap_or_default();
        // Missing bytes are noticed by the long way.
        Ok((bytes.len() as u64 == object.meta.size).then(|| (object, bytes.into())))
    }

    pub(crate) async fn read_ranges(
        &self,
        key: &Key,
        ranges: &[Range<u64>],
        options: &ReadRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let mut transaction = self.snapshot().await?;
        let object = self.get(&mut transaction, key, Lock::None).await?;
        object.meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, object.meta.size).map_err(|error| error.with("key", key))?;
        let mut parts = Vec::with_capacity(ranges.len());
        for range in ranges {
            parts.push(self.part(&mut transaction, &object, range).await?);
        }
        transaction.rollback().await.map_err(translate)?;
        Ok(parts)
    }
}

fn chunks(bytes: Bytes) -> AsyncChunks {
    stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed()
}

/// The pieces of an object, one in memory at a time.
struct Body {
    server: Arc<Server>,
    state: State,
    object: Object,
    rest: Range<u64>,
}

/// A state of the database. Its end is the work of a runtime, which whoever drops a stream may not be on.
struct State {
    transaction: Option<Transaction<'static, Postgres>>,
    runtime: Handle,
}

impl Drop for State {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        drop(self.transaction.take());
    }
}

impl Body {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let piece = self.rest.start..self.rest.end.min(self.rest.start + PIECE_BYTES);
        let ended = || Error::unexpected("the state of the database is gone");
        let transaction = self.state.transaction.as_mut().ok_or_else(ended)?;
        let bytes = self.server.part(transaction, &self.object, &piece).await?;
        self.rest.start = piece.end;
        Ok(Some((bytes, self)))
    }
}
