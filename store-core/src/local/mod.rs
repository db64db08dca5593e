//! Objects as files below a folder: durable by default, published without a race.
//!
//! An object is written to a hidden staging folder first, synced, and then published under its name in one step: by a
//! rename that does not replace for [`Condition::IfAbsent`], by a plain rename otherwise. Then its folder is synced,
//! and the parents of every folder made on the way.

mod publish;
mod root;
mod walk;

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;
use publish::Staged;
use root::{RootFolder, meta_of};

/// The folder below the root where objects are staged. No key may begin with it.
pub const STAGING: &str = ".worldstore-staging";

/// Bytes of one chunk of a read.
const CHUNK_BYTES: u64 = 1 << 20;

/// A backend on a folder of a local file system.
///
/// Files get mode 0600 and folders 0700. Symbolic links are not followed, inside the root or out of it. Empty folders
/// stay behind when their objects are deleted; no listing shows them, and an object may take their name.
///
/// The root should be one file system. What is mounted below it is read, listed, deleted, and renamed within the mount;
/// whatever would have to move a file in or out (every write, copy or rename to a key there) is `Unsupported`. A root
/// that is read-only, by mount or by permission, can be opened and read, and answers every change with
/// `PermissionDenied`. An object needs to be readable for everything but being listed and being replaced.
///
/// Versions are made of inode, size and times; compare-and-swap on them would not be free of races, so
/// [`Condition::IfMatch`] is refused.
#[derive(Debug)]
pub struct Local {
    root: Arc<RootFolder>,
}

impl Local {
    /// Opens a folder, and makes it and its parents if they are missing.
    ///
    /// # Errors
    /// `PermissionDenied` and the like; `Invalid` if it is no folder; `Unsupported` if its file system cannot publish
    /// without replacing.
    pub fn new(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        publish::create_folders(folder).map_err(|error| error.with("path", folder.display()))?;
        let local = Self::open(folder)?;
        local.root.no_replace().map_err(|error| error.with("path", folder.display()))?;
        Ok(local)
    }

    /// Opens a folder that exists. It is not touched before the first write, which finds out how to publish.
    ///
    /// # Errors
    /// `NotFound` if it does not; `Invalid` if it is no folder; `PermissionDenied` and the like.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let root = RootFolder::open(folder).map_err(|error| error.with("path", folder.display()))?;
        Ok(Self { root: Arc::new(root) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    fn open_object(&self, key: &Key) -> Result<(File, ObjectMeta)> {
        let file = self.root.open_file(key)?;
        let meta = meta_of(key, &file.metadata().map_err(|source| Error::io("stat", source).with("key", key))?);
        Ok((file, meta))
    }

    fn stage(&self, key: &Key, condition: &Condition, durability: Durability) -> Result<Staged> {
        refuse_if_match(key, condition)?;
        Staged::begin(&self.root, key, condition.clone(), durability)
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "local({})", self.root.path().display())
    }
}

impl Backend for Local {
    fn info(&self) -> BackendInfo {
        let capability = Capability {
            write: true,
            write_if_absent: true,
            write_if_match: false,
            copy: true,
            copy_if_absent: true,
            copy_if_match: false,
            rename: true,
            rename_if_absent: true,
            rename_if_match: false,
            delete_if_match: false,
            write_tokens: false,
            list_sorted: true,
            versions: true,
            durable: true,
        };
        BackendInfo::new("local", self.root.path().display().to_string(), capability)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.open_object(key).map(|(_, meta)| meta)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let (file, meta) = self.open_object(key)?;
        meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(meta.size).map_err(|error| error.with("key", key))?,
            None => 0..meta.size,
        };
        let chunks = FileChunks { file, key: key.clone(), left: range.clone() };
        Ok(ReadReply::new(meta, range, Box::new(chunks)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let (file, meta) = self.open_object(key)?;
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
        ranges.iter().map(|range| read_at(&file, key, range.clone())).collect()
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        refuse_token(key, options)?;
        let mut staged = self.stage(key, &options.condition, options.durability)?;
        staged.append(&body)?;
        staged.publish()
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        refuse_token(key, options)?;
        Ok(Box::new(self.stage(key, &options.condition, options.durability)?))
    }

    fn settle(&self, key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        Err(Error::unsupported("local files keep no write tokens").with("key", key))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        if let Condition::IfMatch(_) = options.condition {
            return Err(Error::unsupported("local files have no compare-and-swap"));
        }
        let delete = |key| match self.root.remove(key) {
            Ok(()) => Deleted::Deleted,
            Err(error) if error.is_not_found() => Deleted::Missing,
            Err(error) => Deleted::Failed(error),
        };
        Ok(keys.iter().map(delete).collect())
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        walk::list(&self.root, prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        refuse_if_match(to, &options.condition)?;
        let mut source = self.root.open_file(from)?;
        let mut staged = self.stage(to, &options.condition, options.durability)?;
        staged.copy_from(&mut source)?;
        staged.publish()
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        refuse_if_match(to, &options.condition)?;
        publish::rename(&self.root, from, to, &options.condition, options.durability)
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.root.probe()
    }
}

impl Writer for Staged {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.append(&chunk)
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        self.publish()
    }

    fn abort(self: Box<Self>) -> Result<()> {
        self.discard()
    }
}

fn refuse_token(key: &Key, options: &WriteOptions) -> Result<()> {
    match options.token {
        Some(_) => Err(Error::unsupported("local files keep no write tokens").with("key", key)),
        None => Ok(()),
    }
}

/// The chunks of an open file. All come from the file that was opened, whatever the name means later.
struct FileChunks {
    file: File,
    key: Key,
    left: Range<u64>,
}

impl Iterator for FileChunks {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let end = self.left.end.min(self.left.start + CHUNK_BYTES);
        let chunk = read_at(&self.file, &self.key, self.left.start..end);
        self.left.start = if chunk.is_ok() { end } else { self.left.end };
        Some(chunk)
    }
}

fn refuse_if_match(key: &Key, condition: &Condition) -> Result<()> {
    match condition {
        Condition::IfMatch(_) => Err(Error::unsupported("local files have no compare-and-swap").with("key", key)),
        _ => Ok(()),
    }
}

fn read_at(file: &File, key: &Key, range: Range<u64>) -> Result<Bytes> {
    let mut bytes = BytesMut::zeroed((range.end - range.start) as usize);
    file.read_exact_at(&mut bytes, range.start).map_err(|source| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::new(ErrorKind::Corrupt, "file is shorter than when it was opened").with("key", key).caused_by(source)
        }
        _ => Error::io("read", source).with("key", key),
    })?;
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests;
