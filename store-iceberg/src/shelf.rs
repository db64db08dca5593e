//! Manifests and lists of manifests that were read, so that a scan need not read them again: none of them ever changes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iceberg::io::FileIO;
use iceberg::spec::{FormatVersion, ManifestFile, SnapshotRef};
use worldstore_core::Result;

use crate::files::{Found, entries, manifests};

/// Files that are named by all that is kept, over all tables: some kilobytes of bounds and counts each.
const FILES_MAX: usize = 8192;

/// Reads manifests and their lists, and keeps the newest of those it has read. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    io: FileIO,
    kept: Arc<Mutex<Kept>>,
}

/// What a file said. It is known by its path, which is never used again.
#[derive(Debug, Clone)]
enum Page {
    List(Arc<[ManifestFile]>),
    Manifest(Arc<[Found]>),
}

#[derive(Debug, Default)]
struct Kept {
    pages: HashMap<String, Page>,
    /// Their paths, in the order in which they were read.
    order: VecDeque<String>,
    /// Files that they name.
    files: usize,
}

impl Shelf {
    /// Nothing is kept yet.
    pub fn new(io: FileIO) -> Self {
        Self { io, kept: Arc::default() }
    }

    /// What is kept is shared, what is not is read there.
    pub fn with_io(self, io: FileIO) -> Self {
        Self { io, ..self }
    }

    /// The manifests of a snapshot.
    pub async fn manifests(&self, snapshot: &SnapshotRef, format: FormatVersion) -> Result<Arc<[ManifestFile]>> {
        let path = snapshot.manifest_list();
        if let Some(Page::List(list)) = self.kept().pages.get(path) {
            return Ok(Arc::clone(list));
        }
        let list: Arc<[_]> = manifests(&self.io, snapshot, format).await?.consume_entries().into_iter().collect();
        self.kept().keep(path, Page::List(Arc::clone(&list)), FILES_MAX);
        Ok(list)
    }

    /// The data files that a manifest has.
    ///
    /// # Errors
    /// As for [`entries`].
    pub async fn entries(&self, manifest: ManifestFile) -> Result<Arc<[Found]>> {
        if let Some(Page::Manifest(found)) = self.kept().pages.get(&manifest.manifest_path) {
            return Ok(Arc::clone(found));
        }
        let path = manifest.manifest_path.clone();
        let found: Arc<[_]> = entries(&self.io, manifest).await?.into();
        self.kept().keep(&path, Page::Manifest(Arc::clone(&found)), FILES_MAX);
        Ok(found)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// Files that it names, itself among them.
    fn files(&self) -> usize {
        1 + match self {
            Self::List(list) => list.len(),
            Self::Manifest(found) => found.len(),
        }
    }
}

impl Kept {
    /// Keeps a page, and gives up the oldest until no more than `files_max` files are named. A page that is larger is not
    /// kept.
    fn keep(&mut self, path: &str, page: Page, files_max: usize) {
        let files = page.files();
        if files > files_max || self.pages.contains_key(path) {
            return;
        }
        while self.files + files > files_max {
            let Some(oldest) = self.order.pop_front() else { break };
            self.files -= self.pages.remove(&oldest).map_or(0, |page| page.files());
        }
        self.files += files;
        self.order.push_back(path.to_owned());
        self.pages.insert(path.to_owned(), page);
    }
}

#[cfg(test)]
mod tests;
