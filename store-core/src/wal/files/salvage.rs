//! What can be read of a damaged log, copied into a new one elsewhere.

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::names::{self, EPOCH};
use super::recover::{Opened, open};
use super::scan::{FrameReader, Step};
use super::writer::FileSink;
use super::{epoch, failed, folder, read_all};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::Planted;
use crate::vfs::{Folder, Vfs};
use crate::wal::format::{FENCE, HEADER_BYTES, LOST, SEAL, SegmentHeader, frame_bytes};
use crate::wal::options::{Threads, WalOptions};
use crate::wal::sink::{Ending, Pending, Sink};

/// Bytes of records that are copied with one sync.
const GROUP_BYTES: usize = 8 << 20;

/// What a salvage has found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Salvage {
    /// The first record that was copied, and the last. None if there was none.
    pub records: Option<RangeInclusive<u64>>,
    /// How many were copied.
    pub copied: u64,
    /// Numbers between them whose records are lost. They stay free in the new log, so that all others keep theirs.
    pub lost: Vec<RangeInclusive<u64>>,
    /// What was wrong: file, offset and reason.
    pub damage: Vec<Error>,
}

/// Copies what can be read of a log into a new one, and reports what is lost. The source is not changed, and should have
/// no writer.
///
/// Records keep their numbers and kinds. Behind damage it goes on with the next valid record; what was lost is noted in
/// the new log too, and told by every [`Recovery`](super::Recovery) of it. What is lost before the first record and behind
/// the last is not known to anyone.
///
/// # Errors
/// `AlreadyExists` if the target holds a log; `NotFound` if the source is none; those of the file systems.
pub fn salvage<V: Vfs, W: Vfs>(vfs: &V, source: &str, target: &W, path: &str) -> Result<Salvage> {
    rescue(vfs, source, Rescue::into(target, path)?)
}

/// Finds what [`salvage`] would find, and writes nothing.
///
/// # Errors
/// `NotFound` if there is no such folder; those of the file system.
pub fn survey<V: Vfs>(vfs: &V, source: &str) -> Result<Salvage> {
    rescue(vfs, source, Rescue::<V>::nowhere())
}

fn rescue<V: Vfs, W: Vfs>(vfs: &V, source: &str, mut rescue: Rescue<'_, W>) -> Result<Salvage> {
    let folder = folder::open(vfs, source)?;
    let log = epoch::read(&folder).unwrap_or_else(|error| {
        rescue.report.damage.push(error.with("file", EPOCH));
        None
    });
    let segments = rescue.segments(&folder)?;
    for (name, header) in &segments {
        if log.is_some_and(|mark| mark.log != header.log) {
            let error = Error::new(ErrorKind::Corrupt, "segment is of another log").with("file", name);
            rescue.report.damage.push(error);
            continue;
        }
        // Where a later writer has begun, this one had lost the log.
        let later = segments.iter().filter(|(_, other)| other.epoch > header.epoch);
        let limit = later.map(|(_, other)| other.first).min().unwrap_or(u64::MAX);
        let trimmed = log.is_some_and(|mark| header.first < mark.first);
        if header.first < limit && !trimmed {
            rescue.segment(&folder, name, header, limit)?;
        }
    }
    rescue.end()
}

/// A salvage under way.
pub(in crate::wal) struct Rescue<'a, W: Vfs> {
    /// None if nothing is to be written.
    copy: Option<Copy<'a, W>>,
    pub report: Salvage,
    /// The number that comes next.
    pub expected: Option<u64>,
}

impl<'a, W: Vfs> Rescue<'a, W> {
    /// Into a new log.
    pub fn into(target: &'a W, path: &'a str) -> Result<Self> {
        if folder::create(target, path).and_then(|folder| epoch::read(&folder))?.is_some() {
            return Err(Error::new(ErrorKind::AlreadyExists, "there is a log at the target").with("path", path));
        }
        Ok(Self { copy: Some(Copy::new(target, path)), ..Self::nowhere() })
    }

    /// Only to see what there is.
    pub fn nowhere() -> Self {
        Self { copy: None, report: Salvage::default(), expected: None }
    }

    /// Ends the new log.
    pub fn end(self) -> Result<Salvage> {
        self.copy.map_or(Ok(()), |mut copy| copy.end())?;
        Ok(self.report)
    }
}

impl<W: Vfs> Rescue<'_, W> {
    /// The segments whose headers can be read, by their first records.
    fn segments<F: Folder>(&mut self, folder: &F) -> Result<Vec<(String, SegmentHeader)>> {
        let mut segments = Vec::new();
        for entry in folder.list().map_err(|source| failed("list", source, ""))? {
            if names::parse_segment(&entry.name).is_none() {
                continue;
            }
            let mut bytes = [0; HEADER_BYTES];
            let read = folder.open(&entry.name).and_then(|file| read_all(&file, &mut bytes, 0));
            let count = read.map_err(|source| failed("read", source, &entry.name))?;
            match SegmentHeader::decode(bytes.get(..count).unwrap_or_default()) {
                Ok(header) => segments.push((entry.name, header)),
                Err(error) => self.report.damage.push(error.with("file", &entry.name).with("offset", 0)),
            }
        }
        segments.sort_by_key(|(_, header)| (header.first, header.epoch));
        Ok(segments)
    }

    /// Copies records of a segment, up to a number that is left out.
    fn segment<F: Folder>(&mut self, folder: &F, name: &str, header: &SegmentHeader, limit: u64) -> Result<()> {
        let file = folder.open(name).map_err(|source| failed("open", source, name))?;
        let mut reader = FrameReader::new(file, header, Planted::default())?;
        loop {
            let offset = reader.position();
            match reader.step(name)? {
                Step::Frame(frame, _) if matches!(frame.kind, SEAL | FENCE) => return Ok(()),
                Step::Frame(frame, _) if frame.seq >= limit => return Ok(()),
                Step::Frame(frame, payload) => self.frame(frame.seq, frame.kind, payload)?,
                Step::End => return Ok(()),
                Step::Bad(fault) => {
                    let expected = self.expected.unwrap_or(0);
                    let mut hunt = reader.hunt();
                    let found = hunt.find(name, |header| header.seq >= expected)?;
                    let damaged = found.is_some() || hunt.end(name)? > offset;
                    if damaged {
                        let error = Error::new(ErrorKind::Corrupt, "bytes are no record").with("file", name);
                        self.report.damage.push(error.with("offset", offset).with("found", fault));
                    }
                    match found {
                        Some((offset, _)) => reader.seek(offset),
                        None => return Ok(()),
                    }
                }
            }
        }
    }

    /// Takes a record, or numbers that an earlier salvage lost.
    pub fn frame(&mut self, seq: u64, kind: u8, payload: Bytes) -> Result<()> {
        let last = match (kind, <[u8; 8]>::try_from(&payload[..])) {
            (LOST, Ok(last)) => u64::from_le_bytes(last),
            _ => seq,
        };
        let expected = self.expected.unwrap_or(seq);
        if seq < expected || last < seq || last == u64::MAX {
            let error = Error::new(ErrorKind::Corrupt, "number of a record is out of order").with("record", seq);
            self.report.damage.push(error.with("expected", expected));
            return Ok(());
        }
        if seq > expected {
            self.lose(expected..=seq - 1)?;
        }
        match kind {
            LOST => self.lose(seq..=last)?,
            _ => {
                self.copy.as_mut().map_or(Ok(()), |copy| copy.add(seq, kind, payload))?;
                self.report.copied += 1;
                let first = self.report.records.as_ref().map_or(seq, |records| *records.start());
                self.report.records = Some(first..=seq);
            }
        }
        self.expected = Some(last + 1);
        Ok(())
    }

    fn lose(&mut self, range: RangeInclusive<u64>) -> Result<()> {
        if let Some(copy) = &mut self.copy {
            copy.flush()?;
            copy.add(*range.start(), LOST, Bytes::copy_from_slice(&range.end().to_le_bytes()))?;
            copy.flush()?;
        }
        self.report.lost.push(range);
        Ok(())
    }
}

/// The new log. It is made when its first number is known.
struct Copy<'a, W: Vfs> {
    target: &'a W,
    path: &'a str,
    sink: Option<FileSink<W>>,
    first: u64,
    group: Vec<Pending>,
    bytes: usize,
}

impl<'a, W: Vfs> Copy<'a, W> {
    fn new(target: &'a W, path: &'a str) -> Self {
        Self { target, path, sink: None, first: 0, group: Vec::new(), bytes: 0 }
    }

    fn add(&mut self, seq: u64, kind: u8, payload: Bytes) -> Result<()> {
        if self.group.is_empty() {
            self.first = seq;
        }
        self.bytes += frame_bytes(payload.len());
        self.group.push(Pending { kind, payload });
        match self.bytes > GROUP_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let sink = match &mut self.sink {
            Some(sink) => sink,
            None => self.sink.insert(create(self.target, self.path, self.first)?),
        };
        let mut done = 0;
        while let Some(rest) = self.group.get(done..).filter(|rest| !rest.is_empty()) {
            let written = sink.write(rest, self.first + done as u64);
            done += written.and_then(|count| sink.check().map(|()| count)).map_err(|failure| failure.error())?;
        }
        self.group.clear();
        self.bytes = 0;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.flush()?;
        match &mut self.sink {
            Some(sink) => sink.close(Ending::Clean).map_err(|failure| failure.error()),
            // An empty log is one too.
            None => create(self.target, self.path, 1).map(|_| ()),
        }
    }
}

fn create<W: Vfs>(target: &W, path: &str, first: u64) -> Result<FileSink<W>> {
    let options = WalOptions::new().with_threads(Threads::None);
    let Opened { sink, .. } = open(target, path, &options, first)?;
    Ok(sink)
}
