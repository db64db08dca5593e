//! Flushing: seal, commit, forget, publish, trim; and what to do if something fails.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::{StreamExt, stream};
use tokio::sync::{OwnedMutexGuard, SemaphorePermit};
use tokio::time::Instant;
use worldstore_async::trace::traced;
use worldstore_core::table::{AppendOptions, DescribeOptions, Receipt, TableInfo, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use crate::cache::Shared;
use crate::journal::{Decider, Journal};
use crate::memtable::Memtable;
use crate::publication::publish;
use crate::retry;
use crate::state::{Failure, State, Version, lock};
use crate::trace;

/// Tables that are flushed at once.
const TABLES_AT_ONCE: usize = 4;

/// What a flush takes to the table.
struct Frozen {
    rows: Arc<Memtable>,
    schema: SchemaRef,
    expected: u64,
    next: u64,
    /// The version that they continue, as far as is known.
    version: u64,
    /// The rows in it.
    before: u64,
    /// An earlier attempt failed, and may have reached the table all the same.
    is_repeated: bool,
}

/// Flushes what all tables hold at the time of the call, cut at one sequence number; goes on after a failure and returns
/// the first. In a task of its own: a caller that goes away does not stop a commit under way.
pub(crate) async fn all(shared: &Arc<Shared>) -> Result<()> {
    detached(shared, run_all(Arc::clone(shared))).await
}

/// Flushes what one table holds at the time of the call.
pub(crate) async fn table(shared: &Arc<Shared>, name: &TableName) -> Result<()> {
    detached(shared, run_one(Arc::clone(shared), name.clone())).await
}

/// Flushes tables in the background.
pub(crate) fn spawn(shared: &Arc<Shared>, names: Vec<TableName>) {
    for name in names {
        let shared = Arc::clone(shared);
        shared.runtime.clone().spawn(async move {
            if let Err(error) = background(&shared, &name).await {
                tracing::warn!(target: "worldstore", table = %name, %error, "flush failed, rows stay buffered");
            }
        });
    }
}

/// Learns what has become of records.
pub(crate) fn settle(shared: &Shared) {
    if lock(&shared.state).settle() {
        shared.room.notify_waiters();
    }
}

pub(crate) async fn detached(shared: &Shared, work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let task = shared.runtime.spawn(work);
    task.await.map_err(|source| Error::unexpected("flush task failed").caused_by(source))?
}

async fn run_all(shared: Arc<Shared>) -> Result<()> {
    let until = lock(&shared.state).last_seq;
    let decided = decide(&shared, until).await;
    let logged = until_logged(&shared, until).await;
    // One instant for all tables: what comes later is in none of these commits, so a cut between them exists.
    let (names, until) = {
        let mut state = lock(&shared.state);
        let durable = state.durable();
        state.tables.values_mut().for_each(|table| table.seal(durable));
        (state.tables.keys().cloned().collect::<Vec<_>>(), durable)
    };
    let flushes: Vec<_> = names.into_iter().map(|name| alone(Arc::clone(&shared), name, until)).collect();
    let flushed: Vec<_> = stream::iter(flushes).buffered(TABLES_AT_ONCE).collect().await;
    let first = flushed.into_iter().fold(decided.and(logged), Result::and);
    first.and(finish(&shared).await)
}

async fn run_one(shared: Arc<Shared>, name: TableName) -> Result<()> {
    let until = lock(&shared.state).table(&name)?.last_seq();
    let decided = decide(&shared, until).await;
    let logged = until_logged(&shared, until).await;
    {
        let mut state = lock(&shared.state);
        let durable = state.durable();
        state.table(&name)?.seal(durable);
    }
    let flushed = alone(Arc::clone(&shared), name, until).await;
    decided.and(logged).and(flushed).and(finish(&shared).await)
}

/// Brings a direct append up to a sequence number to its table that neither that nor the log has taken: nothing goes on
/// before. One that is under way is waited for.
async fn decide(shared: &Arc<Shared>, until: u64) -> Result<()> {
    let undecided = {
        let state = lock(&shared.state);
        let undecided = state.journal.as_ref().and_then(Journal::undecided).filter(|(_, seq)| *seq <= until);
        undecided.map(|(table, seq)| (table.clone(), seq))
    };
    match undecided {
        Some((table, seq)) => alone(Arc::clone(shared), table, seq).await,
        None => Ok(()),
    }
}

/// Commits first what an earlier flush left, then what has come since.
async fn background(shared: &Arc<Shared>, name: &TableName) -> Result<()> {
    let alone = hold(shared, name).await?;
    let until = {
        let mut state = lock(&shared.state);
        let table = state.table(name)?;
        table.scheduled = false;
        table.last_seq()
    };
    // What is sealed already waits for nothing: the log may have room only afterwards.
    commit_through(shared, name, u64::MAX).await?;
    let logged = until_logged(shared, until).await;
    {
        let mut state = lock(&shared.state);
        let durable = state.durable();
        state.table(name)?.seal(durable);
    }
    commit_through(shared, name, u64::MAX).await?;
    drop(alone);
    logged.and(finish(shared).await)
}

async fn alone(shared: Arc<Shared>, name: TableName, until: u64) -> Result<()> {
    match hold(&shared, &name).await {
        Ok(_one_at_a_time) => commit_through(&shared, &name, until).await,
        // It was removed.
        Err(_) => Ok(()),
    }
}

/// Keeps other flushes of a table away while the guard lives.
///
/// # Errors
/// `NotFound` if there is no such table.
pub(crate) async fn hold(shared: &Shared, name: &TableName) -> Result<OwnedMutexGuard<()>> {
    loop {
        let flushing = Arc::clone(&lock(&shared.state).table(name)?.flushing);
        let alone = Arc::clone(&flushing).lock_owned().await;
        // A table that was made anew meanwhile is another, with flushes of its own.
        if Arc::ptr_eq(&lock(&shared.state).table(name)?.flushing, &flushing) {
            return Ok(alone);
        }
    }
}

/// Publishes what was committed, and forgets the records that nobody needs any more.
async fn finish(shared: &Arc<Shared>) -> Result<()> {
    publish(shared).await?;
    trim(shared).await;
    Ok(())
}

/// Waits until all appends up to a sequence number are durable. At once without a log.
pub(crate) async fn until_logged(shared: &Shared, seq: u64) -> Result<()> {
    loop {
        let decider = {
            let mut state = lock(&shared.state);
            if state.settle() {
                shared.room.notify_waiters();
            }
            match &mut state.journal {
                None => return Ok(()),
                Some(journal) => journal.decider(seq)?,
            }
        };
        let outcome = match decider {
            None => return Ok(()),
            Some(Decider::Record(record)) => record.await.map(drop),
            // It is never changed, only closed.
            Some(Decider::Table(mut table)) => table.changed().await.or(Ok(())),
        };
        settle(shared);
        // Behind a record that was taken back there may be others.
        outcome?;
    }
}

/// Commits what is sealed up to a sequence number, for one who keeps other flushes of the table away.
pub(crate) async fn commit_through(shared: &Shared, name: &TableName, until: u64) -> Result<()> {
    while let Some(frozen) = next(shared, name, until)? {
        traced(trace::flush(name, frozen.rows.rows()), commit(shared, name, &frozen)).await?;
    }
    Ok(())
}

/// The oldest rows that are sealed.
fn next(shared: &Shared, name: &TableName, until: u64) -> Result<Option<Frozen>> {
    let mut state = lock(&shared.state);
    state.check_fence()?;
    let Some(table) = state.tables.get_mut(name) else { return Ok(None) };
    if let Some(failure) = table.failure.as_ref().filter(|failure| failure.fatal) {
        return Err(repeated(&failure.error));
    }
    table.cut_oldest(shared.config.commit_bytes());
    let Some(rows) = table.frozen.front().filter(|rows| rows.first_seq() <= until) else { return Ok(None) };
    let (rows, schema) = (Arc::clone(rows), table.schema.clone());
    let is_repeated = std::mem::replace(&mut table.attempted, true);
    let next = rows.last_seq();
    let (expected, version, before) = (table.watermark, table.version, table.rows);
    Ok(Some(Frozen { rows, schema, expected, next, version, before, is_repeated }))
}

async fn commit(shared: &Shared, name: &TableName, frozen: &Frozen) -> Result<()> {
    let copied = Copied::of(shared, &frozen.rows).await;
    let batches = frozen.rows.coalesce(&frozen.schema).map_err(|error| fail(shared, name, error, false))?;
    let mut options = AppendOptions::exactly_once(frozen.expected, frozen.next);
    if let Some(publisher) = &shared.publisher {
        options = options.with_epoch(publisher.epoch());
    }
    let appended = shared.inner.append(name, batches, &options).await;
    drop(copied);
    let done = match appended {
        Ok(Receipt { version: Some(version), .. }) if version == frozen.version + 1 => {
            Ok(Found::Ours { version, rows: frozen.before + frozen.rows.rows() as u64 })
        }
        // Between the version that is known and this one another program may have appended or deleted rows.
        Ok(_) => read_back(shared, name, frozen, Error::unexpected("table does not say what was committed")).await,
        Err(error) => read_back(shared, name, frozen, error).await,
    };
    match done {
        Ok(Found::Ours { version, rows }) => {
            committed(shared, name, frozen, version, rows);
            Ok(())
        }
        Ok(Found::OfPredecessor(info)) => {
            adopt(shared, &info);
            Ok(())
        }
        Err((error, fatal)) => Err(fail(shared, name, error, fatal)),
    }
}

/// Counts rows that are put together for a commit as memory, as long as it lives. All commits at once put together as much
/// as the largest of them may: an eighth of the budget.
struct Copied<'shared> {
    shared: &'shared Shared,
    bytes: usize,
    /// None if nobody gives permits any more, which is never.
    _permit: Option<SemaphorePermit<'shared>>,
}

impl<'shared> Copied<'shared> {
    /// Waits until other commits leave room for it.
    async fn of(shared: &'shared Shared, rows: &Memtable) -> Self {
        let bytes = rows.bytes();
        let permits = permits(bytes).min(permits(shared.config.commit_bytes()));
        let _permit = shared.copies.acquire_many(permits).await.ok();
        lock(&shared.state).copied += bytes;
        Self { shared, bytes, _permit }
    }
}

/// Permits are for 64 KiB each.
pub(crate) fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes >> 16).unwrap_or(u32::MAX).clamp(1, u32::MAX >> 4)
}

impl Drop for Copied<'_> {
    fn drop(&mut self) {
        // Who waits for room is told by the commit, or by the failure of its own flush.
        lock(&self.shared.state).copied -= self.bytes;
    }
}

/// What a table holds after an append.
enum Found {
    /// The rows, in this version, which has so many with them.
    Ours { version: u64, rows: u64 },
    /// Those of a writer before, who was on its way when this cache was opened: the log has them, and so has this cache.
    OfPredecessor(TableInfo),
}

/// After an error, the table itself says whether the rows are in it.
async fn read_back(shared: &Shared, name: &TableName, frozen: &Frozen, error: Error) -> Result<Found, (Error, bool)> {
    let epoch = shared.publisher.as_ref().map(|publisher| publisher.epoch());
    // Refused at the first attempt: whoever moved the watermark, it was not this cache.
    let is_refused = error.kind() == ErrorKind::ConditionFailed && !frozen.is_repeated;
    if error.kind() == ErrorKind::Fenced || (is_refused && epoch.is_none()) {
        return Err((error, true));
    }
    match shared.inner.describe(name, &DescribeOptions::default()).await {
        Ok(info) if epoch.is_some_and(|epoch| info.epoch > epoch) => {
            let fenced = Error::new(ErrorKind::Fenced, "a writer of a greater epoch has taken the table over");
            Err((fenced.with("have", info.epoch).caused_by(error), true))
        }
        Ok(info) if epoch.is_some_and(|epoch| is_of_predecessor(shared, frozen, &info, epoch)) => {
            Ok(Found::OfPredecessor(info))
        }
        _ if is_refused => Err((error, true)),
        Ok(TableInfo { watermark, version, rows, epoch: of, .. })
            if watermark == frozen.next && epoch.is_none_or(|epoch| of == epoch) =>
        {
            Ok(Found::Ours { version, rows })
        }
        Ok(TableInfo { watermark, .. }) if watermark != frozen.expected => {
            Err((error.with("watermark", watermark), true))
        }
        // Not in the table, or no way to know: the same commit is tried again, and the table refuses it if it is.
        _ => Err((error, false)),
    }
}

/// True if whoever had the log before has committed rows of it after this cache had looked at the table. It commits only
/// what is durable in the log, so whatever it has committed was read from there.
fn is_of_predecessor(shared: &Shared, frozen: &Frozen, info: &TableInfo, epoch: u64) -> bool {
    let has_moved = info.watermark > frozen.expected && info.watermark <= lock(&shared.state).recovered;
    info.epoch < epoch && has_moved && info.schema == frozen.schema
}

/// Takes what a writer before has committed for committed, and forgets the rows.
fn adopt(shared: &Shared, info: &TableInfo) {
    let mut state = lock(&shared.state);
    if let Some(table) = state.tables.get_mut(&info.name) {
        let (version, first, watermark) = (info.version, table.watermark + 1, info.watermark);
        let (rows, schema) = (info.rows, info.schema.clone());
        table.forget_through(watermark);
        table.note(Version { version, first, watermark, rows, schema }, shared.publisher.is_some());
        table.attempted = false;
        table.failure = None;
    }
    state.publication.is_due = shared.publisher.is_some();
    state.recount();
    drop(state);
    shared.room.notify_waiters();
}

/// Makes the commit visible to reads and forgets the rows, in one step.
fn committed(shared: &Shared, name: &TableName, frozen: &Frozen, version: u64, rows: u64) {
    let mut state = lock(&shared.state);
    state.counters.flushes += 1;
    state.counters.rows += frozen.rows.rows() as u64;
    if let Some(table) = state.tables.get_mut(name) {
        let (first, watermark) = (frozen.rows.first_seq(), frozen.next);
        let schema = frozen.schema.clone();
        table.note(Version { version, first, watermark, rows, schema }, shared.publisher.is_some());
        table.frozen.pop_front();
        table.attempted = false;
        table.failure = None;
    }
    if let Some(journal) = &mut state.journal {
        journal.end_direct(frozen.next);
    }
    state.settle();
    state.publication.is_due = shared.publisher.is_some();
    state.recount();
    drop(state);
    shared.room.notify_waiters();
}

fn fail(shared: &Shared, name: &TableName, error: Error, fatal: bool) -> Error {
    let error = Arc::new(error);
    let mut state = lock(&shared.state);
    state.counters.failed += 1;
    if error.kind() == ErrorKind::Fenced {
        state.fenced.get_or_insert(Arc::clone(&error));
    }
    if let Some(table) = state.tables.get_mut(name) {
        let count = table.failure.as_ref().map_or(0, |failure| failure.count).saturating_add(1);
        let retry_at = Instant::now() + retry::pause(count);
        table.failure = Some(Failure { error: Arc::clone(&error), count, retry_at, fatal });
    }
    repeated(&error)
}

/// Forgets records of the log that only hold rows that are in their tables, and published where that is done.
async fn trim(shared: &Shared) {
    let (wal, number) = {
        let mut state = lock(&shared.state);
        let through = state.trimmable(shared.publisher.is_some());
        let Some(journal) = &mut state.journal else { return };
        let Some(number) = journal.places.forget(through) else { return };
        (journal.wal.clone(), number)
    };
    if let Err(error) = wal.trim(number).await {
        tracing::warn!(target: "worldstore", %error, "log could not be trimmed");
        if let Some(journal) = &mut lock(&shared.state).journal {
            journal.failure = Some(Arc::new(error));
        }
    }
}

impl State {
    /// No row up to here is needed from the log.
    fn trimmable(&self, has_publisher: bool) -> u64 {
        match (has_publisher, &self.publication.last) {
            (false, _) => self.committed(),
            (true, Some((cut, _))) => cut.seq.min(self.committed()),
            (true, None) => 0,
        }
    }
}

/// The same error for one more caller.
fn repeated(error: &Arc<Error>) -> Error {
    let mut copy = Error::new(error.kind(), "flush failed").retry_as(error.retry()).caused_by(Arc::clone(error));
    if error.kind() == ErrorKind::ConditionFailed {
        copy = copy.with("reason", "another writer changed the table");
    }
    copy
}

#[cfg(test)]
mod tests;
