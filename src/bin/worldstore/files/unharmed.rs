//! Readers that panic over damaged files: here it is an error, as other damage is.

use std::panic::{self, AssertUnwindSafe};

use worldstore::arrow::error::ArrowError;

/// Does what may panic. What it has worked on is not used again then.
pub fn unharmed<Value>(work: impl FnOnce() -> Result<Value, ArrowError>) -> Result<Value, ArrowError> {
    // What is said about the panic belongs into the error, and not on standard error.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    done.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        Err(ArrowError::ParseError(text.unwrap_or("the reader gave up").to_owned()))
    })
}

/// Batches of a reader, up to the first that it panics over.
pub struct Unharmed<Reader>(pub Option<Reader>);

impl<Value, Reader: Iterator<Item = Result<Value, ArrowError>>> Iterator for Unharmed<Reader> {
    type Item = Result<Value, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.0.take()?;
        match unharmed(|| Ok((reader.next(), reader))) {
            Ok((next, reader)) => {
                self.0 = Some(reader);
                next
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests;
