//! Dropping a run: mark it, take its rows out of every table, free its name.

use worldstore_core::table::{CompactOptions, Predicate, Scan, Segment, TableName, base};
use worldstore_core::{Error, ErrorKind, Result};

use futures::TryStreamExt;

use super::{MAIN_RUN, World};

/// What dropping a run took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Dropped {
    /// Rows that are gone.
    pub rows: u64,
    /// The tables that they were in, sorted by name.
    pub tables: Vec<TableName>,
}

impl World {
    /// Drops a run and its rows. Its handles are refused from then on, also for reading; its name is free once this returns.
    /// Rows of appends whose callers have gone away go with it.
    ///
    /// If it fails or the process ends meanwhile the run is marked, cannot be opened, and nothing of others is touched:
    /// call it again, it goes on. Old versions of the tables keep the rows until they expire.
    ///
    /// # Errors
    /// `NotFound` if there is no such run; `ConditionFailed` while others are forked from it, with `forks`; `Invalid` for
    /// the main run; `Fenced` if another has taken the world over; those of the tables and of the byte store.
    pub async fn drop_run(&self, name: &str) -> Result<Dropped> {
        if name == MAIN_RUN {
            return Err(Error::invalid("the main run stays as long as its world").with("run", name));
        }
        // The new owner would not hear of it, and go on writing to the run.
        self.expect_unfenced().await?;
        let runs = &self.inner.runs;
        // Another drop of it would take the next run of the name for it.
        let _one_at_a_time = runs.removing.lock().await;
        runs.mark(name).await?;
        self.inner.changes.forget_run(name);
        // Rows that are on their way are not found yet, and would be there again later.
        self.settled().await?;
        let seq_max = self.cache()?.stats().visible_seq;
        let mut dropped = Dropped::default();
        for info in self.world_tables().await? {
            let rows = self.collect_run(name, &info.name, seq_max).await?;
            dropped.rows += rows;
            dropped.tables.extend((rows > 0).then_some(info.name));
        }
        // What is published must not have its rows any more when the name is free.
        self.flush().await?;
        runs.forget(name).await?;
        Ok(dropped)
    }

    /// Takes the rows of a run up to a sequence number out of a table, if it has any, and says how many they were.
    pub(super) async fn collect_run(&self, run: &str, table: &TableName, seq_max: u64) -> Result<u64> {
        let tables = &self.inner.tables;
        let scan = Scan::all().with_columns([base::RUN]).with_limit(1);
        let scan = scan.with_segments(vec![Segment::run(self.name(), run).with_seq_max(seq_max)]);
        let found: Vec<_> = tables.scan(table, &scan).await?.batches.try_collect().await?;
        if found.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(0);
        }
        let of_run = [Predicate::eq(base::WORLD, self.name()), Predicate::eq(base::RUN, run)];
        let rows = Predicate::And(of_run.into_iter().chain([Predicate::le(base::SEQ, seq_max)]).collect());
        let compacted = tables.compact(table, &CompactOptions::default().with_drop(rows)).await;
        compacted.map(|compaction| compaction.dropped_rows).map_err(|error| match error.kind() {
            ErrorKind::NotFound => error,
            _ => error.with("run", run).with("table", table),
        })
    }
}

#[cfg(test)]
mod tests;
