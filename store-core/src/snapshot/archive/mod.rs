//! A snapshot as one file: a tar archive that says first what it holds, and holds nothing else.
//!
//! ```text
//! manifest            the manifest, byte for byte as it is stored
//! snapshot.json       format, content hash, and every member below with length and hash
//! blocks/ab/ab12…     each block, under its hash
//! files/{key}         each file, under its key
//! ```
//!
//! Members are sorted by name in byte order. Everything else is fixed (time 0, owner 0, mode 0644), so one list makes one
//! archive, byte for byte. [`check`] reads a whole archive from memory and is a pure function.

mod limits;
mod list;
mod reader;
mod tar;
mod writer;

pub use limits::ArchiveLimits;
pub use list::{ArchiveList, ArchiveMember, BLOCKS, FILES, FORMAT, LIST, MANIFEST, MemberKind};
pub use reader::ArchiveReader;
pub use writer::ArchiveWriter;

use crate::blocks::Hash;
use crate::error::{Error, Result};

/// An archive that was written or read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveSummary {
    /// Files and blocks in it.
    pub members: u64,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of all its bytes; the same for every archive of the snapshot.
    pub blake3: Hash,
}

/// Reads an archive to its end and keeps nothing of it but the list. That the list fits the manifest is not looked at.
///
/// # Errors
/// As for [`ArchiveReader`].
pub fn check(archive: &[u8], limits: &ArchiveLimits) -> Result<(ArchiveList, ArchiveSummary)> {
    let mut reader = ArchiveReader::new(archive, limits)?;
    while reader.next_member().is_some() {
        reader.read_member(&mut |_| Ok(()))?;
    }
    let list = reader.list().clone();
    Ok((list, reader.finish()?))
}

/// An error of a source or a sink. One that was ours before stays what it was.
fn io_failed(operation: &'static str, source: std::io::Error) -> Error {
    match source.downcast::<Error>() {
        Ok(error) => error.during(operation),
        Err(source) => Error::io(operation, source),
    }
}

#[cfg(test)]
pub(super) mod tests;
