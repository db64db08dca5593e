//! The staging folder: files in the making, lock files, and what long gone writers left.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use super::STAGING;
use super::errno::{errno_of, failed};
use super::meta::system_time;
use super::publish::{NoReplace, take_free_name};
use super::root::{FileOf, RootFolder};
use crate::error::{Error, ErrorKind, Result};
use crate::vfs::{Folder, Kind, Vfs};

/// The folder of the lock files, in the staging folder.
const LOCKS: &str = "locks";
/// Staged files that are older than this belong to a writer that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Opens the staging folder, and makes it if it is missing.
pub(super) fn staging<V: Vfs>(root: &RootFolder<V>) -> Result<V::Folder> {
    open_or_make(root.folder(), STAGING).map_err(|errno| refused(root, errno))
}

/// Opens the folder of the lock files, and makes it if it is missing.
pub(super) fn locks<V: Vfs>(root: &RootFolder<V>) -> Result<V::Folder> {
    open_or_make(&staging(root)?, LOCKS).map_err(|errno| refused(root, errno))
}

/// A file to try things on, without a name.
pub(super) fn scratch<V: Vfs>(root: &RootFolder<V>) -> Result<FileOf<V>> {
    let (staging, name) = (staging(root)?, unique_name(root));
    let file = staging.create(&name).map_err(|source| refused(root, errno_of(source)))?;
    staging.remove(&name).map_err(|source| refused(root, errno_of(source)))?;
    Ok(file)
}

fn open_or_make<F: Folder>(above: &F, name: &str) -> Result<F, Errno> {
    let open = || above.open_folder(name).map_err(errno_of);
    match open() {
        Err(Errno::NOENT) => match above.make_folder(name).map_err(errno_of) {
            Ok(()) | Err(Errno::EXIST) => open(),
            Err(errno) => Err(errno),
        },
        opened => opened,
    }
}

fn refused<V: Vfs>(root: &RootFolder<V>, errno: Errno) -> Error {
    failed("stage", errno).with("path", root.path().join(STAGING).display())
}

/// Tries how a name that must be free can be given. A root that cannot be written is usable for reading.
pub(super) fn probe<V: Vfs>(root: &RootFolder<V>) -> Result<NoReplace> {
    let staging = match staging(root) {
        Ok(staging) => staging,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(NoReplace::Rename),
        Err(error) => return Err(error),
    };
    let (one, two) = (unique_name(root), unique_name(root));
    match staging.create(&one).map_err(errno_of) {
        Ok(_) => {}
        Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(NoReplace::Rename),
        Err(errno) => return Err(failed("probe", errno)),
    }
    let ways = [NoReplace::Rename, NoReplace::Link];
    let works = ways.into_iter().find(|way| take_free_name(*way, &staging, &one, &staging, &two).is_ok());
    for name in [&one, &two] {
        let _ = staging.remove(name);
    }
    works.ok_or_else(|| Error::unsupported("the file system cannot give a name without replacing another file"))
}

/// Removes what writers that are long gone left in the staging folder. Lock files stay.
pub(super) fn sweep<V: Vfs>(root: &RootFolder<V>) -> Result<()> {
    let Ok(folder) = root.folder().open_folder(STAGING) else { return Ok(()) };
    let Some(stale_before) = root.vfs().now().checked_sub(STALE) else { return Ok(()) };
    let entries = folder.list().map_err(|source| Error::io("sweep", source))?;
    for entry in entries.iter().filter(|entry| entry.kind == Kind::File) {
        let modified = folder.stat(&entry.name).ok().and_then(|about| system_time(about.modified));
        if modified.is_some_and(|at| at < stale_before) {
            // Another process may have swept it already.
            let _ = folder.remove(&entry.name);
        }
    }
    Ok(())
}

/// A name that no other writer uses: process, time and a counter. If one does after all, the file is not made.
pub(super) fn unique_name<V: Vfs>(root: &RootFolder<V>) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = root.vfs().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", root.process(), now.as_nanos())
}
