//! Columns of numbers, read from the pages of a row group without what is not asked for.
//!
//! A condition on a column is decided once for each value of its dictionary, and then for each row by the number of the
//! value. Columns are decoded only for the rows that all conditions have left, and pages without such rows are not even
//! decompressed. [`Layout::of`] says which columns can be read so; for others there is Parquet's own reader.
//!
//! Bytes are not trusted: whatever does not fit together is `Corrupt`, and nothing is allocated because a number says so.

mod column;
mod delta;
mod header;
mod inflate;
mod layout;
mod mask;
mod page;
mod runs;

#[cfg(test)]
mod tests;

use worldstore_core::{Error, ErrorKind};

pub(crate) use column::{Column, Test, open};
pub(crate) use layout::Layout;
pub(crate) use mask::Mask;
pub(crate) use page::{Part, Scratch};

/// What is said of bytes that do not fit together.
fn damaged(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}
