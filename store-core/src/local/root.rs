//! The root folder: opening what lies below it, without ever leaving it.

use std::fs::{File, Metadata};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, openat, openat2, unlinkat};
use rustix::io::Errno;

use super::STAGING;
use super::publish::{self, NoReplace};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::{ObjectMeta, Version};

/// An open folder. Everything is resolved below it: no symbolic link is followed, none leads out.
#[derive(Debug)]
pub(super) struct RootFolder {
    folder: OwnedFd,
    path: PathBuf,
    /// How a file is published without replacing another, once that was probed.
    no_replace: OnceLock<NoReplace>,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::RDONLY);
const FILE: OFlags = OFlags::CLOEXEC.union(OFlags::RDONLY).union(OFlags::NONBLOCK);

impl RootFolder {
    pub fn open(path: &Path) -> Result<Self> {
        let folder = openat(CWD, path, FOLDER, Mode::empty()).map_err(|errno| failed("open", errno))?;
        let path = path.canonicalize().map_err(|source| Error::io("open", source))?;
        let root = Self { folder, path, no_replace: OnceLock::new() };
        publish::sweep(&root)?;
        Ok(root)
    }

    /// How a file is published without replacing another. Probed when it is first needed: a folder that is only read
    /// stays as it is.
    pub fn no_replace(&self) -> Result<NoReplace> {
        match self.no_replace.get() {
            Some(known) => Ok(*known),
            None => {
                let probed = publish::probe(self)?;
                Ok(*self.no_replace.get_or_init(|| probed))
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn folder(&self) -> impl AsFd {
        &self.folder
    }

    pub fn probe(&self) -> Result<()> {
        publish::probe(self).map(|_| ())
    }

    /// Opens an object for reading.
    pub fn open_file(&self, key: &Key) -> Result<File> {
        refuse_staging(key.as_str())?;
        let file = self.open_below(key.as_str(), FILE).map_err(|errno| absent_or("open", errno).with("key", key))?;
        let file = File::from(file);
        let metadata = file.metadata().map_err(|source| Error::io("stat", source).with("key", key))?;
        match metadata.is_file() {
            true => Ok(file),
            false => Err(Error::not_found("no such object, the key is a folder or a special file").with("key", key)),
        }
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

    /// Removes an object and makes that durable.
    pub fn remove(&self, key: &Key) -> Result<()> {
        refuse_staging(key.as_str())?;
        // A folder is no object; unlink would tell by another error on other systems.
        self.open_file(key)?;
        let folder = self.open_folder(&key.parent()).map_err(|errno| absent_or("delete", errno).with("key", key))?;
        let removed = unlinkat(&folder, key.name(), AtFlags::empty());
        removed.map_err(|errno| absent_or("delete", errno).with("key", key))?;
        rustix::fs::fsync(&folder).map_err(|errno| failed("sync", errno).with("key", key))
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

pub(super) fn refuse_staging(key: &str) -> Result<()> {
    match key.split('/').next() == Some(STAGING) {
        true => Err(Error::invalid("keys of the staging folder are reserved").with("key", key)),
        false => Ok(()),
    }
}

pub(super) fn meta_of(key: &Key, metadata: &Metadata) -> ObjectMeta {
    let token = format!(
        "{:x}-{:x}-{:x}.{:x}-{:x}.{:x}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    );
    let meta = ObjectMeta::new(key.clone(), metadata.len()).with_version(Version::new(token));
    match metadata.modified() {
        Ok(modified) => meta.with_modified(modified),
        Err(_) => meta,
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
