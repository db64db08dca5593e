//! Readers that panic over damaged files: here it is an error, as other damage is.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use worldstore::arrow::error::ArrowError;

static HOOK: Once = Once::new();

thread_local! {
    /// True while this thread does what may panic.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does what may panic. What it has worked on is not used again then.
pub fn unharmed<Value>(work: impl FnOnce() -> Result<Value, ArrowError>) -> Result<Value, ArrowError> {
    HOOK.call_once(set_hook);
    let was_quiet = IS_QUIET.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_QUIET.set(was_quiet);
    done.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        Err(ArrowError::ParseError(text.unwrap_or("the reader gave up").to_owned()))
    })
}

/// What is said about such a panic belongs into the error, and not on standard error. Other threads are heard as before.
fn set_hook() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !IS_QUIET.get() {
            before(info);
        }
    }));
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
