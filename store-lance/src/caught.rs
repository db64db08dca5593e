//! Lance trusts what is in data files, which have no checksums: of damaged ones it may panic. Here that is an error.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};
use worldstore_async::table::AsyncBatches;
use worldstore_core::{Error, ErrorKind, Result};

/// The same batches; an error in the place of a panic, and none after it.
pub(crate) fn batches(batches: AsyncBatches) -> AsyncBatches {
    AssertUnwindSafe(batches).catch_unwind().map(|batch| batch.unwrap_or_else(|panic| Err(damaged(&*panic)))).boxed()
}

/// The same work; an error in the place of a panic.
pub(crate) async fn work<Done>(work: impl Future<Output = Result<Done>>) -> Result<Done> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(damaged(&*panic)))
}

fn damaged(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::new(ErrorKind::Corrupt, "Lance panicked at what is in a file, which is damaged or not known to it")
        .with("panic", text.unwrap_or("without a text"))
}

#[cfg(test)]
mod tests;
