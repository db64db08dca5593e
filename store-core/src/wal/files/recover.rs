//! Opening a log for writing: claim it, read it, mend its tail.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::archive::{Entry, Files};
use super::chain::{self, Chain, Segment};
use super::epoch::{self, Claim};
use super::scan::{FrameReader, Rules, Scan, Step, scan};
use super::writer::{Active, FileSink};
use super::{BLOCK_BYTES, FileOf, FolderOf, failed, folder, names, read_all, write_all};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, Planted};
use crate::vfs::{File, Folder, Vfs};
use crate::wal::format::{FENCE, FRAME_BYTES, FrameHeader, HEADER_BYTES, LogId, Place, SegmentHeader};
use crate::wal::options::WalOptions;

/// What opening a log has found and done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// The log.
    pub log: LogId,
    /// The epoch of this writer.
    pub epoch: u64,
    /// True if there was no log before.
    pub created: bool,
    /// The first record that is kept, or that will be.
    pub first: u64,
    /// The last record; all up to it are durable. One less than `first` if there is none.
    pub last: u64,
    /// Records in the log.
    pub records: u64,
    /// Bytes of their frames.
    pub bytes: u64,
    /// Segments that were read.
    pub segments: usize,
    /// True if the writer before had closed the log.
    pub clean: bool,
    /// The torn tail that was cut: records that were being written, and of which none was acknowledged.
    pub cut: Option<Cut>,
    /// Segments that were removed: their writers had been overtaken when they wrote them, or they were trimmed before.
    pub superseded: Vec<String>,
    /// Numbers whose records were lost in a salvage.
    pub lost: Vec<RangeInclusive<u64>>,
    /// False if the file system has no locks, or the log was taken over: then only the epoch keeps writers apart.
    pub locked: bool,
}

/// A tail that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The segment.
    pub segment: String,
    /// Where it was cut.
    pub offset: u64,
    /// From there to the last byte that was not zero.
    pub bytes: u64,
}

/// A log that is open.
pub(in crate::wal) struct Opened<V: Vfs> {
    pub sink: FileSink<V>,
    pub files: Arc<Files<V>>,
    pub recovery: Recovery,
}

/// Opens a log for writing. `start` is the first number of one that is new.
pub(in crate::wal) fn open<V: Vfs>(vfs: &V, path: &str, options: &WalOptions, start: u64) -> Result<Opened<V>> {
    options.check()?;
    let folder = folder::create(vfs, path)?;
    let lock = folder::lock(&folder, options.if_locked)?;
    let claim = epoch::claim(&folder)?;
    let chain = chain::read(&folder, &claim.mark)?;
    let mut found = Found::read(&folder, &chain, options.planted)?;
    let mut recovery = found.recovery(&claim, &chain, start);
    recovery.locked = lock.is_some();
    let active = match options.planted.has(Bug::AppendAfterTornTail) {
        true => found.active(&folder)?,
        false => None,
    };
    if active.is_none() {
        found.mend(&folder, &claim)?;
    }
    // Before anything is removed: two that opened it at once may each have held the mark for a moment.
    if let Err(error) = claim.check(&folder) {
        found.take_back(&folder)?;
        return Err(error);
    }
    remove_leftovers(&folder, chain.superseded.iter().chain(&chain.temporary).chain(&found.replaced))?;
    // What this thread did since it has the epoch was for nothing if another came meanwhile.
    claim.check(&folder)?;
    let files = Arc::new(Files::new(folder, claim.mark.log, found.entries, start, options.planted));
    let sink = FileSink::new(Arc::clone(&files), claim, lock, active, chain.number, options)?;
    Ok(Opened { sink, files, recovery })
}

/// What reading the segments has found.
struct Found {
    entries: Vec<Entry>,
    last: Option<Last>,
    records: u64,
    lost: Vec<RangeInclusive<u64>>,
    /// A segment in whose place there is a copy now.
    replaced: Option<String>,
}

/// The last segment, behind whose end there may be a torn tail.
struct Last {
    segment: Segment,
    scan: Scan,
    /// Where bytes that are not zero end.
    tail: u64,
    planted: Planted,
}

impl Found {
    fn read<F: Folder>(folder: &F, chain: &Chain, planted: Planted) -> Result<Self> {
        let mut found = Self { entries: Vec::new(), last: None, records: 0, lost: Vec::new(), replaced: None };
        for (index, segment) in chain.segments.iter().enumerate() {
            let next = chain.segments.get(index + 1).map(|next| next.header);
            let (scan, tail) = read_segment(folder, segment, next, planted)?;
            found.records += scan.records;
            found.lost.extend(scan.lost.iter().cloned());
            found.entries.push(Entry { name: segment.name.clone(), header: segment.header, bytes: scan.bytes });
            if next.is_none() {
                found.last = Some(Last { segment: segment.clone(), scan, tail, planted });
            }
        }
        Ok(found)
    }

    fn recovery<F>(&self, claim: &Claim<F>, chain: &Chain, start: u64) -> Recovery {
        let cut = self.last.as_ref().filter(|last| last.is_torn()).map(|last| Cut {
            segment: last.segment.name.clone(),
            offset: last.scan.end,
            bytes: last.tail - last.scan.end,
        });
        Recovery {
            log: claim.mark.log,
            epoch: claim.mark.epoch,
            created: claim.created,
            first: self.entries.first().map_or(start, |entry| entry.header.first),
            last: self.last.as_ref().map_or(start, |last| last.scan.next) - 1,
            records: self.records,
            bytes: self.entries.iter().map(|entry| entry.bytes).sum(),
            segments: self.entries.len(),
            clean: self.last.as_ref().is_none_or(|last| last.scan.ended.is_some()),
            cut,
            superseded: chain.superseded.clone(),
            lost: self.lost.clone(),
            locked: false,
        }
    }

    /// Puts a copy in the place of the last segment, without its torn tail and with an end.
    ///
    /// A copy, because nothing that an overtaken writer still does can reach it; and because after a sync that failed the
    /// system shows bytes which are not on the disk, and never tries again: they could be told as durable and be lost. If
    /// there is no room for a copy, the segment is written anew where it is.
    fn mend<F: Folder>(&mut self, folder: &F, claim: &Claim<F::File>) -> Result<()> {
        let Some(last) = self.last.as_ref().filter(|last| last.scan.next > last.segment.header.first) else {
            // Without a record it tells the next number, until there is a segment that does.
            return Ok(());
        };
        let epoch = claim.mark.epoch;
        match last.copy(folder, epoch) {
            Err(error) if error.kind() == ErrorKind::StorageFull => last.rewrite(folder, epoch),
            Err(error) => Err(error),
            Ok(name) => {
                if let Some(entry) = self.entries.last_mut() {
                    self.replaced = Some(std::mem::replace(&mut entry.name, name));
                    entry.header.epoch = epoch;
                }
                Ok(())
            }
        }
    }

    /// Removes the copy again: in its place whoever has the log has one of its own, or the segment.
    fn take_back<F: Folder>(&self, folder: &F) -> Result<()> {
        let copy = self.replaced.as_ref().and_then(|_| self.entries.last());
        copy.map_or(Ok(()), |copy| remove_leftovers(folder, [&copy.name].into_iter()))
    }

    /// The last segment to be written on behind its tail, torn or not: what must never be done.
    fn active<F: Folder>(&self, folder: &F) -> Result<Option<Active<F::File>>> {
        let Some(last) = self.last.as_ref().filter(|last| last.scan.ended.is_none()) else { return Ok(None) };
        let name = &last.segment.name;
        let file = folder.open_writable(name).map_err(|source| failed("open", source, name))?;
        let length = file.stat().map_err(|source| failed("stat", source, name))?.length;
        Ok(Some(Active::new(file, name.clone(), last.segment.header, last.tail.next_multiple_of(8), length)))
    }
}

impl Last {
    fn is_torn(&self) -> bool {
        self.scan.ended.is_none() && self.tail > self.scan.end
    }

    /// Makes the copy durable under a name of this epoch, and tells the name.
    fn copy<F: Folder>(&self, folder: &F, epoch: u64) -> Result<String> {
        let header = SegmentHeader { epoch, ..self.segment.header };
        let (temporary, name) = (names::prepared(epoch, header.number), names::segment(header.first, epoch));
        let file = folder.create(&temporary).map_err(|source| failed("create", source, &temporary))?;
        let copied = self.transfer(folder, &file, &header, epoch);
        if let Err(error) = copied {
            let _ = folder.remove(&temporary);
            return Err(error);
        }
        // Never `StorageFull` from here on: the copy may have its name, durably or not, and the next writer would take it
        // for the segment and remove the other.
        let published = names::publish(folder, &temporary, &name).and_then(|()| folder.sync());
        published.map_err(|source| {
            Error::unexpected("copy of the last segment could not be published").with("file", &name).caused_by(source)
        })?;
        Ok(name)
    }

    fn transfer<F: Folder>(&self, folder: &F, file: &F::File, header: &SegmentHeader, epoch: u64) -> Result<()> {
        let name = &self.segment.name;
        let source = folder.open(name).map_err(|source| failed("open", source, name))?;
        write_all(file, &header.encode(), 0).map_err(|source| failed("copy", source, name))?;
        self.write_to(&source, file, HEADER_BYTES as u64)?;
        self.end(file, epoch)
    }

    /// Writes the segment anew where it is.
    fn rewrite<F: Folder>(&self, folder: &F, epoch: u64) -> Result<()> {
        let name = &self.segment.name;
        let file = folder.open_writable(name).map_err(|source| failed("open", source, name))?;
        self.write_to(&file, &file, 0)?;
        self.end(&file, epoch)
    }

    /// Puts a fence behind the last record, unless the segment has its end, cuts off the rest, and syncs.
    fn end<F: File>(&self, file: &F, epoch: u64) -> Result<()> {
        let (name, header) = (&self.segment.name, &self.segment.header);
        let mut end = self.scan.end;
        if self.scan.ended.is_none() {
            let place = Place::new(&header.log, header.number).with_planted(self.planted);
            let fence = FrameHeader::new(FENCE, 0, self.scan.next, epoch, 0).encode(&place, end, &[]);
            write_all(file, &fence, end).map_err(|source| failed("write", source, name))?;
            end += FRAME_BYTES as u64;
        }
        file.set_length(end).map_err(|source| failed("cut", source, name))?;
        file.sync_all().map_err(|source| failed("sync", source, name))
    }

    /// Writes the bytes from a position to the last record as they are read.
    fn write_to<F: File>(&self, from: &F, to: &F, mut position: u64) -> Result<()> {
        let name = &self.segment.name;
        let mut block = vec![0; BLOCK_BYTES.min(self.scan.end as usize)];
        while position < self.scan.end {
            let most = (self.scan.end - position).min(block.len() as u64) as usize;
            let part = block.get_mut(..most).unwrap_or_default();
            let count = read_all(from, part, position).map_err(|source| failed("read", source, name))?;
            let read = part.get(..count).filter(|read| !read.is_empty());
            let read = read.ok_or_else(|| shrunk(name, position))?;
            write_all(to, read, position).map_err(|source| failed("write", source, name))?;
            position += count as u64;
        }
        Ok(())
    }
}

fn shrunk(name: &str, offset: u64) -> Error {
    Error::new(ErrorKind::Corrupt, "segment is shorter than it was").with("file", name).with("offset", offset)
}

/// Reads a segment. Of the last one it tells a torn tail, which a crash leaves, from damage to what was acknowledged,
/// and where the tail ends.
pub(super) fn read_segment<F: Folder>(
    folder: &F,
    segment: &Segment,
    next: Option<SegmentHeader>,
    planted: Planted,
) -> Result<(Scan, u64)> {
    let name = &segment.name;
    let file = folder.open(name).map_err(|source| failed("open", source, name))?;
    let mut reader = FrameReader::new(file, &segment.header, planted)?;
    loop {
        let mut rules = Rules::new(name, segment.header, next);
        let scan = scan(&mut reader, &mut rules, planted)?;
        if next.is_some() || scan.ended.is_some() {
            let end = scan.end;
            return Ok((scan, end));
        }
        reader.seek(scan.end);
        // A group is written whole before its sync, and the next one after it. So a later group proves that the record
        // which should be here was durable; a later record of the same group proves nothing.
        let later = |header: &FrameHeader| header.group().is_some_and(|first| first > scan.next);
        let Some((offset, header)) = reader.hunt().find(name, later)? else {
            let tail = reader.hunt().end(name)?;
            return Ok((scan, tail));
        };
        // A writer may have gone on since: then the record is there now.
        if !matches!(reader.step(name)?, Step::Frame(..)) {
            let error = rules.damage("record of the log is damaged, and valid ones follow", scan.end);
            return Err(error.with("valid offset", offset).with("valid record", header.seq));
        }
        reader.restart()?;
    }
}

/// Removes what crashes and overtaken writers have left.
fn remove_leftovers<'a, F: Folder>(folder: &F, names: impl Iterator<Item = &'a String>) -> Result<()> {
    for name in names {
        match folder.remove(name) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed("remove", source, name));
            }
            _ => {}
        }
    }
    folder.sync().map_err(|source| failed("sync folder", source, ""))
}

/// For signatures elsewhere.
pub(super) type LockOf<V> = Option<FileOf<V>>;
/// For signatures elsewhere.
pub(super) type ClaimOf<V> = Claim<<FolderOf<V> as Folder>::File>;
