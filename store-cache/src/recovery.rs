//! Recovery: which rows of the log are not in their table yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;
use worldstore_async::AsyncWal;
use worldstore_core::table::TableName;
use worldstore_core::table::schema::widen;
use worldstore_core::wal::{Record, Wal};
use worldstore_core::{Error, ErrorKind, Result};

use crate::append::stamp;
use crate::config::Durability;
use crate::journal::{Journal, Places};
use crate::memtable::Chunk;
use crate::record::{APPEND, Part, fresh_kind, read_append, read_fresh};
use crate::state::State;

/// What opening a cache has found in its log. What the log itself has found and mended is told by opening that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheRecovery {
    /// Records that were read.
    pub records: u64,
    /// Rows that are in memory again: those above the watermarks of their tables.
    pub rows: u64,
    /// Each table that the log names, sorted by name.
    pub tables: Vec<TableRecovery>,
}

/// What was found of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableRecovery {
    /// The table.
    pub table: TableName,
    /// Rows that are in memory again.
    pub replayed: u64,
    /// Appends that are in the table already.
    pub skipped: u64,
    /// Appends to a table that was removed; one of this name that was made later does not get them.
    pub dropped: u64,
}

/// Reads the log.
pub(crate) async fn replay(state: State, wal: AsyncWal, durability: Durability) -> Result<(State, CacheRecovery)> {
    let read = move || {
        let mut replay =
            Replay { state, places: Places::default(), seqs: BTreeSet::new(), recovery: CacheRecovery::default() };
        replay.run(wal.wal())?;
        let Replay { mut state, places, mut recovery, .. } = replay;
        recovery.rows = recovery.tables.iter().map(|table| table.replayed).sum();
        recovery.tables.sort_by(|left, right| left.table.cmp(&right.table));
        state.recount();
        state.recovered = state.last_seq;
        state.journal = Some(Journal::new(wal, durability, places));
        Ok((state, recovery))
    };
    let task = tokio::task::spawn_blocking(read);
    task.await.map_err(|source| Error::unexpected("recovery failed").caused_by(source))?
}

struct Replay {
    state: State,
    places: Places,
    /// Sequence numbers that were seen: two records with one are not of one cache.
    seqs: BTreeSet<u64>,
    recovery: CacheRecovery,
}

impl Replay {
    fn run(&mut self, wal: &Wal) -> Result<()> {
        let fresh = fresh_kind()?;
        for record in wal.replay(wal.first().saturating_sub(1))? {
            let record = record?;
            let number = record.seq;
            self.recovery.records += 1;
            let read = match record.kind {
                APPEND => self.append(record),
                kind if kind == fresh => self.fresh(record),
                kind => Err(Error::new(ErrorKind::Corrupt, "the log holds a record that is not of a cache")
                    .with("kind", kind.get())),
            };
            read.map_err(|error| error.with("record", number))?;
        }
        Ok(())
    }

    fn append(&mut self, record: Record) -> Result<()> {
        let append = read_append(record.payload)?;
        if !self.seqs.insert(append.seq) {
            return Err(Error::new(ErrorKind::Corrupt, "two records have one sequence number").with("seq", append.seq));
        }
        self.places.push(append.seq, record.seq);
        self.state.last_seq = self.state.last_seq.max(append.seq);
        append.parts.iter().try_for_each(|part| self.part(part, append.seq))
    }

    fn part(&mut self, part: &Part, seq: u64) -> Result<()> {
        let Some(table) = self.state.tables.get_mut(&part.table) else {
            self.told(&part.table).dropped += 1;
            return Ok(());
        };
        if table.watermark >= seq {
            self.told(&part.table).skipped += 1;
            return Ok(());
        }
        let schema = Arc::clone(&table.schema);
        let mut batches = Vec::new();
        for batch in part.batches()? {
            let widened = widen(&batch, &schema).and_then(|batch| stamp(batch, seq)).map_err(|source| {
                Error::new(ErrorKind::Corrupt, "logged rows do not fit their table")
                    .with("table", &part.table)
                    .caused_by(source)
            });
            batches.push(widened?);
        }
        let chunk = Chunk::new(seq, batches, Instant::now());
        self.told(&part.table).replayed += chunk.rows as u64;
        self.state.push(&part.table, chunk)
    }

    /// What the log has of a table up to here belongs to an older one of its name.
    fn fresh(&mut self, record: Record) -> Result<()> {
        let name = read_fresh(record.payload)?;
        if let Some(table) = self.state.tables.get_mut(&name) {
            let older = table.live.take_through(u64::MAX);
            let told = self.told(&name);
            told.replayed = 0;
            told.dropped += older.appends() as u64;
        }
        Ok(())
    }

    fn told(&mut self, name: &TableName) -> &mut TableRecovery {
        let tables = &mut self.recovery.tables;
        let index = match tables.iter().position(|table| table.table == *name) {
            Some(index) => index,
            None => {
                tables.push(TableRecovery { table: name.clone(), replayed: 0, skipped: 0, dropped: 0 });
                tables.len() - 1
            }
        };
        &mut tables[index]
    }
}
