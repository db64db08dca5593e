//! The segments of a log in their order, as the names and headers tell.

use std::io;

use super::names;
use super::{failed, read_all};
use crate::error::{Error, ErrorKind, Result};
use crate::vfs::{File, Folder, Kind};
use crate::wal::format::{EpochMark, HEADER_BYTES, LogId, SegmentHeader};

/// How often the folder is listed again because a segment was trimmed meanwhile.
const ATTEMPTS: usize = 100;

/// A segment.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub name: String,
    pub header: SegmentHeader,
}

/// What is in the folder.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// By their first records, which differ. Epochs do not go down.
    pub segments: Vec<Segment>,
    /// Segments in which a writer went on that had been overtaken: nothing in them was ever acknowledged. And those
    /// that were trimmed and came back.
    pub superseded: Vec<String>,
    /// What a crash left behind.
    pub temporary: Vec<String>,
    /// The highest number of a segment.
    pub number: u64,
}

/// Reads names and headers.
pub(super) fn read<F: Folder>(folder: &F, mark: &EpochMark) -> Result<Chain> {
    for _ in 0..ATTEMPTS {
        if let Some(chain) = try_read(folder, mark)? {
            return Ok(chain);
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "segments of the log go faster than they can be listed"))
}

/// None if a segment is gone before its header was read.
fn try_read<F: Folder>(folder: &F, mark: &EpochMark) -> Result<Option<Chain>> {
    let mut chain = Chain::default();
    for entry in folder.list().map_err(|source| failed("list", source, ""))? {
        let parsed = names::parse_segment(&entry.name);
        match parsed.filter(|_| entry.kind == Kind::File) {
            Some((first, _)) if first < mark.first => chain.superseded.push(entry.name),
            Some((first, epoch)) => match read_header(folder, &entry.name, mark.log)? {
                Some(header) if (header.first, header.epoch) == (first, epoch) => {
                    chain.segments.push(Segment { name: entry.name, header });
                }
                Some(_) => return Err(foreign("segment has the name of another", &entry.name)),
                None => return Ok(None),
            },
            None if names::is_temporary(&entry.name) => chain.temporary.push(entry.name),
            // The mark says the same by now.
            None if names::parse_floor(&entry.name).is_some_and(|floor| floor <= mark.first) => {
                chain.temporary.push(entry.name);
            }
            None => {}
        }
    }
    chain.number = chain.segments.iter().map(|segment| segment.header.number).max().unwrap_or(0);
    chain.part();
    Ok(Some(chain))
}

impl Chain {
    /// Parts the segments of the log from those of overtaken writers.
    ///
    /// A writer reads the log after it has its epoch, and begins behind all that it finds. So a segment that begins
    /// there or later with a lower epoch was written after its writer had lost the log.
    fn part(&mut self) {
        let mut all = std::mem::take(&mut self.segments);
        all.sort_by_key(|segment| (segment.header.first, std::cmp::Reverse(segment.header.epoch)));
        let mut newest = 0;
        for segment in all {
            match segment.header.epoch < newest {
                true => self.superseded.push(segment.name),
                false => {
                    newest = segment.header.epoch;
                    self.segments.push(segment);
                }
            }
        }
    }
}

fn read_header<F: Folder>(folder: &F, name: &str, log: LogId) -> Result<Option<SegmentHeader>> {
    let file = match folder.open(name) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("open", source, name)),
    };
    header_of(&file, name, log).map(Some)
}

/// The header of a segment of this log.
pub(super) fn header_of<F: File>(file: &F, name: &str, log: LogId) -> Result<SegmentHeader> {
    let mut bytes = [0; HEADER_BYTES];
    let count = read_all(file, &mut bytes, 0).map_err(|source| failed("read", source, name))?;
    let header = SegmentHeader::decode(bytes.get(..count).unwrap_or_default());
    let header = header.map_err(|error| error.with("file", name).with("offset", 0))?;
    match header.log == log {
        true => Ok(header),
        false => Err(foreign("segment is of another log", name)),
    }
}

fn foreign(message: &'static str, name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, message).with("file", name).with("offset", 0)
}
