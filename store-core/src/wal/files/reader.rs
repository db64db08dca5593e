//! Reading a log without opening it for writing: nothing is locked, claimed or changed.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::archive::{Entry, Files, check_after};
use super::chain::{self, Chain, Segment};
use super::epoch;
use super::folder;
use super::names::EPOCH;
use super::recover::read_segment;
use super::replay::Replay;
use super::scan::Scan;
use crate::error::{Error, Result};
use crate::planted::Planted;
use crate::vfs::{Folder, Vfs};
use crate::wal::format::{EpochMark, LogId, SEAL, SegmentHeader};
use crate::wal::record::Record;

/// A log that is only read, also while another writes it. What a writer has not made durable yet may show.
#[derive(Debug)]
pub struct WalReader<V: Vfs> {
    vfs: V,
    path: String,
    mark: EpochMark,
}

/// The state of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SegmentState {
    /// Its writer has ended it.
    Sealed,
    /// A later writer has ended it.
    Fenced,
    /// It is the last one: being written, or left by a crash.
    Open,
    /// It is the last one, and bytes behind the last record are no record: being written, or torn by a crash. The next
    /// writer cuts them.
    Torn,
}

/// What is in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentReport {
    /// Its file.
    pub name: String,
    /// What it says of itself.
    pub header: SegmentHeader,
    /// The last record in it. One less than the first if there is none.
    pub last: u64,
    /// Records in it.
    pub records: u64,
    /// Bytes of their frames.
    pub bytes: u64,
    /// Where the last valid frame ends.
    pub end: u64,
    /// Its state.
    pub state: SegmentState,
    /// Bytes behind the last valid frame, up to the last that is not zero.
    pub torn_bytes: u64,
    /// Numbers whose records were lost in a salvage.
    pub lost: Vec<RangeInclusive<u64>>,
}

/// What is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalReport {
    /// The log.
    pub log: LogId,
    /// The epoch of the last writer.
    pub epoch: u64,
    /// Its segments, by their first records.
    pub segments: Vec<SegmentReport>,
    /// Segments of writers that had been overtaken, or that were trimmed; the next writer removes them.
    pub superseded: Vec<String>,
}

impl WalReport {
    /// The first record that is kept, or that will be.
    pub fn first(&self) -> u64 {
        self.segments.first().map_or(1, |segment| segment.header.first)
    }

    /// The last record. One less than the first if there is none.
    pub fn last(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.last)
    }
}

impl<V: Vfs> WalReader<V> {
    /// Opens a log.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Corrupt` if its mark is damaged.
    pub fn open(vfs: &V, path: &str) -> Result<Self> {
        let mark = epoch::read(&folder::open(vfs, path)?)?;
        let mark = mark.ok_or_else(|| Error::not_found("there is no log").with("file", EPOCH))?;
        Ok(Self { vfs: vfs.clone(), path: path.to_owned(), mark })
    }

    /// The log.
    pub fn log(&self) -> LogId {
        self.mark.log
    }

    /// What the segments say of themselves. Their records are not read.
    ///
    /// # Errors
    /// `Corrupt` if a header is damaged.
    pub fn headers(&self) -> Result<Vec<(String, SegmentHeader)>> {
        let folder = folder::open(&self.vfs, &self.path)?;
        let chain = chain::read(&folder, &self.mark)?;
        Ok(chain.segments.into_iter().map(|segment| (segment.name, segment.header)).collect())
    }

    /// Reads all of it and tests every byte, as opening it would.
    ///
    /// # Errors
    /// `Corrupt`, with the file and the offset, at the first damage, and if all segments are missing that were not trimmed.
    pub fn verify(&self) -> Result<WalReport> {
        let folder = folder::open(&self.vfs, &self.path)?;
        let chain = self.chain(&folder)?;
        let mut segments = Vec::new();
        for (index, segment) in chain.segments.iter().enumerate() {
            let next = chain.segments.get(index + 1).map(|next| next.header);
            let (scan, tail) = read_segment(&folder, segment, next, Planted::default())?;
            segments.push(report(segment, &scan, tail, next.is_some()));
        }
        Ok(WalReport { log: self.mark.log, epoch: self.mark.epoch, segments, superseded: chain.superseded })
    }

    /// The segments. Trimming leaves the last one, so there is one as soon as another was trimmed.
    fn chain<F: Folder>(&self, folder: &F) -> Result<Chain> {
        let is_whole = |chain: &Chain| self.mark.first <= 1 || !chain.segments.is_empty();
        let mut chain = chain::read(folder, &self.mark)?;
        if !is_whole(&chain) {
            // A listing may miss one that a writer puts in the place of another meanwhile.
            chain = chain::read(folder, &self.mark)?;
        }
        match is_whole(&chain) {
            true => Ok(chain),
            false => Err(epoch::missing(self.mark.first)),
        }
    }

    /// Records after a number, as they are asked for, up to the last one that is there now.
    ///
    /// # Errors
    /// `NotFound` if records after that one were trimmed; `Corrupt` at the first damage.
    pub fn replay(&self, after: u64) -> Result<impl Iterator<Item = Result<Record>> + Send + use<V>> {
        let report = self.verify()?;
        check_after(after, report.first())?;
        let (log, through) = (report.log, report.last());
        let entry = |report: SegmentReport| Entry { name: report.name, header: report.header, bytes: report.bytes };
        let entries: Vec<Entry> = report.segments.into_iter().map(entry).collect();
        let folder = folder::open(&self.vfs, &self.path)?;
        let files = Arc::new(Files::new(folder, log, Vec::new(), 1, Planted::default()));
        Ok(Replay::<V>::new(files, entries, after, through))
    }
}

fn report(segment: &Segment, scan: &Scan, tail: u64, has_next: bool) -> SegmentReport {
    let state = match scan.ended {
        Some(SEAL) => SegmentState::Sealed,
        Some(_) => SegmentState::Fenced,
        // The next writer has begun behind it, whatever an overtaken one has done to the end since.
        None if has_next => SegmentState::Fenced,
        None if tail > scan.end => SegmentState::Torn,
        None => SegmentState::Open,
    };
    SegmentReport {
        name: segment.name.clone(),
        header: segment.header,
        last: scan.next - 1,
        records: scan.records,
        bytes: scan.bytes,
        end: scan.end,
        state,
        torn_bytes: tail - scan.end,
        lost: scan.lost.clone(),
    }
}
