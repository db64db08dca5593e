//! A backend of one's own, complete: all objects in one file to which records are only ever appended.
//!
//! `cargo run -p worldstore-core --features conformance --example custom_backend` writes a few objects, opens the file
//! again, and then runs the conformance kit on it.
//!
//! What it shows:
//! - A backend moves bytes and classifies errors. What is allowed, which key is one, and what a missing object means to a
//!   caller is decided by [`Store`].
//! - It declares what it really does. Here `copy` and `rename` are not declared, so they are refused; the kit proves it.
//! - A condition is decided in the same step as the change: both happen under one lock.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use worldstore_core::{
    Backend, BackendInfo, Capability, CheckOptions, Chunks, Condition, CopyOptions, DeleteOptions, Deleted, Error,
    ErrorKind, Key, ListOptions, ListPage, Namespace, ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions,
    ReadReply, RenameOptions, Result, SettleOptions, Settled, StatOptions, Store, Version, WriteOptions, WriteToken,
    Writer, check_ranges, conformance, listing,
};

/// The size that stands for "this record deletes the key".
const DELETED: u64 = u64::MAX;

/// Objects in one append-only file. A record is key length, size (both 8 bytes, little endian), key, bytes.
#[derive(Debug)]
struct Journal {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Where each object's bytes lie. The place is its version too: no two states of a key begin at one place.
    objects: BTreeMap<Key, Range<u64>>,
    end: u64,
}

impl Journal {
    /// Opens a file, or makes it, and reads its records. A record that was torn by a crash is cut off.
    fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let opened = File::options().read(true).append(true).create(true).open(&path);
        let file = opened.map_err(|source| Error::io("open", source).with("path", path.display()))?;
        let mut state = State { file, objects: BTreeMap::new(), end: 0 };
        state.replay().map_err(|error| error.with("path", path.display()))?;
        Ok(Self { path, state: Arc::new(Mutex::new(state)) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn replay(&mut self) -> Result<()> {
        let size = self.file.metadata().map_err(|source| Error::io("open", source))?.len();
        let mut reader = BufReader::new(&self.file);
        let mut header = [0; 16];
        while self.end + 16 <= size {
            reader.read_exact(&mut header).map_err(|source| Error::io("open", source))?;
            let (key_size, body_size) = header.split_at(8);
            let (key_size, body_size) = (number(key_size), number(body_size));
            let is_delete = body_size == DELETED;
            let body = self.end.saturating_add(16).saturating_add(key_size);
            let end = body.saturating_add(if is_delete { 0 } else { body_size });
            if end > size {
                break;
            }
            let mut key = vec![0; key_size as usize];
            reader.read_exact(&mut key).map_err(|source| Error::io("open", source))?;
            let corrupt = || Error::new(ErrorKind::Corrupt, "a record has no key").with("offset", self.end);
            let key = Key::new(String::from_utf8(key).map_err(|source| corrupt().caused_by(source))?)
                .map_err(|source| corrupt().caused_by(source))?;
            match is_delete {
                true => self.objects.remove(&key),
                false => self.objects.insert(key, body..end),
            };
            reader.seek_relative((end - body) as i64).map_err(|source| Error::io("open", source))?;
            self.end = end;
        }
        self.file.set_len(self.end).map_err(|source| Error::io("open", source))
    }

    fn find(&self, key: &Key) -> Result<&Range<u64>> {
        self.objects.get(key).ok_or_else(|| Error::not_found("no such object").with("key", key))
    }

    fn holds(&self, key: &Key, condition: &Condition) -> Result<bool> {
        Ok(match (condition, self.objects.get(key)) {
            (Condition::None, _) => true,
            (Condition::IfAbsent, object) => object.is_none(),
            (Condition::IfMatch(version), Some(place)) => version_of(place) == *version,
            (Condition::IfMatch(_), None) => false,
            (_, _) => return Err(Error::unsupported("this condition is not known").with("key", key)),
        })
    }

    /// Decides the condition and appends the record: one step, for the caller holds the lock.
    fn put(&mut self, key: &Key, body: &[u8], condition: &Condition) -> Result<Outcome> {
        if !self.holds(key, condition)? {
            return Ok(Outcome::Rejected);
        }
        let start = self.append(key, body.len() as u64, body)?;
        let place = start..self.end;
        self.objects.insert(key.clone(), place.clone());
        Ok(Outcome::Applied(meta_of(key, &place)))
    }

    fn remove(&mut self, key: &Key, condition: &Condition) -> Result<Deleted> {
        if !self.holds(key, condition)? {
            return Ok(Deleted::Rejected);
        }
        if !self.objects.contains_key(key) {
            return Ok(Deleted::Missing);
        }
        self.append(key, DELETED, &[])?;
        self.objects.remove(key);
        Ok(Deleted::Deleted)
    }

    /// Appends a record durably and returns where its bytes begin. A record that fails is cut off again.
    fn append(&mut self, key: &Key, size: u64, body: &[u8]) -> Result<u64> {
        let mut record = Vec::with_capacity(16 + key.as_str().len() + body.len());
        record.extend_from_slice(&(key.as_str().len() as u64).to_le_bytes());
        record.extend_from_slice(&size.to_le_bytes());
        record.extend_from_slice(key.as_str().as_bytes());
        record.extend_from_slice(body);
        if let Err(source) = self.file.write_all(&record).and_then(|()| self.file.sync_data()) {
            self.file.set_len(self.end).map_err(|source| Error::io("cut", source).with("key", key))?;
            return Err(Error::io("append", source).with("key", key));
        }
        let body_start = self.end + 16 + key.as_str().len() as u64;
        self.end += record.len() as u64;
        Ok(body_start)
    }

    fn bytes(&mut self, place: Range<u64>) -> Result<Bytes> {
        let mut bytes = BytesMut::zeroed((place.end - place.start) as usize);
        let read = self.file.seek(SeekFrom::Start(place.start)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|source| Error::io("read", source))?;
        Ok(bytes.freeze())
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn version_of(place: &Range<u64>) -> Version {
    Version::new(place.start.to_string())
}

fn meta_of(key: &Key, place: &Range<u64>) -> ObjectMeta {
    ObjectMeta::new(key.clone(), place.end - place.start).with_version(version_of(place))
}

fn no_token(options: &WriteOptions) -> Result<()> {
    match options.token {
        Some(_) => Err(Error::unsupported("the journal keeps no write tokens")),
        None => Ok(()),
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal({})", self.path.display())
    }
}

impl Backend for Journal {
    fn info(&self) -> BackendInfo {
        let mut capability = Capability::read_only();
        capability.write = true;
        capability.write_if_absent = true;
        capability.write_if_match = true;
        capability.delete_if_match = true;
        capability.list_sorted = true;
        capability.versions = true;
        capability.durable = true;
        BackendInfo::new("journal", self.path.display().to_string(), capability).with_namespace(Namespace::Flat)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.lock().find(key).map(|place| meta_of(key, place))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let mut state = self.lock();
        let place = state.find(key)?.clone();
        let meta = meta_of(key, &place);
        meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(meta.size).map_err(|error| error.with("key", key))?,
            None => 0..meta.size,
        };
        let bytes = state.bytes(place.start + range.start..place.start + range.end)?;
        Ok(ReadReply::new(meta, range, Box::new(std::iter::once(Ok(bytes)))))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let mut state = self.lock();
        let place = state.find(key)?.clone();
        meta_of(key, &place).expect_version(options.version.as_ref())?;
        check_ranges(ranges, place.end - place.start).map_err(|error| error.with("key", key))?;
        ranges.iter().map(|range| state.bytes(place.start + range.start..place.start + range.end)).collect()
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        no_token(options)?;
        self.lock().put(key, &body, &options.condition)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        no_token(options)?;
        let (state, condition) = (Arc::clone(&self.state), options.condition.clone());
        Ok(Box::new(JournalWriter { state, key: key.clone(), condition, body: BytesMut::new() }))
    }

    fn settle(&self, key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Err(Error::unsupported("the journal keeps no write tokens").with("key", key))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        let mut state = self.lock();
        let mut delete = |key| state.remove(key, &options.condition).unwrap_or_else(Deleted::Failed);
        Ok(keys.iter().map(&mut delete).collect())
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let state = self.lock();
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let start = listing::start(&below, options);
        let objects = state.objects.range::<str, _>((start.as_bound(), Bound::Unbounded));
        let objects = objects.take_while(|(key, _)| key.as_str().starts_with(&below));
        // Pages, folders and limits are the same for every backend that can list in order from a start.
        listing::page(prefix, options, objects.map(|(key, place)| Ok(meta_of(key, place))))
    }

    fn copy(&self, from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        Err(Error::unsupported("the journal does not copy").with("key", from))
    }

    fn rename(&self, from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        Err(Error::unsupported("the journal does not rename").with("key", from))
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.lock().file.metadata().map(|_| ()).map_err(|source| Error::io("check", source))
    }
}

/// Collects the parts of an object. Nothing is in the file before the commit, so dropping it leaves nothing.
#[derive(Debug)]
struct JournalWriter {
    state: Arc<Mutex<State>>,
    key: Key,
    condition: Condition,
    body: BytesMut,
}

impl Writer for JournalWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.body.extend_from_slice(&chunk);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        lock(&self.state).put(&self.key, &self.body, &self.condition)
    }

    fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("worldstore-journal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|source| Error::io("create folder", source))?;
    let shown = show(&folder.join("objects.journal"));
    std::fs::remove_dir_all(&folder).map_err(|source| Error::io("remove folder", source))?;
    shown
}

pub(crate) fn show(path: &Path) -> Result<()> {
    let store = Store::new(Arc::new(Journal::open(path)?));
    store.write("runs/1/state", "tick 0")?;
    drop(store);

    let journal = Arc::new(Journal::open(path)?);
    let store = Store::new(journal.clone());
    println!("after opening again: {}", store.read_text("runs/1/state")?);
    if let Err(error) = store.write("runs/1/state", "tick 1") {
        println!("refused: {error}");
    }

    let below = Prefix::new("kit")?;
    println!("\n{}", conformance::run(&*journal, &below).into_result()?);
    println!("{}", conformance::race(journal, &below).into_result()?);
    Ok(())
}
