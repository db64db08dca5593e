//! The staging folder: files in the making, lock files, and what long gone writers left.

use std::time::Duration;

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
    let staging = staging(root)?;
    let (name, file) = create(root, &staging).map_err(|errno| refused(root, errno))?;
    staging.remove(&name).map_err(|source| refused(root, errno_of(source)))?;
    Ok(file)
}

/// Makes a file under a name of its own.
pub(super) fn create<V: Vfs>(root: &RootFolder<V>, staging: &V::Folder) -> Result<(String, FileOf<V>), Errno> {
    loop {
        let name = root.unique_name();
        match staging.create(&name).map_err(errno_of) {
            // Another backend in this process had the same thought at the same time.
            Err(Errno::EXIST) => {}
            created => return created.map(|file| (name, file)),
        }
    }
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
    let one = match create(root, &staging) {
        Ok((name, _)) => name,
        Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(NoReplace::Rename),
        Err(errno) => return Err(failed("probe", errno)),
    };
    let two = format!("{one}-renamed");
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
