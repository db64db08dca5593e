//! Listing files and folders, page by page as they are asked for.

use super::{Entries, Store};
use crate::error::{Error, Result};
use crate::kernel::{Child, Fault, FolderInfo, FolderInfoOptions, ListFilesOptions, ListFoldersOptions, Step, Walk};
use crate::key::Prefix;
use crate::ops::*;

impl Store {
    /// Lists one page below a folder. A folder that is absent is empty.
    ///
    /// # Errors
    /// Those of the backend; `Invalid` if the folder is an object, `NotFound` if the container vanished after the first
    /// page.
    pub fn list_page(&self, folder: &str, options: &ListOptions) -> Result<ListPage> {
        self.kernel.open()?;
        let (prefix, mut options) = (self.kernel.folder(folder)?, options.clone());
        if let Some(after) = options.after.take() {
            options.after = Some(self.kernel.object(after.as_str())?);
        }
        let is_whole = options.token.is_none() && options.after.is_none();
        let page = self.backend.list(&prefix, &options);
        let page = self.kernel.listed(page, &prefix, options.token.is_none())?;
        let is_empty = page.objects.is_empty() && page.folders.is_empty();
        if is_whole && is_empty && self.is_file(folder)? {
            return Err(self.kernel.explain(Fault::IsObject.about(folder), "list"));
        }
        self.kernel.relative_page(page)
    }

    /// Lists all objects below a folder, at every depth. No I/O before the first is asked for; what is wrong with the
    /// folder is the first item too. Items and errors as for [`list_files`](Self::list_files).
    pub fn list(&self, folder: &str) -> Entries<ObjectMeta> {
        match self.list_files(folder, &ListFilesOptions::recursive()) {
            Ok(files) => files,
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    /// Lists the objects in a folder, in byte order where the backend lists in byte order. No I/O before the first is
    /// asked for. A folder that is absent is empty. By default what lies directly in it; depth and pattern must both
    /// allow what is listed.
    ///
    /// # Errors
    /// `Invalid` for a wrong folder or pattern. Among the items: `Invalid` if the folder is an object, `NotFound` if it
    /// vanishes before the end, those of the backend.
    pub fn list_files(&self, folder: &str, options: &ListFilesOptions) -> Result<Entries<ObjectMeta>> {
        Ok(self.files(self.kernel.walk_files(folder, options)?))
    }

    /// Lists the folders in a folder, each before what is in it. No I/O before the first is asked for. Depth, pattern,
    /// order and absent folders as for [`list_files`](Self::list_files).
    ///
    /// # Errors
    /// As for [`list_files`](Self::list_files).
    pub fn list_folders(&self, folder: &str, options: &ListFoldersOptions) -> Result<Entries<Prefix>> {
        let walk = self.kernel.walk_folders(folder, options)?;
        let folder = |child| match child {
            Ok(Child::Folder(folder)) => Some(Ok(folder)),
            Ok(Child::File(_)) => None,
            Err(error) => Some(Err(error)),
        };
        Ok(Box::new(Walking { store: self.clone(), walk }.filter_map(folder)))
    }

    /// Lists what lies directly in a folder, files and folders in one pass. No I/O before the first is asked for.
    ///
    /// # Errors
    /// As for [`list_files`](Self::list_files).
    pub fn iter_children(&self, folder: &str) -> Result<Entries<Child>> {
        Ok(Box::new(Walking { store: self.clone(), walk: self.kernel.walk_children(folder)? }))
    }

    /// Lists the objects whose whole path matches a [pattern](crate::kernel::glob). No I/O before the first is asked
    /// for. Only folders are listed in which the pattern can match. The store's root is no part of the pattern.
    ///
    /// # Errors
    /// `Invalid` for a wrong pattern, naming the position; among the items, those of the backend.
    pub fn glob(&self, pattern: &str) -> Result<Entries<ObjectMeta>> {
        self.kernel.open()?;
        Ok(self.files(self.kernel.walk_glob(pattern)?))
    }

    /// Counts what is in a folder, by listing it.
    ///
    /// # Errors
    /// `NotFound` if no object is below it at any depth, the root excepted; `Invalid` if it is an object.
    pub fn folder_info(&self, folder: &str, options: &FolderInfoOptions) -> Result<FolderInfo> {
        let mut info = FolderInfo::new(Prefix::new(folder)?);
        let mut listed = ListFilesOptions::recursive();
        listed.max_depth = options.max_depth;
        for file in self.list_files(folder, &listed)? {
            info.add(&file?);
        }
        match info.files == 0 && !self.is_folder(folder)? {
            true => Err(self.kernel.explain(Fault::NoFolder.about(folder), "list")),
            false => Ok(info),
        }
    }

    fn files(&self, walk: Walk) -> Entries<ObjectMeta> {
        let file = |child| match child {
            Ok(Child::File(meta)) => Some(Ok(meta)),
            Ok(Child::Folder(_)) => None,
            Err(error) => Some(Err(error)),
        };
        Box::new(Walking { store: self.clone(), walk }.filter_map(file))
    }
}

/// A walk and who makes its requests.
struct Walking {
    store: Store,
    walk: Walk,
}

impl Walking {
    fn advance(&mut self) -> Result<Option<Child>, Error> {
        loop {
            match self.walk.step()? {
                Step::List(folder, options) => self.walk.listed(self.store.backend.list(&folder, &options))?,
                Step::Stat(key) => self.walk.found(self.store.backend.stat(&key, &StatOptions::default()))?,
                Step::Give(child) => return Ok(Some(child)),
                Step::Done => return Ok(None),
            }
        }
    }
}

impl Iterator for Walking {
    type Item = Result<Child>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
