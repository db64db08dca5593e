//! The root folder: opening what lies below it, without ever leaving it.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, statat};
use rustix::io::Errno;

use super::STAGING;
use super::abilities::Abilities;
use super::locks::{Held, Locks};
use super::meta::meta_of;
use super::publish::NoReplace;
use super::{staging, walk};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::{Condition, ListOptions, ObjectMeta};

/// An open folder. Everything is resolved below it: no symbolic link is followed, none leads out.
#[derive(Debug)]
pub(super) struct RootFolder {
    folder: OwnedFd,
    path: PathBuf,
    /// How a file is published without replacing another, once that was probed.
    no_replace: OnceLock<NoReplace>,
    abilities: Abilities,
    locks: Locks,
    /// The staging folder, once it was needed.
    staging: RwLock<Option<Arc<OwnedFd>>>,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::RDONLY);
const FILE: OFlags = OFlags::CLOEXEC.union(OFlags::RDONLY).union(OFlags::NONBLOCK);
/// To be looked at, not to be read: that takes the system half the time, and no right to read.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LOOK: OFlags = OFlags::CLOEXEC.union(OFlags::PATH);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const LOOK: OFlags = FILE;

impl RootFolder {
    pub fn open(path: &Path) -> Result<Self> {
        let folder = openat(CWD, path, FOLDER, Mode::empty()).map_err(|errno| failed("open", errno))?;
        let path = path.canonicalize().map_err(|source| Error::io("open", source))?;
        let (no_replace, abilities, locks) = (OnceLock::new(), Abilities::NONE, Locks::new());
        let mut root = Self { folder, path, no_replace, abilities, locks, staging: RwLock::new(None) };
        root.abilities = Abilities::probe(&root)?;
        staging::sweep(&root)?;
        Ok(root)
    }

    /// How a file is published without replacing another. Probed when it is first needed: a folder that is only read
    /// stays as it is.
    pub fn no_replace(&self) -> Result<NoReplace> {
        match self.no_replace.get() {
            Some(known) => Ok(*known),
            None => {
                let probed = staging::probe(self)?;
                Ok(*self.no_replace.get_or_init(|| probed))
            }
        }
    }

    /// The staging folder, made if it is missing.
    pub fn staging(&self) -> Result<Arc<OwnedFd>> {
        if let Some(known) = &*self.staging.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(known));
        }
        self.staging_again()
    }

    /// As [`staging`](Self::staging), for one who has found that the known one was removed.
    pub fn staging_again(&self) -> Result<Arc<OwnedFd>> {
        let opened = Arc::new(staging::staging(self)?);
        *self.staging.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
        Ok(opened)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn folder(&self) -> impl AsFd {
        &self.folder
    }

    /// What the file system can do, as it was when the root was opened.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Pretends that the file system can do no more than this.
    #[cfg(test)]
    pub fn limit_for_test(&mut self, abilities: Abilities) {
        self.abilities = abilities;
    }

    /// Tries again how names are given, and whether the file system can still do what it could.
    pub fn probe(&self) -> Result<()> {
        staging::probe(self)?;
        match Abilities::probe(self)? == self.abilities {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Unavailable, "the file system can not do any more what it could")),
        }
    }

    /// Locks a key for a change.
    pub fn lock(&self, key: &Key) -> Result<Held<'_>> {
        self.locks.lock(self, key).map_err(|error| error.with("key", key))
    }

    /// Locks two keys for a change of both; the second one gets a new state.
    pub fn lock_two(&self, other: &Key, target: &Key) -> Result<Held<'_>> {
        self.locks.lock_two(self, other, target).map_err(|error| error.with("key", target))
    }

    /// False if the condition cannot hold now. Only the step that gives the name decides on `IfAbsent`.
    pub fn matches(&self, key: &Key, condition: &Condition) -> Result<bool> {
        let Condition::IfMatch(version) = condition else { return Ok(true) };
        match self.stat(key) {
            Ok(meta) => Ok(meta.version.as_ref() == Some(version)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// As [`matches`](Self::matches), for a key that an object shall take: one that no object can take is refused.
    pub fn may_take(&self, key: &Key, condition: &Condition) -> Result<bool> {
        let matches = self.matches(key, condition)?;
        if !matches && self.is_absent(key)? {
            if matches!(self.open_folder(&key.parent()), Err(Errno::NOTDIR)) {
                return Err(Error::invalid("a folder of the key is an object").with("key", key));
            }
            let below = walk::list(self, None, &Prefix::new(key.as_str())?, &ListOptions::default().with_limit(1))?;
            if !below.objects.is_empty() {
                return Err(Error::invalid("key is a folder").with("key", key));
            }
        }
        Ok(matches)
    }

    /// True if the key holds no object.
    pub fn is_absent(&self, key: &Key) -> Result<bool> {
        match self.open_file(key) {
            Ok(_) => Ok(false),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Looks an object up.
    pub fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        if key.as_str().contains('/') {
            return Ok(meta_of(key.clone(), &self.find(key, LOOK)?.1));
        }
        // Without a folder on the way there is nothing to follow, and one call does it.
        refuse_staging(key.as_str())?;
        let about = statat(&self.folder, key.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        let about = about.map_err(|errno| absent_or("open", errno).with("key", key))?;
        expect_object(key, &about)?;
        Ok(meta_of(key.clone(), &about))
    }

    /// Opens an object for reading.
    pub fn open_file(&self, key: &Key) -> Result<File> {
        Ok(self.open_object(key)?.0)
    }

    /// Opens an object for reading, and tells what it is.
    pub fn open_object(&self, key: &Key) -> Result<(File, ObjectMeta)> {
        let (file, about) = self.find(key, FILE)?;
        Ok((file.into(), meta_of(key.clone(), &about)))
    }

    fn find(&self, key: &Key, flags: OFlags) -> Result<(OwnedFd, Stat)> {
        refuse_staging(key.as_str())?;
        let file = self.open_below(key.as_str(), flags).map_err(|errno| absent_or("open", errno).with("key", key))?;
        let about = fstat(&file).map_err(|errno| failed("stat", errno).with("key", key))?;
        expect_object(key, &about)?;
        Ok((file, about))
    }

    /// Opens a folder, which may be the root.
    pub fn open_folder(&self, folder: &Prefix) -> Result<OwnedFd, Errno> {
        match folder.is_root() {
            true => self.folder.try_clone().map_err(|source| Errno::from_io_error(&source).unwrap_or(Errno::IO)),
            false => self.open_folder_at(folder.as_str()),
        }
    }

    /// Opens a folder below the root.
    pub fn open_folder_at(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.open_below(path, FOLDER)
    }

    #[cfg(target_os = "linux")]
    fn open_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.folder, path, flags, Mode::empty(), beneath) {
            Err(Errno::NOSYS) => self.walk_below(path, flags),
            opened => opened,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.walk_below(path, flags)
    }

    /// Opens segment by segment, following no link: for systems without a call that does it at once.
    pub(super) fn walk_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut folder = self.open_folder(&Prefix::root())?;
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            let flags = if segments.peek().is_some() { FOLDER } else { flags };
            folder = openat(&folder, segment, flags | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(folder)
    }
}

fn expect_object(key: &Key, about: &Stat) -> Result<()> {
    match FileType::from_raw_mode(about.st_mode) {
        FileType::RegularFile => Ok(()),
        // Found itself, not what it stands for.
        FileType::Symlink => Err(absent_or("open", Errno::LOOP).with("key", key)),
        _ => Err(Error::not_found("no such object, the key is a folder or a special file").with("key", key)),
    }
}

pub(super) fn refuse_staging(key: &str) -> Result<()> {
    match key.split('/').any(|segment| segment == STAGING) {
        true => Err(Error::invalid("keys of the staging folder are reserved").with("key", key)),
        false => Ok(()),
    }
}

/// Translates a failure of a read: a link, a file on the way or a missing folder all mean that there is no object.
pub(super) fn absent_or(operation: &'static str, errno: Errno) -> Error {
    match errno {
        Errno::LOOP | Errno::XDEV => Error::new(ErrorKind::PermissionDenied, "symbolic links are not followed")
            .during(operation)
            .caused_by(errno),
        Errno::NOTDIR => Error::not_found("no such object").during(operation).caused_by(errno),
        other => failed(operation, other),
    }
}

pub(super) fn failed(operation: &'static str, errno: Errno) -> Error {
    Error::io(operation, errno.into())
}
