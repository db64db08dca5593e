//! The writing end of a log in files.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::Arc;

use super::archive::{Entry, Files};
use super::names;
use super::prepare::{Prepared, Preparer};
use super::recover::{ClaimOf, LockOf};
use super::{FileOf, failed, write_all};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::Bug;
use crate::vfs::{File, Vfs};
use crate::wal::format::{
    FRAME_BYTES, FrameHeader, HEADER_BYTES, LOST, Place, SEAL, SegmentHeader, frame_bytes, padded,
};
use crate::wal::options::{Threads, WalOptions};
use crate::wal::sink::{Effect, Ending, Failure, Pending, Sink};

/// Bytes of the first segment of a writer, if segments are not smaller.
const FIRST_BYTES: u64 = 1 << 20;
/// Each segment is so many times the one before.
const GROWTH: u64 = 2;
/// Payloads below this are copied between their headers; others are handed to the system where they lie.
const COPIED_BYTES: usize = 16 << 10;
/// Pieces that one call of the system takes.
const PIECES_MAX: usize = 1024;
/// Groups of more bytes on average are faster into space that is only reserved than together with as many zeros.
const ZEROS_GROUP_BYTES: u64 = 16 << 10;
/// What the buffer for headers and small payloads keeps for the next group.
const BUFFER_BYTES: usize = 1 << 20;

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Active<F> {
    file: F,
    name: String,
    header: SegmentHeader,
    /// Where the next frame goes. All before it is durable.
    offset: u64,
    /// Where the zeros end.
    capacity: u64,
    /// The number of the next record.
    next: u64,
    /// How many groups were written to it since it was opened.
    groups: u64,
    /// Where the first of them began.
    begin: u64,
}

impl<F> Active<F> {
    pub(super) fn new(file: F, name: String, header: SegmentHeader, offset: u64, capacity: u64) -> Self {
        Self { file, name, header, offset, capacity, next: header.first, groups: 0, begin: offset }
    }

    /// True if what is synced at once is so little that writing zeros ahead costs less than it saves.
    fn is_worth_zeros(&self) -> bool {
        self.offset - self.begin <= self.groups.saturating_mul(ZEROS_GROUP_BYTES)
    }

    /// True if such a frame has its place here, and a seal behind it. The first one always has.
    fn takes(&self, offset: u64, bytes: usize) -> bool {
        offset == HEADER_BYTES as u64 || offset + (bytes + FRAME_BYTES) as u64 <= self.capacity
    }
}

/// See the module.
pub(in crate::wal) struct FileSink<V: Vfs> {
    files: Arc<Files<V>>,
    claim: ClaimOf<V>,
    lock: LockOf<V>,
    active: Option<Active<FileOf<V>>>,
    preparer: Preparer<V>,
    /// The number of the last segment.
    number: u64,
    /// Bytes of the next segment.
    next_bytes: u64,
    segment_bytes: u64,
    buffer: Vec<u8>,
}

impl<V: Vfs> FileSink<V> {
    pub(super) fn new(
        files: Arc<Files<V>>,
        claim: ClaimOf<V>,
        lock: LockOf<V>,
        active: Option<Active<FileOf<V>>>,
        number: u64,
        options: &WalOptions,
    ) -> Result<Self> {
        let preparer = Preparer::new(Arc::clone(&files), options.threads == Threads::Own)?;
        let next_bytes = options.segment_bytes.min(FIRST_BYTES);
        let segment_bytes = options.segment_bytes;
        let mut sink =
            Self { files, claim, lock, active, preparer, number, next_bytes, segment_bytes, buffer: Vec::new() };
        sink.begin_next();
        Ok(sink)
    }

    fn next_name(&self) -> String {
        names::prepared(self.claim.mark.epoch, self.number + 1)
    }

    fn begin_next(&mut self) {
        self.preparer.begin(self.next_name(), self.next_bytes);
    }

    /// The next segment; a small one if there is no room for a large one.
    fn prepared(&mut self) -> Result<Prepared<FileOf<V>>> {
        let least = self.segment_bytes.min(FIRST_BYTES);
        match self.preparer.take(self.next_name(), self.next_bytes) {
            Err(error) if error.kind() == ErrorKind::StorageFull && self.next_bytes > least => {
                self.next_bytes = least;
                self.preparer.take(self.next_name(), least)
            }
            taken => taken,
        }
    }

    /// Ends the segment that is written and begins the next, whose first record is `first`.
    fn rotate(&mut self, first: u64) -> Result<(), Failure> {
        // First of all, so that nothing has changed if there is no room for it.
        let prepared = self.prepared().map_err(refused_if_full)?;
        if let Some(active) = self.active.take()
            && let Err(failure) = self.seal(&active, first, true)
        {
            self.active = Some(active);
            self.preparer.give_back(prepared);
            return Err(failure);
        }
        self.begin(prepared, first)?;
        self.number += 1;
        self.next_bytes = self.segment_bytes.min(self.next_bytes.saturating_mul(GROWTH));
        self.begin_next();
        Ok(())
    }

    /// Puts a seal behind the last record.
    fn seal(&self, active: &Active<FileOf<V>>, next: u64, keep_zeros: bool) -> Result<(), Failure> {
        let (file, name, offset) = (&active.file, &active.name, active.offset);
        let frame = FrameHeader::new(SEAL, 0, next, active.header.epoch, 0);
        let frame = frame.encode(&self.place(&active.header), offset, &[]);
        let written = write_all(file, &frame, offset).map_err(|source| failed("write", source, name));
        written.map_err(|error| self.cut_back(active, error))?;
        if !keep_zeros {
            let cut = file.set_length(offset + FRAME_BYTES as u64);
            cut.map_err(|source| Failure::fatal(failed("cut", source, name)))?;
        }
        if self.files.planted.has(Bug::SkipSegmentSync) {
            return Ok(());
        }
        file.sync_data().map_err(|source| Failure::fatal(failed("sync", source, name)))
    }

    /// Gives a prepared file its header and its name.
    fn begin(&mut self, prepared: Prepared<FileOf<V>>, first: u64) -> Result<(), Failure> {
        let mark = self.claim.mark;
        let header = SegmentHeader { log: mark.log, number: self.number + 1, first, epoch: mark.epoch };
        let name = names::segment(first, mark.epoch);
        if let Err(error) = self.place_file(&prepared, &name, &header) {
            let failure = refused_if_full(error);
            self.preparer.give_back(prepared);
            return Err(failure);
        }
        if !self.files.planted.has(Bug::SkipFolderSync) {
            self.files.sync_folder(&name)?;
        }
        self.files.push(Entry { name: name.clone(), header, bytes: 0 });
        self.active = Some(Active::new(prepared.file, name, header, HEADER_BYTES as u64, prepared.bytes));
        Ok(())
    }

    fn place_file(&self, prepared: &Prepared<FileOf<V>>, name: &str, header: &SegmentHeader) -> Result<()> {
        let file = &prepared.file;
        write_all(file, &header.encode(), 0).map_err(|source| failed("write", source, name))?;
        if !self.files.planted.has(Bug::SkipSegmentSync) {
            // Not `StorageFull` either: nobody knows what is durable.
            let failed = |source| Error::unexpected("sync of a segment failed").with("file", name).caused_by(source);
            file.sync_data().map_err(failed)?;
        }
        let renamed = names::publish(&self.files.folder, &prepared.name, name);
        renamed.map_err(|source| failed("rename", source, name))
    }

    fn place(&self, header: &SegmentHeader) -> Place {
        Place::new(&header.log, header.number).with_planted(self.files.planted)
    }

    /// How many records of the group go into the segment that is written.
    fn fitting(&self, group: &[Pending]) -> usize {
        let Some(active) = &self.active else { return 0 };
        let (mut offset, mut count) = (active.offset, 0);
        for record in group {
            let bytes = frame_bytes(record.payload.len());
            if !active.takes(offset, bytes) {
                break;
            }
            offset += bytes as u64;
            count += 1;
        }
        count
    }

    /// Takes back what may have been written behind the last durable record, so that nobody finds it there later. If
    /// that fails too, nobody knows.
    fn cut_back(&self, active: &Active<FileOf<V>>, error: Error) -> Failure {
        if error.kind() != ErrorKind::StorageFull {
            return Failure::fatal(error);
        }
        let cut = active.file.set_length(active.offset).and_then(|()| active.file.sync_all());
        match cut {
            Ok(()) => Failure::refused(error),
            Err(source) => Failure::fatal(failed("cut", source, &active.name)),
        }
    }

    fn sync(&self, active: &Active<FileOf<V>>) -> Result<(), Failure> {
        let synced = match active.file.sync_data() {
            Err(_) if self.files.planted.has(Bug::RetrySync) => active.file.sync_data(),
            synced => synced,
        };
        // Whatever the reason: what of it is on the disk is not known, and trying again would not tell.
        synced.map_err(|source| Failure::fatal(failed("sync", source, &active.name)))
    }
}

impl<V: Vfs> FileSink<V> {
    /// A successor clears away what its predecessor was about to use: then it is the reason, and not what failed.
    fn explain(&self, failure: Failure) -> Failure {
        if failure.effect == Effect::Refused || self.files.planted.has(Bug::SkipFenceCheck) {
            return failure;
        }
        match self.claim.check(&self.files.folder) {
            Err(fenced) if fenced.kind() == ErrorKind::Fenced => Failure::fatal(fenced.caused_by(failure.error())),
            _ => failure,
        }
    }

    fn write_group(&mut self, group: &[Pending], first: u64) -> Result<usize, Failure> {
        let mut count = self.fitting(group);
        if count == 0 {
            self.rotate(first)?;
            count = self.fitting(group);
        }
        let group = group.get(..count).unwrap_or_default();
        let Some(active) = &self.active else {
            return Err(Failure::fatal(Error::unexpected("log has no segment to write to")));
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let layout = Layout::new(group, first, active, &self.place(&active.header), &mut buffer);
        let written = layout.write(active, group, &buffer, self.files.planted.has(Bug::ShortWriteIgnored));
        let bytes = layout.bytes;
        written.map_err(|source| self.cut_back(active, failed("write", source, &active.name)))?;
        self.sync(active)?;
        if let Some(active) = &mut self.active {
            active.offset += bytes;
            active.next = next_after(group, first);
            active.groups += 1;
            self.preparer.advance(active.offset, active.capacity, active.is_worth_zeros());
        }
        self.files.grow(bytes);
        buffer.clear();
        buffer.shrink_to(BUFFER_BYTES);
        self.buffer = buffer;
        Ok(count)
    }
}

impl<V: Vfs> Sink for FileSink<V> {
    fn write(&mut self, group: &[Pending], first: u64) -> Result<usize, Failure> {
        self.write_group(group, first).map_err(|failure| self.explain(failure))
    }

    fn check(&mut self) -> Result<(), Failure> {
        if self.files.planted.has(Bug::SkipFenceCheck) {
            return Ok(());
        }
        self.claim.check(&self.files.folder).map_err(Failure::fatal)
    }

    fn make_room(&mut self) -> Result<(), Failure> {
        let prepared = self.prepared().map_err(refused_if_full)?;
        self.preparer.give_back(prepared);
        Ok(())
    }

    fn turn(&mut self, through: u64) -> Result<(), Failure> {
        let worth = self.segment_bytes.min(FIRST_BYTES) / 2;
        match &self.active {
            Some(active) if active.next == through + 1 && active.offset > worth => {}
            _ => return Ok(()),
        }
        self.check()?;
        match self.rotate(through + 1) {
            Err(failure) if failure.effect == Effect::Refused => Ok(()),
            turned => turned.map_err(|failure| self.explain(failure)),
        }
    }

    fn close(&mut self, ending: Ending) -> Result<(), Failure> {
        let active = self.active.take().filter(|_| ending == Ending::Clean);
        let sealed = active.map_or(Ok(()), |active| {
            self.claim.check(&self.files.folder).map_err(Failure::fatal)?;
            self.seal(&active, active.next, false)
        });
        self.preparer.end();
        // Closing the file is not enough: a process that is just being started has a copy of it for a moment. If this
        // fails, closing it remains.
        if let Some(lock) = self.lock.take() {
            let _ = lock.unlock();
        }
        sealed
    }
}

/// A failure that changed nothing if there was no room, and must not be trusted otherwise.
fn refused_if_full(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::StorageFull => Failure::refused(error),
        _ => Failure::fatal(error),
    }
}

/// The number after a group. What was lost has its numbers too.
fn next_after(group: &[Pending], first: u64) -> u64 {
    let next = first + group.len() as u64;
    match group.last().filter(|record| record.kind == LOST) {
        Some(lost) => <[u8; 8]>::try_from(&lost.payload[..]).map_or(next, |last| u64::from_le_bytes(last) + 1),
        None => next,
    }
}

/// Where the pieces of a group lie in memory.
struct Layout {
    pieces: Vec<Piece>,
    bytes: u64,
}

enum Piece {
    /// In the buffer.
    Buffer(Range<usize>),
    /// The payload of a record, by its place in the group.
    Payload(usize),
}

impl Layout {
    /// Frames the records, from the end of the segment on.
    fn new<F>(group: &[Pending], first: u64, active: &Active<F>, place: &Place, buffer: &mut Vec<u8>) -> Self {
        let (mut pieces, mut offset, mut begin) = (Vec::new(), active.offset, 0);
        buffer.clear();
        for (index, (record, seq)) in group.iter().zip(first..).enumerate() {
            let payload = &record.payload;
            let length = payload.len() as u32;
            let header = FrameHeader::new(record.kind, index as u32, seq, active.header.epoch, length);
            buffer.extend_from_slice(&header.encode(place, offset, payload));
            if payload.len() < COPIED_BYTES {
                buffer.extend_from_slice(payload);
            } else {
                pieces.extend([Piece::Buffer(begin..buffer.len()), Piece::Payload(index)]);
                begin = buffer.len();
            }
            buffer.resize(buffer.len() + padded(payload.len()) - payload.len(), 0);
            offset += header.frame_bytes() as u64;
        }
        pieces.push(Piece::Buffer(begin..buffer.len()));
        Self { pieces, bytes: offset - active.offset }
    }

    /// Writes all of it, in one call of the system if that takes it.
    fn write<F: File>(
        &self,
        active: &Active<F>,
        group: &[Pending],
        buffer: &[u8],
        ignore_short: bool,
    ) -> io::Result<()> {
        let bytes = |piece: &Piece| match piece {
            Piece::Buffer(range) => buffer.get(range.clone()).unwrap_or_default(),
            Piece::Payload(index) => group.get(*index).map_or(&[][..], |record| &record.payload[..]),
        };
        let mut position = active.offset;
        for pieces in self.pieces.chunks(PIECES_MAX) {
            let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(bytes(piece))).collect();
            let mut slices = &mut slices[..];
            IoSlice::advance_slices(&mut slices, 0);
            while !slices.is_empty() {
                let count = active.file.write_vectored_at(slices, position)?;
                if count == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                position += count as u64;
                IoSlice::advance_slices(&mut slices, count);
                if ignore_short {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
