//! The claim of a writer on the log: the file `EPOCH`, replaced by each one that opens it.
//!
//! The writer keeps its mark open, so that the file's id is given to no other. Under the name stands another file once
//! a later writer has come: then nothing more is acknowledged. Whoever comes replaces the mark before it reads what is
//! in the log, so all that was acknowledged before is there to be read.

use std::io;

use super::names::{self, EPOCH};
use super::{failed, read_small, write_all};
use crate::error::{Error, ErrorKind, Result};
use crate::vfs::{File, Folder};
use crate::wal::format::{EPOCH_BYTES, EpochMark, LogId};
use crate::wrap::Dice;

/// How often a number that another opener has just taken is counted up.
const ATTEMPTS: u64 = 100;

/// The claim.
#[derive(Debug)]
pub(super) struct Claim<File> {
    pub mark: EpochMark,
    /// True if there was no log before.
    pub created: bool,
    /// Kept open for its id.
    _file: File,
    id: (u64, u64),
}

/// The mark that stands in the folder, with the first record as trims since then have left it.
pub(super) fn read<F: Folder>(folder: &F) -> Result<Option<EpochMark>> {
    // One byte more, so that a longer file shows.
    let Some(bytes) = read_small(folder, EPOCH, EPOCH_BYTES + 1)? else { return Ok(None) };
    let mark = EpochMark::decode(&bytes).map_err(|error| error.with("file", EPOCH))?;
    let entries = folder.list().map_err(|source| failed("list", source, ""))?;
    let floor = entries.iter().filter_map(|entry| names::parse_floor(&entry.name)).max();
    Ok(Some(EpochMark { first: floor.map_or(mark.first, |floor| floor.max(mark.first)), ..mark }))
}

/// Claims the log for a new epoch, above that of the mark and of all segments.
pub(super) fn claim<F: Folder>(folder: &F) -> Result<Claim<F::File>> {
    let before = read(folder)?;
    let names = segment_names(folder)?;
    if before.is_none() && !names.is_empty() {
        return Err(Error::new(ErrorKind::Corrupt, "log has segments and no mark of its epoch").with("file", EPOCH));
    }
    let log = before.map_or_else(new_log, |mark| mark.log);
    let newest = before.map_or(0, |mark| mark.epoch).max(newest(&names));
    let trimmed = before.map_or(1, |mark| mark.first);
    // A segment that was trimmed may come back if the sync of its removal failed. From here on it does not count.
    let first = names.iter().map(|(first, _)| *first).filter(|first| *first >= trimmed).min().unwrap_or(trimmed);
    if trimmed > 1 && names.iter().all(|(first, _)| *first < trimmed) {
        return Err(missing(trimmed));
    }
    for epoch in newest + 1..=newest + ATTEMPTS {
        let mark = EpochMark { log, epoch, first };
        let name = names::claim(epoch);
        let file = match folder.create(&name) {
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made.map_err(|source| failed("create", source, &name))?,
        };
        // Who took the same number before has renamed its file by now, and its mark stands.
        let now = read(folder)?.map_or(0, |mark| mark.epoch);
        if now >= epoch {
            folder.remove(&name).map_err(|source| failed("remove", source, &name))?;
            return Err(raced());
        }
        return publish(folder, &name, file, mark, before.is_none());
    }
    Err(raced())
}

fn publish<F: Folder>(folder: &F, name: &str, file: F::File, mark: EpochMark, created: bool) -> Result<Claim<F::File>> {
    write_all(&file, &mark.encode(), 0).map_err(|source| failed("write", source, name))?;
    file.sync_all().map_err(|source| failed("sync", source, name))?;
    let id = file.stat().map_err(|source| failed("stat", source, name))?.id;
    folder.rename(name, folder, EPOCH).map_err(|source| failed("rename", source, name))?;
    folder.sync().map_err(|source| failed("sync folder", source, EPOCH))?;
    let claim = Claim { mark, created, _file: file, id };
    claim.check(folder)?;
    match newest(&segment_names(folder)?) < mark.epoch {
        true => Ok(claim),
        false => Err(raced()),
    }
}

impl<File> Claim<File> {
    /// Looks whether the mark still stands.
    pub(super) fn check<F: Folder>(&self, folder: &F) -> Result<()> {
        let stat = folder.stat(EPOCH).map_err(|source| failed("stat", source, EPOCH))?;
        match stat.id == self.id {
            true => Ok(()),
            false => {
                let error = Error::new(ErrorKind::Fenced, "another writer has taken the log over");
                Err(error.with("epoch", self.mark.epoch))
            }
        }
    }
}

/// The first records and the epochs in the names of segments.
fn segment_names<F: Folder>(folder: &F) -> Result<Vec<(u64, u64)>> {
    let entries = folder.list().map_err(|source| failed("list", source, ""))?;
    Ok(entries.iter().filter_map(|entry| names::parse_segment(&entry.name)).collect())
}

fn newest(names: &[(u64, u64)]) -> u64 {
    names.iter().map(|(_, epoch)| *epoch).max().unwrap_or(0)
}

fn new_log() -> LogId {
    let halves = [Dice::unseeded().number(), Dice::unseeded().number()];
    let mut id = [0; 16];
    id.iter_mut().zip(halves.iter().flat_map(|half| half.to_le_bytes())).for_each(|(to, from)| *to = from);
    LogId(id)
}

/// The error where no segment is left, and others were trimmed up to this record.
pub(super) fn missing(first: u64) -> Error {
    let error = Error::new(ErrorKind::Corrupt, "segments of the log are missing").with("expected", first);
    error.with("file", EPOCH)
}

fn raced() -> Error {
    Error::new(ErrorKind::Conflict, "another opens the log at the same time")
}
