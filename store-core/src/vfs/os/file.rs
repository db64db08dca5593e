//! Open files of the operating system.

use std::fs::File as StdFile;
use std::io::{IoSlice, Result};
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use rustix::buffer::spare_capacity;
use rustix::fs::{FlockOperation, flock, fstat, ftruncate};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

use super::super::{File, Stat};
use super::stat_of;

/// Pieces that the system takes in one call.
const PIECES_MAX: usize = 1024;
/// Bytes that the system is asked to copy in one call.
#[cfg(any(target_os = "linux", target_os = "android"))]
const COPY_BYTES_MAX: usize = 1 << 30;

/// An open file.
#[derive(Debug)]
pub struct OsFile(StdFile);

impl OsFile {
    pub(super) fn new(file: OwnedFd) -> Self {
        Self(file.into())
    }
}

impl File for OsFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<usize> {
        Ok(retry_on_intr(|| pread(&self.0, &mut *buffer, position))?)
    }

    fn read_to_spare(&self, buffer: &mut Vec<u8>, position: u64) -> Result<usize> {
        Ok(retry_on_intr(|| pread(&self.0, spare_capacity(buffer), position))?)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> Result<usize> {
        Ok(retry_on_intr(|| pwrite(&self.0, bytes, position))?)
    }

    fn write_vectored_at(&self, pieces: &[IoSlice<'_>], position: u64) -> Result<usize> {
        let pieces = &pieces[..pieces.len().min(PIECES_MAX)];
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return Ok(retry_on_intr(|| rustix::io::pwritev(&self.0, pieces, position))?);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        match pieces.iter().find(|piece| !piece.is_empty()) {
            Some(piece) => self.write_at(piece, position),
            None => Ok(0),
        }
    }

    fn copy_at(&self, source: &Self, position: u64) -> Result<u64> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let (mut from, mut to) = (position, position);
            let copy =
                || rustix::fs::copy_file_range(&source.0, Some(&mut from), &self.0, Some(&mut to), COPY_BYTES_MAX);
            match retry_on_intr(copy) {
                // Files of some systems do not tell their length: whether this is the end shows when they are read.
                Ok(0) if position == 0 => {}
                Ok(count) => return Ok(count as u64),
                // From one file system to another, or neither can.
                Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        super::super::copy_through_memory(source, self, position)
    }

    fn sync_data(&self) -> Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> Result<()> {
        self.0.sync_all()
    }

    fn allocate(&self, position: u64, length: u64) -> Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return Ok(retry_on_intr(|| {
            rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), position, length)
        })?);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Err(Errno::OPNOTSUPP.into())
    }

    fn set_length(&self, length: u64) -> Result<()> {
        Ok(retry_on_intr(|| ftruncate(&self.0, length))?)
    }

    fn stat(&self) -> Result<Stat> {
        Ok(stat_of(&fstat(&self.0)?))
    }

    fn set_modified(&self, time: SystemTime) -> Result<()> {
        // The time of the last access stays.
        self.0.set_modified(time)
    }

    fn attribute(&self, name: &str) -> Result<Option<Vec<u8>>> {
        attributes::get(&self.0, name)
    }

    fn set_attribute(&self, name: &str, value: &[u8]) -> Result<()> {
        attributes::set(&self.0, name, value)
    }

    fn lock(&self) -> Result<()> {
        Ok(retry_on_intr(|| flock(&self.0, FlockOperation::LockExclusive))?)
    }

    fn try_lock(&self) -> Result<bool> {
        try_lock(&self.0)
    }

    fn unlock(&self) -> Result<()> {
        Ok(retry_on_intr(|| flock(&self.0, FlockOperation::Unlock))?)
    }
}

/// Locks a file or a folder. False if another has it.
pub(super) fn try_lock(file: &StdFile) -> Result<bool> {
    match retry_on_intr(|| flock(file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Extended attributes, where there are any.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod attributes {
    use std::fs::File;
    use std::io::Result;

    use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
    use rustix::io::Errno;

    #[cfg(target_vendor = "apple")]
    const NONE: Errno = Errno::NOATTR;
    #[cfg(not(target_vendor = "apple"))]
    const NONE: Errno = Errno::NODATA;

    /// Room for a value: for nearly all, and for the longest that there can be.
    const ROOM_BYTES: [usize; 2] = [256, 64 << 10];

    pub fn get(file: &File, name: &str) -> Result<Option<Vec<u8>>> {
        for room in ROOM_BYTES {
            let mut bytes = vec![0; room];
            match fgetxattr(file, name, &mut bytes[..]) {
                Ok(length) => {
                    bytes.truncate(length);
                    return Ok(Some(bytes));
                }
                Err(errno) if errno == NONE => return Ok(None),
                Err(Errno::RANGE) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(Errno::RANGE.into())
    }

    pub fn set(file: &File, name: &str, value: &[u8]) -> Result<()> {
        Ok(fsetxattr(file, name, value, XattrFlags::empty())?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod attributes {
    use std::fs::File;
    use std::io::Result;

    use rustix::io::Errno;

    pub fn get(_file: &File, _name: &str) -> Result<Option<Vec<u8>>> {
        Err(Errno::OPNOTSUPP.into())
    }

    pub fn set(_file: &File, _name: &str, _value: &[u8]) -> Result<()> {
        Err(Errno::OPNOTSUPP.into())
    }
}
