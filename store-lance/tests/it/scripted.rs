//! A backend that asks a script before each call.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;
use worldstore_async::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
use worldstore_core::{
    BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Key, ListOptions, ListPage,
    ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions,
    Settled, StatOptions, WriteOptions, WriteToken,
};

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Call<'call> {
    /// From 1.
    pub number: u64,
    /// The method; that of a writer behind `writer `.
    pub method: &'static str,
    pub key: &'call str,
    /// Bytes that it would store.
    pub bytes: u64,
}

/// What becomes of a call.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is made.
    Pass,
    /// It is not made, and fails.
    Fail(ErrorKind),
    /// It is made, and its answer is lost: a change is unknown, a read fails.
    Lose,
    /// It is made, and an error is answered.
    Belie,
    /// It is made once there is a permit.
    Wait(Arc<Semaphore>),
}

type Script = Arc<dyn Fn(&Call<'_>) -> Verdict + Send + Sync>;

#[derive(Clone)]
struct Play {
    script: Script,
    calls: Arc<AtomicU64>,
}

impl Play {
    async fn begin(&self, method: &'static str, key: &str, bytes: u64) -> Result<Verdict> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let verdict = (self.script)(&Call { number, method, key, bytes });
        match &verdict {
            Verdict::Fail(kind) => return Err(Error::new(*kind, "the script lets it fail").with("call", number)),
            Verdict::Wait(gate) => drop(gate.acquire().await.unwrap()),
            _ => {}
        }
        Ok(verdict)
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the script loses the answer")
}

fn read<Value>(verdict: Verdict, value: Value) -> Result<Value> {
    match verdict {
        Verdict::Lose | Verdict::Belie => Err(lost()),
        _ => Ok(value),
    }
}

fn changed(verdict: Verdict, outcome: Outcome) -> Result<Outcome> {
    match (verdict, outcome) {
        (Verdict::Lose, Outcome::Applied(_)) => Ok(Outcome::Unknown),
        (Verdict::Belie, Outcome::Applied(_)) => Err(lost()),
        (_, outcome) => Ok(outcome),
    }
}

pub struct ScriptedBackend {
    inner: Arc<dyn AsyncBackend>,
    play: Play,
}

impl ScriptedBackend {
    pub fn new(
        inner: Arc<dyn AsyncBackend>,
        script: impl Fn(&Call<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { inner, play: Play { script: Arc::new(script), calls: Arc::default() } })
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.play.calls.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for ScriptedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedBackend").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl fmt::Display for ScriptedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scripted({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for ScriptedBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let verdict = self.play.begin("stat", key.as_str(), 0).await?;
        read(verdict, self.inner.stat(key, options).await?)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let verdict = self.play.begin("read", key.as_str(), 0).await?;
        read(verdict, self.inner.read(key, options).await?)
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let verdict = self.play.begin("read_ranges", key.as_str(), 0).await?;
        read(verdict, self.inner.read_ranges(key, ranges, options).await?)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let verdict = self.play.begin("write", key.as_str(), body.len() as u64).await?;
        changed(verdict, self.inner.write(key, body, options).await?)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let verdict = self.play.begin("open_writer", key.as_str(), 0).await?;
        let inner = read(verdict, self.inner.open_writer(key, options).await?)?;
        Ok(Box::new(ScriptedWriter { inner, key: key.to_string(), play: self.play.clone() }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let verdict = self.play.begin("settle", key.as_str(), 0).await?;
        read(verdict, self.inner.settle(key, token, options).await?)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let first = keys.first().map_or("", Key::as_str);
        let verdict = self.play.begin("delete", first, 0).await?;
        let answers = self.inner.delete(keys, options).await?;
        match verdict {
            Verdict::Lose | Verdict::Belie => {
                let unknown = || Error::new(ErrorKind::OutcomeUnknown, "the script loses the answer");
                Ok(answers.into_iter().map(|_| Deleted::Failed(unknown())).collect())
            }
            _ => Ok(answers),
        }
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let verdict = self.play.begin("list", prefix.as_str(), 0).await?;
        read(verdict, self.inner.list(prefix, options).await?)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let verdict = self.play.begin("copy", to.as_str(), 0).await?;
        changed(verdict, self.inner.copy(from, to, options).await?)
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let verdict = self.play.begin("rename", to.as_str(), 0).await?;
        changed(verdict, self.inner.rename(from, to, options).await?)
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        None
    }
}

struct ScriptedWriter {
    inner: Box<dyn AsyncWriter>,
    key: String,
    play: Play,
}

impl fmt::Debug for ScriptedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedWriter").field("key", &self.key).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for ScriptedWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let verdict = self.play.begin("writer write", &self.key, chunk.len() as u64).await?;
        self.inner.write(chunk).await?;
        read(verdict, ())
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let verdict = self.play.begin("writer commit", &self.key, 0).await?;
        changed(verdict, self.inner.commit().await?)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let verdict = self.play.begin("writer abort", &self.key, 0).await?;
        self.inner.abort().await?;
        read(verdict, ())
    }
}
