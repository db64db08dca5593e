//! A writer whose object appears at the commit.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::backend::Writer;
use crate::error::Result;
use crate::kernel::{Fault, Kernel, io_error};
use crate::key::Key;
use crate::ops::{Condition, ObjectMeta};

/// What is gathered of small writes through [`io::Write`] before it goes to the backend.
const GATHERED_BYTES: usize = 256 << 10;

/// An object in the making, from [`open_atomic`](super::Store::open_atomic). It appears when
/// [`commit`](Self::commit) returns; dropping the writer aborts, and leaves nothing behind.
///
/// After a write that failed it can only be aborted.
#[derive(Debug)]
pub struct AtomicWriter {
    kernel: Kernel,
    key: Key,
    condition: Condition,
    writer: Box<dyn Writer>,
    gathered: BytesMut,
    failed: bool,
}

impl AtomicWriter {
    pub(super) fn new(kernel: Kernel, key: Key, condition: Condition, writer: Box<dyn Writer>) -> Self {
        Self { kernel, key, condition, writer, gathered: BytesMut::new(), failed: false }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `StorageFull` and the like; `Poisoned` after a write that failed, or if the store was closed.
    pub fn write(&mut self, chunk: impl Into<Bytes>) -> Result<()> {
        self.pass_on()?;
        self.append(chunk.into())
    }

    /// Publishes the object under its condition.
    ///
    /// # Errors
    /// `AlreadyExists` or `ConditionFailed` if the condition is false, `OutcomeUnknown` if it may have happened,
    /// `Poisoned` after a write that failed, or if the store was closed; nothing was published then.
    pub fn commit(self) -> Result<ObjectMeta> {
        let mut whole = self;
        whole.pass_on()?;
        whole.usable()?;
        let Self { kernel, key, condition, writer, .. } = whole;
        let outcome = writer.commit().map_err(|error| kernel.explain(error, "commit"))?;
        kernel.applied(outcome, &key, &condition, "commit")
    }

    /// Gives up; nothing stays behind.
    ///
    /// # Errors
    /// If leftovers could not be removed.
    pub fn abort(self) -> Result<()> {
        self.writer.abort().map_err(|error| self.kernel.explain(error, "abort"))
    }

    fn usable(&self) -> Result<()> {
        self.kernel.open()?;
        match self.failed {
            true => Err(self.kernel.explain(Fault::WriterFailed.about(&self.key), "write")),
            false => Ok(()),
        }
    }

    fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.usable()?;
        let written = self.writer.write(chunk);
        self.failed = written.is_err();
        written.map_err(|error| self.kernel.explain(error, "write"))
    }

    fn pass_on(&mut self) -> Result<()> {
        match self.gathered.is_empty() {
            true => Ok(()),
            false => {
                let chunk = self.gathered.split().freeze();
                self.append(chunk)
            }
        }
    }
}

impl io::Write for AtomicWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.usable().map_err(io_error)?;
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED_BYTES {
            self.pass_on().map_err(io_error)?;
        }
        Ok(bytes.len())
    }

    /// Hands what was gathered to the backend. The object appears at the commit only.
    fn flush(&mut self) -> io::Result<()> {
        self.pass_on().map_err(io_error)
    }
}
