//! A checkpoint and the rows behind it, as one state.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{UInt32Type, UInt64Type};
use worldstore_core::table::base;
use worldstore_core::{Error, Result};
use worldstore_ecs::{Chunk, Column, Entity};

use super::checkpoint::Checkpoint;
use super::ids;
use super::layout::{EntityTable, Layout};
use super::names::{FREE, GUESTS};
use super::recover::{Numbered, Source, column, component_values, entities, own_column, shared_column, wrong};
use super::shared::SharedValues;

/// What a checkpoint has, and what became of it.
pub(super) struct Merge {
    /// Those of the checkpoint.
    chunks: Vec<Chunk<'static>>,
    /// Those of the rows behind it.
    newer: Vec<Chunk<'static>>,
    /// Entities with such rows, also if these say that it left a table.
    touched: HashSet<Entity>,
    free: BTreeMap<Entity, Option<u32>>,
    guests: BTreeSet<Entity>,
    numbered: Numbered,
}

/// All entities and ids, and the shared values with their numbers and rows.
pub(super) struct Merged {
    pub chunks: Vec<Chunk<'static>>,
    pub free: Vec<(Entity, Option<u32>)>,
    pub guests: Vec<Entity>,
    pub shared: SharedValues,
}

impl Merge {
    /// Reads what is behind a checkpoint; all, if there is none.
    pub async fn of(checkpoint: Option<Checkpoint>, source: &mut Source, layout: &Layout) -> Result<Self> {
        let mut merge = Self {
            chunks: Vec::new(),
            newer: Vec::new(),
            touched: HashSet::new(),
            free: BTreeMap::new(),
            guests: BTreeSet::new(),
            numbered: Numbered::new(),
        };
        if let Some(checkpoint) = checkpoint {
            merge.free = ids::free_ids(&checkpoint.state.allocator)?;
            merge.guests = checkpoint.state.allocator.guests.iter().copied().collect();
            (merge.chunks, merge.numbered) = (checkpoint.state.chunks, checkpoint.numbered);
        }
        merge.read_shared(source, layout).await?;
        for table in layout.tables() {
            for rows in source.rows(table.table.name.as_str()).await? {
                let chunk = merge.chunk(layout, &table.table, &rows);
                merge.newer.push(chunk.map_err(|error| error.with("table", &table.table.name))?);
            }
        }
        merge.read_ids(source).await?;
        Ok(merge)
    }

    async fn read_shared(&mut self, source: &mut Source, layout: &Layout) -> Result<()> {
        let mut names: Vec<&Arc<str>> = layout
            .tables()
            .iter()
            .flat_map(|table| &table.table.components)
            .filter(|(_, is_shared)| *is_shared)
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let known = layout.component(name)?;
            let values = self.numbered.entry(Arc::clone(name)).or_default();
            for rows in source.rows(known.shared_table()?.0.as_str()).await? {
                let numbers = column(&rows, base::ENTITY)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?.clone();
                let active = active(&rows)?.clone();
                for (row, value) in component_values(known, layout, &rows)?.into_iter().enumerate() {
                    let number = i64::try_from(numbers.value(row)).map_err(|_| wrong())?;
                    match active.value(row) {
                        true => _ = values.insert(number, value.shared()),
                        false => _ = values.remove(&number),
                    }
                }
            }
        }
        Ok(())
    }

    /// The entities that are in a table.
    fn chunk(&mut self, layout: &Layout, table: &EntityTable, rows: &RecordBatch) -> Result<Chunk<'static>> {
        self.touched.extend(entities(rows)?);
        let rows = filter_record_batch(rows, active(rows)?)
            .map_err(|source| Error::unexpected("rows of entities cannot be picked").caused_by(source))?;
        let mut columns = Vec::with_capacity(table.components.len());
        for (name, is_shared) in &table.components {
            let known = layout.component(name)?;
            columns.push(match is_shared {
                true => shared_column(known, &rows, self.numbered.get(name).ok_or_else(wrong)?)?,
                false => own_column(known, layout, &rows)?,
            });
        }
        Chunk::new(entities(&rows)?, columns)
    }

    async fn read_ids(&mut self, source: &mut Source) -> Result<()> {
        for rows in source.rows(FREE).await? {
            let places = column(&rows, "place")?.as_primitive_opt::<UInt32Type>().ok_or_else(wrong)?;
            let active = active(&rows)?;
            for (row, (entity, place)) in entities(&rows)?.into_iter().zip(places.iter()).enumerate() {
                match active.value(row) {
                    true => _ = self.free.insert(entity, place),
                    false => _ = self.free.remove(&entity),
                }
            }
        }
        for rows in source.rows(GUESTS).await? {
            let active = active(&rows)?;
            for (row, entity) in entities(&rows)?.into_iter().enumerate() {
                match active.value(row) {
                    true => _ = self.guests.insert(entity),
                    false => _ = self.guests.remove(&entity),
                }
            }
        }
        Ok(())
    }

    /// All of it together: an entity with newer rows is what they say.
    pub fn merged(self) -> Result<Merged> {
        let Self { chunks, newer, touched, free, guests, numbered } = self;
        let mut all = Vec::with_capacity(chunks.len() + newer.len());
        for chunk in chunks {
            all.extend(without(chunk, &touched)?);
        }
        all.extend(newer.into_iter().filter(|chunk| !chunk.is_empty()));
        let mut shared = SharedValues::default();
        for values in numbered.values() {
            for (number, value) in values {
                shared.read(value, u64::try_from(*number).map_err(|_| wrong())?);
            }
        }
        for column in all.iter().flat_map(Chunk::columns).filter(|column| column.is_shared()) {
            for row in 0..column.len() {
                shared.count(&column.value(row)?, 1);
            }
        }
        Ok(Merged { chunks: all, free: free.into_iter().collect(), guests: guests.into_iter().collect(), shared })
    }
}

/// The rows of other entities, if there are any.
fn without(chunk: Chunk<'static>, touched: &HashSet<Entity>) -> Result<Option<Chunk<'static>>> {
    let entities = chunk.entities();
    let rows: Vec<usize> = (0..entities.len()).filter(|row| !touched.contains(&entities[*row])).collect();
    if rows.len() == entities.len() {
        return Ok(Some(chunk));
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let pick = |column: &Column<'_>| {
        let values = rows.iter().map(|row| column.value(*row)).collect::<Result<Vec<_>>>()?;
        Column::from_values(column.component(), &values)
    };
    let columns = chunk.columns().iter().map(pick).collect::<Result<Vec<_>>>()?;
    Chunk::new(rows.iter().map(|row| entities[*row]).collect::<Vec<_>>(), columns).map(Some)
}

fn active(rows: &RecordBatch) -> Result<&BooleanArray> {
    column(rows, base::ACTIVE)?.as_boolean_opt().ok_or_else(wrong)
}
