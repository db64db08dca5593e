//! The root folder: opening what lies below it, without ever leaving it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use rustix::io::Errno;

use super::STAGING;
use super::abilities::Abilities;
use super::doubts::Doubts;
use super::errno::{absent_or, errno_of};
use super::folders::FolderNames;
use super::locks::{Held, Locks};
use super::meta::meta_of;
use super::publish::NoReplace;
use super::{staging, walk};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::{Condition, ListOptions, ObjectMeta};
use crate::planted::{Bug, Planted};
use crate::vfs::{File, Folder, Kind, Stat, Vfs};

/// The open files of a file system.
pub(super) type FileOf<V> = <<V as Vfs>::Folder as Folder>::File;

/// An open folder. Everything is resolved below it: no symbolic link is followed, none leads out.
#[derive(Debug)]
pub(super) struct RootFolder<V: Vfs> {
    vfs: V,
    folder: Arc<V::Folder>,
    /// How a file is published without replacing another, once that was probed.
    no_replace: OnceLock<NoReplace>,
    abilities: Abilities,
    locks: Locks<V>,
    folder_names: FolderNames,
    doubts: Doubts,
    /// Who opened it, as part of the names of files in the making.
    process: u32,
    /// Names that were given to files in the making.
    names: AtomicU64,
    planted: Planted,
    /// The staging folder, once it was needed.
    staging: RwLock<Option<Arc<V::Folder>>>,
}

impl<V: Vfs> RootFolder<V> {
    pub fn open(vfs: V, planted: Planted) -> Result<Self> {
        let folder = Arc::new(vfs.root().map_err(|source| Error::io("open", source))?);
        let (no_replace, abilities, locks) = (OnceLock::new(), Abilities::NONE, Locks::new());
        let (folder_names, process, names) = (FolderNames::default(), std::process::id(), AtomicU64::new(0));
        let (doubts, staging) = (Doubts::default(), RwLock::new(None));
        let mut root =
            Self { vfs, folder, no_replace, abilities, locks, folder_names, doubts, process, names, planted, staging };
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
    pub fn staging(&self) -> Result<Arc<V::Folder>> {
        if let Some(known) = &*self.staging.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(known));
        }
        self.staging_again()
    }

    /// As [`staging`](Self::staging), for one who has found that the known one was removed.
    pub fn staging_again(&self) -> Result<Arc<V::Folder>> {
        let opened = Arc::new(staging::staging(self)?);
        *self.staging.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
        Ok(opened)
    }

    pub fn path(&self) -> &Path {
        self.vfs.path()
    }

    pub fn vfs(&self) -> &V {
        &self.vfs
    }

    pub fn folder(&self) -> &V::Folder {
        &self.folder
    }

    /// Which folders have names that are durable.
    pub fn folder_names(&self) -> &FolderNames {
        &self.folder_names
    }

    /// Which keys were changed in a way that may not last.
    pub fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// A name for a file in the making, that most probably nobody else has: process, time and a counter.
    pub fn unique_name(&self) -> String {
        let now = self.vfs.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let count = self.names.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{:x}-{count:x}", self.process, now.as_nanos())
    }

    /// True if the bug is there for a test to find.
    pub fn has_bug(&self, bug: Bug) -> bool {
        self.planted.has(bug)
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
    pub fn lock(&self, key: &Key) -> Result<Held<'_, V>> {
        self.locks.lock(self, key).map_err(|error| error.with("key", key))
    }

    /// Locks two keys for a change of both; the second one gets a new state.
    pub fn lock_two(&self, other: &Key, target: &Key) -> Result<Held<'_, V>> {
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
        refuse_staging(key.as_str())?;
        let about = self.folder.stat(key.as_str());
        let about = about.map_err(|source| absent_or("open", errno_of(source)).with("key", key))?;
        expect_object(key, &about)?;
        Ok(meta_of(key.clone(), &about))
    }

    /// Opens an object for reading.
    pub fn open_file(&self, key: &Key) -> Result<FileOf<V>> {
        Ok(self.open_object(key)?.0)
    }

    /// Opens an object for reading, and tells what it is.
    pub fn open_object(&self, key: &Key) -> Result<(FileOf<V>, ObjectMeta)> {
        refuse_staging(key.as_str())?;
        let file = self.folder.open(key.as_str());
        let file = file.map_err(|source| absent_or("open", errno_of(source)).with("key", key))?;
        let about = file.stat().map_err(|source| Error::io("stat", source).with("key", key))?;
        expect_object(key, &about)?;
        Ok((file, meta_of(key.clone(), &about)))
    }

    /// Opens a folder, which may be the root.
    pub fn open_folder(&self, folder: &Prefix) -> Result<Arc<V::Folder>, Errno> {
        match folder.is_root() {
            true => Ok(Arc::clone(&self.folder)),
            false => self.open_folder_at(folder.as_str()),
        }
    }

    /// Opens a folder below the root.
    pub fn open_folder_at(&self, path: &str) -> Result<Arc<V::Folder>, Errno> {
        self.folder.open_folder(path).map(Arc::new).map_err(errno_of)
    }
}

fn expect_object(key: &Key, about: &Stat) -> Result<()> {
    match about.kind {
        Kind::File => Ok(()),
        // Found itself, not what it stands for.
        Kind::Link => Err(absent_or("open", Errno::LOOP).with("key", key)),
        Kind::Folder | Kind::Other => {
            Err(Error::not_found("no such object, the key is a folder or a special file").with("key", key))
        }
    }
}

pub(super) fn refuse_staging(key: &str) -> Result<()> {
    match key.split('/').any(|segment| segment == STAGING) {
        true => Err(Error::invalid("keys of the staging folder are reserved").with("key", key)),
        false => Ok(()),
    }
}
