//! Entities as a view of a run has them: from the tables into memory.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Int64Type, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use worldstore_core::table::base;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_ecs::{Chunk, Column, ComponentType, ComponentValue, Entity, Local, State, Storage, Tick};

use super::cells::Values;
use super::ids;
use super::layout::{EntityTable, Known, Layout};
use super::names::{ARCHETYPES, COMPONENTS, FREE, GUESTS, TICKS};
use super::rows::VERSION;
use super::shared::SharedValues;
use crate::View;

/// What a view has.
pub(super) struct Loaded {
    pub local: Local,
    pub layout: Layout,
    pub shared: SharedValues,
}

/// Reads the entities of a view. Their tick is at least `tick_min`. A view without entities is an empty shard.
pub(super) async fn load(view: &View, shard: u16, tick_min: i64) -> Result<Loaded> {
    let view = view.pinned().await?;
    let mut layout = Layout::new(view.run().world().format());
    for rows in rows(&view, COMPONENTS).await? {
        let (names, fields) = (texts(&rows, "name")?, texts(&rows, "fields")?);
        for (name, fields) in names.iter().zip(fields) {
            layout.learn(&ComponentType::from_text(name, fields)?, true)?;
        }
    }
    for rows in rows(&view, ARCHETYPES).await? {
        for components in texts(&rows, "components")? {
            let broken =
                |source: serde_json::Error| corrupt("the components of a table cannot be read").caused_by(source);
            let components: Vec<(Arc<str>, bool)> = serde_json::from_str(components).map_err(broken)?;
            layout.add(components, true)?;
        }
    }
    let components: Vec<Arc<ComponentType>> = layout.components().map(|known| Arc::clone(&known.component)).collect();
    let mut shared = SharedValues::default();
    let Some((tick, shard)) = last_tick(&view).await? else {
        let mut local = Local::with_shard(shard)?;
        if tick_min > 0 {
            let state = State::new(Tick(tick_min as u64 - 1), local.export()?.allocator, Vec::new(), Vec::new());
            local = Local::from_state(&state)?;
        }
        local.register(&components)?;
        return Ok(Loaded { local, layout, shared });
    };
    let numbered = shared_values(&view, &layout, &mut shared).await?;
    let mut chunks = Vec::new();
    for table in layout.tables() {
        for rows in rows(&view, table.table.name.as_str()).await? {
            let chunk = chunk(&layout, &table.table, &rows, &numbered, &mut shared);
            chunks.push(chunk.map_err(|error| error.with("table", &table.table.name))?);
        }
    }
    let alive = chunks.iter().flat_map(|chunk| chunk.entities().iter().copied());
    let allocator = ids::allocator(shard, alive, free(&view).await?, guests(&view).await?)?;
    // Restoring takes a tick.
    let tick = Tick(tick.max(u64::try_from(tick_min).unwrap_or(0)).saturating_sub(1));
    let local = Local::from_state(&State::new(tick, allocator, components, chunks))?;
    Ok(Loaded { local, layout, shared })
}

/// The last tick, and the shard.
async fn last_tick(view: &View) -> Result<Option<(u64, u16)>> {
    let rows = rows(view, TICKS).await?;
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
type Numbered = HashMap<Arc<str>, HashMap<i64, ComponentValue>>;

async fn shared_values(view: &View, layout: &Layout, shared: &mut SharedValues) -> Result<Numbered> {
    let mut numbered = Numbered::new();
    let tables = layout.tables().iter().flat_map(|table| &table.table.components);
    for (name, _) in tables.filter(|(_, is_shared)| *is_shared) {
        if numbered.contains_key(name) {
            continue;
        }
        let known = layout.component(name)?;
        let mut values = HashMap::new();
        for rows in rows(view, known.shared_table()?.0.as_str()).await? {
            let numbers = column(&rows, base::ENTITY)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?.clone();
            for (row, value) in component_values(known, layout, &rows)?.into_iter().enumerate() {
                let number = numbers.value(row);
                shared.read(&value, number);
                values.insert(i64::try_from(number).map_err(|_| wrong())?, value.shared());
            }
        }
        numbered.insert(Arc::clone(name), values);
    }
    Ok(numbered)
}

fn chunk(
    layout: &Layout,
    table: &EntityTable,
    rows: &RecordBatch,
    numbered: &Numbered,
    shared: &mut SharedValues,
) -> Result<Chunk<'static>> {
    let mut columns = Vec::with_capacity(table.components.len());
    for (name, is_shared) in &table.components {
        let known = layout.component(name)?;
        columns.push(match is_shared {
            true => {
                let values = numbered.get(name).ok_or_else(wrong)?;
                shared_column(known, rows, values, shared)?
            }
            false => own_column(known, layout, rows)?,
        });
    }
    Chunk::new(entities(rows)?, columns)
}

fn shared_column(
    known: &Known,
    rows: &RecordBatch,
    values: &HashMap<i64, ComponentValue>,
    shared: &mut SharedValues,
) -> Result<Column<'static>> {
    let numbers = column(rows, &known.number_column()?)?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
    let mut all = Vec::with_capacity(numbers.len());
    for number in numbers.values() {
        let value = values.get(number);
        let value = value.ok_or_else(|| corrupt("a shared value is not there").with("number", number))?;
        shared.count(value, 1);
        all.push(value.clone());
    }
    Column::from_values(&known.component, &all)
}

fn own_column(known: &Known, layout: &Layout, rows: &RecordBatch) -> Result<Column<'static>> {
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

fn component_values(known: &Known, layout: &Layout, rows: &RecordBatch) -> Result<Vec<ComponentValue>> {
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

async fn free(view: &View) -> Result<Vec<(Entity, Option<u32>)>> {
    let mut free = Vec::new();
    for rows in rows(view, FREE).await? {
        let places = column(&rows, "place")?.as_primitive_opt::<UInt32Type>().ok_or_else(wrong)?;
        let places = (0..rows.num_rows()).map(|row| places.is_valid(row).then(|| places.value(row)));
        free.extend(entities(&rows)?.into_iter().zip(places));
    }
    Ok(free)
}

async fn guests(view: &View) -> Result<Vec<Entity>> {
    let mut guests = Vec::new();
    for rows in rows(view, GUESTS).await? {
        guests.extend(entities(&rows)?);
    }
    Ok(guests)
}

/// The rows of a table as the view has them; none where there is no such table.
async fn rows(view: &View, table: &str) -> Result<Vec<RecordBatch>> {
    match view.collect_state(table).await {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        found => found,
    }
}

fn entities(rows: &RecordBatch) -> Result<Vec<Entity>> {
    let entities = column(rows, base::ENTITY)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?;
    let entity =
        |bits: &u64| Entity::from_bits(*bits).map_err(|source| corrupt("a row is of no entity").caused_by(source));
    entities.values().iter().map(entity).collect()
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<Vec<&'a str>> {
    let texts = column(rows, name)?.as_string_opt::<i32>().ok_or_else(wrong)?;
    Ok(texts.iter().map(Option::unwrap_or_default).collect())
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| corrupt("a table of entities lacks a column").with("column", name))
}

fn wrong() -> Error {
    corrupt("a table of entities has other columns than it should")
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, what)
}
