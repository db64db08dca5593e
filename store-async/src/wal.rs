//! The write-ahead log, awaited.

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use worldstore_core::vfs::Vfs;
use worldstore_core::wal::{
    Appended, OverBudget, Record, RecordKind, Recovery, Replay, Trimmed, Wal, WalOptions, WalStats,
};
use worldstore_core::{ErrorKind, Result};

use crate::blocking::{look, run, stream};

/// Bytes of payloads that take one hop from the blocking pool.
const BATCH_BYTES: usize = 256 << 10;
/// Records that take one hop at most.
const BATCH_RECORDS: usize = 1024;

/// Records of a log as a stream. It ends after the first error.
pub type AsyncReplay = BoxStream<'static, Result<Record>>;

/// A [`Wal`] for async code. Clones are the same log.
///
/// Appending and waiting need no runtime: a thread of the log does the work and wakes who waits. Where syncs take a
/// fraction of a millisecond, a task in [`append_durable`](Self::append_durable) does that work in its own thread:
/// [`WalOptions::lead_within`] says for how long, and turns it off. A
/// future that is dropped before it has a number has appended nothing; once there is an [`Appended`], the record is written
/// whatever becomes of its future. Opening, reading and trimming go to tokio's blocking pool; outside a runtime they fail
/// with [`ErrorKind::Unsupported`].
///
/// When the last handle is dropped the log is drained, which takes a sync in the thread that drops it:
/// [`close`](Self::close) does it elsewhere.
///
/// ```
/// use futures::TryStreamExt;
/// use worldstore_async::AsyncWal;
/// use worldstore_core::vfs::OsVfs;
/// use worldstore_core::wal::{RecordKind, WalOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> worldstore_core::Result<()> {
/// # let folder = tempfile::tempdir().map_err(|source| worldstore_core::Error::io("make folder", source))?;
/// # let path = folder.path();
/// let (wal, _) = AsyncWal::open(&OsVfs::open(path)?, "log", WalOptions::new()).await?;
/// let one = wal.append(RecordKind::DATA, "one").await?;
/// let two = wal.append(RecordKind::DATA, "two").await?;
/// // Each is on its way; awaited, it is durable.
/// assert_eq!((one.await?, two.await?), (1, 2));
/// let records: Vec<_> = wal.replay(0).await?.try_collect().await?;
/// assert_eq!(records.len(), 2);
/// wal.close().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AsyncWal {
    wal: Wal,
}

impl From<Wal> for AsyncWal {
    fn from(wal: Wal) -> Self {
        Self { wal }
    }
}

impl AsyncWal {
    /// Opens a log, as [`Wal::open`] does.
    ///
    /// # Errors
    /// As for [`Wal::open`].
    pub async fn open<V: Vfs>(vfs: &V, folder: &str, options: WalOptions) -> Result<(Self, Recovery)> {
        let (vfs, folder) = (vfs.clone(), folder.to_owned());
        let (wal, recovery) = run(move || Wal::open(&vfs, &folder, options)).await??;
        Ok((Self { wal }, recovery))
    }

    /// The log, for sync code.
    pub fn wal(&self) -> &Wal {
        &self.wal
    }

    /// Appends a record, as [`Wal::append`] does; where that would block, this waits.
    ///
    /// # Errors
    /// As for [`Wal::append`].
    pub async fn append(&self, kind: RecordKind, payload: impl Into<Bytes>) -> Result<Appended> {
        self.queued(payload.into(), |payload| self.wal.try_append(kind, payload)).await
    }

    /// Appends a record, waits until it is durable, and gives its number: the fastest way for one who waits anyway.
    ///
    /// # Errors
    /// As for [`Wal::append_durable`].
    pub async fn append_durable(&self, kind: RecordKind, payload: impl Into<Bytes>) -> Result<u64> {
        self.queued(payload.into(), |payload| self.wal.try_append_awaited(kind, payload)).await?.await
    }

    /// Tries again when there may be room, unless the log refuses what is over its budget.
    async fn queued(&self, payload: Bytes, append: impl Fn(Bytes) -> Result<Appended>) -> Result<Appended> {
        loop {
            match append(payload.clone()) {
                Err(error) if error.kind() == ErrorKind::Unavailable && self.wal.over_budget() == OverBudget::Block => {
                    self.wal.room(payload.len())?.await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Waits until a record, and all before it, are durable.
    ///
    /// # Errors
    /// As for [`Wal::wait_durable`].
    pub async fn wait_durable(&self, seq: u64) -> Result<()> {
        self.wal.until_durable(seq)?.await
    }

    /// As [`Wal::first`].
    pub fn first(&self) -> u64 {
        self.wal.first()
    }

    /// As [`Wal::last`].
    pub fn last(&self) -> u64 {
        self.wal.last()
    }

    /// As [`Wal::durable`].
    pub fn durable(&self) -> u64 {
        self.wal.durable()
    }

    /// As [`Wal::stats`].
    pub fn stats(&self) -> WalStats {
        self.wal.stats()
    }

    /// Reads records after a number, as [`Wal::replay`] does. A part is read ahead while the one before is looked at.
    ///
    /// # Errors
    /// As for [`Wal::replay`].
    pub async fn replay(&self, after: u64) -> Result<AsyncReplay> {
        let wal = self.wal.clone();
        let (first, rest) = look(move || {
            let mut batches = Batches { replay: wal.replay(after)?, failed: None };
            Ok((batches.next(), batches))
        })
        .await??;
        let batches = stream(first, Box::new(rest));
        let records = batches.map_ok(|batch| futures::stream::iter(batch.into_iter().map(Ok)));
        Ok(records.try_flatten().boxed())
    }

    /// Forgets records, as [`Wal::trim`] does.
    ///
    /// # Errors
    /// As for [`Wal::trim`].
    pub async fn trim(&self, through: u64) -> Result<Trimmed> {
        let wal = self.wal.clone();
        run(move || wal.trim(through)).await?
    }

    /// Drains and closes the log, as [`Wal::close`] does.
    ///
    /// # Errors
    /// As for [`Wal::close`].
    pub async fn close(&self) -> Result<()> {
        let wal = self.wal.clone();
        run(move || wal.close()).await?
    }
}

/// Records in parts that are worth a hop.
struct Batches {
    replay: Replay,
    /// What came after the last part.
    failed: Option<worldstore_core::Error>,
}

impl Iterator for Batches {
    type Item = Result<Vec<Record>>;

    fn next(&mut self) -> Option<Result<Vec<Record>>> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES && batch.len() < BATCH_RECORDS {
            match self.replay.next() {
                Some(Ok(record)) => {
                    bytes += record.payload.len();
                    batch.push(record);
                }
                Some(Err(error)) if batch.is_empty() => return Some(Err(error)),
                Some(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                None => break,
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}
