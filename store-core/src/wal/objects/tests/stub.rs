//! A backend whose writes are lost, late, repeated or unanswered by plan.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::backend::{Backend, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::memory::Memory;
use crate::ops::*;

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is done and answered.
    Pass,
    /// It is lost on its way.
    Lost,
    /// It is done, and the answer is lost.
    Unanswered,
    /// It arrives with the write after it.
    Late,
    /// It arrives just after the write after it.
    LateBehind,
    /// It is done twice; the second answer counts.
    Twice,
    /// It fails, and nothing is done.
    Fails,
}

/// Objects in memory behind a bad line.
#[derive(Debug)]
pub struct Stub {
    pub memory: Memory,
    tokens: bool,
    plan: Mutex<VecDeque<Act>>,
    late: Mutex<Vec<(Act, Key, Bytes, WriteOptions)>>,
    pub fired: AtomicUsize,
}

impl Stub {
    pub fn new(tokens: bool) -> Self {
        let (plan, late) = (Mutex::default(), Mutex::default());
        Self { memory: Memory::new(), tokens, plan, late, fired: AtomicUsize::new(0) }
    }

    /// What happens to the next writes; what comes after them passes.
    pub fn plan(&self, acts: &[Act]) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).extend(acts);
    }

    fn deliver(&self, which: Act) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, key, body, options) in late.extract_if(.., |(act, ..)| *act == which) {
            let _ = self.memory.write(&key, body, &options);
        }
    }
}

impl fmt::Display for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stub")
    }
}

impl Backend for Stub {
    fn info(&self) -> BackendInfo {
        let mut info = self.memory.info();
        info.capability.write_tokens = self.tokens;
        info
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        if options.token.is_some() && !self.tokens {
            return Err(Error::unsupported("no tokens"));
        }
        let act = self.plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Act::Pass);
        self.fired.fetch_add(usize::from(act != Act::Pass), Ordering::Relaxed);
        self.deliver(Act::Late);
        let answer = match act {
            Act::Pass => self.memory.write(key, body, options),
            Act::Lost => Ok(Outcome::Unknown),
            Act::Unanswered => self.memory.write(key, body, options).map(|_| Outcome::Unknown),
            Act::Late | Act::LateBehind => {
                let call = (act, key.clone(), body, options.clone());
                self.late.lock().unwrap_or_else(PoisonError::into_inner).push(call);
                return Ok(Outcome::Unknown);
            }
            Act::Twice => {
                let _ = self.memory.write(key, body.clone(), options)?;
                self.memory.write(key, body, options)
            }
            Act::Fails => Err(Error::new(ErrorKind::Unavailable, "line is down")),
        };
        self.deliver(Act::LateBehind);
        answer
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.memory.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.memory.read(key, options)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.memory.read_ranges(key, ranges, options)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.memory.open_writer(key, options)
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        match self.tokens {
            true => self.memory.settle(key, token, options),
            false => Err(Error::unsupported("no tokens")),
        }
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.memory.delete(keys, options)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.memory.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.memory.copy(from, to, options)
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.memory.rename(from, to, options)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.memory.check(options)
    }
}
