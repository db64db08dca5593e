//! Objects as files below a folder: durable by default, published without a race.
//!
//! An object is written to a hidden staging folder first, synced, and then published under its name in one step: by a
//! rename that does not replace for [`Condition::IfAbsent`], by a plain rename otherwise. Then its folder is synced,
//! and the parents of every folder made on the way.

mod abilities;
mod doubts;
mod errno;
mod folders;
mod locks;
mod meta;
mod moves;
mod publish;
mod root;
mod staging;
mod tokens;
mod walk;
mod walks;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;
use crate::planted::Planted;
use crate::vfs::{File, OsVfs, Vfs};
use publish::Staged;
use root::RootFolder;
use walks::Walks;

/// The folder below the root where objects are staged. No key may have it as a segment, wherever: a folder of the root
/// may have been opened as a root of its own.
pub const STAGING: &str = ".worldstore-staging";

/// Bytes of one chunk of a read.
const CHUNK_BYTES: u64 = 1 << 20;

/// A backend on a folder of a local file system: of the operating system's, unless it is [put on](Local::on) another.
///
/// Files get mode 0600 and folders 0700. Symbolic links are not followed, inside the root or out of it. Empty folders
/// stay behind when their objects are deleted; no listing shows them, and an object may take their name.
///
/// The root should be one file system. What is mounted below it is read, listed, deleted, and renamed within the mount;
/// whatever would have to move a file in or out (every write, copy or rename to a key there) is `Unsupported`. A root
/// that is read-only, by mount or by permission, can be opened and read, and answers every change with
/// `PermissionDenied`. An object needs to be readable for everything but being looked up, listed and replaced.
///
/// # Conditions
/// Every change of an object, conditional or not, is made under the lock of its key, which is one of 64 files in the
/// staging folder and excludes all threads and processes that use this library on the same root. So comparing and
/// changing are one step. The lock goes with the process that holds it: whoever is killed blocks nobody and leaves the
/// old state or the new one. The lock is not held while bytes are written or synced, but for a durable rename of an object
/// that was replaced just then.
///
/// Not guarded: other programs that change files below the root; the same files under another root (a folder above or
/// below it); names that a file system takes for one although their bytes differ.
///
/// # Versions
/// A version is made of inode, size, and times of change. Of these alone none is unique: inodes are given out again at
/// once, and the clock of files stands still for some milliseconds. So each object gets a time of modification that no
/// object under its lock had before: the clock's, or a nanosecond after the last one, which the lock file remembers. A
/// number of our own in an extended attribute would do as well, but cost every read a call; this costs none, and a change
/// by another program shows in it too. Three prices: a rename counts as a modification; after the clock was set back,
/// `modified` goes on from where it was; and after a power cut an object may have another version than was told when it
/// was written, as times are not synced.
///
/// # What it takes
/// [`Local::new`] and [`Local::open`] try what the file system can do, and declare it. Without locks that exclude
/// (none are trusted on network file systems and FUSE) or times in nanoseconds, [`Condition::IfMatch`] is
/// `Unsupported`; without extended attributes of users, so are write tokens. `IfAbsent` always works. A root that
/// cannot be written declares both, and refuses every change with `PermissionDenied`.
///
/// # Crashes
/// After a kill or a power cut an object is the old one or the new one, whole. What was acknowledged with
/// [`Durability::Full`] is there: its bytes, its name, and the names of all folders above it, whoever made them (the first
/// durable write into a folder syncs those). A rename may leave the object under both names, never under none. What a
/// writer left in the staging folder is removed when the root is opened a day later.
///
/// # Unknown outcomes
/// If syncing fails after an object has got its name, or the file system fails while it gives the name and may have done
/// so, the outcome is [`Outcome::Unknown`]; a delete answers [`Deleted::Failed`] with `OutcomeUnknown`. The change may be
/// visible, and may be lost in a power cut. So no token settles it, and deleting what is no longer there answers the same,
/// until the key is changed again. Once the sync of a folder has failed, folders in it that were there but were
/// not yet durable are given up: a durable write into them is refused as `Poisoned`.
#[derive(Debug)]
pub struct Local<V: Vfs = OsVfs> {
    root: Arc<RootFolder<V>>,
    /// Listings that wait for their next page.
    walks: Walks<V>,
}

impl Local {
    /// Opens a folder, and makes it and its parents if they are missing.
    ///
    /// # Errors
    /// `PermissionDenied` and the like; `Invalid` if it is no folder; `Unsupported` if its file system cannot publish
    /// without replacing.
    pub fn new(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let local = Self::on(OsVfs::create(folder)?)?;
        local.root.no_replace().map_err(|error| error.with("path", folder.display()))?;
        Ok(local)
    }

    /// Opens a folder that exists. It is not touched before the first write, unless the system has no files without
    /// names (Linux has): then the staging folder is made, to try what the file system can do.
    ///
    /// # Errors
    /// `NotFound` if it does not; `Invalid` if it is no folder; `PermissionDenied` and the like.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::on(OsVfs::open(folder)?)
    }
}

impl<V: Vfs> Local<V> {
    /// Opens the root of a file system. It is not touched before the first write, unless it has no files without names:
    /// then the staging folder is made, to try what the file system can do.
    ///
    /// # Errors
    /// `PermissionDenied` and the like.
    pub fn on(vfs: V) -> Result<Self> {
        Self::on_planted(vfs, Planted::NONE)
    }

    /// As [`on`](Self::on), with bugs for tests to find.
    #[doc(hidden)]
    pub fn on_planted(vfs: V, planted: Planted) -> Result<Self> {
        let root = RootFolder::open(vfs.clone(), planted);
        let root = root.map_err(|error| error.with("path", vfs.path().display()))?;
        Ok(Self { root: Arc::new(root), walks: Walks::new() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    fn stage(&self, key: &Key, options: &WriteOptions) -> Result<Staged<V>> {
        self.expect_able(&options.condition).map_err(|error| error.with("key", key))?;
        if options.token.is_some() {
            self.expect_tokens(key)?;
        }
        Staged::begin(&self.root, key, options)
    }

    fn expect_able(&self, condition: &Condition) -> Result<()> {
        match condition {
            Condition::IfMatch(_) if !self.root.abilities().compare_and_swap() => {
                let message = "the file system has no locks or no exact times for compare-and-swap";
                Err(Error::unsupported(message).with("path", self.root.path().display()))
            }
            _ => Ok(()),
        }
    }

    fn expect_tokens(&self, key: &Key) -> Result<()> {
        match self.root.abilities().attributes {
            true => Ok(()),
            false => {
                let message = "the file system has no extended attributes of users to keep write tokens";
                Err(Error::unsupported(message).with("key", key))
            }
        }
    }
}

impl<V: Vfs> fmt::Display for Local<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "local({})", self.root.path().display())
    }
}

impl<V: Vfs> Backend for Local<V> {
    fn info(&self) -> BackendInfo {
        let abilities = self.root.abilities();
        let if_match = abilities.compare_and_swap();
        let capability = Capability {
            write: true,
            write_if_absent: true,
            write_if_match: if_match,
            copy: true,
            copy_if_absent: true,
            copy_if_match: if_match,
            rename: true,
            rename_if_absent: true,
            rename_if_match: if_match,
            delete_if_match: if_match,
            write_tokens: abilities.attributes,
            list_sorted: true,
            versions: true,
            durable: true,
        };
        BackendInfo::new("local", self.root.path().display().to_string(), capability)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        self.root.stat(key)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let (file, meta) = self.root.open_object(key)?;
        meta.expect_version(options.version.as_ref())?;
        let range = match &options.range {
            Some(range) => range.resolve(meta.size).map_err(|error| error.with("key", key))?,
            None => 0..meta.size,
        };
        let chunks = FileChunks { file, key: key.clone(), left: range.clone() };
        Ok(ReadReply::new(meta, range, Box::new(chunks)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let (file, meta) = self.root.open_object(key)?;
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
        ranges.iter().map(|range| read_at(&file, key, range.clone())).collect()
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let mut staged = self.stage(key, options)?;
        staged.append(&body)?;
        staged.publish()
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        Ok(Box::new(self.stage(key, options)?))
    }

    fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        self.expect_tokens(key)?;
        let (file, meta) = match self.root.open_object(key) {
            Err(error) if error.is_not_found() => return Ok(Settled::Absent),
            opened => opened?,
        };
        match tokens::is(&file, token) {
            Ok(true) => {
                self.root.doubts().refuse(key).map_err(|error| error.during("settle"))?;
                Ok(Settled::Applied(meta))
            }
            Ok(false) => Ok(Settled::Other(meta)),
            Err(source) => Err(Error::io("settle", source).with("key", key)),
        }
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        self.expect_able(&options.condition)?;
        Ok(moves::delete(&self.root, keys, &options.condition))
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        // Where times cannot be trusted nobody knows whether a walk that has waited is still right.
        let walks = self.root.abilities().compare_and_swap().then_some(&self.walks);
        walk::list(&self.root, walks, prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let source = self.root.open_file(from)?;
        let target = WriteOptions::default().with_condition(options.condition.clone());
        let mut staged = self.stage(to, &target.with_durability(options.durability))?;
        staged.copy_from(&source)?;
        staged.publish()
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.expect_able(&options.condition).map_err(|error| error.with("key", to))?;
        moves::rename(&self.root, from, to, options)
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        self.root.probe()
    }
}

impl<V: Vfs> Writer for Staged<V> {
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

/// The chunks of an open file. All come from the file that was opened, whatever the name means later.
struct FileChunks<F> {
    file: F,
    key: Key,
    left: Range<u64>,
}

impl<F: File> Iterator for FileChunks<F> {
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

fn read_at(file: &impl File, key: &Key, range: Range<u64>) -> Result<Bytes> {
    let length = (range.end - range.start) as usize;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let offset = range.start + bytes.len() as u64;
        match file.read_to_spare(&mut bytes, offset) {
            Ok(0) => {
                return Err(Error::new(ErrorKind::Corrupt, "file is shorter than when it was opened").with("key", key));
            }
            Ok(_) => {}
            Err(source) => return Err(Error::io("read", source).with("key", key)),
        }
    }
    // There may have been more room than was asked for.
    bytes.truncate(length);
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
