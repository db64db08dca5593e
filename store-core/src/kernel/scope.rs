//! The scope of a store: its root, its backend's description, and whether it is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fault::Fault;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::{BackendInfo, ListPage, ObjectMeta};

/// A store without its backend: root, capabilities, rules. Clones share whether it is closed.
#[derive(Debug, Clone)]
pub struct Kernel {
    pub(super) root: Prefix,
    pub(super) backend: Arc<Described>,
    life: Arc<Life>,
}

#[derive(Debug)]
pub(super) struct Described {
    pub info: BackendInfo,
    /// As it displays itself.
    pub name: String,
}

/// Whether a store is open. A child ends with its parent, and not the other way round.
#[derive(Debug, Default)]
struct Life {
    closed: AtomicBool,
    parent: Option<Arc<Life>>,
}

impl Life {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.parent.as_ref().is_some_and(|parent| parent.is_closed())
    }
}

impl Kernel {
    /// All of a backend. The description is asked for once: what a backend can do does not change.
    pub fn new(info: BackendInfo, name: String) -> Self {
        let backend = Arc::new(Described { info, name });
        Self { root: Prefix::root(), backend, life: Arc::default() }
    }

    /// The scope of a folder.
    ///
    /// # Errors
    /// `Invalid` if the text is no folder, or the root.
    pub fn child(&self, folder: &str) -> Result<Self> {
        if folder.is_empty() {
            return Err(Fault::Root.about("\"\""));
        }
        let life = Life { closed: AtomicBool::new(false), parent: Some(Arc::clone(&self.life)) };
        Ok(Self { root: self.folder(folder)?, backend: Arc::clone(&self.backend), life: Arc::new(life) })
    }

    /// Closes this scope and its children.
    pub fn close(&self) {
        self.life.closed.store(true, Ordering::Release);
    }

    /// Checks that neither this scope nor one above it is closed.
    ///
    /// # Errors
    /// `Poisoned` otherwise.
    pub fn open(&self) -> Result<()> {
        match self.life.is_closed() {
            true => Err(Fault::Closed.error().with("backend", &self.backend.name)),
            false => Ok(()),
        }
    }

    /// What the backend is.
    pub fn info(&self) -> &BackendInfo {
        &self.backend.info
    }

    /// Where the scope begins, below the backend's root.
    pub fn root(&self) -> &Prefix {
        &self.root
    }

    /// The backend's key of an object.
    ///
    /// # Errors
    /// `Invalid` for what is no key, and for the root, which is a folder.
    pub fn object(&self, key: &str) -> Result<Key> {
        if key.is_empty() {
            return Err(Fault::Root.about("\"\""));
        }
        match self.root.is_root() {
            true => Key::new(key),
            // Checked apart, or a wrong start would be taken for a part of the root.
            false => self.root.key(Key::new(key)?),
        }
    }

    /// The backend's name of a folder; the empty text is the root of the scope.
    ///
    /// # Errors
    /// `Invalid` for what is no folder.
    pub fn folder(&self, folder: &str) -> Result<Prefix> {
        match folder {
            "" => Ok(self.root.clone()),
            folder => self.root.join(Key::new(folder)?),
        }
    }

    /// An object as callers of the store know it.
    ///
    /// # Errors
    /// `Unexpected` if the backend answered with a key outside of the scope.
    pub fn relative(&self, meta: ObjectMeta) -> Result<ObjectMeta> {
        if self.root.is_root() {
            return Ok(meta);
        }
        let key = self.root.strip(meta.key.as_str()).ok_or_else(|| self.outside(meta.key.as_str()))?;
        Ok(ObjectMeta { key: Key::new(key)?, ..meta })
    }

    /// A folder as callers of the store know it.
    ///
    /// # Errors
    /// `Unexpected` if the backend answered with a folder outside of the scope.
    pub fn relative_folder(&self, folder: &Prefix) -> Result<Prefix> {
        if *folder == self.root {
            return Ok(Prefix::root());
        }
        Prefix::new(self.root.strip(folder.as_str()).ok_or_else(|| self.outside(folder.as_str()))?)
    }

    /// A page as callers of the store know it.
    ///
    /// # Errors
    /// `Unexpected` if the backend answered with something outside of the scope.
    pub fn relative_page(&self, page: ListPage) -> Result<ListPage> {
        let objects = page.objects.into_iter().map(|meta| self.relative(meta)).collect::<Result<_>>()?;
        let folders = page.folders.iter().map(|folder| self.relative_folder(folder)).collect::<Result<_>>()?;
        Ok(ListPage { objects, folders, next: page.next })
    }

    /// Adds to an error of the backend what was asked of whom.
    pub fn explain(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation).with("backend", &self.backend.name)
    }

    fn outside(&self, answered: &str) -> Error {
        Error::unexpected("backend answered with a name outside of the folder")
            .with("key", answered)
            .with("folder", &self.root)
            .with("backend", &self.backend.name)
    }
}
