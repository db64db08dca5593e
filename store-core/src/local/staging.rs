//! The staging folder: files in the making, lock files, and what long gone writers left.

use std::fs::{DirBuilder, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::STAGING;
use super::publish::{NoReplace, take_free_name};
use super::root::{RootFolder, failed};
use crate::error::{Error, ErrorKind, Result};

pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o600);
pub(super) const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);
/// The folder of the lock files, in the staging folder.
const LOCKS: &str = "locks";
/// Staged files that are older than this belong to a writer that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Opens the staging folder, and makes it if it is missing.
pub(super) fn staging(root: &RootFolder) -> Result<OwnedFd> {
    open_or_make(root.folder(), STAGING).map_err(|errno| refused(root, errno))
}

/// Opens the folder of the lock files, and makes it if it is missing.
pub(super) fn locks(root: &RootFolder) -> Result<OwnedFd> {
    open_or_make(staging(root)?, LOCKS).map_err(|errno| refused(root, errno))
}

/// A file to try things on, without a name.
pub(super) fn scratch(root: &RootFolder) -> Result<OwnedFd> {
    let (staging, name) = (staging(root)?, unique_name());
    let file = create(&staging, &name).map_err(|errno| refused(root, errno))?;
    unlinkat(&staging, &name, AtFlags::empty()).map_err(|errno| refused(root, errno))?;
    Ok(file)
}

/// Makes a file that must not exist.
pub(super) fn create(staging: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(staging, name, OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC, FILE_MODE)
}

fn open_or_make(above: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::RDONLY;
    let open = || openat(above.as_fd(), name, flags, Mode::empty());
    match open() {
        Err(Errno::NOENT) => match mkdirat(above.as_fd(), name, FOLDER_MODE) {
            Ok(()) | Err(Errno::EXIST) => open(),
            Err(errno) => Err(errno),
        },
        opened => opened,
    }
}

fn refused(root: &RootFolder, errno: Errno) -> Error {
    failed("stage", errno).with("path", root.path().join(STAGING).display())
}

/// Makes a folder and its parents, each synced into the one above.
pub(super) fn create_folders(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent != folder {
        create_folders(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        made => made.map_err(|source| Error::io("create folder", source))?,
    }
    let above = File::open(parent).and_then(|above| above.sync_all());
    above.map_err(|source| Error::io("create folder", source))
}

/// Tries how a name that must be free can be given. A root that cannot be written is usable for reading.
pub(super) fn probe(root: &RootFolder) -> Result<NoReplace> {
    let staging = match staging(root) {
        Ok(staging) => staging,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(NoReplace::Rename),
        Err(error) => return Err(error),
    };
    let (one, two) = (unique_name(), unique_name());
    match create(&staging, &one) {
        Ok(_) => {}
        Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(NoReplace::Rename),
        Err(errno) => return Err(failed("probe", errno)),
    }
    let ways = [NoReplace::Rename, NoReplace::Link];
    let works = ways.into_iter().find(|way| take_free_name(*way, &staging, &one, &staging, &two).is_ok());
    for name in [&one, &two] {
        let _ = unlinkat(&staging, name, AtFlags::empty());
    }
    works.ok_or_else(|| Error::unsupported("the file system cannot give a name without replacing another file"))
}

/// Removes what writers that are long gone left in the staging folder. Lock files stay.
pub(super) fn sweep(root: &RootFolder) -> Result<()> {
    let folder = root.path().join(STAGING);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
    let stale_before = SystemTime::now() - STALE;
    for entry in entries {
        let entry = entry.map_err(|source| Error::io("sweep", source))?;
        let is_stale = |meta: std::fs::Metadata| meta.is_file() && meta.modified().is_ok_and(|at| at < stale_before);
        if entry.metadata().is_ok_and(is_stale) {
            // Another process may have swept it already.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// A name that no other writer uses: process, time and a counter.
pub(super) fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", std::process::id(), now.as_nanos())
}
