//! Upkeep of tables behind the cache: what is buffered comes first, and no flush runs meanwhile.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use worldstore_core::table::{
    CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    RemoveTableOptions, ShutdownOptions, TableInfo, TableName,
};
use worldstore_core::{Error, ErrorKind, Result};

use crate::cache::{Shared, TableCache};
use crate::flush::{self, commit_through, until_logged};
use crate::record;
use crate::state::{Version, lock};

impl TableCache {
    /// Creates a table. Where there is a log, it first says so: older rows in it are not those of this table.
    pub(crate) async fn create_fresh(&self, name: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        let (name, options) = (name.clone(), options.clone());
        self.detached(async move |shared| {
            // One after the other: rows of a table that another has just made must not be forgotten.
            let _alone = shared.creating.lock().await;
            lock(&shared.state).check_open()?;
            match shared.inner.describe(&name, &DescribeOptions::default()).await {
                Ok(_) => {
                    let info = shared.inner.create(&name, &options).await?;
                    lock(&shared.state).adopt(&info);
                    return Ok(info);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            // If the cache knows one, it was removed behind its back.
            let _still = match flush::hold(&shared, &name).await {
                Ok(still) => {
                    forget(&shared, &name);
                    Some(still)
                }
                Err(_) => None,
            };
            log_fresh(&shared, &name).await?;
            let info = shared.inner.create(&name, &options).await?;
            // Others may have found it meanwhile, and appended to it.
            lock(&shared.state).adopt(&info);
            Ok(info)
        })
        .await
    }

    /// Changes the columns once all rows of the old ones are in the table. Rows that come meanwhile get the new columns
    /// in memory.
    pub(crate) async fn evolve_flushed(&self, name: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        let (name, options) = (name.clone(), options.clone());
        self.detached(async move |shared| {
            let _alone = flushed(&shared, &name).await?;
            let info = shared.inner.evolve(&name, &options).await?;
            let mut state = lock(&shared.state);
            let table = state.table(&name)?;
            table.live.widen(&info.schema)?;
            for frozen in &mut table.frozen {
                Arc::make_mut(frozen).widen(&info.schema)?;
            }
            // What another program has changed is part of it from now on.
            let (version, watermark, rows, schema) = (info.version, table.watermark, info.rows, info.schema.clone());
            table.note(Version { version, first: watermark, watermark, rows, schema }, shared.publisher.is_some());
            let last_seq = table.last_seq();
            let rows = table.rows + table.buffered_rows() as u64;
            state.publication.is_due = shared.publisher.is_some();
            state.recount();
            Ok(TableInfo::new(name, info.schema, info.version, last_seq, rows).with_epoch(info.epoch))
        })
        .await
    }

    pub(crate) async fn compact_flushed(&self, name: &TableName, options: &CompactOptions) -> Result<Compaction> {
        let (name, options) = (name.clone(), options.clone());
        self.detached(async move |shared| {
            let _alone = flushed(&shared, &name).await?;
            let compaction = shared.inner.compact(&name, &options).await?;
            // What another program has changed is part of it from now on.
            let options = DescribeOptions::default().with_version(compaction.version);
            let info = shared.inner.describe(&name, &options).await?;
            let mut state = lock(&shared.state);
            let table = state.table(&name)?;
            let (version, watermark, rows, schema) = (info.version, table.watermark, info.rows, table.schema.clone());
            table.note(Version { version, first: watermark, watermark, rows, schema }, shared.publisher.is_some());
            state.publication.is_due = shared.publisher.is_some();
            Ok(compaction)
        })
        .await
    }

    /// Keeps the version that reads of the cache are pinned to, and those that are published or will be.
    pub(crate) async fn expire_unread(&self, name: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        let mut options = options.clone();
        {
            let mut state = self.state();
            let table = state.table(name)?;
            options.retain.push(table.version);
            options.retain.extend(table.versions.iter().map(|version| version.version));
        }
        self.shared.inner.expire(name, &options).await
    }

    /// Removes a table and what is buffered of it.
    pub(crate) async fn remove_whole(&self, name: &TableName, options: &RemoveTableOptions) -> Result<()> {
        let (name, options) = (name.clone(), options.clone());
        self.detached(async move |shared| {
            let _alone = flush::hold(&shared, &name).await?;
            let removed = shared.inner.remove(&name, &options).await;
            // It may have been removed by another, or by a call whose answer was lost.
            if removed.as_ref().map_or_else(Error::is_not_found, |()| true) {
                forget(&shared, &name);
            }
            removed
        })
        .await
    }

    /// Refuses appends from now on, commits and publishes what there is, and closes the log and the tables.
    pub(crate) async fn shut_down(&self, options: &ShutdownOptions) -> Result<()> {
        self.state().closed = true;
        flush::all(&self.shared).await?;
        let wal = self.state().journal.as_ref().map(|journal| journal.wal.clone());
        if let Some(wal) = wal {
            wal.close().await?;
        }
        self.shared.inner.shutdown(options).await
    }

    /// Runs in a task of its own: a caller that goes away does not leave the table changed and the cache unaware.
    pub(crate) async fn detached<Value, Work, Running>(&self, work: Work) -> Result<Value>
    where
        Value: Send + 'static,
        Work: FnOnce(Arc<Shared>) -> Running,
        Running: Future<Output = Result<Value>> + Send + 'static,
    {
        let task = self.shared.runtime.spawn(work(Arc::clone(&self.shared)));
        task.await.map_err(|source| Error::unexpected("upkeep task failed").caused_by(source))?
    }
}

/// Forgets a table that is gone, and what was to come there.
fn forget(shared: &Shared, name: &TableName) {
    let mut state = lock(&shared.state);
    state.tables.remove(name);
    if let Some(journal) = &mut state.journal {
        journal.removed(name);
    }
    state.settle();
    state.publication.is_due = shared.publisher.is_some();
    state.recount();
    drop(state);
    shared.room.notify_waiters();
}

/// Says durably that what the log has of a table belongs to an older one.
async fn log_fresh(shared: &Shared, name: &TableName) -> Result<()> {
    let wal = {
        let mut state = lock(&shared.state);
        state.settle();
        let Some(journal) = &mut state.journal else { return Ok(()) };
        // Rows that come after this record are of the new table; none of the old one may be logged later.
        journal.log_again()?;
        journal.wal.clone()
    };
    wal.append_durable(record::fresh_kind()?, record::fresh(name)?).await?;
    Ok(())
}

/// Flushes what a table holds now, and keeps other flushes of it away while the guard lives.
async fn flushed(shared: &Shared, name: &TableName) -> Result<OwnedMutexGuard<()>> {
    let alone = flush::hold(shared, name).await?;
    let until = lock(&shared.state).table(name)?.last_seq();
    // What is sealed already waits for nothing: the log may have room only afterwards.
    commit_through(shared, name, until).await?;
    until_logged(shared, until).await?;
    {
        let mut state = lock(&shared.state);
        let durable = state.durable();
        state.table(name)?.seal(durable);
    }
    commit_through(shared, name, until).await?;
    Ok(alone)
}
