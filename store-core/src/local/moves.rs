//! Renaming and deleting: changes of names, without new bytes.

use std::sync::Arc;

use rustix::io::Errno;

use super::errno::{absent_or, errno_of};
use super::meta::meta_of;
use super::publish::{Attempt, OldName, give_name, may_have_name, outcome, take_free_name};
use super::root::{RootFolder, refuse_staging};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::{Condition, Deleted, Durability, ObjectMeta, Outcome, RenameOptions};
use crate::vfs::{File, Folder, Stat, Vfs};

/// Moves an object.
pub(super) fn rename<V: Vfs>(root: &RootFolder<V>, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
    refuse_staging(to.as_str())?;
    if from == to {
        return rename_to_itself(root, to, &options.condition);
    }
    let (file, mut synced) = root.open_object(from)?;
    sync_bytes(&file, options.durability)?;
    let (mut moved, since) = (None, root.folder_names().failures());
    let named = give_name(root, to, options.durability, |folder| {
        let (attempt, result) = attempt(root, from, folder, to, options, &mut synced)?;
        moved = result;
        Ok(attempt)
    });
    let target = match named.map_err(|error| error.during("rename").with("from", from))? {
        Some(target) => target,
        None => return Ok(Outcome::Rejected),
    };
    let Some(Moved { source, meta }) = moved else {
        [from, to].into_iter().for_each(|key| root.doubts().raise(key));
        return Ok(Outcome::Unknown);
    };
    // The new name first: a crash in between leaves the object under both names, never under none.
    let outcome = outcome(root, to, meta, options.durability, since, &[&*target, &*source]);
    match outcome {
        Outcome::Unknown => root.doubts().raise(from),
        _ => root.doubts().settle(from),
    }
    Ok(outcome)
}

/// A file that has got its new name.
struct Moved<F> {
    /// The folder that it came from.
    source: Arc<F>,
    /// None if it is not known what became of the old name, or of the file.
    meta: Option<ObjectMeta>,
}

/// Makes the bytes of a file durable that may have been written without.
fn sync_bytes(file: &impl File, durability: Durability) -> Result<()> {
    match durability {
        Durability::None => Ok(()),
        Durability::File | Durability::Full => file.sync_all().map_err(|source| Error::io("sync", source)),
    }
}

/// Compares and renames under the locks of both keys. `synced` is the state whose bytes were synced.
fn attempt<V: Vfs>(
    root: &RootFolder<V>,
    from: &Key,
    folder: &V::Folder,
    to: &Key,
    options: &RenameOptions,
    synced: &mut ObjectMeta,
) -> Result<(Attempt, Option<Moved<V::Folder>>)> {
    let how = root.no_replace()?;
    let lock = root.lock_two(from, to)?;
    let (file, about) = root.open_object(from)?;
    if !root.may_take(to, &options.condition)? {
        return Ok((Attempt::Rejected, None));
    }
    if about.version != synced.version {
        // It was replaced since. That others wait for this sync is better than to run after them for ever.
        sync_bytes(&file, options.durability)?;
        *synced = about;
    }
    let source = root.open_folder(&from.parent()).map_err(|errno| absent_or("rename", errno).with("key", from))?;
    let time = lock.next_stamp()?;
    let named = match options.condition {
        Condition::IfAbsent => take_free_name(how, &*source, from.name(), folder, to.name()),
        _ => source.rename(from.name(), folder, to.name()).map(|()| OldName::Gone).map_err(errno_of),
    };
    let mut old_name = match named {
        Ok(old_name) => old_name,
        Err(errno) if may_have_name(errno, &file, folder, to.name()) => return Ok((Attempt::Named, None)),
        Err(errno) => return Ok((Attempt::Failed(errno), None)),
    };
    if let Some(time) = time {
        // A file of another owner cannot be stamped. Its inode and the time of the rename make its version then.
        let _ = file.set_modified(time);
    }
    let mut about = file.stat().ok();
    if about.is_some_and(|about| about.links > 1 && has_name(&*source, from.name(), &about)) {
        // A crash has left the object under both names, and then a rename has nothing to do.
        old_name = if source.remove(from.name()).is_ok() { OldName::Gone } else { OldName::Stays };
        about = file.stat().ok();
    }
    let about = about.filter(|_| old_name == OldName::Gone);
    Ok((Attempt::Named, Some(Moved { source, meta: about.map(|about| meta_of(to.clone(), &about)) })))
}

/// True if a name stands for this file.
fn has_name(folder: &impl Folder, name: &str, about: &Stat) -> bool {
    folder.stat(name).is_ok_and(|found| found.id == about.id)
}

/// Nothing moves, and the state stays what it is.
fn rename_to_itself<V: Vfs>(root: &RootFolder<V>, key: &Key, condition: &Condition) -> Result<Outcome> {
    let meta = root.stat(key)?;
    Ok(match condition {
        Condition::IfAbsent => Outcome::Rejected,
        Condition::IfMatch(version) if meta.version.as_ref() != Some(version) => Outcome::Rejected,
        _ => Outcome::Applied(meta),
    })
}

/// Deletes objects and makes that durable: once for all neighbours in the list that share a folder.
pub(super) fn delete<V: Vfs>(root: &RootFolder<V>, keys: &[Key], condition: &Condition) -> Vec<Deleted> {
    let mut deleted = Vec::with_capacity(keys.len());
    let mut unsynced: Option<Unsynced<V::Folder>> = None;
    for key in keys {
        let parent = key.parent();
        if let Some(other) = unsynced.take_if(|other| other.prefix != parent) {
            other.sync(root, keys, &mut deleted);
        }
        let outcome = delete_one(root, keys, key, condition, &mut unsynced, &mut deleted);
        deleted.push(outcome.unwrap_or_else(Deleted::Failed));
    }
    if let Some(last) = unsynced {
        last.sync(root, keys, &mut deleted);
    }
    deleted
}

/// A folder from which names were removed.
struct Unsynced<F> {
    prefix: Prefix,
    folder: Arc<F>,
    /// Where the answers for these names begin.
    begin: usize,
    /// Syncs that had failed before.
    since: u64,
}

impl<F: Folder> Unsynced<F> {
    /// Syncs the folder. If that fails it is not known whether the names come back after a power cut.
    fn sync<V: Vfs<Folder = F>>(self, root: &RootFolder<V>, keys: &[Key], deleted: &mut [Deleted]) {
        let synced = root.folder_names().sync(&*self.folder, self.since);
        let answers = keys.iter().zip(deleted).skip(self.begin);
        for (key, answer) in answers.filter(|(_, answer)| matches!(answer, Deleted::Deleted)) {
            let Err(errno) = synced else {
                root.doubts().settle(key);
                continue;
            };
            root.doubts().raise(key);
            let message = "the object is gone, but may come back after a power cut";
            let error = Error::new(ErrorKind::OutcomeUnknown, message).during("delete").with("folder", &self.prefix);
            *answer = Deleted::Failed(error.caused_by(errno));
        }
    }
}

fn delete_one<V: Vfs>(
    root: &RootFolder<V>,
    keys: &[Key],
    key: &Key,
    condition: &Condition,
    unsynced: &mut Option<Unsynced<V::Folder>>,
    deleted: &mut [Deleted],
) -> Result<Deleted> {
    refuse_staging(key.as_str())?;
    // What is not there needs no lock. A folder is no object, and unlink would tell by another error on each system.
    let absent = if *condition == Condition::None { Deleted::Missing } else { Deleted::Rejected };
    if root.is_absent(key)? {
        return gone(root, key, absent);
    }
    let _lock = root.lock(key)?;
    if !root.matches(key, condition)? {
        return Ok(Deleted::Rejected);
    }
    loop {
        let folder = match unsynced {
            Some(known) => known,
            None => {
                let (prefix, begin, since) = (key.parent(), deleted.len(), root.folder_names().failures());
                let folder = root.open_folder(&prefix);
                let folder = folder.map_err(|errno| absent_or("delete", errno).with("key", key))?;
                unsynced.insert(Unsynced { prefix, folder, begin, since })
            }
        };
        match folder.folder.remove(key.name()).map_err(errno_of) {
            Ok(()) => return Ok(Deleted::Deleted),
            // The folder was removed and made again since it was opened for another key.
            Err(Errno::NOENT) if folder.begin < deleted.len() => {
                if let Some(old) = unsynced.take() {
                    old.sync(root, keys, deleted);
                }
            }
            // A folder is no object.
            Err(Errno::NOENT | Errno::ISDIR) => return gone(root, key, absent),
            Err(errno) => {
                let error = not_deleted(errno, &*folder.folder, key);
                if error.kind() == ErrorKind::OutcomeUnknown {
                    root.doubts().raise(key);
                }
                return Err(error);
            }
        }
    }
}

/// The answer for a key that holds no object, unless one may come back after a power cut.
fn gone<V: Vfs>(root: &RootFolder<V>, key: &Key, absent: Deleted) -> Result<Deleted> {
    if matches!(absent, Deleted::Missing) {
        root.doubts().refuse(key).map_err(|error| error.during("delete"))?;
    }
    Ok(absent)
}

/// The error for a name that was not removed, or that may have been.
fn not_deleted(errno: Errno, folder: &impl Folder, key: &Key) -> Error {
    let is_told_before =
        matches!(errno, Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::NOTDIR | Errno::NAMETOOLONG);
    match is_told_before || folder.stat(key.name()).is_ok() {
        true => absent_or("delete", errno).with("key", key),
        false => {
            let message = "the file system has failed, and the object may be gone";
            Error::new(ErrorKind::OutcomeUnknown, message).during("delete").with("key", key).caused_by(errno)
        }
    }
}
