//! Publishing: staging an object, syncing it, and giving it its name in one step.

use std::sync::Arc;

use rustix::io::Errno;

use super::errno::{absent_or, errno_of, failed};
use super::folders::{open_parent, remove_empty};
use super::meta::meta_of;
use super::root::{FileOf, RootFolder, refuse_staging};
use super::staging;
use super::tokens;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{Condition, Durability, ObjectMeta, Outcome, WriteOptions};
use crate::planted::Bug;
use crate::vfs::{File, Folder, Kind, Vfs};

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
pub(super) struct Staged<V: Vfs> {
    root: Arc<RootFolder<V>>,
    staging: Arc<V::Folder>,
    name: String,
    file: FileOf<V>,
    /// Bytes so far.
    length: u64,
    key: Key,
    condition: Condition,
    durability: Durability,
    published: bool,
    /// An append has failed: the bytes have a hole, and must never get a name.
    broken: bool,
}

impl<V: Vfs> Staged<V> {
    pub fn begin(root: &Arc<RootFolder<V>>, key: &Key, options: &WriteOptions) -> Result<Self> {
        refuse_staging(key.as_str())?;
        let mut staging = root.staging()?;
        let mut created = staging::create(root, &staging);
        if matches!(created, Err(Errno::NOENT)) {
            staging = root.staging_again()?;
            created = staging::create(root, &staging);
        }
        let (name, file) = created.map_err(|errno| failed("write", errno).with("key", key))?;
        let (root, key, condition) = (Arc::clone(root), key.clone(), options.condition.clone());
        let durability = options.durability;
        let (length, published, broken) = (0, false, false);
        let staged = Self { root, staging, name, file, length, key, condition, durability, published, broken };
        if let Some(token) = &options.token {
            let kept = tokens::set(&staged.file, token);
            kept.map_err(|source| Error::io("write", source).with("key", &staged.key))?;
        }
        Ok(staged)
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.refuse_broken()?;
        let written = self.file.write_all_at(bytes, self.length);
        self.broken = written.is_err();
        self.length += bytes.len() as u64;
        written.map_err(|source| Error::io("write", source).with("key", &self.key))
    }

    /// Appends what is in a file, from its beginning, to an object that has no bytes yet.
    pub fn copy_from(&mut self, source: &FileOf<V>) -> Result<()> {
        self.refuse_broken()?;
        loop {
            match self.file.copy_at(source, self.length) {
                Ok(0) => return Ok(()),
                Ok(count) => self.length += count,
                Err(source) => {
                    self.broken = true;
                    return Err(Error::io("copy", source).with("key", &self.key));
                }
            }
        }
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
        if self.durability != Durability::None && !self.root.has_bug(Bug::PublishBeforeSync) {
            let synced = self.file.sync_all().or_else(|error| match self.root.has_bug(Bug::UncheckedFinalSync) {
                true => Ok(()),
                false => Err(error),
            });
            synced.map_err(|source| Error::io("sync", source).during("write").with("key", &self.key))?;
        }
        let (mut meta, since) = (None, self.root.folder_names().failures());
        let named = give_name(&self.root, &self.key, self.durability, |folder| self.take_name(folder, &mut meta));
        let Some(folder) = named.map_err(|error| error.during("write"))? else { return Ok(Outcome::Rejected) };
        self.published = true;
        if self.root.has_bug(Bug::PublishBeforeSync) {
            self.file.sync_all().map_err(|source| Error::io("sync", source))?;
        }
        Ok(outcome(&self.root, &self.key, meta, self.durability, since, &[&*folder]))
    }

    /// Compares and gives the name under the lock of the key: one step for everyone who takes it.
    fn take_name(&self, folder: &V::Folder, meta: &mut Option<ObjectMeta>) -> Result<Attempt> {
        let how = self.root.no_replace()?;
        let lock = self.root.lock(&self.key)?;
        if !self.root.may_take(&self.key, &self.condition)? {
            return Ok(Attempt::Rejected);
        }
        if let Some(time) = lock.next_stamp()? {
            let stamped = self.file.set_modified(time);
            stamped.map_err(|source| Error::io("stamp", source).with("key", &self.key))?;
        }
        let named = match self.condition {
            // An old name that stays is swept a day later.
            Condition::IfAbsent => take_free_name(how, &*self.staging, &self.name, folder, self.key.name()).map(|_| ()),
            _ => self.staging.rename(&self.name, folder, self.key.name()).map_err(errno_of),
        };
        match named {
            Ok(()) => {
                *meta = self.file.stat().ok().map(|about| meta_of(self.key.clone(), &about));
                Ok(Attempt::Named)
            }
            Err(errno) if self.root.has_bug(Bug::UnknownIsFailed) => Ok(Attempt::Failed(errno)),
            Err(errno) if may_have_name(errno, &self.file, folder, self.key.name()) => Ok(Attempt::Named),
            Err(errno) => Ok(Attempt::Failed(errno)),
        }
    }

    pub fn discard(mut self) -> Result<()> {
        self.published = true;
        let removed = self.staging.remove(&self.name);
        removed.map_err(|source| Error::io("abort", source).with("key", &self.key))
    }
}

impl<V: Vfs> Drop for Staged<V> {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is swept when the root is opened a day later.
            let _ = self.staging.remove(&self.name);
        }
    }
}

/// The outcome once a name is given: whatever fails from here on, an error would claim that nothing has changed. `since`
/// is the number of [failed syncs](super::folders::FolderNames::failures) before that.
pub(super) fn outcome<V: Vfs>(
    root: &RootFolder<V>,
    key: &Key,
    meta: Option<ObjectMeta>,
    durability: Durability,
    since: u64,
    folders: &[&V::Folder],
) -> Outcome {
    let sync = |folder: &&V::Folder| root.folder_names().sync(*folder, since).is_ok();
    let unneeded = durability != Durability::Full || root.has_bug(Bug::SkipParentSync);
    let synced = unneeded || folders.iter().all(sync);
    match synced {
        true => root.doubts().settle(key),
        false => root.doubts().raise(key),
    }
    match meta {
        Some(meta) if synced => Outcome::Applied(meta),
        _ => Outcome::Unknown,
    }
}

pub(super) fn take_free_name<F: Folder>(
    how: NoReplace,
    from: &F,
    from_name: &str,
    to: &F,
    to_name: &str,
) -> Result<OldName, Errno> {
    match how {
        NoReplace::Rename => {
            from.rename_no_replace(from_name, to, to_name).map_err(errno_of)?;
            Ok(OldName::Gone)
        }
        NoReplace::Link => {
            from.link(from_name, to, to_name).map_err(errno_of)?;
            let removed = from.remove(from_name);
            Ok(if removed.is_ok() { OldName::Gone } else { OldName::Stays })
        }
    }
}

/// True if a file may have got a name although that was answered with an error, as a disk that fails may do.
pub(super) fn may_have_name<F: Folder>(errno: Errno, file: &F::File, folder: &F, name: &str) -> bool {
    match errno {
        // These are told before anything is done.
        Errno::EXIST | Errno::NOENT | Errno::ISDIR | Errno::NOTDIR | Errno::NOTEMPTY | Errno::XDEV => false,
        Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::INVAL | Errno::NAMETOOLONG => false,
        _ => match (folder.stat(name).map_err(errno_of), file.stat()) {
            (Ok(named), Ok(ours)) => named.id == ours.id,
            (Err(Errno::NOENT), _) => false,
            _ => true,
        },
    }
}

/// What came of one attempt to give a name.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It has the name, or nobody knows.
    Named,
    /// The condition is false.
    Rejected,
    Failed(Errno),
}

/// How often a name is tried again when others add and remove the folders that it needs.
const ATTEMPTS: usize = 100;

/// Calls `attempt` with the folder of the key, made if it is missing, until the name is given; removes folders without
/// objects that have it. Returns the folder, or none if the condition is false.
pub(super) fn give_name<V: Vfs>(
    root: &RootFolder<V>,
    key: &Key,
    durability: Durability,
    mut attempt: impl FnMut(&V::Folder) -> Result<Attempt>,
) -> Result<Option<Arc<V::Folder>>> {
    for _ in 0..ATTEMPTS {
        let Some(folder) = open_parent(root, key, durability)? else { continue };
        match attempt(&folder)? {
            Attempt::Named => return Ok(Some(folder)),
            Attempt::Rejected => return Ok(None),
            Attempt::Failed(errno @ (Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY | Errno::NOTDIR)) => {
                match root.open_file(key) {
                    Ok(_) if errno == Errno::EXIST => return Ok(None),
                    // What was a folder a moment ago is an object now, which may be replaced.
                    Ok(_) => {}
                    Err(error) if !error.is_not_found() => return Err(error),
                    Err(_) if remove_empty(root, &folder, key.name()) => {}
                    Err(_) => refuse_taken(&*folder, key)?,
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
fn refuse_taken(folder: &impl Folder, key: &Key) -> Result<()> {
    let taken = match folder.stat(key.name()).map_err(errno_of) {
        Ok(about) => about.kind,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(absent_or("publish", errno).with("key", key)),
    };
    match taken {
        Kind::File => Ok(()),
        Kind::Folder => Err(Error::invalid("key is a folder").with("key", key)),
        Kind::Link | Kind::Other => Err(Error::invalid("key is the name of a special file").with("key", key)),
    }
}
