//! Committing rows of a tick: checked and stamped for all tables first, then appended in one step.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use worldstore_core::table::schema::check_nulls;
use worldstore_core::table::{CreateOptions, DescribeOptions, Receipt, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use super::changes::Last;
use super::fold::{Base, pick};
use super::rows::{self, end_rows};
use super::{History, Run, StateOptions};

/// What a tick shall do to a table, step by step.
#[derive(Debug, Clone)]
pub(super) enum Staged {
    /// Append rows, as a caller has them.
    Rows(RecordBatch),
    /// End entities, with the components that they have.
    End(Vec<u64>),
}

/// What rows for a table of changes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The full state of the table: what differs from the one before is stored.
    State,
    /// Changes: they are stored as they are.
    Changes,
}

/// Rows for a table, on their way.
struct Part<'staged> {
    table: &'staged TableName,
    staged: &'staged [Staged],
    schema: SchemaRef,
    exists: bool,
    rows: RecordBatch,
    last: Option<Last>,
}

impl Run {
    /// Appends to several tables in one step, and returns the receipts in the order of the tables. What does not fit
    /// changes nothing, in no table.
    pub(super) async fn commit(
        &self,
        tick: i64,
        staged: &BTreeMap<TableName, Vec<Staged>>,
        meaning: Meaning,
    ) -> Result<Vec<Receipt>> {
        let cache = self.world().cache()?;
        let runs = &self.world().inner.runs;
        let _held = runs.hold(self.name(), self.lineage().drops).await?;
        self.check_tick(tick)?;
        let mut parts = Vec::with_capacity(staged.len());
        for (table, staged) in staged {
            let part = self.prepare(tick, table, staged).await;
            parts.push(part.map_err(|error| error.with("table", table))?);
        }
        // A table is made for rows that it can hold only.
        for part in parts.iter().filter(|part| !part.exists) {
            self.world().inner.tables.check(part.table, &part.rows)?;
        }
        for part in &mut parts {
            self.make_table(tick, part).await.map_err(|error| error.with("table", part.table))?;
        }
        for part in &mut parts {
            self.reduce(tick, part, meaning).await.map_err(|error| error.with("table", part.table))?;
        }
        let rows = parts.iter().map(|part| (part.table.clone(), vec![part.rows.clone()])).collect();
        let receipts = cache.append_all(rows).await?;
        for Part { last, rows, .. } in parts {
            if let Some(last) = last {
                last.appended(tick, rows);
            }
        }
        Ok(receipts)
    }

    /// Checks rows as an append of this tick would, and changes nothing: for whoever appends much and wants to know before
    /// the first of it. [`append`](Self::append) says what they are like.
    ///
    /// # Errors
    /// `Invalid` if the columns are not as said or not those of the table, for a value that the table cannot hold, and if
    /// the tick belongs to the run that this one was forked from; `Unsupported` for a type.
    pub async fn check(&self, tick: i64, table: &str, rows: &RecordBatch) -> Result<()> {
        self.check_tick(tick)?;
        let table = TableName::new(table)?;
        let staged = [Staged::Rows(rows.clone())];
        let about = |error: Error| error.with("table", &table);
        let part = self.prepare(tick, &table, &staged).await.map_err(about)?;
        check_nulls(&part.rows).map_err(about)?;
        self.world().inner.tables.check(&table, &part.rows).map_err(about)
    }

    fn check_tick(&self, tick: i64) -> Result<()> {
        match tick < self.first_tick() {
            true => Err(Error::invalid("tick belongs to the run that this one was forked from")
                .with("run", self.name())
                .with("tick", tick)
                .with("first_tick", self.first_tick())),
            false => Ok(()),
        }
    }

    async fn prepare<'staged>(
        &self,
        tick: i64,
        table: &'staged TableName,
        staged: &'staged [Staged],
    ) -> Result<Part<'staged>> {
        let found = self.world().inner.tables.describe(table, &DescribeOptions::default()).await;
        let first = staged.iter().find_map(|step| match step {
            Staged::Rows(rows) => Some(rows),
            Staged::End(_) => None,
        });
        let (schema, exists) = match (found, first) {
            (Ok(info), _) => (info.schema, true),
            (Err(error), Some(first)) if error.is_not_found() => (rows::table_schema(first.schema_ref())?, false),
            (Err(error), _) => return Err(error),
        };
        let rows = self.stamp(tick, table, staged, &schema).await?;
        Ok(Part { table, staged, schema, exists, rows, last: None })
    }

    /// Makes the table if there is none. If one of that name was made meanwhile, the rows have to fit that.
    async fn make_table(&self, tick: i64, part: &mut Part<'_>) -> Result<()> {
        if part.exists {
            return Ok(());
        }
        let tables = &self.world().inner.tables;
        match tables.create(part.table, &CreateOptions::new(part.schema.clone())).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                part.schema = tables.describe(part.table, &DescribeOptions::default()).await?.schema;
                part.rows = self.stamp(tick, part.table, part.staged, &part.schema).await?;
                Ok(())
            }
            made => made.map(|_| ()),
        }
    }

    /// Leaves out what a table of changes has already.
    async fn reduce(&self, tick: i64, part: &mut Part<'_>, meaning: Meaning) -> Result<()> {
        if self.world().history_of(part.table).await? == History::Full {
            return Ok(());
        }
        let last = Last::take(self, part.table, &part.schema).await?;
        if meaning == Meaning::State {
            if let Some(newest) = last.tick_max().filter(|newest| tick < *newest) {
                return Err(Error::invalid("a table of changes takes ticks in ascending order")
                    .with("tick", tick)
                    .with("newest", newest));
            }
            // Ends alone are no state.
            if part.staged.iter().any(|step| matches!(step, Staged::Rows(_))) {
                part.rows = last.reduce(self, tick, &part.rows)?;
            }
        }
        part.last = Some(last);
        Ok(())
    }

    /// All rows for a table, as it holds them.
    async fn stamp(&self, tick: i64, table: &TableName, staged: &[Staged], schema: &SchemaRef) -> Result<RecordBatch> {
        let mut stamped: Vec<RecordBatch> = Vec::with_capacity(staged.len());
        for step in staged {
            let rows = match step {
                Staged::Rows(rows) => rows::stamp(rows, schema, self.world().name(), self.name(), tick)?,
                Staged::End(entities) => self.end(tick, table, entities, &stamped, schema).await?,
            };
            stamped.push(rows);
        }
        match (stamped.pop(), stamped.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => concat_batches(schema, stamped.iter().chain(&last))
                .map_err(|source| Error::invalid("rows do not fit the table").caused_by(source)),
        }
    }

    /// Rows that end entities: with the components that they were given in this tick, else with those of their state.
    async fn end(
        &self,
        tick: i64,
        table: &TableName,
        entities: &[u64],
        stamped: &[RecordBatch],
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        // The newest row of each entity: batch, row, active.
        let mut places = HashMap::new();
        for (batch, rows) in stamped.iter().enumerate() {
            let Base { entity, active, .. } = Base::of(rows)?;
            places.extend((0..rows.num_rows()).map(|row| (entity.value(row), (batch, row, active.value(row)))));
        }
        let stored: Vec<u64> = entities.iter().copied().filter(|entity| !places.contains_key(entity)).collect();
        let mut chunks = stamped.to_vec();
        if !stored.is_empty() {
            let options = StateOptions::default().with_entities(stored);
            let state = self.as_of(tick).newest(table, &options).await?;
            let found = state.entities().filter_map(|entity| state.active(entity).map(|place| (entity, place)));
            places.extend(found.map(|(entity, (chunk, row))| (entity, (stamped.len() + chunk, row, true))));
            chunks.extend_from_slice(state.chunks());
        }
        let place = |entity: &u64| match places.get(entity) {
            Some((chunk, row, true)) => Ok((*chunk, *row)),
            _ => Err(Error::invalid("an entity that is not active cannot end").with("entity", entity)),
        };
        let places = entities.iter().map(place).collect::<Result<Vec<_>>>()?;
        end_rows(&pick(&chunks, &places, schema)?, self.world().name(), self.name(), tick)
    }
}

#[cfg(test)]
mod tests;
