//! Upkeep of tables behind the cache: what is buffered comes first, and no flush runs meanwhile.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use worldstore_core::table::{
    CompactOptions, Compaction, EvolveOptions, ExpireOptions, Expiry, RemoveTableOptions, TableInfo, TableName,
};
use worldstore_core::{Error, Result};

use crate::cache::{Shared, TableCache};
use crate::flush::flush_alone;
use crate::state::lock;

impl TableCache {
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
            table.schema = info.schema.clone();
            table.version = info.version;
            let last_seq = table.last_seq();
            let rows = table.rows + table.buffered_rows() as u64;
            Ok(TableInfo::new(name, info.schema, info.version, last_seq, rows).with_epoch(info.epoch))
        })
        .await
    }

    pub(crate) async fn compact_flushed(&self, name: &TableName, options: &CompactOptions) -> Result<Compaction> {
        let (name, options) = (name.clone(), options.clone());
        self.detached(async move |shared| {
            let _alone = flushed(&shared, &name).await?;
            let compaction = shared.inner.compact(&name, &options).await?;
            let mut state = lock(&shared.state);
            let table = state.table(&name)?;
            table.version = compaction.version;
            table.rows -= compaction.dropped_rows.min(table.rows);
            Ok(compaction)
        })
        .await
    }

    /// Keeps the version that reads of the cache are pinned to.
    pub(crate) async fn expire_unread(&self, name: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        let mut options = options.clone();
        options.retain.push(self.state().table(name)?.version);
        self.shared.inner.expire(name, &options).await
    }

    /// Removes a table and what is buffered of it.
    pub(crate) async fn remove_whole(&self, name: &TableName, options: &RemoveTableOptions) -> Result<()> {
        let (name, options) = (name.clone(), options.clone());
        self.detached(async move |shared| {
            let flushing = Arc::clone(&lock(&shared.state).table(&name)?.flushing);
            let _alone = flushing.lock_owned().await;
            shared.inner.remove(&name, &options).await?;
            lock(&shared.state).tables.remove(&name);
            Ok(())
        })
        .await
    }

    /// Runs in a task of its own: a caller that goes away does not leave the table changed and the cache unaware.
    async fn detached<Value, Work, Running>(&self, work: Work) -> Result<Value>
    where
        Value: Send + 'static,
        Work: FnOnce(Arc<Shared>) -> Running,
        Running: Future<Output = Result<Value>> + Send + 'static,
    {
        let task = self.shared.runtime.spawn(work(Arc::clone(&self.shared)));
        task.await.map_err(|source| Error::unexpected("upkeep task failed").caused_by(source))?
    }
}

/// Flushes what a table holds now, and keeps other flushes of it away while the guard lives.
async fn flushed(shared: &Shared, name: &TableName) -> Result<OwnedMutexGuard<()>> {
    let flushing = Arc::clone(&lock(&shared.state).table(name)?.flushing);
    let alone = flushing.lock_owned().await;
    let until = lock(&shared.state).table(name)?.last_seq();
    flush_alone(shared, name, until).await?;
    Ok(alone)
}
