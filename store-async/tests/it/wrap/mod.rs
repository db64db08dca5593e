//! The wrappers, each over memory, by a clock that a test moves.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use worldstore_async::wrap::*;
use worldstore_async::{AsyncBackend, SyncBackendAdapter, conformance};
use worldstore_core::ops::*;
use worldstore_core::wrap::*;
use worldstore_core::{Backend, Chunks, Error, ErrorKind, Key, Memory, Prefix, Presign, Result, Writer};

mod caching;
mod kit;
mod late;
mod ledger;
mod retrying;
mod spans;
mod stacking;
mod tiering;
mod watching;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn memory() -> Arc<dyn AsyncBackend> {
    Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs the kit, which must pass.
async fn conforms(backend: &dyn AsyncBackend) -> worldstore_core::conformance::Report {
    conformance::run(backend, &Prefix::new("kit").unwrap()).await.into_result().unwrap()
}

async fn put(backend: &dyn AsyncBackend, name: &str, body: impl Into<Bytes>) -> ObjectMeta {
    let key = key(name);
    let outcome = backend.write(&key, body.into(), &WriteOptions::default()).await.unwrap();
    outcome.applied(&key, &Condition::None).unwrap()
}

async fn content_with(backend: &dyn AsyncBackend, name: &str, options: &ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), options).await?;
    Ok(reply.body.try_collect::<Vec<_>>().await?.concat())
}

async fn content(backend: &dyn AsyncBackend, name: &str) -> Vec<u8> {
    content_with(backend, name, &ReadOptions::default()).await.unwrap()
}

/// What befalls the next call of a [`Scripted`] backend.
#[derive(Debug)]
enum Event {
    /// It is made.
    Pass,
    /// It fails before it is made.
    Fail(Error),
    /// It is made and its outcome is unknown.
    Lose,
    /// It is made, after which another writer replaces the object; its outcome is unknown.
    LoseAndReplace,
    /// Another writer replaces the object just before it is made.
    Overtake,
}

/// A memory whose stats, writes, copies, renames and deletes follow a script, and pass once that is over.
#[derive(Debug)]
struct Scripted {
    inner: Memory,
    script: Mutex<VecDeque<Event>>,
    /// The calls that were made, by name.
    calls: Mutex<Vec<&'static str>>,
    tokens: bool,
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = Event>) -> Arc<Self> {
        let (script, calls) = (Mutex::new(script.into_iter().collect()), Mutex::default());
        Arc::new(Self { inner: Memory::new(), script, calls, tokens: true })
    }

    fn without_tokens(script: impl IntoIterator<Item = Event>) -> Arc<Self> {
        let mut scripted = Self::new(script);
        Arc::get_mut(&mut scripted).unwrap().tokens = false;
        scripted
    }

    fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    fn next(&self, call: &'static str) -> Result<Event> {
        self.calls.lock().unwrap().push(call);
        match self.script.lock().unwrap().pop_front() {
            Some(Event::Fail(error)) => Err(error),
            event => Ok(event.unwrap_or(Event::Pass)),
        }
    }

    fn change(&self, call: &'static str, key: &Key, change: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
        let event = self.next(call)?;
        let replace = || self.inner.write(key, "another's".into(), &WriteOptions::default());
        if let Event::Overtake = event {
            let _ = replace()?;
        }
        let outcome = change()?;
        match event {
            Event::Pass | Event::Fail(_) | Event::Overtake => Ok(outcome),
            Event::Lose => Ok(Outcome::Unknown),
            Event::LoseAndReplace => replace().map(|_| Outcome::Unknown),
        }
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scripted")
    }
}

impl Backend for Scripted {
    fn info(&self) -> BackendInfo {
        let mut info = self.inner.info();
        info.capability.write_tokens = self.tokens;
        info
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.next("stat")?;
        self.inner.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.inner.read(key, options)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(key, ranges, options)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        assert!(self.tokens || options.token.is_none(), "a token is not to be sent to who keeps none");
        self.change("write", key, || self.inner.write(key, body, options))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.inner.open_writer(key, options)
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.calls.lock().unwrap().push("settle");
        self.inner.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let event = self.next("delete")?;
        let answers = self.inner.delete(keys, options)?;
        let lost = |_| Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, "lost"));
        match event {
            Event::Pass => Ok(answers),
            _ => Ok(answers.into_iter().map(lost).collect()),
        }
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.next("list")?;
        self.inner.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.change("copy", to, || self.inner.copy(from, to, options))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.change("rename", to, || self.inner.rename(from, to, options))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options)
    }

    fn presign(&self) -> Option<&dyn Presign> {
        Some(self)
    }
}

impl Presign for Scripted {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        self.next("sign")?;
        Ok(format!("{:?} {key}", options.access))
    }
}
