//! Keeping a writer before from the tables, where the log does not tell what it may still commit.

use std::fmt;

use futures::future::BoxFuture;
use worldstore_core::Result;

/// Keeps writers before from tables.
pub trait FenceTables: Send + Sync + fmt::Debug {
    /// From when this is done, no append of a writer before takes effect; what has taken effect can be read.
    ///
    /// # Errors
    /// Those of the tables. The cache is not opened then.
    fn fence(&self) -> BoxFuture<'_, Result<()>>;
}
