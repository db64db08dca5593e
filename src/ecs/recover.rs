//! Entities as a view of a run has them: from the tables into memory.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Int64Type, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_core::table::base;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_ecs::planted::{Bug, Planted};
use worldstore_ecs::{Column, ComponentType, ComponentValue, Entity, Local, State, Storage, Tick};

use super::cells::Values;
use super::layout::{Known, Layout};
use super::merge::{Merge, Merged};
use super::names::{ARCHETYPES, COMPONENTS, TICKS};
use super::opening::Opening;
use super::rows::VERSION;
use super::shared::SharedValues;
use super::{checkpoint, ids};
use crate::View;
use crate::world::{Ended, StateOptions};

/// What a view has.
pub(super) struct Loaded {
    pub local: Local,
    pub layout: Layout,
    pub shared: SharedValues,
    pub opening: Opening,
}

/// Reads the entities of a view. Their tick is at least `tick_min`. A view without entities is an empty shard.
pub(super) async fn load(view: &View, shard: u16, tick_min: i64, planted: Planted) -> Result<Loaded> {
    let view = view.pinned().await?;
    let mut source = Source { behind: view.clone(), is_whole: true, rows: 0 };
    let layout = layout(&view, &mut source.rows).await?;
    let components: Vec<Arc<ComponentType>> = layout.components().map(|known| Arc::clone(&known.component)).collect();
    let checkpoint = checkpoint::newest(&view).await?;
    if let Some(checkpoint) = &checkpoint {
        let first = checkpoint.tick.saturating_add(if planted.has(Bug::SnapshotAhead) { 2 } else { 1 });
        source = Source { behind: view.between(first..=i64::MAX), is_whole: false, ..source };
    }
    let base = checkpoint.as_ref().map(|checkpoint| (checkpoint.state.tick.0, checkpoint.state.allocator.shard));
    let Some((tick, shard)) = last_tick(&mut source).await?.or(base) else {
        let local = empty(shard, tick_min, &components)?;
        let opening = Opening { checkpoint: None, rows: source.rows };
        return Ok(Loaded { local, layout, shared: SharedValues::default(), opening });
    };
    let opened = checkpoint.as_ref().map(|checkpoint| checkpoint.state.tick);
    let merged = Merge::of(checkpoint, &mut source, &layout).await?;
    let Merged { chunks, free, guests, shared } = merged.merged()?;
    let alive = chunks.iter().flat_map(|chunk| chunk.entities().iter().copied());
    let allocator = ids::allocator(shard, alive, free, guests)?;
    // Restoring takes a tick.
    let tick = Tick(tick.max(u64::try_from(tick_min).unwrap_or(0)).saturating_sub(1));
    let local = Local::from_state(&State::new(tick, allocator, components, chunks))?;
    Ok(Loaded { local, layout, shared, opening: Opening { checkpoint: opened, rows: source.rows } })
}

/// The components and tables that there are.
async fn layout(view: &View, read: &mut u64) -> Result<Layout> {
    let mut source = Source { behind: view.clone(), is_whole: true, rows: 0 };
    let mut layout = Layout::new(view.run().world().format());
    for rows in source.rows(COMPONENTS).await? {
        let (names, fields) = (texts(&rows, "name")?, texts(&rows, "fields")?);
        for (name, fields) in names.iter().zip(fields) {
            layout.learn(&ComponentType::from_text(name, fields)?, true)?;
        }
    }
    for rows in source.rows(ARCHETYPES).await? {
        for components in texts(&rows, "components")? {
            let broken =
                |source: serde_json::Error| corrupt("the components of a table cannot be read").caused_by(source);
            let components: Vec<(Arc<str>, bool)> = serde_json::from_str(components).map_err(broken)?;
            layout.add(components, true)?;
        }
    }
    *read += source.rows;
    Ok(layout)
}

/// A shard without entities.
fn empty(shard: u16, tick_min: i64, components: &[Arc<ComponentType>]) -> Result<Local> {
    let mut local = Local::with_shard(shard)?;
    if tick_min > 0 {
        let state = State::new(Tick(tick_min as u64 - 1), local.export()?.allocator, Vec::new(), Vec::new());
        local = Local::from_state(&state)?;
    }
    local.register(components)?;
    Ok(local)
}

/// Where rows come from.
pub(super) struct Source {
    /// The ticks behind a checkpoint, or all.
    behind: View,
    /// True if nothing is before them: what ended is of no interest then.
    is_whole: bool,
    /// How many rows were folded.
    rows: u64,
}

impl Source {
    /// The newest row of each entity of a table: also of those that ended, if there is something before. None where there
    /// is no such table.
    pub async fn rows(&mut self, table: &str) -> Result<Vec<RecordBatch>> {
        let ended = if self.is_whole { Ended::Hide } else { Ended::Show };
        let state = match self.behind.state_with(table, &StateOptions::default().with_ended(ended)).await {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            found => found?,
        };
        self.rows += state.folded_rows;
        state.batches.try_collect().await
    }
}

/// The last tick, and the shard.
async fn last_tick(source: &mut Source) -> Result<Option<(u64, u16)>> {
    let rows = source.rows(TICKS).await?;
    let Some(rows) = rows.first().filter(|rows| rows.num_rows() == 1) else { return Ok(None) };
    let number =
        |name: &str| Ok::<_, Error>(column(rows, name)?.as_primitive_opt::<UInt32Type>().ok_or_else(wrong)?.value(0));
    let version = number("version")?;
    if version != VERSION {
        return Err(Error::unsupported("the entities are of a later version").with("version", version));
    }
    let tick = column(rows, base::TICK)?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.value(0);
    let shard = u16::try_from(number("shard")?).map_err(|_| corrupt("the shard is out of range"))?;
    let tick = u64::try_from(tick).map_err(|_| corrupt("the tick is out of range").with("tick", tick))?;
    Ok(Some((tick, shard)))
}

/// The shared values of components by their numbers.
pub(super) type Numbered = HashMap<Arc<str>, HashMap<i64, ComponentValue>>;

pub(super) fn shared_column(
    known: &Known,
    rows: &RecordBatch,
    values: &HashMap<i64, ComponentValue>,
) -> Result<Column<'static>> {
    let numbers = column(rows, &known.number_column()?)?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
    let mut all = Vec::with_capacity(numbers.len());
    for number in numbers.values() {
        let value = values.get(number);
        let value = value.ok_or_else(|| corrupt("a shared value is not there").with("number", number))?;
        all.push(value.clone());
    }
    Column::from_values(&known.component, &all)
}

pub(super) fn own_column(known: &Known, layout: &Layout, rows: &RecordBatch) -> Result<Column<'static>> {
    if known.component.width().is_none() {
        return Column::from_values(&known.component, &component_values(known, layout, rows)?);
    }
    let mut bytes = Vec::new();
    let values = readers(known, layout, rows)?;
    for row in 0..rows.num_rows() {
        encode(known, &values, row, &mut bytes)?;
    }
    Column::from_packed(&known.component, bytes.into(), rows.num_rows())
}

pub(super) fn component_values(known: &Known, layout: &Layout, rows: &RecordBatch) -> Result<Vec<ComponentValue>> {
    let values = readers(known, layout, rows)?;
    let value = |row: usize| {
        let mut bytes = Vec::new();
        encode(known, &values, row, &mut bytes)?;
        ComponentValue::from_bytes(&known.component, &bytes)
    };
    (0..rows.num_rows()).map(value).collect()
}

fn readers(known: &Known, layout: &Layout, rows: &RecordBatch) -> Result<Vec<Values>> {
    let names = known.columns()?;
    let pairs = known.component.fields().iter().zip(&names);
    pairs.map(|(field, name)| Values::new(column(rows, name)?, field, layout.format)).collect()
}

fn encode(known: &Known, values: &[Values], row: usize, bytes: &mut Vec<u8>) -> Result<()> {
    let mut pairs = known.component.fields().iter().zip(values);
    let broken = |source: Error| corrupt("a value cannot be").with("component", &known.component).caused_by(source);
    pairs.try_for_each(|(field, values)| values.get(row)?.encode(field, bytes)).map_err(broken)
}

pub(super) fn entities(rows: &RecordBatch) -> Result<Vec<Entity>> {
    let entities = column(rows, base::ENTITY)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?;
    let entity =
        |bits: &u64| Entity::from_bits(*bits).map_err(|source| corrupt("a row is of no entity").caused_by(source));
    entities.values().iter().map(entity).collect()
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<Vec<&'a str>> {
    let texts = column(rows, name)?.as_string_opt::<i32>().ok_or_else(wrong)?;
    Ok(texts.iter().map(Option::unwrap_or_default).collect())
}

pub(super) fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| corrupt("a table of entities lacks a column").with("column", name))
}

pub(super) fn wrong() -> Error {
    corrupt("a table of entities has other columns than it should")
}

pub(super) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, what)
}
