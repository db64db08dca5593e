//! Writers: chunks are staged as they come and published in one transaction.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use worldstore_async::AsyncWriter;
use worldstore_core::{Durability, Error, ErrorKind, Key, Outcome, Result, WriteOptions};

use crate::error::translate;
use crate::objects::{CHUNK_BYTES, parts};
use crate::server::{Committed, Server, commit};
use crate::write::{New, applied, text};

/// Bytes that a writer holds in memory, and stores in one statement.
const STAGE_BYTES: usize = 4 * CHUNK_BYTES;

/// An object in the making.
pub(crate) struct PostgresWriter {
    server: Arc<Server>,
    key: Key,
    options: WriteOptions,
    /// Bytes that are not staged yet.
    buffer: BytesMut,
    /// Under which number chunks are staged; none before the first ones.
    generation: Option<i64>,
    staged_bytes: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Bytes may be missing: the object cannot be finished.
    Broken,
}

impl PostgresWriter {
    pub(crate) fn new(server: Arc<Server>, key: Key, options: WriteOptions) -> Self {
        let (buffer, generation, staged_bytes) = (BytesMut::new(), None, 0);
        Self { server, key, options, buffer, generation, staged_bytes, state: State::Open }
    }

    fn next_chunk(&self) -> i32 {
        (self.staged_bytes / CHUNK_BYTES as u64) as i32
    }

    async fn stage(&mut self) -> Result<()> {
        let bytes = self.buffer.split().freeze();
        // A future that is dropped from here on leaves a gap behind.
        self.state = State::Broken;
        match self.generation {
            Some(generation) => self.server.stage(generation, self.next_chunk(), &bytes).await?,
            None => self.generation = Some(self.server.begin_stage(&bytes).await?),
        }
        self.staged_bytes += bytes.len() as u64;
        self.state = State::Open;
        Ok(())
    }

    async fn publish(&mut self) -> Result<Outcome> {
        let bytes = self.buffer.split().freeze();
        let (server, key, options) = (&self.server, &self.key, &self.options);
        let Some(generation) = self.generation else { return server.put(key, &bytes, options).await };
        let mut transaction = server.change(options.durability).await?;
        if !server.end_stage(&mut transaction, generation).await? {
            return Err(swept());
        }
        server.expect_chunks(&mut transaction, generation, self.next_chunk()).await?;
        let size = self.staged_bytes + bytes.len() as u64;
        let new = New { generation, size, token: text(options.token.as_ref()) };
        let Some(meta) = server.publish(&mut transaction, key, &options.condition, new).await? else {
            transaction.rollback().await.map_err(translate)?;
            self.discard().await?;
            return Ok(Outcome::Rejected);
        };
        server.add_chunks(&mut transaction, generation, self.next_chunk(), &bytes).await?;
        let committed = commit(transaction).await?;
        // Where the end is unclear, what is staged goes with the writer, unless it was published.
        if matches!(committed, Committed::Yes) {
            self.generation = None;
        }
        applied(committed, meta)
    }

    async fn discard(&mut self) -> Result<()> {
        match self.generation.take() {
            Some(generation) => self.server.discard(generation).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for PostgresWriter {
    async fn write(&mut self, mut chunk: Bytes) -> Result<()> {
        while !chunk.is_empty() {
            if self.state == State::Broken {
                return Err(broken(&self.key));
            }
            let part = chunk.split_to(chunk.len().min(STAGE_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(&part);
            if self.buffer.len() == STAGE_BYTES {
                self.stage().await.map_err(|error| error.during("write").with("key", &self.key))?;
            }
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<Outcome> {
        match self.state {
            State::Broken => Err(broken(&self.key)),
            State::Open => {
                let published = self.publish().await;
                published.map_err(|error| error.during("commit").with("key", &self.key))
            }
        }
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        let discarded = self.discard().await;
        discarded.map_err(|error| error.during("abort").with("key", &self.key))
    }
}

impl Drop for PostgresWriter {
    fn drop(&mut self) {
        // What cannot be removed now, without a runtime for one, is swept later.
        if let (Some(generation), Ok(runtime)) = (self.generation.take(), tokio::runtime::Handle::try_current()) {
            let server = Arc::clone(&self.server);
            runtime.spawn(async move { server.discard(generation).await });
        }
    }
}

impl fmt::Debug for PostgresWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresWriter").field("key", &self.key).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Server {
    /// Stores the first chunks of a writer and returns their number.
    async fn begin_stage(&self, bytes: &[u8]) -> Result<i64> {
        let sql = self.sql(
            "WITH made AS (
                 INSERT INTO {ns}.staged (generation, touched) VALUES (nextval('{ns}.numbers'), clock_timestamp())
                 RETURNING generation
             ) INSERT INTO {ns}.chunks (generation, at, bytes)
             SELECT made.generation, part.at, part.bytes
             FROM made, unnest($1::integer[], $2::bytea[]) AS part (at, bytes) RETURNING generation",
        );
        let (places, chunks) = parts(0, bytes);
        let rows = sqlx::query_scalar(&sql).bind(places).bind(chunks).fetch_all(&self.pool).await.map_err(translate)?;
        rows.first().copied().ok_or_else(|| Error::unexpected("no chunk was stored"))
    }

    /// Stores more chunks of a writer, unless it was swept.
    async fn stage(&self, generation: i64, first: i32, bytes: &[u8]) -> Result<()> {
        let sql = self.sql(
            "WITH alive AS (
                 UPDATE {ns}.staged SET touched = clock_timestamp() WHERE generation = $1 RETURNING generation
             ) INSERT INTO {ns}.chunks (generation, at, bytes)
             SELECT alive.generation, part.at, part.bytes
             FROM alive, unnest($2::integer[], $3::bytea[]) AS part (at, bytes)",
        );
        let (places, chunks) = parts(first, bytes);
        let query = sqlx::query(&sql).bind(generation).bind(places).bind(chunks);
        match query.execute(&self.pool).await.map_err(translate)?.rows_affected() {
            0 => Err(swept()),
            _ => Ok(()),
        }
    }

    /// Takes a writer off the list; false if it was swept.
    async fn end_stage(&self, connection: &mut sqlx::PgConnection, generation: i64) -> Result<bool> {
        let sql = self.sql("DELETE FROM {ns}.staged WHERE generation = $1");
        let done = sqlx::query(&sql).bind(generation).execute(connection).await.map_err(translate)?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes sure that as many chunks are staged as were told to be: an object with a gap is not published.
    async fn expect_chunks(&self, connection: &mut sqlx::PgConnection, generation: i64, expected: i32) -> Result<()> {
        let sql = self.sql("SELECT count(*) FROM {ns}.chunks WHERE generation = $1");
        let found = sqlx::query_scalar::<_, i64>(&sql).bind(generation).fetch_one(connection).await;
        match found.map_err(translate)? {
            found if found == i64::from(expected) => Ok(()),
            found => {
                Err(Error::new(ErrorKind::Poisoned, "staged bytes are missing in the table, begin the object again")
                    .with("chunks_expected", expected)
                    .with("chunks_found", found))
            }
        }
    }

    /// Removes what is staged, unless it was published or swept.
    async fn discard(&self, generation: i64) -> Result<()> {
        let mut transaction = self.change(Durability::None).await?;
        if self.end_stage(&mut transaction, generation).await? {
            self.remove_chunks(&mut transaction, &[generation]).await?;
        }
        transaction.commit().await.map_err(translate)
    }

    /// Removes the chunks of writers that have been silent for too long, and says how many there were.
    pub(crate) async fn sweep(&self) -> Result<usize> {
        let mut transaction = self.change(Durability::None).await?;
        let sql = self.sql(
            "DELETE FROM {ns}.staged WHERE touched < clock_timestamp() - make_interval(secs => $1)
             RETURNING generation",
        );
        let query = sqlx::query_scalar(&sql).bind(self.abandoned_after.as_secs_f64());
        let generations: Vec<i64> = query.fetch_all(&mut *transaction).await.map_err(translate)?;
        self.remove_chunks(&mut transaction, &generations).await?;
        transaction.commit().await.map_err(translate)?;
        Ok(generations.len())
    }
}

fn swept() -> Error {
    Error::new(ErrorKind::Poisoned, "the writer was silent for so long that its bytes were removed")
}

fn broken(key: &Key) -> Error {
    Error::new(ErrorKind::Poisoned, "an earlier write failed, begin the object again").with("key", key)
}
