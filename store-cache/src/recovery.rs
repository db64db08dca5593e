//! Recovery: which rows of the log are not in their table yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use tokio::time::Instant;
use worldstore_async::AsyncWal;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::TableName;
use worldstore_core::table::schema::widen;
use worldstore_core::wal::{Record, Wal};
use worldstore_core::{Error, ErrorKind, Result};

use crate::append::stamp;
use crate::config::Durability;
use crate::fit::{self, KeepUnfit, UnfitRows};
use crate::journal::{Journal, Places};
use crate::memtable::Chunk;
use crate::record::{APPEND, Part, direct_kind, fresh_kind, read_append, read_direct, read_fresh};
use crate::state::State;
use crate::ticks::Ticks;

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
    /// Rows that were [taken back](crate::CacheBuilder::with_withdrawal), by table.
    pub withdrawn: BTreeMap<TableName, u64>,
}

/// What was found of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableRecovery {
    /// The table.
    pub table: TableName,
    /// Rows that are in memory again.
    pub replayed: u64,
    /// Appends that are in the table already, or [left alone](crate::CacheBuilder::with_replay_above).
    pub skipped: u64,
    /// Appends to a table that was removed; one of this name that was made later does not get them.
    pub dropped: u64,
    /// Rows that the table cannot hold, and that were set aside.
    pub set_aside: u64,
}

/// What there is to go on with.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub state: State,
    pub recovery: CacheRecovery,
    /// True if the log notes a direct append that is nowhere yet, and may still come to its table.
    pub is_open: bool,
}

/// Reads the log, and takes what it has above a sequence number.
///
/// # Errors
/// Those of the log; those of `keep` for rows that their table cannot hold, or that they are there if nothing keeps them.
pub(crate) async fn replay(
    state: State,
    (wal, above): (AsyncWal, u64),
    durability: Durability,
    tables: Arc<dyn AsyncTableBackend>,
    keep: Option<&dyn KeepUnfit>,
) -> Result<Found> {
    let keeps = keep.is_some();
    let read = move || {
        let (places, seqs, direct, unfit, recovery) = Default::default();
        let mut replay = Replay { state, tables, keeps, above, places, seqs, direct, unfit, recovery };
        replay.run(wal.wal())?;
        let is_open = replay.is_open();
        let Replay { mut state, places, unfit, mut recovery, .. } = replay;
        recovery.rows = recovery.tables.iter().map(|table| table.replayed).sum();
        recovery.tables.sort_by(|left, right| left.table.cmp(&right.table));
        state.recount();
        state.recovered = state.last_seq;
        state.journal = Some(Journal::new(wal, durability, places));
        Ok((Found { state, recovery, is_open }, unfit))
    };
    let task = tokio::task::spawn_blocking(read);
    let (found, unfit) = task.await.map_err(|source| Error::unexpected("recovery failed").caused_by(source))??;
    for rows in &unfit {
        if let Some(keep) = keep {
            keep.keep(rows).await?;
            let (table, record, rows, reason) = (&rows.table, rows.record, rows.rows, &rows.reason);
            tracing::warn!(target: "worldstore", %table, record, rows, %reason, "rows of the log were set aside");
        }
    }
    Ok(found)
}

struct Replay {
    state: State,
    tables: Arc<dyn AsyncTableBackend>,
    /// Whether rows that their table cannot hold are kept elsewhere.
    keeps: bool,
    /// Appends up to this one are left alone.
    above: u64,
    unfit: Vec<UnfitRows>,
    places: Places,
    /// Sequence numbers that were seen: two records with one are not of one cache.
    seqs: BTreeSet<u64>,
    /// Notes of direct appends.
    direct: Vec<(TableName, u64)>,
    recovery: CacheRecovery,
}

impl Replay {
    fn run(&mut self, wal: &Wal) -> Result<()> {
        let (fresh, direct) = (fresh_kind()?, direct_kind()?);
        for record in wal.replay(wal.first().saturating_sub(1))? {
            let record = record?;
            let number = record.seq;
            self.recovery.records += 1;
            let read = match record.kind {
                APPEND => self.append(record),
                kind if kind == fresh => self.fresh(record),
                kind if kind == direct => self.direct(record),
                kind => Err(Error::new(ErrorKind::Corrupt, "the log holds a record that is not of a cache")
                    .with("kind", kind.get())),
            };
            read.map_err(|error| error.with("record", number))?;
        }
        // Only now: rows of a table that was made anew later need no place.
        match self.unfit.first().filter(|_| !self.keeps) {
            Some(unfit) => Err(fit::stuck(unfit)),
            None => Ok(()),
        }
    }

    /// True if neither its table nor the log has one of the direct appends.
    fn is_open(&self) -> bool {
        let lacks = |table: &TableName, seq| self.state.tables.get(table).is_some_and(|table| table.watermark < seq);
        self.direct.iter().any(|(table, seq)| !self.seqs.contains(seq) && lacks(table, *seq))
    }

    fn append(&mut self, record: Record) -> Result<()> {
        let append = read_append(record.payload)?;
        if !self.seqs.insert(append.seq) {
            return Err(Error::new(ErrorKind::Corrupt, "two records have one sequence number").with("seq", append.seq));
        }
        self.state.last_seq = self.state.last_seq.max(append.seq);
        if append.seq <= self.above {
            append.parts.iter().for_each(|part| self.told(&part.table).skipped += 1);
            return Ok(());
        }
        self.places.push(append.seq, record.seq);
        append.parts.iter().try_for_each(|part| self.part(part, append.seq, record.seq))
    }

    /// Its rows are in the table, or in a record of their own, or nowhere: then nobody was told that they were stored. The
    /// number is not given again, for a commit with it may still arrive.
    fn direct(&mut self, record: Record) -> Result<()> {
        let (seq, table) = read_direct(record.payload)?;
        self.state.last_seq = self.state.last_seq.max(seq);
        if seq > self.above {
            self.places.push(seq, record.seq);
            self.direct.push((table, seq));
        }
        Ok(())
    }

    fn part(&mut self, part: &Part, seq: u64, record: u64) -> Result<()> {
        let Some(table) = self.state.tables.get_mut(&part.table) else {
            self.told(&part.table).dropped += 1;
            return Ok(());
        };
        if table.watermark >= seq {
            self.told(&part.table).skipped += 1;
            return Ok(());
        }
        let fitted = fitted(&part.batches()?, &table.schema, seq)
            .and_then(|batches| fit::check_all(&*self.tables, &part.table, &batches).map(|()| batches));
        let batches = match fitted {
            Ok(batches) => batches,
            Err(reason) => return self.set_aside(part, seq, record, reason),
        };
        let ticks = Ticks::of_rows(&batches);
        let chunk = Chunk::new(seq, batches, Instant::now(), ticks);
        self.told(&part.table).replayed += chunk.rows as u64;
        self.state.push(&part.table, chunk)
    }

    fn set_aside(&mut self, part: &Part, seq: u64, record: u64, reason: Error) -> Result<()> {
        let rows = part.batches()?.iter().map(|batch| batch.num_rows() as u64).sum();
        // A record that nobody keeps stays out of memory.
        let stream = if self.keeps { part.stream().clone() } else { Bytes::new() };
        let (table, reason) = (part.table.clone(), Arc::new(reason));
        self.told(&part.table).set_aside += rows;
        self.unfit.push(UnfitRows { table, seq, record, rows, reason, stream });
        Ok(())
    }

    /// What the log has of a table up to here belongs to an older one of its name.
    fn fresh(&mut self, record: Record) -> Result<()> {
        let name = read_fresh(record.payload)?;
        self.direct.retain(|(table, _)| *table != name);
        if let Some(table) = self.state.tables.get_mut(&name) {
            let older = table.live.take_through(u64::MAX);
            let unfit = self.unfit.extract_if(.., |rows| rows.table == name).count();
            let told = self.told(&name);
            (told.replayed, told.set_aside) = (0, 0);
            told.dropped += (older.appends() + unfit) as u64;
        }
        Ok(())
    }

    fn told(&mut self, name: &TableName) -> &mut TableRecovery {
        let tables = &mut self.recovery.tables;
        let index = match tables.iter().position(|table| table.table == *name) {
            Some(index) => index,
            None => {
                tables.push(TableRecovery { table: name.clone(), replayed: 0, skipped: 0, dropped: 0, set_aside: 0 });
                tables.len() - 1
            }
        };
        &mut tables[index]
    }
}

/// The rows of an append with the columns that their table has now.
fn fitted(batches: &[RecordBatch], schema: &SchemaRef, seq: u64) -> Result<Vec<RecordBatch>> {
    let fitted = batches.iter().map(|batch| widen(batch, schema).and_then(|batch| stamp(batch, seq)));
    fitted.collect::<Result<_>>().map_err(|source| {
        let mut error = Error::new(ErrorKind::Corrupt, "logged rows do not fit their table");
        if let Some((_, column)) = source.context().find(|(key, _)| *key == "column") {
            error = error.with("column", column);
        }
        error.caused_by(source)
    })
}
