//! Flushing: freeze, commit, forget; and what to do if the commit fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use worldstore_core::table::{AppendOptions, DescribeOptions, TableInfo, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use crate::cache::{Shared, TableCache};
use crate::memtable::Memtable;
use crate::state::{Failure, TableState, lock};

/// The pause after the first failure; it doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// What a flush takes to the table.
struct Frozen {
    rows: Arc<Memtable>,
    schema: arrow::datatypes::SchemaRef,
    expected: u64,
    next: u64,
    /// An earlier attempt failed, and may have reached the table all the same.
    is_repeated: bool,
}

impl TableCache {
    /// Flushes every table; goes on after a failure and returns the first.
    pub(crate) async fn flush_all(&self) -> Result<()> {
        let names: Vec<TableName> = self.state().tables.keys().cloned().collect();
        let mut first = Ok(());
        for name in names {
            let flushed = self.flush_table(&name).await;
            first = first.and(flushed);
        }
        first
    }

    /// Flushes what one table holds at the time of the call.
    pub(crate) async fn flush_table(&self, name: &TableName) -> Result<()> {
        flush(&self.shared, name).await
    }
}

/// Flushes in a task of its own: a caller that goes away does not stop a commit under way.
pub(crate) async fn flush(shared: &Arc<Shared>, name: &TableName) -> Result<()> {
    let task = shared.runtime.spawn(run(Arc::clone(shared), name.clone()));
    task.await.map_err(|source| Error::unexpected("flush task failed").with("table", name).caused_by(source))?
}

async fn run(shared: Arc<Shared>, name: TableName) -> Result<()> {
    let (flushing, until) = {
        let mut state = lock(&shared.state);
        let table = state.table(&name)?;
        (Arc::clone(&table.flushing), table.last_seq())
    };
    let _one_at_a_time = flushing.lock().await;
    flush_alone(&shared, &name, until).await
}

/// Flushes up to a sequence number, for one who keeps other flushes of the table away.
pub(crate) async fn flush_alone(shared: &Shared, name: &TableName, until: u64) -> Result<()> {
    // Twice at most: what an earlier flush left frozen, then what came after it.
    while let Some(frozen) = freeze(shared, name, until)? {
        commit(shared, name, &frozen).await?;
    }
    Ok(())
}

/// Swaps the live memtable out, unless an earlier one is still on its way.
fn freeze(shared: &Shared, name: &TableName, until: u64) -> Result<Option<Frozen>> {
    let mut state = lock(&shared.state);
    let table = state.table(name)?;
    if let Some(failure) = table.failure.as_ref().filter(|failure| failure.fatal) {
        return Err(repeated(&failure.error));
    }
    if table.watermark >= until {
        return Ok(None);
    }
    let is_repeated = table.frozen.is_some() && table.failure.is_some();
    let TableState { frozen, live, .. } = table;
    let rows = match frozen {
        Some(rows) => Arc::clone(rows),
        None if live.is_empty() => return Ok(None),
        None => Arc::clone(frozen.insert(Arc::new(std::mem::take(live)))),
    };
    let next = rows.last_seq();
    Ok(Some(Frozen { rows, schema: table.schema.clone(), expected: table.watermark, next, is_repeated }))
}

async fn commit(shared: &Shared, name: &TableName, frozen: &Frozen) -> Result<()> {
    let batch = frozen.rows.coalesce(&frozen.schema)?;
    let options = AppendOptions::exactly_once(frozen.expected, frozen.next);
    let appended = shared.inner.append(name, vec![batch], &options).await;
    let done = match appended {
        Ok(receipt) => match receipt.version {
            Some(version) => Ok(version),
            None => read_back(shared, name, frozen, Error::unexpected("table committed no version")).await,
        },
        Err(error) => read_back(shared, name, frozen, error).await,
    };
    match done {
        Ok(version) => {
            finish(shared, name, frozen, version);
            Ok(())
        }
        Err((error, fatal)) => Err(fail(shared, name, error, fatal)),
    }
}

/// After an error, the table itself says whether the rows are in it.
async fn read_back(shared: &Shared, name: &TableName, frozen: &Frozen, error: Error) -> Result<u64, (Error, bool)> {
    if error.kind() == ErrorKind::ConditionFailed && !frozen.is_repeated {
        // Refused at the first attempt: whoever moved the watermark, it was not this cache.
        return Err((error, true));
    }
    match shared.inner.describe(name, &DescribeOptions::default()).await {
        Ok(TableInfo { watermark, version, .. }) if watermark == frozen.next => Ok(version),
        Ok(TableInfo { watermark, .. }) if watermark != frozen.expected => {
            Err((error.with("watermark", watermark), true))
        }
        // Not in the table, or no way to know: the same commit is tried again, and the table refuses it if it is.
        _ => Err((error, false)),
    }
}

/// Makes the commit visible to reads and forgets the rows, in one step.
fn finish(shared: &Shared, name: &TableName, frozen: &Frozen, version: u64) {
    let mut state = lock(&shared.state);
    state.counters.flushes += 1;
    state.counters.rows += frozen.rows.rows() as u64;
    if let Some(table) = state.tables.get_mut(name) {
        table.version = version;
        table.watermark = frozen.next;
        table.rows += frozen.rows.rows() as u64;
        table.frozen = None;
        table.failure = None;
    }
}

fn fail(shared: &Shared, name: &TableName, error: Error, fatal: bool) -> Error {
    let error = Arc::new(error);
    let mut state = lock(&shared.state);
    state.counters.failed += 1;
    if let Some(table) = state.tables.get_mut(name) {
        let count = table.failure.as_ref().map_or(0, |failure| failure.count).saturating_add(1);
        let pause = RETRY_FIRST.saturating_mul(1 << (count - 1).min(16)).min(RETRY_MAX);
        table.failure = Some(Failure { error: Arc::clone(&error), count, retry_at: Instant::now() + pause, fatal });
    }
    repeated(&error)
}

/// The same error for one more caller.
fn repeated(error: &Arc<Error>) -> Error {
    let mut copy = Error::new(error.kind(), "flush failed").retry_as(error.retry()).caused_by(Arc::clone(error));
    if error.kind() == ErrorKind::ConditionFailed {
        copy = copy.with("reason", "another writer changed the table");
    }
    copy
}
