//! Writing objects: at once, as text, in parts. Whichever way, an object appears whole or not at all.

use bytes::Bytes;

use super::{AtomicWriter, Store};
use crate::backend::Writer;
use crate::error::Result;
use crate::ops::*;

impl Store {
    /// Stores a new object. It does not overwrite: [`write_with`](Self::write_with) does.
    ///
    /// # Errors
    /// `AlreadyExists` if the key holds an object; as for [`write_with`](Self::write_with).
    pub fn write(&self, key: &str, body: impl Into<Bytes>) -> Result<ObjectMeta> {
        self.write_with(key, body, &WriteOptions::if_absent())
    }

    /// Stores a new object of UTF-8.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn write_text(&self, key: &str, text: &str) -> Result<ObjectMeta> {
        self.write(key, Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Stores an object whole or not at all: [`write_with`](Self::write_with), for every write here is atomic.
    ///
    /// # Errors
    /// As for [`write_with`](Self::write_with).
    pub fn write_atomic(&self, key: &str, body: impl Into<Bytes>, options: &WriteOptions) -> Result<ObjectMeta> {
        self.write_with(key, body, options)
    }

    /// Stores an object under a condition. Without one it overwrites.
    ///
    /// # Errors
    /// `AlreadyExists` or `ConditionFailed` if the condition is false, `OutcomeUnknown` if it may have happened
    /// ([`settle`](Self::settle) tells, if it had a token), `Invalid` for a wrong key and where names are a tree for a
    /// folder, `Unsupported` before any I/O if the backend does not have the condition or tokens.
    pub fn write_with(&self, key: &str, body: impl Into<Bytes>, options: &WriteOptions) -> Result<ObjectMeta> {
        self.kernel.may_write(options)?;
        let full = self.kernel.object(key)?;
        let outcome = self.backend.write(&full, body.into(), options);
        let outcome = outcome.map_err(|error| self.kernel.explain(error, "write"))?;
        self.kernel.applied(outcome, &full, &options.condition, "write")
    }

    /// Begins an object that is written in parts. The backend's own writer, which tells the outcome as it is and knows
    /// nothing of the store; [`open_atomic`](Self::open_atomic) gives a more comfortable one.
    ///
    /// # Errors
    /// As for [`write_with`](Self::write_with).
    pub fn open_writer(&self, key: &str, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.kernel.may_write(options)?;
        let writer = self.backend.open_writer(&self.kernel.object(key)?, options);
        writer.map_err(|error| self.kernel.explain(error, "write"))
    }

    /// Begins an object that is written in parts and appears at the commit. Dropping the writer aborts.
    ///
    /// # Errors
    /// As for [`write_with`](Self::write_with); the condition is decided at the commit.
    pub fn open_atomic(&self, key: &str, options: &WriteOptions) -> Result<AtomicWriter> {
        let writer = self.open_writer(key, options)?;
        Ok(AtomicWriter::new(self.kernel.clone(), self.kernel.object(key)?, options.condition.clone(), writer))
    }
}
