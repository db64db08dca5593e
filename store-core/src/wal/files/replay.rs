//! Records read back, segment by segment, as they are asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::archive::{Entry, Files};
use super::chain::header_of;
use super::scan::{FrameReader, Meaning, Rules, Step};
use super::{FileOf, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::Bug;
use crate::vfs::{Folder, Vfs};
use crate::wal::record::{Record, RecordKind};

/// The iterator. It ends after the first error.
pub(super) struct Replay<V: Vfs> {
    files: Arc<Files<V>>,
    entries: VecDeque<Entry>,
    open: Option<Open<FileOf<V>>>,
    after: u64,
    through: u64,
    done: bool,
}

/// The segment that is read.
struct Open<F> {
    entry: Entry,
    reader: FrameReader<F>,
    rules: Rules,
}

impl<V: Vfs> Replay<V> {
    /// Records after one number, up to another.
    pub(super) fn new(files: Arc<Files<V>>, entries: Vec<Entry>, after: u64, through: u64) -> Self {
        let mut entries = VecDeque::from(entries);
        while entries.get(1).is_some_and(|next| next.header.first <= after.saturating_add(1)) {
            entries.pop_front();
        }
        Self { files, entries, open: None, after, through, done: after >= through }
    }

    fn advance(&mut self) -> Result<Option<Record>> {
        loop {
            let Some(open) = &mut self.open else {
                self.open = Some(self.open_next()?);
                continue;
            };
            if open.rules.expected > self.through {
                return Ok(None);
            }
            if open.rules.is_overtaken() {
                self.open = None;
                continue;
            }
            let offset = open.reader.position();
            match open.reader.step(&open.entry.name)? {
                Step::Frame(frame, payload) => match open.rules.take(&frame, &payload, offset)? {
                    Meaning::Record if frame.seq > self.after => {
                        let kind = RecordKind::stored(frame.kind);
                        return Ok(Some(Record { seq: frame.seq, kind, payload }));
                    }
                    Meaning::Record | Meaning::Lost(_) => {}
                    Meaning::Ended => {
                        open.rules.leave(true, None, offset)?;
                        self.open = None;
                    }
                },
                Step::Bad(fault) => {
                    if self.files.planted.has(Bug::SkipBadRecord) && open.skip()? {
                        continue;
                    }
                    return Err(open.rules.damage("record of the log is damaged", offset).with("found", fault));
                }
                Step::End => {
                    return Err(open.rules.damage("records of the log are missing", offset));
                }
            }
        }
    }

    fn open_next(&mut self) -> Result<Open<FileOf<V>>> {
        let entry = self.entries.pop_front();
        let entry = entry.ok_or_else(|| Error::new(ErrorKind::Corrupt, "records of the log are missing"))?;
        let file = self.files.folder.open(&entry.name).map_err(|source| failed("open", source, &entry.name))?;
        let header = header_of(&file, &entry.name, self.files.log)?;
        if header != entry.header {
            let error = Error::new(ErrorKind::Corrupt, "segment is not the one that it was");
            return Err(error.with("file", &entry.name));
        }
        let reader = FrameReader::new(file, &header, self.files.planted)?;
        let rules = Rules::new(&entry.name, header, self.entries.front().map(|next| next.header));
        Ok(Open { entry, reader, rules })
    }
}

impl<F: crate::vfs::File> Open<F> {
    /// Goes on at the next valid frame: what must never be done.
    fn skip(&mut self) -> Result<bool> {
        let expected = self.rules.expected;
        let found = self.reader.hunt().find(&self.entry.name, |header| header.seq > expected)?;
        if let Some((offset, header)) = &found {
            self.rules.expected = header.seq;
            self.reader.seek(*offset);
        }
        Ok(found.is_some())
    }
}

impl<V: Vfs> Iterator for Replay<V> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        if self.done {
            return None;
        }
        let item = self.advance().transpose();
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}
