//! Locks of keys: every change of an object below one root happens under the lock of its key, in all threads and
//! processes that use this library.
//!
//! Keys share a fixed number of lock files in the staging folder. A lock is a mutex between the threads of one backend
//! and `flock` between everyone else: it goes with the process that holds it, however that ends. It is held while a
//! condition is compared and a name given, and not while bytes are written or synced (but for a rename whose source was
//! replaced just then); a process that is stopped meanwhile keeps the others waiting until it goes on or is killed.
//!
//! The lock files are never removed and stay empty. The time of modification of each is the last stamp that was given
//! to an object under it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use super::errno::{errno_of, failed};
use super::root::{FileOf, RootFolder};
use super::staging;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::vfs::{File, Folder, Vfs};

/// Lock files of a root. Each takes a file descriptor once it was used.
const SHARDS: usize = 64;
/// How often a lock file that was removed by others is made again.
const ATTEMPTS: usize = 100;

/// The lock files of a root, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Locks<V: Vfs> {
    shards: Vec<Mutex<Option<LockFile<V>>>>,
}

#[derive(Debug)]
struct LockFile<V: Vfs> {
    file: FileOf<V>,
    /// Who opened it. A fork shares the lock with its parent, which locks nothing, and opens its own.
    process: u32,
}

/// The locks of one key or of two. They are released when this is dropped.
#[derive(Debug)]
pub(super) struct Held<'locks, V: Vfs> {
    /// Tells the time.
    vfs: &'locks V,
    /// That of the key that gets a new state. None on a file system without locks.
    target: Option<Shard<'locks, V>>,
    /// That of the other key, unless both share one.
    _other: Option<Shard<'locks, V>>,
}

#[derive(Debug)]
struct Shard<'locks, V: Vfs> {
    file: MutexGuard<'locks, Option<LockFile<V>>>,
    /// The last stamp that was given before this lock was taken, since 1970.
    last: Duration,
}

impl<V: Vfs> Locks<V> {
    pub fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::new(None)).collect() }
    }

    /// Locks a key.
    pub fn lock<'locks>(&'locks self, root: &'locks RootFolder<V>, key: &Key) -> Result<Held<'locks, V>> {
        let target = match root.abilities().locks {
            true => Some(self.shard(root, shard_of(key))?),
            false => None,
        };
        Ok(Held { vfs: root.vfs(), target, _other: None })
    }

    /// Locks two keys, always in the same order, so that nobody waits in a circle.
    pub fn lock_two<'locks>(
        &'locks self,
        root: &'locks RootFolder<V>,
        other: &Key,
        target: &Key,
    ) -> Result<Held<'locks, V>> {
        let (other, target_shard) = (shard_of(other), shard_of(target));
        if !root.abilities().locks || other == target_shard {
            return self.lock(root, target);
        }
        let first = self.shard(root, other.min(target_shard))?;
        let second = self.shard(root, other.max(target_shard))?;
        let (other, target) = if other < target_shard { (first, second) } else { (second, first) };
        Ok(Held { vfs: root.vfs(), target: Some(target), _other: Some(other) })
    }

    fn shard(&self, root: &RootFolder<V>, shard: usize) -> Result<Shard<'_, V>> {
        let slot = self.shards.get(shard).ok_or_else(|| Error::unexpected("there is no such lock"))?;
        let mut file = slot.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let opened = match file.take().filter(|opened| opened.process == std::process::id()) {
                Some(opened) => opened,
                None => LockFile::open(root, shard)?,
            };
            opened.file.lock().map_err(|source| Error::io("lock", source))?;
            let about = opened.file.stat().map_err(|source| Error::io("lock", source))?;
            // Whoever locks a file that has no name any more does not meet those who come later.
            if about.links > 0 {
                *file = Some(opened);
                let seconds = u64::try_from(about.modified.0).unwrap_or_default();
                return Ok(Shard { file, last: Duration::new(seconds, about.modified.1) });
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the lock file is removed time and again"))
    }
}

impl<V: Vfs> LockFile<V> {
    fn open(root: &RootFolder<V>, shard: usize) -> Result<Self> {
        let (folder, name) = (staging::locks(root)?, format!("{shard:02x}"));
        for _ in 0..ATTEMPTS {
            let opened = match folder.open_writable(&name).map_err(errno_of) {
                Err(Errno::NOENT) => folder.create(&name).map_err(errno_of),
                opened => opened,
            };
            match opened {
                Ok(file) => return Ok(Self { file, process: std::process::id() }),
                // Another has made it in between.
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed("lock", errno)),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the lock file is made and removed time and again"))
    }
}

impl<V: Vfs> Held<'_, V> {
    /// A time that no object under this lock had before: the clock's, or one nanosecond after the last one if the
    /// clock is not past that. Remembered before it is used, so that whoever is killed in between leaves a gap.
    pub fn next_stamp(&self) -> Result<Option<SystemTime>> {
        let Some(shard) = &self.target else { return Ok(None) };
        let Some(lock) = shard.file.as_ref() else { return Ok(None) };
        let now = self.vfs.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let next = shard.last.saturating_add(Duration::from_nanos(1)).max(now);
        let time = SystemTime::UNIX_EPOCH
            .checked_add(next)
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the lock file has a time beyond all times"))?;
        lock.file.set_modified(time).map_err(|source| Error::io("stamp", source))?;
        Ok(Some(time))
    }
}

impl<V: Vfs> Drop for Shard<'_, V> {
    fn drop(&mut self) {
        if let Some(lock) = self.file.as_ref()
            && lock.file.unlock().is_err()
        {
            // Closing releases as well.
            *self.file = None;
        }
    }
}

/// The lock of a key: 64-bit FNV-1a, which all processes must agree on for ever.
fn shard_of(key: &Key) -> usize {
    let hash = key
        .as_str()
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    ((hash ^ (hash >> 32)) % SHARDS as u64) as usize
}

#[cfg(test)]
mod tests;
