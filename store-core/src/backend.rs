//! The contract of a byte store: about a dozen primitives over objects.

use std::fmt::{Debug, Display};
use std::ops::Range;

use bytes::Bytes;

use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::ops::*;

/// A store of objects: what an author of a backend implements.
///
/// A backend only moves bytes and classifies its errors. Paths, roots, wrong types, overwriting and capability checks
/// are decided once, in [`Store`](crate::Store), which is what callers use. `Display` names backend and root without
/// secrets, as in `local(/data)`.
///
/// # Contract
/// - An object appears whole or not at all; readers never see a part of it.
/// - A condition is evaluated at the moment of publication and never emulated by looking first.
/// - After a change has returned [`Outcome::Applied`], every later call sees it.
/// - Every method may be called from several threads at once.
///
/// Every backend runs the conformance kit (feature `conformance`), which states the rest.
pub trait Backend: Send + Sync + Debug + Display + 'static {
    /// Describes the backend. No I/O.
    fn info(&self) -> BackendInfo;

    /// Looks an object up without its bytes.
    ///
    /// # Errors
    /// `NotFound` if the key holds no object; a folder is not an object.
    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta>;

    /// Reads an object or a part of it as chunks, all from one state.
    ///
    /// # Errors
    /// `NotFound` if the key holds no object, `ConditionFailed` if it is in another state than the pinned one,
    /// `Invalid` if the range starts past the end.
    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>>;

    /// Reads several parts of an object, all from one state, each whole and in the order asked for.
    ///
    /// # Errors
    /// As for `read`; an end past the object is `Invalid` here, for a part that is too short would go unnoticed.
    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>>;

    /// Stores an object at once. Missing folders come into being.
    ///
    /// # Errors
    /// `Unsupported` for a condition or a token that is not declared; `StorageFull`, `PermissionDenied`; nothing has changed then.
    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome>;

    /// Begins an object that is written in parts and published by the writer's commit.
    ///
    /// # Errors
    /// As for `write`. The condition is decided at the commit.
    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>>;

    /// Reads back what became of a write with this token whose outcome is unknown.
    ///
    /// # Errors
    /// `Unsupported` if the backend keeps no tokens; `OutcomeUnknown` if the write shows, and may still be lost.
    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled>;

    /// Deletes objects and reports on each key, in the order given. A missing object is an answer, not an error.
    /// A condition is decided for each key on its own.
    ///
    /// # Errors
    /// Only if nothing was attempted; failures of single keys are in the answers.
    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>>;

    /// Lists one page of what lies below a folder. A missing folder is empty.
    ///
    /// # Errors
    /// `Invalid` for a token that is not of this backend.
    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage>;

    /// Copies an object within the backend.
    ///
    /// # Errors
    /// `NotFound` if the source holds no object; conditions as for `write`.
    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome>;

    /// Moves an object within the backend.
    ///
    /// # Errors
    /// `NotFound` if the source holds no object; conditions as for `write`.
    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome>;

    /// Proves that the root can be reached and read, and that the declared conditions work where that can be probed.
    ///
    /// # Errors
    /// `Unavailable`, `PermissionDenied` or `NotFound` for the root itself.
    fn check(&self, options: &CheckOptions) -> Result<()>;

    /// Signs links, where the backend can.
    fn presign(&self) -> Option<&dyn Presign> {
        None
    }
}

/// An object in the making. It appears when [`commit`](Self::commit) returns; dropping it leaves nothing behind.
pub trait Writer: Send + Debug {
    /// Appends bytes.
    ///
    /// # Errors
    /// `StorageFull` and the like; the writer can then only be aborted.
    fn write(&mut self, chunk: Bytes) -> Result<()>;

    /// Publishes the object under its condition.
    ///
    /// # Errors
    /// As for [`Backend::write`]; nothing was published then.
    fn commit(self: Box<Self>) -> Result<Outcome>;

    /// Gives up; nothing stays behind.
    ///
    /// # Errors
    /// If leftovers could not be removed.
    fn abort(self: Box<Self>) -> Result<()>;
}

/// Signs links by which whoever holds one reads or writes an object for a while, without credentials.
pub trait Presign: Send + Sync {
    /// Signs a link.
    ///
    /// # Errors
    /// `Invalid` for a time that the service does not allow; `PermissionDenied` without credentials to sign with.
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String>;
}
