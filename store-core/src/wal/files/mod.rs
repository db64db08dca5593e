//! The log in files of one folder.
//!
//! | name | what |
//! |---|---|
//! | `LOCK` | empty; locked by who has the log open: a comfort, not what keeps writers apart |
//! | `EPOCH` | the mark of the writer that has the log; replaced by the next one |
//! | `{first}.floor` | empty: what begins before this record was trimmed |
//! | `{first}-{epoch}.wal` | a segment; both numbers have 20 digits |
//! | `….tmp` | on its way to one of the others; removed by the next writer |
//!
//! A segment has one writer. Each writer begins new ones, and puts a copy in the place of the last one that it found: their
//! names differ in the epoch. So nothing which an overtaken writer still does can touch what counts.

mod archive;
mod chain;
mod epoch;
mod folder;
mod hunt;
mod names;
mod prepare;
mod reader;
mod recover;
mod replay;
mod salvage;
mod scan;
mod writer;

use std::io;

use crate::error::{Error, Result};
use crate::vfs::{File, Folder, Vfs};

pub use reader::{SegmentReport, SegmentState, WalReader, WalReport};
pub use recover::{Cut, Recovery};
pub(super) use salvage::Rescue;
pub use salvage::{Salvage, salvage, survey};

pub(super) use archive::FileArchive;
pub(super) use recover::{Opened, open};

/// The folders of a file system.
type FolderOf<V> = <V as Vfs>::Folder;
/// The files of a file system.
type FileOf<V> = <<V as Vfs>::Folder as Folder>::File;

/// Bytes that are read or written in one go where there is a choice.
const BLOCK_BYTES: usize = 256 << 10;

fn failed(operation: &'static str, source: io::Error, name: &str) -> Error {
    Error::io(operation, source).with("file", name)
}

/// Writes all of it.
fn write_all<F: File>(file: &F, mut bytes: &[u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = file.write_at(bytes, position)?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        position += count as u64;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends, and tells how many bytes.
fn read_all<F: File>(file: &F, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position + done as u64)? {
            0 => break,
            count => done += count,
        }
    }
    Ok(done)
}

/// A file that is small by its nature, read whole. None if there is no such.
fn read_small<F: Folder>(folder: &F, name: &str, most: usize) -> Result<Option<Vec<u8>>> {
    let file = match folder.open(name) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("open", source, name)),
    };
    let mut bytes = vec![0; most];
    let count = read_all(&file, &mut bytes, 0).map_err(|source| failed("read", source, name))?;
    bytes.truncate(count);
    Ok(Some(bytes))
}
