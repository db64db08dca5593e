//! A backend that fails at a call, loses the answer to it, or is full.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use worldstore::core::ops::*;
use worldstore::core::{Backend, Error, ErrorKind, Key, Prefix, Presign, Result, Writer};

use bytes::Bytes;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// This call is not made, and fails.
    Fail(u64),
    /// This call and all after it.
    FailFrom(u64),
    /// This call is made, and its answer is lost: a change is unknown, a read fails.
    Lose(u64),
    /// No more than so many bytes are taken.
    Full(u64),
    /// Writes to the log fail from this one on, and late: what does not wait for them is ahead of them.
    FailRecordsFrom(u64),
}

/// Where the log of a world is.
const LOG: &str = "log/";
const LATE: Duration = Duration::from_millis(60);

#[derive(Debug)]
struct Play {
    trouble: Trouble,
    calls: AtomicU64,
    bytes: AtomicU64,
    records: AtomicU64,
    struck: AtomicU64,
}

/// Whether the answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Given,
    Lost,
}

impl Play {
    fn begin(&self, bytes: usize) -> Result<Answer> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let strike = || self.struck.fetch_add(1, Ordering::SeqCst);
        match self.trouble {
            Trouble::Full(budget) if bytes > 0 => {
                let take = |used: u64| Some(used + bytes as u64).filter(|used| *used <= budget);
                if self.bytes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
                    strike();
                    return Err(Error::new(ErrorKind::StorageFull, "the script has no room").with("call", call));
                }
                return Ok(Answer::Given);
            }
            _ => drop(self.bytes.fetch_add(bytes as u64, Ordering::SeqCst)),
        }
        let (fails, loses) = match self.trouble {
            Trouble::Fail(number) => (call == number, false),
            Trouble::FailFrom(number) => (call >= number, false),
            Trouble::Lose(number) => (false, call == number),
            Trouble::None | Trouble::Full(_) | Trouble::FailRecordsFrom(_) => (false, false),
        };
        if fails || loses {
            strike();
        }
        match (fails, loses) {
            (true, _) => Err(Error::new(ErrorKind::Unavailable, "the script lets it fail").with("call", call)),
            (_, true) => Ok(Answer::Lost),
            _ => Ok(Answer::Given),
        }
    }

    /// A write to the log is about to be made.
    fn record(&self) -> Result<()> {
        let record = self.records.fetch_add(1, Ordering::SeqCst) + 1;
        match self.trouble {
            Trouble::FailRecordsFrom(first) if record >= first => {}
            _ => return Ok(()),
        }
        self.struck.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(LATE);
        Err(Error::new(ErrorKind::Unavailable, "the script lets it fail").with("record", record))
    }
}

fn read<Value>(answer: Answer, value: Value) -> Result<Value> {
    match answer {
        Answer::Lost => Err(Error::new(ErrorKind::Unavailable, "the script loses the answer")),
        Answer::Given => Ok(value),
    }
}

fn changed(answer: Answer, outcome: Outcome) -> Outcome {
    match (answer, outcome) {
        (Answer::Lost, Outcome::Applied(_)) => Outcome::Unknown,
        (_, outcome) => outcome,
    }
}

/// The backend under a script.
#[derive(Debug, Clone)]
pub struct Scripted {
    inner: Arc<dyn Backend>,
    play: Arc<Play>,
}

impl Scripted {
    pub fn new(inner: Arc<dyn Backend>, trouble: Trouble) -> Self {
        let (calls, bytes, records, struck) = Default::default();
        Self { inner, play: Arc::new(Play { trouble, calls, bytes, records, struck }) }
    }

    /// Calls, the bytes that they have brought, and writes to the log among them.
    pub fn used(&self) -> [u64; 3] {
        [&self.play.calls, &self.play.bytes, &self.play.records].map(|count| count.load(Ordering::SeqCst))
    }

    /// Whether something went wrong.
    pub fn has_struck(&self) -> bool {
        self.play.struck.load(Ordering::SeqCst) > 0
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scripted({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for Scripted {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let answer = self.play.begin(0)?;
        read(answer, self.inner.stat(key, options)?)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let answer = self.play.begin(0)?;
        read(answer, self.inner.read(key, options)?)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let answer = self.play.begin(0)?;
        read(answer, self.inner.read_ranges(key, ranges, options)?)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        if key.as_str().starts_with(LOG) {
            self.play.record()?;
        }
        let answer = self.play.begin(body.len())?;
        Ok(changed(answer, self.inner.write(key, body, options)?))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let answer = self.play.begin(0)?;
        let inner = read(answer, self.inner.open_writer(key, options)?)?;
        Ok(Box::new(ScriptedWriter { inner, play: Arc::clone(&self.play) }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let answer = self.play.begin(0)?;
        read(answer, self.inner.settle(key, token, options)?)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let answer = self.play.begin(0)?;
        let deleted = self.inner.delete(keys, options)?;
        let unknown = |_| Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, "the script loses the answer"));
        match answer {
            Answer::Lost => Ok(deleted.into_iter().map(unknown).collect()),
            Answer::Given => Ok(deleted),
        }
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let answer = self.play.begin(0)?;
        read(answer, self.inner.list(prefix, options)?)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let answer = self.play.begin(1)?;
        Ok(changed(answer, self.inner.copy(from, to, options)?))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let answer = self.play.begin(0)?;
        Ok(changed(answer, self.inner.rename(from, to, options)?))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options)
    }

    fn presign(&self) -> Option<&dyn Presign> {
        None
    }
}

#[derive(Debug)]
struct ScriptedWriter {
    inner: Box<dyn Writer>,
    play: Arc<Play>,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for ScriptedWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        let answer = self.play.begin(chunk.len())?;
        self.inner.write(chunk)?;
        read(answer, ())
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let answer = self.play.begin(0)?;
        Ok(changed(answer, self.inner.commit()?))
    }

    fn abort(self: Box<Self>) -> Result<()> {
        let answer = self.play.begin(0)?;
        self.inner.abort()?;
        read(answer, ())
    }
}
