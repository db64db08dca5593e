//! Appending: a sequence number, a record of the log, rows in memory. Large ones go another way, see `direct`.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use tokio::time::Instant;
use tracing::Span;
use worldstore_async::trace::traced;
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{Level, Receipt, TableName, base};
use worldstore_core::wal::Appended;
use worldstore_core::{Error, ErrorKind, Result};

use crate::cache::TableCache;
use crate::config::{CacheConfig, Durability};
use crate::direct::unknown;
use crate::memtable::Chunk;
use crate::record::{Draft, Rows};
use crate::state::{State, TableState};
use crate::ticks::Ticks;
use crate::{fit, flush, size, trace};

/// Rows that are ready to be taken.
pub(crate) struct Prepared {
    pub rows: Vec<Rows>,
    draft: Option<Draft>,
}

/// What the log gets of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its rows.
    Log,
    /// A note: its rows go to their table at once.
    Direct,
}

/// What taking rows led to.
pub(crate) enum Taken {
    /// They have this sequence number; with a log, their record is on its way.
    Yes(Prepared, u64, Option<Appended>),
    /// A table has other columns by now.
    Changed,
    /// The log has no room for so many bytes now.
    NoRoom(Prepared),
}

impl TableCache {
    /// Appends rows to several tables in one step: they get one sequence number, and one record of the log. Reads of the
    /// cache never show rows of a later step of a table and not of an earlier one; after a crash all of the step is
    /// there or none. A table may come more than once.
    ///
    /// The receipts are those of the tables in the order given.
    ///
    /// # Errors
    /// Nothing is appended unless all of it is. As for [`append`](worldstore_async::table::AsyncTableBackend::append);
    /// `Unavailable` while memory is full and cannot be flushed, or behind a direct append that is undecided;
    /// `StorageFull` if the log has no room; `OutcomeUnknown` if neither the table nor the log takes a direct append, and
    /// for what came just behind it; `Poisoned` after a shutdown, a failure of the log, or if another writer moved the
    /// table; `Fenced` once another has taken over.
    pub async fn append_all(&self, parts: Vec<(TableName, Vec<RecordBatch>)>) -> Result<Vec<Receipt>> {
        let rows = parts.iter().flat_map(|(_, batches)| batches).map(RecordBatch::num_rows).sum();
        let span = trace::append(parts.len(), rows);
        traced(span.clone(), self.append_parts(parts, &span)).await
    }

    async fn append_parts(&self, parts: Vec<(TableName, Vec<RecordBatch>)>, span: &Span) -> Result<Vec<Receipt>> {
        for (name, _) in &parts {
            self.load(name).await?;
        }
        if parts.iter().all(|(_, batches)| batches.iter().all(|batch| batch.num_rows() == 0)) {
            return self.take_nothing(&parts);
        }
        self.make_room().await?;
        let (seq, level) = match self.is_direct(&parts) {
            true => (self.append_direct(&parts).await?, Level::Durable),
            false => self.append_logged(&parts).await?,
        };
        span.record("worldstore.seq", seq).record("worldstore.level", tracing::field::debug(level));
        Ok(parts.iter().map(|(name, batches)| receipt(name, batches, seq, level)).collect())
    }

    /// Takes rows, and waits for their record if that is wanted.
    async fn append_logged(&self, parts: &[(TableName, Vec<RecordBatch>)]) -> Result<(u64, Level)> {
        let mut prepared = self.prepare(parts, Way::Log)?;
        let (seq, appended) = loop {
            match self.take(prepared)? {
                Taken::Yes(_, seq, appended) => break (seq, appended),
                Taken::Changed => prepared = self.prepare(parts, Way::Log)?,
                Taken::NoRoom(refused) => {
                    self.log_room(refused.record_bytes()).await?;
                    prepared = refused;
                }
            }
        };
        let Some(record) = appended.filter(|_| self.shared.config.durability == Durability::Durable) else {
            return Ok((seq, Level::Buffered));
        };
        let outcome = traced(trace::log(), record).await;
        // Also what others wait for becomes visible, or is withdrawn, before anyone hears of it.
        flush::settle(&self.shared);
        outcome?;
        // Behind a direct append that its table does not have yet, it could not be read.
        flush::until_logged(&self.shared, seq).await.map_err(|error| {
            unknown("rows are in the log, behind others that are nowhere yet", error.kind()).caused_by(error)
        })?;
        Ok((seq, Level::Durable))
    }

    /// Checks that rows without rows fit.
    fn take_nothing(&self, parts: &[(TableName, Vec<RecordBatch>)]) -> Result<Vec<Receipt>> {
        self.prepare(parts, Way::Log)?;
        let mut state = self.state();
        state.check_open()?;
        parts.iter().map(|(name, _)| Ok(Receipt::buffered(name.clone(), 0, state.table(name)?.last_seq()))).collect()
    }

    /// Checks the columns and encodes the record, under no lock.
    pub(crate) fn prepare(&self, parts: &[(TableName, Vec<RecordBatch>)], way: Way) -> Result<Prepared> {
        let (schemas, has_log) = {
            let mut state = self.state();
            let schemas = parts.iter().map(|(name, _)| Ok(Arc::clone(&state.table(name)?.schema)));
            (schemas.collect::<Result<Vec<_>>>()?, state.journal.is_some())
        };
        let rows = parts.iter().zip(schemas).map(|((name, batches), schema)| {
            let batches = checked(batches, &schema).map_err(|error| error.with("table", name))?;
            fit::check_all(&*self.shared.inner, name, &batches)?;
            let ticks = Ticks::of_rows(&batches);
            Ok(Rows { table: name.clone(), schema, batches, ticks })
        });
        let mut rows = rows.collect::<Result<Vec<_>>>()?;
        rows.retain(|rows| !rows.batches.is_empty());
        let draft = match (rows.first().filter(|_| has_log), way) {
            (None, _) => None,
            (Some(_), Way::Log) => Some(Draft::new(&rows)?),
            (Some(first), Way::Direct) => Some(Draft::direct(&first.table)?),
        };
        Ok(Prepared { rows, draft })
    }

    /// Gives the rows their sequence number, queues their record and puts them into memory, in one step.
    pub(crate) fn take(&self, mut prepared: Prepared) -> Result<Taken> {
        let shared = &self.shared;
        let mut guard = self.state();
        let state = &mut *guard;
        if state.settle() {
            shared.room.notify_waiters();
        }
        state.check_open()?;
        state.check_decided()?;
        for rows in &prepared.rows {
            let table = state.table(&rows.table)?;
            if let Some(failure) = table.failure.as_ref().filter(|failure| failure.fatal) {
                return Err(Error::new(ErrorKind::Poisoned, "another writer changed the table, reopen it")
                    .with("table", &rows.table)
                    .caused_by(Arc::clone(&failure.error)));
            }
            if !Arc::ptr_eq(&table.schema, &rows.schema) && table.schema != rows.schema {
                return Ok(Taken::Changed);
            }
        }
        let seq = state.last_seq + 1;
        let chunks = chunks(&prepared.rows, seq)?;
        let appended = match log(state, &mut prepared, seq) {
            Err(error) if error.kind() == ErrorKind::Unavailable => return Ok(Taken::NoRoom(prepared)),
            logged => logged?,
        };
        state.last_seq = seq;
        for (rows, chunk) in prepared.rows.iter().zip(chunks) {
            state.push(&rows.table, chunk)?;
        }
        let due = due(state, &prepared.rows, &shared.config);
        drop(guard);
        flush::spawn(shared, due);
        Ok(Taken::Yes(prepared, seq, appended))
    }

    /// Waits until the log may have room, if it is one that waits.
    pub(crate) async fn log_room(&self, bytes: usize) -> Result<()> {
        use worldstore_core::wal::OverBudget;
        let wal = self.state().journal.as_ref().map(|journal| journal.wal.clone());
        let Some(wal) = wal else { return Ok(()) };
        match wal.wal().over_budget() {
            OverBudget::Refuse => {
                Err(Error::new(ErrorKind::Unavailable, "the log is over its budget").with("bytes", bytes))
            }
            OverBudget::Block => wal.wal().room(bytes)?.await,
        }
    }

    /// Holds the bound of memory: waits for room, and fails where flushes fail.
    async fn make_room(&self) -> Result<()> {
        let shared = &self.shared;
        loop {
            let room = shared.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            let has_room = {
                let state = self.state();
                state.check_open()?;
                state.bytes + state.copied < shared.config.global_bytes()
            };
            if has_room {
                return Ok(());
            }
            let flushed = tokio::select! {
                biased;
                () = room => Ok(()),
                flushed = flush::all(shared) => flushed,
            };
            match flushed {
                Err(cause) if self.state().bytes >= shared.config.global_bytes() => {
                    return Err(Error::new(ErrorKind::Unavailable, "the cache is full and cannot be flushed")
                        .with("global_mb", shared.config.global_mb)
                        .caused_by(cause));
                }
                _ => {}
            }
        }
    }
}

impl Prepared {
    /// Bytes of the payload of its record.
    pub fn record_bytes(&self) -> usize {
        self.draft.as_ref().map_or(0, Draft::bytes)
    }
}

fn log(state: &mut State, prepared: &mut Prepared, seq: u64) -> Result<Option<Appended>> {
    let (Some(journal), Some(draft)) = (&mut state.journal, &mut prepared.draft) else { return Ok(None) };
    let tables = prepared.rows.iter().map(|rows| rows.table.clone()).collect();
    journal.append(seq, tables, draft).map(Some)
}

/// The tables that have reached a trigger, and have no flush coming.
fn due(state: &mut State, rows: &[Rows], config: &CacheConfig) -> Vec<TableName> {
    let now = Instant::now();
    if state.bytes >= config.global_bytes() {
        let tables = state.tables.iter_mut();
        return tables.filter_map(|(name, table)| scheduled(table, now).then(|| name.clone())).collect();
    }
    let mut due = Vec::new();
    for name in rows.iter().map(|rows| &rows.table) {
        let Some(table) = state.tables.get_mut(name) else { continue };
        let is_full = table.live.rows() >= config.flush_rows || table.live.bytes() >= config.flush_bytes();
        if is_full && scheduled(table, now) {
            due.push(name.clone());
        }
    }
    due
}

/// Schedules a flush unless there is one. After a failure not before its pause is over, or a store that is away would be
/// asked with every append.
fn scheduled(table: &mut TableState, now: Instant) -> bool {
    let is_due = !table.scheduled && !table.is_waiting(now) && table.buffered_rows() > 0;
    table.scheduled |= is_due;
    is_due
}

fn receipt(name: &TableName, batches: &[RecordBatch], seq: u64, level: Level) -> Receipt {
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let mut receipt = Receipt::buffered(name.clone(), rows, seq);
    receipt.level = level;
    receipt
}

/// Batches with rows, with the columns of their table, as memory may keep them.
fn checked(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let misfit = |source| Error::invalid("batch does not fit the table").caused_by(source);
    let mut checked = Vec::with_capacity(batches.len());
    for batch in batches {
        if Arc::ptr_eq(schema, batch.schema_ref()) {
            checked.push(batch.clone());
            continue;
        }
        check_schema(schema, batch.schema_ref())?;
        let fitted = batch.clone().with_schema(Arc::clone(schema));
        let fitted = fitted.or_else(|_| RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()));
        checked.push(fitted.map_err(misfit)?);
    }
    checked.retain(|batch| batch.num_rows() > 0);
    Ok(checked.into_iter().map(size::own).collect())
}

fn chunks(rows: &[Rows], seq: u64) -> Result<Vec<Chunk>> {
    let now = Instant::now();
    let chunk = |rows: &Rows| {
        let batches = rows.batches.iter().map(|batch| stamp(batch.clone(), seq)).collect::<Result<_>>()?;
        Ok(Chunk::new(seq, batches, now, rows.ticks))
    };
    rows.iter().map(chunk).collect()
}

/// Fills the column `seq` where there is one.
pub(crate) fn stamp(batch: RecordBatch, seq: u64) -> Result<RecordBatch> {
    let stamped =
        batch.schema_ref().column_with_name(base::SEQ).map(|(index, field)| (index, field.data_type().clone()));
    let Some((index, DataType::UInt64)) = stamped else { return Ok(batch) };
    let rows = batch.num_rows();
    let (schema, mut columns, _) = batch.into_parts();
    let seqs: ArrayRef = Arc::new(UInt64Array::from_value(seq, rows));
    columns.splice(index..=index, [seqs]);
    RecordBatch::try_new(schema, columns)
        .map_err(|source| Error::invalid("batch does not fit the table").caused_by(source))
}
