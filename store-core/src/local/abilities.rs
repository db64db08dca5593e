//! What the file system under a root can do: found out when the root is opened, without leaving a trace.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, flock, fstat, futimens, openat};
use rustix::io::Errno;

use super::STAGING;
use super::root::{RootFolder, failed};
use super::{staging, tokens};
use crate::error::Result;
use crate::ops::WriteToken;

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
    pub fn probe(root: &RootFolder) -> Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::RDONLY;
        let folder = match openat(root.folder(), STAGING, flags, Mode::empty()) {
            Err(Errno::NOENT) => openat(root.folder(), ".", flags, Mode::empty()),
            opened => opened,
        };
        let folder = match folder {
            Ok(folder) => folder,
            Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(Self::UNTRIED),
            Err(errno) => return Err(failed("probe", errno)),
        };
        let file = match unnamed(&folder) {
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
        let locks = !is_remote(&folder) && locks_exclude(&folder);
        let fine_times = keeps_times(&file).unwrap_or(false);
        Ok(Self { locks, fine_times, attributes: keeps_attributes(&file) })
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn unnamed(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    openat(folder, ".", OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::from_raw_mode(0o600))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unnamed(_folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// True if a second lock of the same folder has to wait for the first.
fn locks_exclude(folder: &OwnedFd) -> bool {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let Ok(second) = openat(folder, ".", flags, Mode::empty()) else { return false };
    let lock = |folder: &OwnedFd| flock(folder, FlockOperation::NonBlockingLockExclusive);
    let excludes = match lock(folder) {
        Ok(()) => lock(&second) == Err(Errno::WOULDBLOCK),
        // Someone else tries just now, and is seen.
        Err(errno) => errno == Errno::WOULDBLOCK,
    };
    let _ = flock(folder.as_fd(), FlockOperation::Unlock);
    excludes
}

fn keeps_times(file: &OwnedFd) -> Result<bool, Errno> {
    let (seconds, nanoseconds) = (1_234_567_891, 123_456_789);
    stamp(file, Timespec { tv_sec: seconds, tv_nsec: nanoseconds })?;
    let kept = fstat(file)?;
    Ok(kept.st_mtime as i64 == seconds && kept.st_mtime_nsec as i64 == nanoseconds)
}

/// Gives a file a time of its last change; that of the last access stays.
pub(super) fn stamp(file: impl AsFd, time: Timespec) -> Result<(), Errno> {
    let unchanged = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    futimens(file, &Timestamps { last_access: unchanged, last_modification: time })
}

fn keeps_attributes(file: &OwnedFd) -> bool {
    let Ok(token) = WriteToken::new("x".repeat(128)) else { return false };
    tokens::set(file, &token).is_ok() && tokens::is(file, &token) == Ok(true)
}

/// Network file systems: their locks may exclude only on this machine, and what they tell of a file may be old.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_remote(folder: &OwnedFd) -> bool {
    /// Magic numbers of `statfs(2)`: NFS, SMB, SMB 2, CIFS, 9P, FUSE, Ceph, AFS, Coda, Lustre, GFS2, OCFS2.
    const REMOTE: [u32; 12] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x0102_1997,
        0x6573_5546,
        0x00C3_6400,
        0x5346_414F,
        0x7375_7245,
        0x0BD0_0BD0,
        0x0116_1970,
        0x7461_636F,
    ];
    // Whoever cannot tell what it is does not know that it is local.
    rustix::fs::fstatfs(folder).map_or(true, |about| REMOTE.contains(&(about.f_type as u32)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_remote(_folder: &OwnedFd) -> bool {
    false
}
