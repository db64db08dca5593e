//! The kernel: what callers use. It decides once what every backend would otherwise decide for itself.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::backend::{Backend, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

/// What a delete of a missing object means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// It is an error.
    #[default]
    Refuse,
    /// It is what was wanted.
    Ignore,
}

/// A backend behind the rules of the kernel, optionally below a folder of it. Clones share the backend.
///
/// ```
/// use std::sync::Arc;
/// use worldstore_core::{Memory, Store};
///
/// # fn main() -> worldstore_core::Result<()> {
/// let store = Store::new(Arc::new(Memory::new()));
/// store.write("greeting.txt", "hello")?;
/// assert_eq!(store.read_text("greeting.txt")?, "hello");
/// assert!(store.write("greeting.txt", "again").is_err(), "nothing is overwritten unless asked for");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    root: Prefix,
}

impl Store {
    /// All of a backend.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, root: Prefix::root() }
    }

    /// A folder of this store as a store of its own.
    ///
    /// # Errors
    /// `Invalid` if the text is no folder.
    pub fn child(&self, folder: &str) -> Result<Self> {
        Ok(Self { backend: Arc::clone(&self.backend), root: self.root.join(folder)? })
    }

    /// The backend behind the store.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Reads an object as chunks.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for the key, those of the backend.
    pub fn read(&self, key: &str, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        if options.version.is_some() {
            self.need("reading a version", self.capability().versions)?;
        }
        let reply = self.backend.read(&self.key(key)?, options).map_err(|error| self.explain(error, "read"))?;
        Ok(ReadReply { meta: self.relative(reply.meta)?, ..reply })
    }

    /// Reads an object into memory.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_bytes(&self, key: &str) -> Result<Bytes> {
        let reply = self.read(key, &ReadOptions::default())?;
        let mut bytes = BytesMut::with_capacity((reply.range.end - reply.range.start) as usize);
        for chunk in reply.body {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes.freeze())
    }

    /// Reads an object as UTF-8.
    ///
    /// # Errors
    /// As for [`read`](Self::read); `Invalid` if it is not UTF-8.
    pub fn read_text(&self, key: &str) -> Result<String> {
        String::from_utf8(self.read_bytes(key)?.to_vec())
            .map_err(|source| Error::invalid("object is not UTF-8").with("key", key).caused_by(source))
    }

    /// Reads several parts of an object, each whole.
    ///
    /// # Errors
    /// As for [`Backend::read_ranges`].
    pub fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let options = ReadRangesOptions::default();
        self.backend.read_ranges(&self.key(key)?, ranges, &options).map_err(|error| self.explain(error, "read"))
    }

    /// Looks an object up.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn stat(&self, key: &str) -> Result<ObjectMeta> {
        let meta = self.backend.stat(&self.key(key)?, &StatOptions::default());
        self.relative(meta.map_err(|error| self.explain(error, "stat"))?)
    }

    /// True if the key holds an object.
    ///
    /// # Errors
    /// Those of the backend, `NotFound` excepted.
    pub fn exists(&self, key: &str) -> Result<bool> {
        match self.stat(key) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores a new object. It does not overwrite: [`write_with`](Self::write_with) does.
    ///
    /// # Errors
    /// `AlreadyExists` if the key holds an object; as for [`write_with`](Self::write_with).
    pub fn write(&self, key: &str, body: impl Into<Bytes>) -> Result<ObjectMeta> {
        self.write_with(key, body, &WriteOptions::if_absent())
    }

    /// Stores an object under a condition.
    ///
    /// # Errors
    /// `AlreadyExists` or `ConditionFailed` if the condition is false, `OutcomeUnknown` if it may have happened,
    /// `Unsupported` before any I/O if the backend does not have the condition.
    pub fn write_with(&self, key: &str, body: impl Into<Bytes>, options: &WriteOptions) -> Result<ObjectMeta> {
        self.allow_write(&options.condition)?;
        let key = self.key(key)?;
        let outcome = self.backend.write(&key, body.into(), options).map_err(|error| self.explain(error, "write"))?;
        self.relative(outcome.applied(&key, &options.condition)?)
    }

    /// Begins an object that is written in parts.
    ///
    /// # Errors
    /// As for [`write_with`](Self::write_with).
    pub fn open_writer(&self, key: &str, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.allow_write(&options.condition)?;
        self.backend.open_writer(&self.key(key)?, options).map_err(|error| self.explain(error, "write"))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// `NotFound` for a missing one unless it is to be ignored; those of the backend.
    pub fn delete(&self, key: &str, missing: Missing) -> Result<()> {
        self.need("writing", self.capability().write)?;
        let keys = [self.key(key)?];
        let outcomes = self.backend.delete(&keys, &DeleteOptions::default());
        match outcomes.map_err(|error| self.explain(error, "delete"))?.pop() {
            Some(Deleted::Deleted | Deleted::Gone) => Ok(()),
            Some(Deleted::Missing) if missing == Missing::Ignore => Ok(()),
            Some(Deleted::Missing) => Err(Error::not_found("no such object").with("key", key).during("delete")),
            Some(Deleted::Rejected) => {
                let message = "object is not in the expected state";
                Err(Error::new(ErrorKind::ConditionFailed, message).with("key", key).during("delete"))
            }
            Some(Deleted::Failed(error)) => Err(self.explain(error, "delete")),
            None => Err(Error::unexpected("backend did not report on the key").with("key", key).during("delete")),
        }
    }

    /// Copies an object without reading it, under a condition at the target.
    ///
    /// # Errors
    /// `NotFound` for the source; as for [`write_with`](Self::write_with).
    pub fn copy(&self, from: &str, to: &str, options: &CopyOptions) -> Result<ObjectMeta> {
        let capability = self.capability();
        self.need("copying", capability.copy)?;
        self.allow(&options.condition, "copying if absent", capability.copy_if_absent)?;
        let (from, to) = (self.key(from)?, self.key(to)?);
        let outcome = self.backend.copy(&from, &to, options).map_err(|error| self.explain(error, "copy"))?;
        self.relative(outcome.applied(&to, &options.condition)?)
    }

    /// Moves an object, under a condition at the target.
    ///
    /// # Errors
    /// `NotFound` for the source; as for [`write_with`](Self::write_with).
    pub fn rename(&self, from: &str, to: &str, options: &RenameOptions) -> Result<ObjectMeta> {
        let capability = self.capability();
        self.need("renaming", capability.rename)?;
        self.allow(&options.condition, "renaming if absent", capability.rename_if_absent)?;
        let (from, to) = (self.key(from)?, self.key(to)?);
        let outcome = self.backend.rename(&from, &to, options).map_err(|error| self.explain(error, "rename"))?;
        self.relative(outcome.applied(&to, &options.condition)?)
    }

    /// Lists one page below a folder, with keys relative to this store.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn list_page(&self, folder: &str, options: &ListOptions) -> Result<ListPage> {
        let prefix = if folder.is_empty() { self.root.clone() } else { self.root.join(folder)? };
        let mut options = options.clone();
        if let Some(after) = options.after.take() {
            options.after = Some(self.key(after.as_str())?);
        }
        let page = self.backend.list(&prefix, &options).map_err(|error| self.explain(error, "list"))?;
        let objects = page.objects.into_iter().map(|meta| self.relative(meta)).collect::<Result<_>>()?;
        let strip = |folder: &Prefix| Prefix::new(self.root.strip(folder.as_str()).unwrap_or_default());
        let folders = page.folders.iter().map(strip).collect::<Result<_>>()?;
        Ok(ListPage { objects, folders, next: page.next })
    }

    /// Lists all objects below a folder, page by page.
    pub fn list(&self, folder: &str) -> impl Iterator<Item = Result<ObjectMeta>> + use<> {
        Listing {
            store: self.clone(),
            folder: folder.to_owned(),
            next: Some(ListOptions::default()),
            page: VecDeque::new(),
        }
    }

    /// Proves that the backend can be reached.
    ///
    /// # Errors
    /// As for [`Backend::check`].
    pub fn check(&self) -> Result<()> {
        self.backend.check(&CheckOptions::default()).map_err(|error| self.explain(error, "check"))
    }

    fn key(&self, key: &str) -> Result<Key> {
        self.root.key(Key::new(key)?.as_str())
    }

    fn relative(&self, meta: ObjectMeta) -> Result<ObjectMeta> {
        let key = Key::new(self.root.strip(meta.key.as_str()).unwrap_or_default())?;
        Ok(ObjectMeta { key, ..meta })
    }

    fn capability(&self) -> crate::Capability {
        self.backend.info().capability
    }

    fn allow_write(&self, condition: &Condition) -> Result<()> {
        let capability = self.capability();
        self.need("writing", capability.write)?;
        self.allow(condition, "writing if absent", capability.write_if_absent)
    }

    fn allow(&self, condition: &Condition, what: &'static str, if_absent: bool) -> Result<()> {
        match condition {
            Condition::None => Ok(()),
            Condition::IfAbsent => self.need(what, if_absent),
            Condition::IfMatch(_) => self.need("writing if unchanged", self.capability().write_if_match),
        }
    }

    fn need(&self, what: &'static str, has: bool) -> Result<()> {
        match has {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Unsupported, "the backend does not have this")
                .with("capability", what)
                .with("backend", &self.backend)),
        }
    }

    fn explain(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation).with("backend", &self.backend)
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root.is_root() {
            true => write!(f, "{}", self.backend),
            false => write!(f, "{}/{}", self.backend, self.root),
        }
    }
}

struct Listing {
    store: Store,
    folder: String,
    next: Option<ListOptions>,
    page: VecDeque<ObjectMeta>,
}

impl Iterator for Listing {
    type Item = Result<ObjectMeta>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.page.is_empty() {
            let options = self.next.take()?;
            match self.store.list_page(&self.folder, &options) {
                Ok(page) => {
                    self.page = page.objects.into();
                    self.next = page.next.map(|token| ListOptions::default().with_token(token));
                }
                Err(error) => return Some(Err(error)),
            }
        }
        self.page.pop_front().map(Ok)
    }
}
