//! What the file system under a root can do: found out when the root is opened, without leaving a trace.

use std::io;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use super::STAGING;
use super::errno::{errno_of, failed};
use super::root::RootFolder;
use super::{staging, tokens};
use crate::error::Result;
use crate::ops::WriteToken;
use crate::vfs::{File, Folder, Vfs};

/// What conditions and tokens are built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Two that lock one file exclude each other, on this machine and on every other that sees the file system.
    pub locks: bool,
    /// Times are kept to the nanosecond.
    pub fine_times: bool,
    /// Files carry extended attributes of users.
    pub attributes: bool,
}

impl Abilities {
    /// Nothing.
    pub const NONE: Self = Self { locks: false, fine_times: false, attributes: false };

    /// Where nothing can be written nothing can be tried, and every change is refused for that reason.
    const UNTRIED: Self = Self { locks: true, fine_times: true, attributes: true };

    /// Compare-and-swap takes locks, and versions that are never used twice.
    pub fn compare_and_swap(self) -> bool {
        self.locks && self.fine_times
    }

    /// Tries them on a file without a name. Where the system cannot make one, the staging folder is made.
    pub fn probe<V: Vfs>(root: &RootFolder<V>) -> Result<Self> {
        let folder = match root.folder().open_folder(STAGING).map_err(errno_of) {
            Err(Errno::NOENT) => root.folder().reopen().map_err(errno_of),
            opened => opened,
        };
        let folder = match folder {
            Ok(folder) => folder,
            Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(Self::UNTRIED),
            Err(errno) => return Err(failed("probe", errno)),
        };
        let file = match folder.create_unnamed().map_err(errno_of) {
            Ok(file) => file,
            Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(Self::UNTRIED),
            Err(_) => match staging::scratch(root) {
                Ok(file) => file,
                Err(error) if error.kind() == crate::ErrorKind::PermissionDenied => return Ok(Self::UNTRIED),
                // A full disk can be read, and emptied. What cannot be tried is not declared, until it is opened again.
                Err(error) if error.kind() == crate::ErrorKind::StorageFull => return Ok(Self::NONE),
                Err(error) => return Err(error),
            },
        };
        let locks = !folder.is_remote() && locks_exclude(folder);
        let fine_times = keeps_times(&file).unwrap_or(false);
        Ok(Self { locks, fine_times, attributes: keeps_attributes(&file) })
    }
}

/// True if a second lock of the same folder has to wait for the first, which goes with the handle.
fn locks_exclude(folder: impl Folder) -> bool {
    let Ok(second) = folder.reopen() else { return false };
    match folder.try_lock() {
        Ok(true) => matches!(second.try_lock(), Ok(false)),
        // Someone else tries just now, and is seen.
        Ok(false) => true,
        Err(_) => false,
    }
}

fn keeps_times(file: &impl File) -> io::Result<bool> {
    let (seconds, nanoseconds) = (1_234_567_891, 123_456_789);
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))?;
    Ok(file.stat()?.modified == (seconds as i64, nanoseconds))
}

fn keeps_attributes(file: &impl File) -> bool {
    let Ok(token) = WriteToken::new("x".repeat(128)) else { return false };
    tokens::set(file, &token).is_ok() && tokens::is(file, &token).unwrap_or(false)
}
