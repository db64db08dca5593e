//! Publishing: staging an object, syncing it, and giving it its name in one step.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fsync, linkat, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::STAGING;
use super::root::{RootFolder, absent_or, failed, meta_of, refuse_staging};
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::{Condition, Durability, ObjectMeta, Outcome};

const FILE_MODE: Mode = Mode::from_raw_mode(0o600);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);
/// Staged files that are older than this belong to a writer that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// How a file gets a name that must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReplace {
    /// By a rename that does not replace.
    Rename,
    /// By a second link, then removing the first: for file systems without such a rename.
    Link,
}

/// An object in the making: a file in the staging folder. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Staged {
    root: Arc<RootFolder>,
    staging: OwnedFd,
    name: String,
    file: File,
    key: Key,
    condition: Condition,
    durability: Durability,
    published: bool,
}

impl Staged {
    pub fn begin(root: &Arc<RootFolder>, key: &Key, condition: Condition, durability: Durability) -> Result<Self> {
        refuse_staging(key.as_str())?;
        let staging = staging(root)?;
        let name = unique_name();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let file =
            openat(&staging, &name, flags, FILE_MODE).map_err(|errno| failed("write", errno).with("key", key))?;
        let (root, key) = (Arc::clone(root), key.clone());
        Ok(Self { root, staging, name, file: file.into(), key, condition, durability, published: false })
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|source| Error::io("write", source).with("key", &self.key))
    }

    pub fn copy_from(&mut self, source: &mut impl Read) -> Result<()> {
        let copied = std::io::copy(source, &mut self.file);
        copied.map(|_| ()).map_err(|source| Error::io("copy", source).with("key", &self.key))
    }

    /// Syncs the bytes, gives the file its name, syncs the folder.
    pub fn publish(mut self) -> Result<Outcome> {
        let failed_with_key = |error: Error, key: &Key| error.during("write").with("key", key);
        if self.durability != Durability::None {
            self.file.sync_all().map_err(|source| failed_with_key(Error::io("sync", source), &self.key))?;
        }
        let folder = open_parent(&self.root, &self.key, self.durability)?;
        let named = match self.condition {
            Condition::IfAbsent => self.name_if_absent(&folder),
            _ => renameat(&self.staging, &self.name, &folder, self.key.name()),
        };
        match named {
            Ok(()) => self.published = true,
            // A folder of that name is no object: the condition holds, but the key is unusable.
            Err(Errno::EXIST) if self.root.open_file(&self.key).is_ok() => return Ok(Outcome::Rejected),
            Err(Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY | Errno::NOTDIR) => {
                return Err(Error::invalid("key is a folder").with("key", &self.key));
            }
            Err(errno) => return Err(failed_with_key(failed("publish", errno), &self.key)),
        }
        if self.durability == Durability::Full {
            fsync(&folder).map_err(|errno| failed_with_key(failed("sync", errno), &self.key))?;
        }
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|source| failed_with_key(Error::io("stat", source), &self.key))?;
        Ok(Outcome::Applied(meta_of(&self.key, &metadata)))
    }

    fn name_if_absent(&self, folder: &OwnedFd) -> Result<(), Errno> {
        name_if_absent(self.root.no_replace, &self.staging, &self.name, folder, self.key.name())
    }

    pub fn discard(mut self) -> Result<()> {
        self.published = true;
        let removed = unlinkat(&self.staging, &self.name, AtFlags::empty());
        removed.map_err(|errno| failed("abort", errno).with("key", &self.key))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is swept when the root is opened a day later.
            let _ = unlinkat(&self.staging, &self.name, AtFlags::empty());
        }
    }
}

/// Moves an object.
pub(super) fn rename(
    root: &RootFolder,
    from: &Key,
    to: &Key,
    condition: &Condition,
    durability: Durability,
) -> Result<Outcome> {
    refuse_staging(to.as_str())?;
    let file = root.open_file(from)?;
    let source = root.open_folder(&from.parent()).map_err(|errno| absent_or("rename", errno).with("key", from))?;
    let target = open_parent(root, to, durability)?;
    let moved = match condition {
        Condition::IfAbsent => name_if_absent(root.no_replace, &source, from.name(), &target, to.name()),
        _ => renameat(&source, from.name(), &target, to.name()),
    };
    match moved {
        Ok(()) => {}
        Err(Errno::EXIST) if root.open_file(to).is_ok() => return Ok(Outcome::Rejected),
        Err(Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY | Errno::NOTDIR) => {
            return Err(Error::invalid("key is a folder").with("key", to));
        }
        Err(errno) => return Err(absent_or("rename", errno).with("key", from)),
    }
    if durability == Durability::Full {
        // The new name first: a crash in between leaves the object under both names, never under none.
        fsync(&target).and_then(|()| fsync(&source)).map_err(|errno| failed("sync", errno).with("key", to))?;
    }
    let metadata = file.metadata().map_err(|source| Error::io("stat", source).with("key", to))?;
    Ok(Outcome::Applied(ObjectMeta { key: to.clone(), ..meta_of(to, &metadata) }))
}

fn name_if_absent(how: NoReplace, from: &OwnedFd, from_name: &str, to: &OwnedFd, to_name: &str) -> Result<(), Errno> {
    match how {
        NoReplace::Rename => renameat_with(from, from_name, to, to_name, RenameFlags::NOREPLACE),
        NoReplace::Link => {
            linkat(from, from_name, to, to_name, AtFlags::empty())?;
            unlinkat(from, from_name, AtFlags::empty())
        }
    }
}

/// Opens the folder of a key and makes it if it is missing, durably if asked for.
fn open_parent(root: &RootFolder, key: &Key, durability: Durability) -> Result<OwnedFd> {
    let parent = key.parent();
    match root.open_folder(&parent) {
        Ok(folder) => return Ok(folder),
        Err(Errno::NOENT) => {}
        Err(errno) => return Err(unusable(errno).with("key", key)),
    }
    let mut above = root.open_folder(&Prefix::root()).map_err(|errno| failed("write", errno))?;
    let mut below = Prefix::root();
    for segment in parent.as_str().split('/') {
        below = below.join(segment)?;
        match mkdirat(&above, segment, FOLDER_MODE) {
            Ok(()) if durability == Durability::Full => fsync(&above),
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
        .map_err(|errno| unusable(errno).with("key", key))?;
        above = root.open_folder(&below).map_err(|errno| unusable(errno).with("key", key))?;
    }
    Ok(above)
}

fn unusable(errno: Errno) -> Error {
    match errno {
        Errno::NOTDIR => Error::invalid("a folder of the key is an object").caused_by(errno),
        other => absent_or("write", other),
    }
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

/// Opens the staging folder, and makes it if it is missing.
fn staging(root: &RootFolder) -> Result<OwnedFd> {
    let folder = root.folder();
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::RDONLY;
    let open = || openat(folder.as_fd(), STAGING, flags, Mode::empty());
    match open() {
        Err(Errno::NOENT) => match mkdirat(folder.as_fd(), STAGING, FOLDER_MODE) {
            Ok(()) | Err(Errno::EXIST) => open(),
            Err(errno) => Err(errno),
        },
        opened => opened,
    }
    .map_err(|errno| failed("stage", errno).with("path", root.path().join(STAGING).display()))
}

/// Tries how a name that must be free can be given. A root that cannot be written is usable for reading.
pub(super) fn probe(root: &RootFolder) -> Result<NoReplace> {
    use crate::error::ErrorKind;
    let staging = match staging(root) {
        Ok(staging) => staging,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(NoReplace::Rename),
        Err(error) => return Err(error),
    };
    let (one, two) = (unique_name(), unique_name());
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    match openat(&staging, &one, flags, FILE_MODE) {
        Ok(_) => {}
        Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(NoReplace::Rename),
        Err(errno) => return Err(failed("probe", errno)),
    }
    let ways = [NoReplace::Rename, NoReplace::Link];
    let works = ways.into_iter().find(|way| name_if_absent(*way, &staging, &one, &staging, &two).is_ok());
    for name in [&one, &two] {
        let _ = unlinkat(&staging, name, AtFlags::empty());
    }
    works.ok_or_else(|| Error::unsupported("the file system cannot give a name without replacing another file"))
}

/// Removes what writers that are long gone left in the staging folder.
pub(super) fn sweep(root: &RootFolder) -> Result<()> {
    let folder = root.path().join(STAGING);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
    let stale_before = SystemTime::now() - STALE;
    for entry in entries {
        let entry = entry.map_err(|source| Error::io("sweep", source))?;
        let is_stale = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at < stale_before);
        if is_stale {
            // Another process may have swept it already.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// A name that no other writer uses: process, time and a counter.
fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", std::process::id(), now.as_nanos())
}
