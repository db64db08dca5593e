//! A backend that fails, loses answers and is overtaken as a test has written down.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::memory::Memory;
use crate::ops::*;

/// What befalls the next call of a [`Scripted`] backend.
#[derive(Debug)]
pub enum Event {
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
    /// Of a delete: the last key fails, and the others are deleted. Any other call is made.
    FailLast(Error),
}

/// A memory whose stats, writes, copies, renames and deletes follow a script, and pass once that is over.
#[derive(Debug)]
pub struct Scripted {
    /// Where the calls go that are made.
    pub inner: Memory,
    script: Mutex<VecDeque<Event>>,
    /// The calls that were made, by name.
    calls: Mutex<Vec<&'static str>>,
    tokens: bool,
}

impl Scripted {
    /// Follows a script; keeps write tokens.
    pub fn new(script: impl IntoIterator<Item = Event>) -> Arc<Self> {
        Arc::new(Self::over(script, true))
    }

    /// Follows a script; keeps no write tokens, and refuses them.
    pub fn without_tokens(script: impl IntoIterator<Item = Event>) -> Arc<Self> {
        Arc::new(Self::over(script, false))
    }

    fn over(script: impl IntoIterator<Item = Event>, tokens: bool) -> Self {
        let (script, calls) = (Mutex::new(script.into_iter().collect()), Mutex::default());
        Self { inner: Memory::new(), script, calls, tokens }
    }

    /// Puts an event before the others of the script.
    pub fn befalls_next(&self, event: Event) {
        lock(&self.script).push_front(event);
    }

    fn note(&self, call: &'static str) {
        lock(&self.calls).push(call);
    }

    /// The calls that were made so far, by name.
    pub fn calls(&self) -> Vec<&'static str> {
        lock(&self.calls).clone()
    }

    fn next(&self, call: &'static str) -> Result<Event> {
        self.note(call);
        match lock(&self.script).pop_front() {
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
            Event::Pass | Event::Fail(_) | Event::FailLast(_) | Event::Overtake => Ok(outcome),
            Event::Lose => Ok(Outcome::Unknown),
            Event::LoseAndReplace => replace().map(|_| Outcome::Unknown),
        }
    }
}

/// What a thread that panicked left is what its calls left.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        if !self.tokens && options.token.is_some() {
            return Err(Error::unexpected("a token was sent to who keeps none").with("key", key));
        }
        self.change("write", key, || self.inner.write(key, body, options))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.inner.open_writer(key, options)
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.note("settle");
        self.inner.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let event = self.next("delete")?;
        if let (Event::FailLast(error), Some((_, others))) = (&event, keys.split_last()) {
            let mut answers = self.inner.delete(others, options)?;
            answers.push(Deleted::Failed(Error::new(error.kind(), error.message().to_owned())));
            return Ok(answers);
        }
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
