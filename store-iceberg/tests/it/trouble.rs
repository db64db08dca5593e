//! A backend with one kind of trouble: the n-th call, or the bytes that there is room for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
use worldstore_core::{
    BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Key, ListOptions, ListPage,
    ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions,
    Settled, StatOptions, WriteOptions, WriteToken,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// This call fails, counted from one.
    FailOnce(u64),
    /// This call fails, and all after it.
    FailFrom(u64),
    /// This call is done, and its reply is lost.
    LoseReply(u64),
    /// There is room for so many more bytes.
    FullAfter(u64),
}

#[derive(Debug, Clone)]
pub struct TroubledBackend {
    inner: Arc<dyn AsyncBackend>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    trouble: Trouble,
    calls: AtomicU64,
    bytes: AtomicU64,
    met: AtomicBool,
    over: AtomicBool,
}

/// What is to happen to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Lost,
}

impl TroubledBackend {
    pub fn new(inner: Arc<dyn AsyncBackend>, trouble: Trouble) -> Arc<Self> {
        let (calls, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let shared = Shared { trouble, calls, bytes, met: AtomicBool::new(false), over: AtomicBool::new(false) };
        Arc::new(Self { inner, shared: Arc::new(shared) })
    }

    /// Whether the trouble befell a call.
    pub fn met(&self) -> bool {
        self.shared.met.load(Ordering::SeqCst)
    }

    /// From now on all goes well.
    pub fn end(&self) {
        self.shared.over.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn begin(&self) -> Result<Fate> {
        if self.over.load(Ordering::SeqCst) {
            return Ok(Fate::Done);
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let (fails, is_lost) = match self.trouble {
            Trouble::FailOnce(number) => (call == number, false),
            Trouble::FailFrom(number) => (call >= number, false),
            Trouble::LoseReply(number) => (false, call == number),
            Trouble::FullAfter(_) => (false, false),
        };
        self.met.fetch_or(fails || is_lost, Ordering::SeqCst);
        match (fails, is_lost) {
            (true, _) => Err(Error::new(ErrorKind::Unavailable, "the call fails")),
            (_, true) => Ok(Fate::Lost),
            _ => Ok(Fate::Done),
        }
    }

    fn take(&self, bytes: usize) -> Result<()> {
        let Trouble::FullAfter(room) = self.trouble else { return Ok(()) };
        let used = self.bytes.fetch_add(bytes as u64, Ordering::SeqCst) + bytes as u64;
        if used > room && !self.over.load(Ordering::SeqCst) {
            self.met.store(true, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::StorageFull, "the store is full"));
        }
        Ok(())
    }
}

fn lost<Reply>(fate: Fate, reply: Reply) -> Result<Reply> {
    match fate {
        Fate::Done => Ok(reply),
        Fate::Lost => Err(Error::new(ErrorKind::Unavailable, "the reply is lost")),
    }
}

fn outcome(fate: Fate, outcome: Outcome) -> Outcome {
    match fate {
        Fate::Done => outcome,
        Fate::Lost => Outcome::Unknown,
    }
}

impl fmt::Display for TroubledBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "troubled({})", self.inner)
    }
}

#[async_trait]
impl AsyncBackend for TroubledBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let fate = self.shared.begin()?;
        lost(fate, self.inner.stat(key, options).await?)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let fate = self.shared.begin()?;
        lost(fate, self.inner.read(key, options).await?)
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let fate = self.shared.begin()?;
        lost(fate, self.inner.read_ranges(key, ranges, options).await?)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let fate = self.shared.begin()?;
        self.shared.take(body.len())?;
        Ok(outcome(fate, self.inner.write(key, body, options).await?))
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let fate = self.shared.begin()?;
        let inner = lost(fate, self.inner.open_writer(key, options).await?)?;
        Ok(Box::new(Writer { inner, shared: self.shared.clone() }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let fate = self.shared.begin()?;
        lost(fate, self.inner.settle(key, token, options).await?)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let fate = self.shared.begin()?;
        let deleted = self.inner.delete(keys, options).await?;
        let unknown = |_| Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, "the reply is lost"));
        Ok(match fate {
            Fate::Done => deleted,
            Fate::Lost => deleted.into_iter().map(unknown).collect(),
        })
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let fate = self.shared.begin()?;
        lost(fate, self.inner.list(prefix, options).await?)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let fate = self.shared.begin()?;
        Ok(outcome(fate, self.inner.copy(from, to, options).await?))
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let fate = self.shared.begin()?;
        Ok(outcome(fate, self.inner.rename(from, to, options).await?))
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign()
    }
}

#[derive(Debug)]
struct Writer {
    inner: Box<dyn AsyncWriter>,
    shared: Arc<Shared>,
}

#[async_trait]
impl AsyncWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let fate = self.shared.begin()?;
        self.shared.take(chunk.len())?;
        self.inner.write(chunk).await?;
        lost(fate, ())
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let fate = self.shared.begin()?;
        Ok(outcome(fate, self.inner.commit().await?))
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
