//! Arguments and results that only a store has, and no backend.

use std::time::SystemTime;

use crate::key::Prefix;
use crate::ops::ObjectMeta;

/// What a delete of a missing object or folder means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// It is an error.
    #[default]
    Refuse,
    /// It is what was wanted.
    Ignore,
}

/// What becomes of the objects in a folder that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// They stay, and the delete is refused.
    #[default]
    Keep,
    /// They are deleted, at every depth.
    Delete,
}

/// What lies directly in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Child {
    /// An object.
    File(ObjectMeta),
    /// A folder: at least one object is below it.
    Folder(Prefix),
}

impl Child {
    /// Its path, from the store's root.
    pub fn path(&self) -> &str {
        match self {
            Self::File(meta) => meta.key.as_str(),
            Self::Folder(folder) => folder.as_str(),
        }
    }
}

/// Options of [`list_files`](crate::Store::list_files): by default what lies directly in the folder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListFilesOptions {
    /// How deep to look: 0 for files directly in the folder, the default; `n` for `n` levels of folders below it as
    /// well; none for all.
    pub max_depth: Option<u32>,
    /// Only files whose path below the folder matches, as [`glob`](crate::kernel::glob) says. None by default.
    pub pattern: Option<String>,
}

/// Options of [`list_folders`](crate::Store::list_folders): by default what lies directly in the folder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListFoldersOptions {
    /// How deep to look: 0 for folders directly in the folder, the default; `n` for `n` levels below it as well; none
    /// for all.
    pub max_depth: Option<u32>,
    /// Only folders whose path below the folder matches, as [`glob`](crate::kernel::glob) says. None by default.
    pub pattern: Option<String>,
}

macro_rules! depth_and_pattern {
    ($options:ident) => {
        impl Default for $options {
            fn default() -> Self {
                Self { max_depth: Some(0), pattern: None }
            }
        }

        impl $options {
            /// At every depth.
            pub fn recursive() -> Self {
                Self { max_depth: None, pattern: None }
            }

            /// At most so many levels below the folder; 0 for what lies directly in it.
            #[must_use]
            pub fn with_max_depth(mut self, levels: u32) -> Self {
                self.max_depth = Some(levels);
                self
            }

            /// Only what matches, the path below the folder being compared.
            #[must_use]
            pub fn with_pattern(mut self, pattern: impl Into<String>) -> Self {
                self.pattern = Some(pattern.into());
                self
            }
        }
    };
}

depth_and_pattern!(ListFilesOptions);
depth_and_pattern!(ListFoldersOptions);

/// Options of [`folder_info`](crate::Store::folder_info).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FolderInfoOptions {
    /// How deep to count: 0 for files directly in the folder, `n` for `n` levels below it as well; none for all, the
    /// default.
    pub max_depth: Option<u32>,
}

impl FolderInfoOptions {
    /// At most so many levels below the folder; 0 for what lies directly in it.
    #[must_use]
    pub fn with_max_depth(mut self, levels: u32) -> Self {
        self.max_depth = Some(levels);
        self
    }
}

/// What a folder holds, as counted by a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderInfo {
    /// The folder, from the store's root.
    pub folder: Prefix,
    /// How many objects it holds.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// When the newest of them was written, where the backend knows.
    pub newest: Option<SystemTime>,
}

impl FolderInfo {
    /// Of a folder of which nothing was counted yet.
    pub fn new(folder: Prefix) -> Self {
        Self { folder, files: 0, bytes: 0, newest: None }
    }

    /// Counts an object.
    pub fn add(&mut self, meta: &ObjectMeta) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(meta.size);
        self.newest = self.newest.max(meta.modified);
    }
}

/// Options of [`read_seekable`](crate::Store::read_seekable).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeekOptions {
    /// How many bytes are read at a time at least, and kept: 256 KiB by default.
    pub read_ahead_bytes: u32,
}

impl Default for SeekOptions {
    fn default() -> Self {
        Self { read_ahead_bytes: 256 << 10 }
    }
}

impl SeekOptions {
    /// Sets how many bytes are read at a time at least; 0 reads only what is asked for.
    #[must_use]
    pub fn with_read_ahead_bytes(mut self, bytes: u32) -> Self {
        self.read_ahead_bytes = bytes;
        self
    }
}
