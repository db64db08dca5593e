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
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, fsync, linkat, mkdirat, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::STAGING;
use super::root::{RootFolder, absent_or, failed, meta_of, refuse_staging};
use crate::error::{Error, ErrorKind, Result};
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
    /// An append has failed: the bytes have a hole, and must never get a name.
    broken: bool,
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
        Ok(Self { root, staging, name, file: file.into(), key, condition, durability, published: false, broken: false })
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.refuse_broken()?;
        let written = self.file.write_all(bytes);
        self.broken = written.is_err();
        written.map_err(|source| Error::io("write", source).with("key", &self.key))
    }

    pub fn copy_from(&mut self, source: &mut impl Read) -> Result<()> {
        self.refuse_broken()?;
        let copied = std::io::copy(source, &mut self.file);
        self.broken = copied.is_err();
        copied.map(|_| ()).map_err(|source| Error::io("copy", source).with("key", &self.key))
    }

    fn refuse_broken(&self) -> Result<()> {
        match self.broken {
            true => {
                let message = "an earlier write to this object failed, it can only be aborted";
                Err(Error::new(ErrorKind::Poisoned, message).during("write").with("key", &self.key))
            }
            false => Ok(()),
        }
    }

    /// Syncs the bytes, gives the file its name, syncs the folder.
    pub fn publish(mut self) -> Result<Outcome> {
        self.refuse_broken()?;
        let failed_with_key = |error: Error, key: &Key| error.during("write").with("key", key);
        if self.durability != Durability::None {
            self.file.sync_all().map_err(|source| failed_with_key(Error::io("sync", source), &self.key))?;
        }
        let how = self.root.no_replace()?;
        let named = give_name(&self.root, &self.key, &self.condition, self.durability, |folder| match self.condition {
            Condition::IfAbsent => name_if_absent(how, &self.staging, &self.name, folder, self.key.name()),
            _ => renameat(&self.staging, &self.name, folder, self.key.name()),
        });
        let Some(folder) = named.map_err(|error| error.during("write"))? else { return Ok(Outcome::Rejected) };
        self.published = true;
        if self.durability == Durability::Full {
            fsync(&folder).map_err(|errno| failed_with_key(failed("sync", errno), &self.key))?;
        }
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|source| failed_with_key(Error::io("stat", source), &self.key))?;
        Ok(Outcome::Applied(meta_of(&self.key, &metadata)))
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
    let how = root.no_replace()?;
    let named = give_name(root, to, condition, durability, |folder| match condition {
        Condition::IfAbsent => name_if_absent(how, &source, from.name(), folder, to.name()),
        _ => renameat(&source, from.name(), folder, to.name()),
    });
    let target = match named {
        Ok(Some(target)) => target,
        Ok(None) => return Ok(Outcome::Rejected),
        Err(error) => {
            root.open_file(from)?;
            return Err(error.during("rename").with("from", from));
        }
    };
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

/// How often a name is tried again when others add and remove the folders that it needs.
const ATTEMPTS: usize = 100;

/// Calls `attempt` with the folder of the key, made if it is missing, until the name is given; removes folders without
/// objects that have it. Returns the folder, or none if the name had to be free and an object has it.
fn give_name(
    root: &RootFolder,
    key: &Key,
    condition: &Condition,
    durability: Durability,
    attempt: impl Fn(&OwnedFd) -> Result<(), Errno>,
) -> Result<Option<OwnedFd>> {
    for _ in 0..ATTEMPTS {
        let folder = match open_parent(root, key, durability) {
            Ok(folder) => folder,
            // Another writer has removed what was an empty folder a moment ago.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(unusable(errno).with("key", key)),
        };
        match attempt(&folder) {
            Ok(()) => return Ok(Some(folder)),
            Err(Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY | Errno::NOTDIR) => match root.open_file(key) {
                Ok(_) if *condition == Condition::IfAbsent => return Ok(None),
                // It was a folder a moment ago; an object can be replaced.
                Ok(_) => {}
                Err(error) if !error.is_not_found() => return Err(error),
                Err(_) => free_name(&folder, key)?,
            },
            // The folder is gone again, or the source of a rename is: its caller looks.
            Err(Errno::NOENT) => {}
            // The root and everything below it up to here was opened without leaving it: a mount is in between.
            Err(errno @ Errno::XDEV) => {
                let message = "a file cannot be moved to another file system, which is mounted below the root";
                return Err(Error::unsupported(message).with("key", key).caused_by(errno));
            }
            Err(errno) => return Err(absent_or("publish", errno).with("key", key)),
        }
    }
    Err(Error::new(ErrorKind::Conflict, "the folder of the key is removed time and again").with("key", key))
}

/// Makes way for an object where a folder without objects has its name. Whatever has come or gone since the name was
/// seen to be taken is left to the next attempt.
fn free_name(above: &OwnedFd, key: &Key) -> Result<()> {
    let kind = || match statat(above, key.name(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(failed("publish", errno).with("key", key)),
    };
    match kind()? {
        None | Some(FileType::RegularFile) => Ok(()),
        Some(FileType::Directory) => match remove_empty(above, key.name()) || kind()? != Some(FileType::Directory) {
            true => Ok(()),
            false => Err(Error::invalid("key is a folder").with("key", key)),
        },
        Some(_) => Err(Error::invalid("key is a special file").with("key", key)),
    }
}

/// Removes a folder below which there are only folders. False if there is anything else, which stays.
fn remove_empty(above: &OwnedFd, name: &str) -> bool {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::RDONLY;
    let folder = match openat(above, name, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(errno) => return errno == Errno::NOENT,
    };
    let Ok(entries) = Dir::read_from(&folder) else { return false };
    for entry in entries {
        let Ok(entry) = entry else { return false };
        match entry.file_name().to_str() {
            Ok("." | "..") => {}
            Ok(below) if remove_empty(&folder, below) => {}
            _ => return false,
        }
    }
    matches!(unlinkat(above, name, AtFlags::REMOVEDIR), Ok(()) | Err(Errno::NOENT))
}

/// Opens the folder of a key and makes it if it is missing, durably if asked for.
fn open_parent(root: &RootFolder, key: &Key, durability: Durability) -> Result<OwnedFd, Errno> {
    let parent = key.parent();
    match root.open_folder(&parent) {
        Err(Errno::NOENT) => {}
        opened => return opened,
    }
    let mut above = root.open_folder(&Prefix::root())?;
    for (end, _) in parent.as_str().match_indices('/').chain([(parent.as_str().len(), "")]) {
        let path = &parent.as_str()[..end];
        let name = path.rsplit('/').next().unwrap_or(path);
        match mkdirat(&above, name, FOLDER_MODE) {
            Ok(()) if durability == Durability::Full => fsync(&above)?,
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        above = root.open_folder_at(path)?;
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
