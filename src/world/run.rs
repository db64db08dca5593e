//! A run: one line of history of a world, written tick by tick.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::{AppendOptions, CreateOptions, DescribeOptions, Receipt, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use super::World;
use super::lineage::{Fork, Lineage};
use super::rows;
use super::view::View;

/// A run of a world. Clones share it.
#[derive(Debug, Clone)]
pub struct Run {
    world: World,
    name: String,
    lineage: Lineage,
}

impl Run {
    pub(super) fn new(world: World, name: String, lineage: Lineage) -> Self {
        Self { world, name, lineage }
    }

    /// Its name, as its rows carry it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The world that it is part of.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Appends rows of one tick to a table, which is created by its first rows.
    ///
    /// `rows` has a column `entity` (u64, no nulls) and a column per component; a column `active` (bool, no nulls) says
    /// which entities ended, all are active without it. The columns `world`, `run`, `tick` and `seq` are added here.
    ///
    /// # Errors
    /// `Invalid` if the columns are not as said or not those of the table, or if the tick belongs to the run that this
    /// one was forked from; `Unavailable` if the cache is full and cannot be flushed; `Poisoned` after a shutdown.
    pub async fn append(&self, tick: i64, table: &str, rows: &RecordBatch) -> Result<Receipt> {
        if tick < self.lineage.first_tick {
            return Err(Error::invalid("tick belongs to the run that this one was forked from")
                .with("run", &self.name)
                .with("tick", tick)
                .with("first_tick", self.lineage.first_tick));
        }
        let table = TableName::new(table)?;
        let stamped = self.stamp(tick, &table, rows).await?;
        self.world.inner.tables.append(&table, vec![stamped], &AppendOptions::default()).await
    }

    /// The rows as the table holds them. A table is made only for rows that fit it.
    async fn stamp(&self, tick: i64, table: &TableName, rows: &RecordBatch) -> Result<RecordBatch> {
        let tables = &self.world.inner.tables;
        let stamp = |schema: &SchemaRef| {
            let stamped = rows::stamp(rows, schema, self.world.name(), &self.name, tick);
            stamped.map_err(|error| error.with("table", table))
        };
        match tables.describe(table, &DescribeOptions::default()).await {
            Err(error) if error.is_not_found() => {}
            found => return stamp(&found?.schema),
        }
        let schema = rows::table_schema(rows.schema_ref())?;
        let stamped = stamp(&schema)?;
        match tables.create(table, &CreateOptions::new(schema)).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                stamp(&tables.describe(table, &DescribeOptions::default()).await?.schema)
            }
            made => made.map(|_| stamped),
        }
    }

    /// The first tick that the run itself may write: the one after the fork, or the smallest of all.
    pub fn first_tick(&self) -> i64 {
        self.lineage.first_tick
    }

    /// The state as of a tick: all rows of this tick and those before it.
    pub fn as_of(&self, tick: i64) -> View {
        View::new(self.clone(), tick, self.lineage.until(tick))
    }

    /// The state with everything appended so far.
    pub fn now(&self) -> View {
        self.as_of(i64::MAX)
    }

    /// Starts a run that shares this one's history up to and including a tick, without copying it. What is buffered is
    /// committed first; rows that come later, here, are not part of the fork, whatever their tick.
    ///
    /// # Errors
    /// `AlreadyExists` if there is a run of that name; `Invalid` for the name and for `i64::MAX`; those of the flush.
    pub async fn fork(&self, name: &str, tick: i64) -> Result<Run> {
        if tick == i64::MAX {
            return Err(Error::invalid("a fork at the last tick of all could never write one").with("tick", tick));
        }
        // Taken before the flush: what comes meanwhile has a greater one, and no number is reused after a crash.
        let seq = self.world.stats().last_seq;
        self.world.flush().await?;
        let fork = Fork { run: self.name.clone(), tick, seq };
        self.world.inner.runs.create(name, Some(fork)).await?;
        self.world.run(name).await
    }
}
