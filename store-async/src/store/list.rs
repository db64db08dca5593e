//! Listing files and folders, page by page as they are asked for.

use futures::{StreamExt, TryStreamExt, stream};
use worldstore_core::kernel::{Fault, Step, Walk};
use worldstore_core::*;

use super::{AsyncEntries, AsyncStore};

impl AsyncStore {
    /// Lists one page below a folder. A folder that is absent is empty.
    ///
    /// # Errors
    /// Those of the backend; `Invalid` if the folder is an object, `NotFound` if the container vanished after the first
    /// page.
    pub async fn list_page(&self, folder: &str, options: &ListOptions) -> Result<ListPage> {
        self.kernel.open()?;
        let (prefix, mut options) = (self.kernel.folder(folder)?, options.clone());
        if let Some(after) = options.after.take() {
            options.after = Some(self.kernel.object(after.as_str())?);
        }
        let is_whole = options.token.is_none() && options.after.is_none();
        let page = self.backend.list(&prefix, &options).await;
        let page = self.kernel.listed(page, &prefix, options.token.is_none())?;
        let is_empty = page.objects.is_empty() && page.folders.is_empty();
        if is_whole && is_empty && self.is_file(folder).await? {
            return Err(self.kernel.explain(Fault::IsObject.about(folder), "list"));
        }
        self.kernel.relative_page(page)
    }

    /// Lists all objects below a folder, at every depth. No I/O before the first is asked for; what is wrong with the
    /// folder is the first item too. Items and errors as for [`list_files`](Self::list_files).
    pub fn list(&self, folder: &str) -> AsyncEntries<ObjectMeta> {
        match self.list_files(folder, &ListFilesOptions::recursive()) {
            Ok(files) => files,
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    /// Lists the objects in a folder, in byte order where the backend lists in byte order. No I/O before the first is
    /// asked for. A folder that is absent is empty. By default what lies directly in it; depth and pattern must both
    /// allow what is listed.
    ///
    /// # Errors
    /// `Invalid` for a wrong folder or pattern. Among the items: `Invalid` if the folder is an object, `NotFound` if it
    /// vanishes before the end, those of the backend.
    pub fn list_files(&self, folder: &str, options: &ListFilesOptions) -> Result<AsyncEntries<ObjectMeta>> {
        Ok(self.files(self.kernel.walk_files(folder, options)?))
    }

    /// Lists the folders in a folder, each before what is in it. No I/O before the first is asked for. Depth, pattern,
    /// order and absent folders as for [`list_files`](Self::list_files).
    ///
    /// # Errors
    /// As for [`list_files`](Self::list_files).
    pub fn list_folders(&self, folder: &str, options: &ListFoldersOptions) -> Result<AsyncEntries<Prefix>> {
        let walk = self.kernel.walk_folders(folder, options)?;
        let folder = |child| async move {
            match child {
                Child::Folder(folder) => Ok(Some(folder)),
                Child::File(_) => Ok(None),
            }
        };
        Ok(Walking { store: self.clone(), walk }.stream().try_filter_map(folder).boxed())
    }

    /// Lists what lies directly in a folder, files and folders in one pass. No I/O before the first is asked for.
    ///
    /// # Errors
    /// As for [`list_files`](Self::list_files).
    pub fn iter_children(&self, folder: &str) -> Result<AsyncEntries<Child>> {
        Ok(Walking { store: self.clone(), walk: self.kernel.walk_children(folder)? }.stream())
    }

    /// Lists the objects whose whole path matches a [pattern](worldstore_core::kernel::glob). No I/O before the first is asked
    /// for. Only folders are listed in which the pattern can match. The store's root is no part of the pattern.
    ///
    /// # Errors
    /// `Invalid` for a wrong pattern, naming the position; among the items, those of the backend.
    pub fn glob(&self, pattern: &str) -> Result<AsyncEntries<ObjectMeta>> {
        self.kernel.open()?;
        Ok(self.files(self.kernel.walk_glob(pattern)?))
    }

    /// Counts what is in a folder, by listing it.
    ///
    /// # Errors
    /// `NotFound` if no object is below it at any depth, the root excepted; `Invalid` if it is an object.
    pub async fn folder_info(&self, folder: &str, options: &FolderInfoOptions) -> Result<FolderInfo> {
        let mut info = FolderInfo::new(Prefix::new(folder)?);
        let mut listed = ListFilesOptions::recursive();
        listed.max_depth = options.max_depth;
        let mut files = self.list_files(folder, &listed)?;
        while let Some(file) = files.try_next().await? {
            info.add(&file);
        }
        match info.files == 0 && !self.is_folder(folder).await? {
            true => Err(self.kernel.explain(Fault::NoFolder.about(folder), "list")),
            false => Ok(info),
        }
    }

    fn files(&self, walk: Walk) -> AsyncEntries<ObjectMeta> {
        let file = |child| async move {
            match child {
                Child::File(meta) => Ok(Some(meta)),
                Child::Folder(_) => Ok(None),
            }
        };
        Walking { store: self.clone(), walk }.stream().try_filter_map(file).boxed()
    }
}

/// A walk and who makes its requests.
struct Walking {
    store: AsyncStore,
    walk: Walk,
}

impl Walking {
    async fn advance(&mut self) -> Result<Option<Child>> {
        loop {
            match self.walk.step()? {
                Step::List(folder, options) => self.walk.listed(self.store.backend.list(&folder, &options).await)?,
                Step::Stat(key) => self.walk.found(self.store.backend.stat(&key, &StatOptions::default()).await)?,
                Step::Give(child) => return Ok(Some(child)),
                Step::Done => return Ok(None),
            }
        }
    }

    fn stream(self) -> AsyncEntries<Child> {
        let next = |mut walking: Self| async move { Ok(walking.advance().await?.map(|child| (child, walking))) };
        stream::try_unfold(self, next).boxed()
    }
}
