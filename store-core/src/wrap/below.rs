//! Names below a folder: to those of the backend and back.

use std::fmt;

use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

/// A folder that is shown as a root.
#[derive(Debug, Clone)]
pub struct Below {
    folder: Prefix,
}

impl Below {
    /// Shows this folder as a root.
    pub fn new(folder: Prefix) -> Self {
        Self { folder }
    }

    /// Describes the folder, given what describes the backend.
    pub fn info(&self, mut info: BackendInfo) -> BackendInfo {
        if !self.folder.is_root() {
            let root = info.root.trim_end_matches('/');
            info.root = if root.is_empty() { self.folder.to_string() } else { format!("{root}/{}", self.folder) };
        }
        info
    }

    /// The backend's key of a key below the folder.
    ///
    /// # Errors
    /// `Invalid` if it becomes too long.
    pub fn key(&self, key: &Key) -> Result<Key> {
        match self.folder.is_root() {
            true => Ok(key.clone()),
            false => self.folder.key(key),
        }
    }

    /// Metadata with the name below the folder.
    ///
    /// # Errors
    /// `Unexpected` if the backend answers with an object from elsewhere.
    pub fn meta(&self, mut meta: ObjectMeta) -> Result<ObjectMeta> {
        meta.key = Key::new(self.strip(meta.key.as_str())?)?;
        Ok(meta)
    }

    /// An outcome with the name below the folder.
    ///
    /// # Errors
    /// As for [`meta`](Self::meta).
    pub fn outcome(&self, outcome: Outcome) -> Result<Outcome> {
        match outcome {
            Outcome::Applied(meta) => self.meta(meta).map(Outcome::Applied),
            other => Ok(other),
        }
    }

    /// The backend's arguments of a listing below the folder.
    ///
    /// # Errors
    /// `Invalid` if a name becomes too long.
    pub fn listing(&self, prefix: &Prefix, options: &ListOptions) -> Result<(Prefix, ListOptions)> {
        let mut options = options.clone();
        options.after = options.after.map(|after| self.key(&after)).transpose()?;
        let prefix = match prefix.is_root() {
            true => self.folder.clone(),
            false => self.folder.join(prefix.as_str())?,
        };
        Ok((prefix, options))
    }

    /// A page with the names below the folder.
    ///
    /// # Errors
    /// As for [`meta`](Self::meta).
    pub fn page(&self, page: ListPage) -> Result<ListPage> {
        let ListPage { objects, folders, next } = page;
        let objects = objects.into_iter().map(|meta| self.meta(meta)).collect::<Result<_>>()?;
        let strip = |folder: &Prefix| Prefix::new(self.strip(folder.as_str())?);
        let folders = folders.iter().map(strip).collect::<Result<_>>()?;
        Ok(ListPage { objects, folders, next })
    }

    fn strip<'name>(&self, name: &'name str) -> Result<&'name str> {
        let elsewhere = || Error::unexpected("the backend answered with a name outside of the folder");
        self.folder.strip(name).ok_or_else(|| elsewhere().with("name", name).with("folder", &self.folder))
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.fmt(f)
    }
}
