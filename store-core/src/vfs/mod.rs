//! A file system as an argument: what durable code does to files, so that a test can take it away at any moment.
//!
//! [`Local`](crate::Local) and the log run on it. An open [`Folder`] is the unit, as a file descriptor of one is in the
//! system: names in it stay in it, whatever becomes of the path that led there. Nothing here follows a symbolic link,
//! and no path leads out of the root.
//!
//! # What survives
//! Bytes of a file survive a power cut once [`File::sync_data`] or [`File::sync_all`] has returned after they were
//! written. A name (of a new file, of a renamed or linked one, of a new folder; and that it is gone) survives once
//! [`Folder::sync`] of the folder that holds it has returned. Before that, any part of it may survive or not. A sync
//! that has failed is not made good by one that succeeds later: what it should have kept may be lost for ever.

#[cfg(all(unix, feature = "sim"))]
pub mod sim;

use std::fmt::{Debug, Display};
use std::io::{ErrorKind, IoSlice, Result};
use std::path::Path;
use std::time::SystemTime;

#[cfg(unix)]
mod os;

#[cfg(unix)]
pub use os::{OsFile, OsFolder, OsVfs};

/// Bytes of one step of a copy.
const COPY_BYTES: usize = 64 << 10;

/// A file system, or the part of one below a root. Clones are the same file system.
///
/// Errors are those of the operating system; [`std::io::Error::raw_os_error`] tells the number, also of one in memory.
pub trait Vfs: Clone + Send + Sync + Debug + Display + 'static {
    /// An open folder.
    type Folder: Folder;

    /// Opens the root.
    ///
    /// # Errors
    /// Those of the file system.
    fn root(&self) -> Result<Self::Folder>;

    /// Where the root is, for messages.
    fn path(&self) -> &Path;

    /// The time, by which files are stamped.
    fn now(&self) -> SystemTime;
}

/// An open folder. Names are single segments; where a `path` is taken it may have several, parted by `/`. What has an
/// empty segment, `.` or `..` is refused with `EINVAL`.
pub trait Folder: Send + Sync + Debug + Sized + 'static {
    /// An open file.
    type File: File;

    /// Another handle on this folder. What one of them has locked is not locked by the other.
    ///
    /// # Errors
    /// Too many open files; `EACCES` if the folder was taken from us since.
    fn reopen(&self) -> Result<Self>;

    /// Opens a folder below.
    ///
    /// # Errors
    /// `ENOENT`; `ENOTDIR` if a segment is a file, `ELOOP` or `ENOTDIR` if it is a symbolic link.
    fn open_folder(&self, path: &str) -> Result<Self>;

    /// Makes a folder, with mode 0700.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken.
    fn make_folder(&self, name: &str) -> Result<()>;

    /// Removes a folder.
    ///
    /// # Errors
    /// `ENOTEMPTY` if there is anything in it.
    fn remove_folder(&self, name: &str) -> Result<()>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `ENOENT`; `ENOTDIR` and `ELOOP` as for [`open_folder`](Self::open_folder). A folder can be opened too: its
    /// [`kind`](Stat::kind) tells.
    fn open(&self, path: &str) -> Result<Self::File>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and `EISDIR`.
    fn open_writable(&self, name: &str) -> Result<Self::File>;

    /// Makes a file with mode 0600, to read and write.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken.
    fn create(&self, name: &str) -> Result<Self::File>;

    /// Makes a file that has no name and goes with its last handle.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the file system has none.
    fn create_unnamed(&self) -> Result<Self::File>;

    /// Tells of a file or a folder without opening it: that takes no right to read. A symbolic link as the last segment is
    /// told as one, or is `ELOOP`.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    fn stat(&self, path: &str) -> Result<Stat>;

    /// Tells of the folder itself.
    ///
    /// # Errors
    /// Those of the file system.
    fn stat_self(&self) -> Result<Stat>;

    /// The names in the folder, in no order, without `.` and `..`. Those that are not UTF-8 are left out.
    ///
    /// # Errors
    /// Those of the file system.
    fn list(&self) -> Result<Vec<Entry>>;

    /// As [`list`](Self::list), without making a string of each name.
    ///
    /// # Errors
    /// Those of the file system.
    fn for_each(&self, visit: &mut dyn FnMut(&str, Kind)) -> Result<()> {
        self.list()?.iter().for_each(|entry| visit(&entry.name, entry.kind));
        Ok(())
    }

    /// Gives a file another name, there or in another folder, and replaces the file that had it.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, `EXDEV` between file systems.
    fn rename(&self, name: &str, to: &Self, to_name: &str) -> Result<()>;

    /// As [`rename`](Self::rename), for a name that is free.
    ///
    /// # Errors
    /// `EEXIST` if it is not; `EINVAL` where the file system cannot do it in one step.
    fn rename_no_replace(&self, name: &str, to: &Self, to_name: &str) -> Result<()>;

    /// Gives a file a second name.
    ///
    /// # Errors
    /// `EEXIST` if it is taken; `EPERM` or `EOPNOTSUPP` where files have one name.
    fn link(&self, name: &str, to: &Self, to_name: &str) -> Result<()>;

    /// Removes the name of a file.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`.
    fn remove(&self, name: &str) -> Result<()>;

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// `EIO`: then nobody knows which of them are.
    fn sync(&self) -> Result<()>;

    /// Locks the folder against everyone who locks it too, until the handle is dropped. False if another has it.
    ///
    /// # Errors
    /// Those of the file system.
    fn try_lock(&self) -> Result<bool>;

    /// True if the folder may be on another machine, where locks and times cannot be trusted.
    fn is_remote(&self) -> bool;
}

/// An open file. Positions are given with each call; several threads may use one handle.
pub trait File: Send + Sync + Debug + 'static {
    /// Reads into the buffer from a position, and tells how many bytes; 0 only at the end of the file.
    ///
    /// # Errors
    /// Those of the file system; never `EINTR`.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<usize>;

    /// Appends to a buffer what is read from a position, without making it larger than its capacity, and tells how many
    /// bytes; 0 only at the end of the file, or if there is no room.
    ///
    /// # Errors
    /// As for [`read_at`](Self::read_at).
    fn read_to_spare(&self, buffer: &mut Vec<u8>, position: u64) -> Result<usize> {
        let before = buffer.len();
        buffer.resize(buffer.capacity(), 0);
        let read = self.read_at(&mut buffer[before..], position);
        buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Writes at a position, and tells how many bytes: there may be fewer than given.
    ///
    /// # Errors
    /// `ENOSPC` and others of the file system; never `EINTR`.
    fn write_at(&self, bytes: &[u8], position: u64) -> Result<usize>;

    /// Writes several pieces one after the other, in one call of the system where it has one. Fewer bytes may be
    /// written than given.
    ///
    /// # Errors
    /// As for [`write_at`](Self::write_at).
    fn write_vectored_at(&self, pieces: &[IoSlice<'_>], position: u64) -> Result<usize>;

    /// Writes all of it. If that fails, any part of it may be written.
    ///
    /// # Errors
    /// As for [`write_at`](Self::write_at).
    fn write_all_at(&self, bytes: &[u8], position: u64) -> Result<()> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.write_at(rest, position + written as u64)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => written += count,
            }
        }
        Ok(())
    }

    /// Copies some bytes of another file from a position to the same position here, within the system where it can, and
    /// tells how many; 0 only at the end of the other file.
    ///
    /// # Errors
    /// As for [`read_at`](Self::read_at) and [`write_at`](Self::write_at).
    fn copy_at(&self, source: &Self, position: u64) -> Result<u64>
    where
        Self: Sized,
    {
        copy_through_memory(source, self, position)
    }

    /// Makes the bytes durable, and the length if it has grown.
    ///
    /// # Errors
    /// `EIO`: then nobody knows which bytes are, and trying again proves nothing.
    fn sync_data(&self) -> Result<()>;

    /// Makes the bytes and everything else that is known of the file durable.
    ///
    /// # Errors
    /// As for [`sync_data`](Self::sync_data).
    fn sync_all(&self) -> Result<()>;

    /// Reserves room, so that writing there will not fail for lack of it. The file grows with zeros if it was shorter.
    ///
    /// # Errors
    /// `ENOSPC`; `EOPNOTSUPP` where the file system cannot.
    fn allocate(&self, position: u64, length: u64) -> Result<()>;

    /// Cuts the file, or makes it longer with zeros.
    ///
    /// # Errors
    /// Those of the file system.
    fn set_length(&self, length: u64) -> Result<()>;

    /// Tells of the file.
    ///
    /// # Errors
    /// Those of the file system.
    fn stat(&self) -> Result<Stat>;

    /// Sets the time of the last change of the bytes, also through a handle that is for reading.
    ///
    /// # Errors
    /// Those of the file system.
    fn set_modified(&self, time: SystemTime) -> Result<()>;

    /// An extended attribute of users, whose name begins with `user.`. None if it has no such.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where files have none.
    fn attribute(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Sets an extended attribute of users, whose name begins with `user.`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where files have none, `ENOSPC`.
    fn set_attribute(&self, name: &str, value: &[u8]) -> Result<()>;

    /// Locks the file against everyone who locks it through another handle, in this process or elsewhere; waits until
    /// it can. The lock goes with the handle, or with [`unlock`](Self::unlock).
    ///
    /// # Errors
    /// Those of the file system.
    fn lock(&self) -> Result<()>;

    /// As [`lock`](Self::lock) without waiting. False if another has it.
    ///
    /// # Errors
    /// Those of the file system.
    fn try_lock(&self) -> Result<bool>;

    /// Gives the lock back.
    ///
    /// # Errors
    /// Those of the file system.
    fn unlock(&self) -> Result<()>;
}

/// What is known of a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Length in bytes.
    pub length: u64,
    /// The device and the inode: the same for two handles if they are on the same file. A number may be given again once
    /// the last handle on its file is dropped.
    pub id: (u64, u64),
    /// Names that it has. 0 once the last one was removed or replaced.
    pub links: u64,
    /// The last change of the bytes: seconds since 1970 and nanoseconds.
    pub modified: (i64, u32),
    /// The last change of anything, set by the file system alone: seconds since 1970 and nanoseconds.
    pub changed: (i64, u32),
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, one segment.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
}

/// A step of a copy where the file system has no call for it.
fn copy_through_memory<F: File>(source: &F, target: &F, position: u64) -> Result<u64> {
    let mut buffer = vec![0; COPY_BYTES];
    let count = source.read_at(&mut buffer, position)?;
    target.write_all_at(&buffer[..count], position)?;
    Ok(count as u64)
}
