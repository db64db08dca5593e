//! An async writer whose object appears at the commit.

use bytes::Bytes;
use worldstore_core::kernel::{Fault, Kernel};
use worldstore_core::{Condition, Key, ObjectMeta, Result};

use crate::backend::AsyncWriter;

/// An object in the making, from [`open_atomic`](super::AsyncStore::open_atomic). It appears when
/// [`commit`](Self::commit) returns; dropping the writer aborts, and leaves nothing behind.
///
/// After a write that failed, or whose future was dropped, it can only be aborted.
#[derive(Debug)]
pub struct AsyncAtomicWriter {
    kernel: Kernel,
    key: Key,
    condition: Condition,
    writer: Box<dyn AsyncWriter>,
    failed: bool,
}

impl AsyncAtomicWriter {
    pub(super) fn new(kernel: Kernel, key: Key, condition: Condition, writer: Box<dyn AsyncWriter>) -> Self {
        Self { kernel, key, condition, writer, failed: false }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `StorageFull` and the like; `Poisoned` after a write that failed, or if the store was closed.
    pub async fn write(&mut self, chunk: impl Into<Bytes>) -> Result<()> {
        let chunk = chunk.into();
        self.usable()?;
        // If this future is dropped, nobody knows how much of the chunk has arrived.
        self.failed = true;
        self.writer.write(chunk).await.map_err(|error| self.kernel.explain(error, "write"))?;
        self.failed = false;
        Ok(())
    }

    /// Publishes the object under its condition.
    ///
    /// # Errors
    /// `AlreadyExists` or `ConditionFailed` if the condition is false, `OutcomeUnknown` if it may have happened,
    /// `Poisoned` after a write that failed, or if the store was closed; nothing was published then.
    pub async fn commit(self) -> Result<ObjectMeta> {
        self.usable()?;
        let outcome = self.writer.commit().await.map_err(|error| self.kernel.explain(error, "commit"))?;
        self.kernel.applied(outcome, &self.key, &self.condition, "commit")
    }

    /// Gives up; nothing stays behind.
    ///
    /// # Errors
    /// If leftovers could not be removed.
    pub async fn abort(self) -> Result<()> {
        self.writer.abort().await.map_err(|error| self.kernel.explain(error, "abort"))
    }

    fn usable(&self) -> Result<()> {
        self.kernel.open()?;
        match self.failed {
            true => Err(self.kernel.explain(Fault::WriterFailed.about(&self.key), "write")),
            false => Ok(()),
        }
    }
}
