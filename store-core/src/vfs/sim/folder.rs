//! An open folder in memory.

use std::io::Result;
use std::sync::Arc;

use rustix::io::Errno;

use super::fault::Operation;
use super::file::{Access, SimFile};
use super::handle::{Handle, Shared, stat};
use super::node::{Body, FileNode, FolderNode, Meta, Name};
use super::state::{ROOT, State};
use crate::vfs::{Entry, Folder, Kind, Stat};

/// An open folder of a [`SimVfs`](super::SimVfs).
#[derive(Debug)]
pub struct SimFolder(Handle);

impl SimFolder {
    pub(super) fn root(shared: &Arc<Shared>) -> Result<Self> {
        let mut state = shared.state();
        if state.crashed {
            return Err(Errno::IO.into());
        }
        Handle::open(shared, &mut state, ROOT).map(Self)
    }

    /// Opens what a path leads to.
    fn opened(&self, path: &str) -> Result<Handle> {
        self.0.call(Operation::Open, path, None, |state, _| {
            let key = state.walk(self.0.key, path)?;
            Handle::open(&self.0.shared, state, key)
        })
    }

    /// Makes an empty file and a handle on it.
    fn created(
        &self,
        name: &str,
        check: impl FnOnce(&mut State) -> Result<()>,
        bind: impl FnOnce(&mut State, u64) -> Result<()>,
    ) -> Result<SimFile> {
        let handle = self.0.call(Operation::Create, name, None, |state, _| {
            check(state)?;
            let now = state.now();
            let meta = Meta { modified: now, ..Meta::default() };
            let file = FileNode { meta_base: meta.clone(), meta, ..FileNode::default() };
            let key = state.make(Name::from(name), Body::File(file));
            bind(state, key)?;
            Handle::open(&self.0.shared, state, key)
        })?;
        Ok(SimFile { handle, access: Access::Write })
    }
}

/// Refuses one kind of node behind a name.
fn refuse(state: &mut State, folder: u64, name: &str, kind: Kind) -> Result<()> {
    let key = state.look(folder, name)?;
    match (state.is_folder(key), kind) {
        (true, Kind::Folder) => Err(Errno::ISDIR.into()),
        (false, Kind::File) => Err(Errno::NOTDIR.into()),
        _ => Ok(()),
    }
}

impl Folder for SimFolder {
    type File = SimFile;

    fn reopen(&self) -> Result<Self> {
        self.opened(".").map(Self)
    }

    fn open_folder(&self, path: &str) -> Result<Self> {
        let handle = self.opened(path)?;
        let is_folder = handle.shared.state().is_folder(handle.key);
        match is_folder {
            true => Ok(Self(handle)),
            false => Err(Errno::NOTDIR.into()),
        }
    }

    fn make_folder(&self, name: &str) -> Result<()> {
        self.0.call(Operation::MakeFolder, name, None, |state, _| {
            state.check_free(self.0.key, name)?;
            let key = state.make(Name::from(name), Body::Folder(FolderNode::default()));
            state.bind(self.0.key, name, key)
        })
    }

    fn remove_folder(&self, name: &str) -> Result<()> {
        self.0.call(Operation::RemoveFolder, name, None, |state, _| {
            refuse(state, self.0.key, name, Kind::File)?;
            let key = state.look(self.0.key, name)?;
            match state.folder(key)?.live.is_empty() {
                true => state.unbind(self.0.key, name),
                false => Err(Errno::NOTEMPTY.into()),
            }
        })
    }

    fn open(&self, path: &str) -> Result<SimFile> {
        Ok(SimFile { handle: self.opened(path)?, access: Access::Read })
    }

    fn open_writable(&self, name: &str) -> Result<SimFile> {
        let handle = self.opened(name)?;
        let is_folder = handle.shared.state().is_folder(handle.key);
        match is_folder {
            true => Err(Errno::ISDIR.into()),
            false => Ok(SimFile { handle, access: Access::Write }),
        }
    }

    fn create(&self, name: &str) -> Result<SimFile> {
        self.created(name, |state| state.check_free(self.0.key, name), |state, key| state.bind(self.0.key, name, key))
    }

    fn create_unnamed(&self) -> Result<SimFile> {
        self.created("", |_| Ok(()), |_, _| Ok(()))
    }

    fn stat(&self, path: &str) -> Result<Stat> {
        self.0.call(Operation::Stat, path, None, |state, _| {
            let key = state.walk(self.0.key, path)?;
            stat(state, key)
        })
    }

    fn stat_self(&self) -> Result<Stat> {
        self.0.call(Operation::Stat, "", None, |state, _| stat(state, self.0.key))
    }

    fn list(&self) -> Result<Vec<Entry>> {
        self.0.call(Operation::List, "", None, |state, _| {
            let names = Arc::clone(&state.folder(self.0.key)?.live);
            let kind = |key| if state.is_folder(key) { Kind::Folder } else { Kind::File };
            Ok(names.iter().map(|(name, key)| Entry { name: name.to_string(), kind: kind(*key) }).collect())
        })
    }

    fn rename(&self, name: &str, to: &Self, to_name: &str) -> Result<()> {
        self.0.call(Operation::Rename, to_name, None, |state, _| {
            self.check_same(to)?;
            state.rename(self.0.key, name, to.0.key, to_name)
        })
    }

    fn rename_no_replace(&self, name: &str, to: &Self, to_name: &str) -> Result<()> {
        self.0.call(Operation::Rename, to_name, None, |state, _| {
            self.check_same(to)?;
            state.look(self.0.key, name)?;
            state.check_free(to.0.key, to_name)?;
            state.rename(self.0.key, name, to.0.key, to_name)
        })
    }

    fn link(&self, name: &str, to: &Self, to_name: &str) -> Result<()> {
        self.0.call(Operation::Link, to_name, None, |state, _| {
            self.check_same(to)?;
            let key = state.look(self.0.key, name)?;
            match state.is_folder(key) {
                true => Err(Errno::PERM.into()),
                false => state.bind(to.0.key, to_name, key),
            }
        })
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.0.call(Operation::Remove, name, None, |state, _| {
            refuse(state, self.0.key, name, Kind::Folder)?;
            state.unbind(self.0.key, name)
        })
    }

    fn sync(&self) -> Result<()> {
        self.0.sync(Operation::SyncFolder)
    }

    fn try_lock(&self) -> Result<bool> {
        self.0.lock(false)
    }

    fn is_remote(&self) -> bool {
        false
    }
}

impl SimFolder {
    /// Refuses a folder of another file system.
    fn check_same(&self, other: &Self) -> Result<()> {
        match Arc::ptr_eq(&self.0.shared, &other.0.shared) {
            true => Ok(()),
            false => Err(Errno::XDEV.into()),
        }
    }
}
