//! An open file in memory.

use std::io::{IoSlice, Result};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustix::io::Errno;

use super::fault::Operation;
use super::handle::{Handle, stat};
use super::node::{FileChange, MetaChange};
use super::state::State;
use crate::vfs::{File, Stat};

/// Whether a file can be written through a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// An open file of a [`SimVfs`](super::SimVfs).
#[derive(Debug)]
pub struct SimFile {
    pub(super) handle: Handle,
    pub(super) access: Access,
}

impl SimFile {
    /// Makes a call that changes the file.
    fn change<T>(
        &self,
        operation: Operation,
        range: Option<(u64, u64)>,
        body: impl FnOnce(&mut State, usize) -> Result<T>,
    ) -> Result<T> {
        match self.access {
            Access::Read => Err(Errno::BADF.into()),
            Access::Write => self.handle.call(operation, "", range, body),
        }
    }

    fn write(&self, position: u64, length: usize, bytes: impl FnOnce(usize) -> Bytes) -> Result<usize> {
        if length == 0 {
            return Ok(0);
        }
        self.change(Operation::Write, Some((position, length as u64)), |state, limit| {
            let length = length.min(limit) as u64;
            let end = position.checked_add(length).ok_or(Errno::FBIG)?;
            let free = state.free();
            let reach = state.file(self.handle.key)?.room.reach(position, end, free);
            if reach == position {
                return Err(Errno::NOSPC.into());
            }
            let written = (reach - position) as usize;
            take_room(state, self.handle.key, position, reach)?;
            apply(state, self.handle.key, FileChange::write(position, bytes(written)))?;
            Ok(written)
        })
    }
}

/// Notes that a range takes room on the disk.
fn take_room(state: &mut State, key: u64, from: u64, to: u64) -> Result<()> {
    let room = &mut state.file(key)?.room;
    let more = room.missing(from, to);
    room.add(from, to);
    state.used += more;
    Ok(())
}

/// Makes a change of the bytes, and stamps the file.
fn apply(state: &mut State, key: u64, change: FileChange) -> Result<()> {
    let (order, now) = (state.next_order(), state.now());
    state.node(key)?.changed = now;
    let file = state.file(key)?;
    file.change(order, change);
    file.meta.modified = now;
    Ok(())
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<usize> {
        let range = Some((position, buffer.len() as u64));
        self.handle
            .call(Operation::Read, "", range, |state, _| Ok(state.file(self.handle.key)?.live.read(buffer, position)))
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> Result<usize> {
        self.write(position, bytes.len(), |length| Bytes::copy_from_slice(bytes.get(..length).unwrap_or(bytes)))
    }

    fn write_vectored_at(&self, pieces: &[IoSlice<'_>], position: u64) -> Result<usize> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        self.write(position, length, |length| {
            let mut bytes = Vec::with_capacity(length);
            for piece in pieces {
                let rest = length - bytes.len();
                bytes.extend_from_slice(piece.get(..rest).unwrap_or(piece));
            }
            bytes.into()
        })
    }

    fn sync_data(&self) -> Result<()> {
        self.handle.sync(Operation::SyncData)
    }

    fn sync_all(&self) -> Result<()> {
        self.handle.sync(Operation::SyncAll)
    }

    fn allocate(&self, position: u64, length: u64) -> Result<()> {
        self.change(Operation::Allocate, Some((position, length)), |state, _| {
            let end = position.checked_add(length).ok_or(Errno::FBIG)?;
            let free = state.free();
            let file = state.file(self.handle.key)?;
            if file.room.missing(position, end) > free {
                return Err(Errno::NOSPC.into());
            }
            let grows = file.live.length() < end;
            take_room(state, self.handle.key, position, end)?;
            match grows {
                true => apply(state, self.handle.key, FileChange::Grow(end)),
                false => Ok(()),
            }
        })
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.change(Operation::SetLength, Some((length, 0)), |state, _| {
            let file = state.file(self.handle.key)?;
            let before = file.room.bytes();
            file.room.cut(length);
            let freed = before - file.room.bytes();
            state.used -= freed;
            apply(state, self.handle.key, FileChange::Length(length))
        })
    }

    fn stat(&self) -> Result<Stat> {
        self.handle.call(Operation::Stat, "", None, |state, _| stat(state, self.handle.key))
    }

    fn set_modified(&self, time: SystemTime) -> Result<()> {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.set_meta(MetaChange::Modified(since.as_nanos() as u64))
    }

    fn attribute(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.handle.call(Operation::Stat, "", None, |state, _| {
            Ok(state.file(self.handle.key)?.meta.attributes.get(name).cloned())
        })
    }

    fn set_attribute(&self, name: &str, value: &[u8]) -> Result<()> {
        self.set_meta(MetaChange::Attribute(name.to_owned(), value.to_vec()))
    }

    fn lock(&self) -> Result<()> {
        self.handle.lock(true).map(drop)
    }

    fn try_lock(&self) -> Result<bool> {
        self.handle.lock(false)
    }

    fn unlock(&self) -> Result<()> {
        self.handle.unlock()
    }
}

impl SimFile {
    /// Sets a time or an attribute. As in the system, a handle for reading will do for the time, and is let pass here.
    fn set_meta(&self, change: MetaChange) -> Result<()> {
        self.handle.call(Operation::SetMeta, "", None, |state, _| {
            let (order, now) = (state.next_order(), state.now());
            state.node(self.handle.key)?.changed = now;
            state.file(self.handle.key)?.change_meta(order, change);
            Ok(())
        })
    }
}
