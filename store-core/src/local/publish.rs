//! Publishing: staging an object, syncing it, and giving it its name in one step.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, fstat, fsync, linkat, mkdirat, openat, renameat, renameat_with,
    statat, unlinkat,
};
use rustix::io::Errno;

use super::abilities::stamp;
use super::meta::meta_of;
use super::root::{RootFolder, absent_or, failed, refuse_staging};
use super::staging::{self, FOLDER_MODE};
use super::tokens;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::{Condition, Durability, ObjectMeta, Outcome, WriteOptions};

/// How a file gets a name that must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReplace {
    /// By a rename that does not replace.
    Rename,
    /// By a second link, then removing the first: for file systems without such a rename.
    Link,
}

/// What became of the old name of a file that has got a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldName {
    Gone,
    /// The file has both names.
    Stays,
}

/// An object in the making: a file in the staging folder. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Staged {
    root: Arc<RootFolder>,
    staging: Arc<OwnedFd>,
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
    pub fn begin(root: &Arc<RootFolder>, key: &Key, options: &WriteOptions) -> Result<Self> {
        refuse_staging(key.as_str())?;
        let mut staging = root.staging()?;
        let name = staging::unique_name();
        let mut file = staging::create(&staging, &name);
        if matches!(file, Err(Errno::NOENT)) {
            staging = root.staging_again()?;
            file = staging::create(&staging, &name);
        }
        let file = file.map_err(|errno| failed("write", errno).with("key", key))?;
        let (root, key, condition) = (Arc::clone(root), key.clone(), options.condition.clone());
        let durability = options.durability;
        let (file, published, broken) = (file.into(), false, false);
        let staged = Self { root, staging, name, file, key, condition, durability, published, broken };
        if let Some(token) = &options.token {
            tokens::set(&staged.file, token).map_err(|errno| failed("write", errno).with("key", &staged.key))?;
        }
        Ok(staged)
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
        // What is false already needs no sync, and no folder.
        if !self.root.may_take(&self.key, &self.condition)? {
            return Ok(Outcome::Rejected);
        }
        if self.durability != Durability::None {
            let synced = self.file.sync_all();
            synced.map_err(|source| Error::io("sync", source).during("write").with("key", &self.key))?;
        }
        let mut meta = None;
        let named = give_name(&self.root, &self.key, self.durability, |folder| self.take_name(folder, &mut meta));
        let Some(folder) = named.map_err(|error| error.during("write"))? else { return Ok(Outcome::Rejected) };
        self.published = true;
        Ok(outcome(meta, self.durability, [&folder]))
    }

    /// Compares and gives the name under the lock of the key: one step for everyone who takes it.
    fn take_name(&self, folder: &OwnedFd, meta: &mut Option<ObjectMeta>) -> Result<Attempt> {
        let how = self.root.no_replace()?;
        let lock = self.root.lock(&self.key)?;
        if !self.root.may_take(&self.key, &self.condition)? {
            return Ok(Attempt::Rejected);
        }
        if let Some(time) = lock.next_stamp()? {
            stamp(&self.file, time).map_err(|errno| failed("stamp", errno).with("key", &self.key))?;
        }
        let named = match self.condition {
            // An old name that stays is swept a day later.
            Condition::IfAbsent => take_free_name(how, &self.staging, &self.name, folder, self.key.name()).map(|_| ()),
            _ => renameat(&self.staging, &self.name, folder, self.key.name()),
        };
        if named.is_ok() {
            *meta = fstat(&self.file).ok().map(|about| meta_of(self.key.clone(), &about));
        }
        Ok(named.map_or_else(Attempt::Failed, |()| Attempt::Named))
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

/// The outcome once a name is given: whatever fails from here on, an error would claim that nothing has changed.
pub(super) fn outcome<'folder>(
    meta: Option<ObjectMeta>,
    durability: Durability,
    folders: impl IntoIterator<Item = &'folder OwnedFd>,
) -> Outcome {
    let synced = durability != Durability::Full || folders.into_iter().all(|folder| sync_names(folder).is_ok());
    match meta {
        Some(meta) if synced => Outcome::Applied(meta),
        _ => Outcome::Unknown,
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_names(folder: &OwnedFd) -> Result<(), Errno> {
    #[cfg(test)]
    if super::tests::sync_fails() {
        return Err(Errno::IO);
    }
    fsync(folder)
}

pub(super) fn take_free_name(
    how: NoReplace,
    from: &OwnedFd,
    from_name: &str,
    to: &OwnedFd,
    to_name: &str,
) -> Result<OldName, Errno> {
    match how {
        NoReplace::Rename => {
            renameat_with(from, from_name, to, to_name, RenameFlags::NOREPLACE)?;
            Ok(OldName::Gone)
        }
        NoReplace::Link => {
            linkat(from, from_name, to, to_name, AtFlags::empty())?;
            let removed = unlinkat(from, from_name, AtFlags::empty());
            Ok(if removed.is_ok() { OldName::Gone } else { OldName::Stays })
        }
    }
}

/// What came of one attempt to give a name.
#[derive(Debug)]
pub(super) enum Attempt {
    Named,
    /// The condition is false.
    Rejected,
    Failed(Errno),
}

/// How often a name is tried again when others add and remove the folders that it needs.
const ATTEMPTS: usize = 100;

/// Calls `attempt` with the folder of the key, made if it is missing, until the name is given; removes folders without
/// objects that have it. Returns the folder, or none if the condition is false.
pub(super) fn give_name(
    root: &RootFolder,
    key: &Key,
    durability: Durability,
    mut attempt: impl FnMut(&OwnedFd) -> Result<Attempt>,
) -> Result<Option<OwnedFd>> {
    for _ in 0..ATTEMPTS {
        let folder = match open_parent(root, key, durability) {
            Ok(folder) => folder,
            // Another writer has removed what was an empty folder a moment ago.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(unusable(errno).with("key", key)),
        };
        match attempt(&folder)? {
            Attempt::Named => return Ok(Some(folder)),
            Attempt::Rejected => return Ok(None),
            Attempt::Failed(errno @ (Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY | Errno::NOTDIR)) => {
                match root.open_file(key) {
                    Ok(_) if errno == Errno::EXIST => return Ok(None),
                    // What was a folder a moment ago is an object now, which may be replaced.
                    Ok(_) => {}
                    Err(error) if !error.is_not_found() => return Err(error),
                    Err(_) if remove_empty(&folder, key.name()) => {}
                    Err(_) => refuse_taken(&folder, key)?,
                }
            }
            // The folder is gone again, or the source of a rename is, which the next attempt finds out.
            Attempt::Failed(Errno::NOENT) => {}
            // The root and everything below it up to here was opened without leaving it: a mount is in between.
            Attempt::Failed(errno @ Errno::XDEV) => {
                let message = "a file cannot be moved to another file system, which is mounted below the root";
                return Err(Error::unsupported(message).with("key", key).caused_by(errno));
            }
            Attempt::Failed(errno) => return Err(absent_or("publish", errno).with("key", key)),
        }
    }
    Err(Error::new(ErrorKind::Conflict, "the folder of the key is removed time and again").with("key", key))
}

/// Refuses a name that something else than an object has. Others may have put an object there, or removed what was
/// there: then it is worth another attempt.
fn refuse_taken(folder: &OwnedFd, key: &Key) -> Result<()> {
    let taken = match statat(folder, key.name(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(about) => FileType::from_raw_mode(about.st_mode),
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(absent_or("publish", errno).with("key", key)),
    };
    match taken {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Error::invalid("key is a folder").with("key", key)),
        _ => Err(Error::invalid("key is the name of a special file").with("key", key)),
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
