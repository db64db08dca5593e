//! A backend whose requests and answers are lost, late and repeated, and whose calls take turns.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::turns::Turns;
use crate::backend::{Backend, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;
use crate::wrap::Dice;

/// What has gone wrong so far: a fault that never fires proves nothing.
#[derive(Debug, Default)]
pub struct Fired {
    pub lost_answers: AtomicU64,
    pub lost_requests: AtomicU64,
    pub late: AtomicU64,
    pub repeated: AtomicU64,
    pub errors: AtomicU64,
}

impl Fired {
    pub fn all(&self) -> [u64; 5] {
        [&self.lost_answers, &self.lost_requests, &self.late, &self.repeated, &self.errors]
            .map(|count| count.load(Ordering::Relaxed))
    }

    fn note(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The way to the objects, for all actors. Without dice it is a good one.
#[derive(Debug)]
pub struct Network {
    inner: Arc<dyn Backend>,
    dice: Option<Dice>,
    late: Mutex<Vec<Request>>,
    pub fired: Arc<Fired>,
}

#[derive(Debug, Clone)]
enum Request {
    Write(Key, Bytes, WriteOptions),
    Delete(Vec<Key>, DeleteOptions),
}

enum Fate {
    Fine,
    Error,
    LostAnswer,
    LostRequest,
    Late,
    Repeated,
}

impl Network {
    pub fn new(inner: Arc<dyn Backend>, faults: Option<u64>, fired: Arc<Fired>) -> Arc<Self> {
        Arc::new(Self { inner, dice: faults.map(Dice::new), late: Mutex::default(), fired })
    }

    /// The objects themselves.
    pub fn inner_backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.inner)
    }

    /// What is late arrives before what follows, now and then.
    fn arrive(&self) {
        let Some(dice) = &self.dice else { return };
        let mut late = self.late.lock().unwrap();
        if !late.is_empty() && dice.hits(0.1) {
            let place = dice.below(late.len() as u64) as usize;
            let request = late.swap_remove(place);
            drop(late);
            self.send(request);
        }
    }

    /// Everything that is late arrives.
    pub fn settle(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        late.into_iter().for_each(|request| self.send(request));
    }

    fn send(&self, request: Request) {
        let _ = match request {
            Request::Write(key, bytes, options) => self.inner.write(&key, bytes, &options).map(drop),
            Request::Delete(keys, options) => self.inner.delete(&keys, &options).map(drop),
        };
    }

    fn fate(&self) -> Fate {
        let Some(dice) = &self.dice else { return Fate::Fine };
        match dice.below(40) {
            0 => Fate::Error,
            1 => Fate::LostAnswer,
            2 => Fate::LostRequest,
            3 => Fate::Late,
            4 | 5 => Fate::Repeated,
            _ => Fate::Fine,
        }
    }

    fn read_fails(&self) -> Result<()> {
        match &self.dice {
            Some(dice) if dice.hits(0.01) => {
                Fired::note(&self.fired.errors);
                Err(Error::new(ErrorKind::Unavailable, "no answer"))
            }
            _ => Ok(()),
        }
    }
}

/// One actor's handle.
#[derive(Debug)]
pub struct Unruly {
    pub network: Arc<Network>,
    pub turns: Option<(Arc<Turns>, usize)>,
}

impl Unruly {
    fn begin(&self) {
        if let Some((turns, actor)) = &self.turns {
            turns.take(*actor);
        }
        self.network.arrive();
    }

    fn read<Value>(&self, run: impl FnOnce(&dyn Backend) -> Result<Value>) -> Result<Value> {
        self.begin();
        self.network.read_fails()?;
        run(&*self.network.inner)
    }

    /// Makes a change, with its fate. None if nobody knows.
    fn change<Value>(
        &self,
        request: Request,
        run: impl FnOnce(&dyn Backend) -> Result<Value>,
    ) -> Result<Option<Value>> {
        self.begin();
        let (network, fired) = (&*self.network, &*self.network.fired);
        let is_late = |request| network.late.lock().unwrap().push(request);
        match network.fate() {
            Fate::Fine => run(&*network.inner).map(Some),
            Fate::Error => {
                Fired::note(&fired.errors);
                Err(Error::new(ErrorKind::Unavailable, "the request was not sent"))
            }
            Fate::LostAnswer => {
                Fired::note(&fired.lost_answers);
                run(&*network.inner).map(|_| None)
            }
            Fate::LostRequest => {
                Fired::note(&fired.lost_requests);
                Ok(None)
            }
            Fate::Late => {
                Fired::note(&fired.late);
                is_late(request);
                Ok(None)
            }
            Fate::Repeated => {
                Fired::note(&fired.repeated);
                is_late(request);
                run(&*network.inner).map(Some)
            }
        }
    }
}

impl fmt::Display for Unruly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unruly")
    }
}

impl Backend for Unruly {
    fn info(&self) -> BackendInfo {
        self.network.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.read(|inner| inner.stat(key, options))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.read(|inner| inner.read(key, options))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.read(|inner| inner.read_ranges(key, ranges, options))
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let request = Request::Write(key.clone(), body.clone(), options.clone());
        let outcome = self.change(request, |inner| inner.write(key, body, options))?;
        Ok(outcome.unwrap_or(Outcome::Unknown))
    }

    fn open_writer(&self, _key: &Key, _options: &WriteOptions) -> Result<Box<dyn Writer>> {
        Err(Error::unsupported("not needed here"))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.read(|inner| inner.settle(key, token, options))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let request = Request::Delete(keys.to_vec(), options.clone());
        let lost = |_| Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, "no answer"));
        let answers = self.change(request, |inner| inner.delete(keys, options))?;
        Ok(answers.unwrap_or_else(|| keys.iter().map(lost).collect()))
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.read(|inner| inner.list(prefix, options))
    }

    fn copy(&self, _from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        Err(Error::unsupported("not needed here"))
    }

    fn rename(&self, _from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        Err(Error::unsupported("not needed here"))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.read(|inner| inner.check(options))
    }
}
