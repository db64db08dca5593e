//! Rows of tables: those of entities by the values of their components, and those of the catalog.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use worldstore_core::table::base;
use worldstore_core::{Error, Result};
use worldstore_ecs::{ComponentValue, Entity};

use super::cells::Cells;
use super::layout::{Known, Layout, Table};
use super::names::key;

/// The version of the tables.
pub(super) const VERSION: u32 = 1;

/// A row of the table of an archetype.
#[derive(Debug)]
pub(super) struct Row {
    pub entity: Entity,
    /// False where the entity is not in this table any more.
    pub active: bool,
    /// The values of its components, sorted by name.
    pub values: Vec<ComponentValue>,
}

/// The rows of an archetype's table. `number` tells that of a shared value.
pub(super) fn entity_rows(
    layout: &Layout,
    table: &Table,
    rows: &[Row],
    number: impl Fn(&ComponentValue) -> Result<u64>,
) -> Result<RecordBatch> {
    let mut columns = keys(rows.iter().map(|row| (row.entity.to_bits(), row.active)));
    for (place, (name, is_shared)) in table.table.components.iter().enumerate() {
        let values = rows.iter().filter_map(|row| row.values.get(place));
        match is_shared {
            true => {
                // Counted from 0.
                let numbers = values.map(|value| Ok(number(value)? as i64)).collect::<Result<Vec<_>>>()?;
                columns.push(Arc::new(Int64Array::from(numbers)));
            }
            false => columns.extend(fields(layout.component(name)?, values, rows.len())?),
        }
    }
    batch(&table.schema, columns)
}

/// The rows of the table of a component's shared values: each value with its number, and whether it is there.
pub(super) fn shared_rows(
    known: &Known,
    schema: &SchemaRef,
    values: &[(ComponentValue, u64, bool)],
) -> Result<RecordBatch> {
    let mut columns = keys(values.iter().map(|(_, number, active)| (*number, *active)));
    columns.extend(fields(known, values.iter().map(|(value, ..)| value), values.len())?);
    batch(schema, columns)
}

/// The row that says that there was a tick.
pub(super) fn tick_row(shard: u16) -> Result<RecordBatch> {
    let columns: [(&str, ArrayRef); 2] = [
        ("shard", Arc::new(UInt32Array::from(vec![u32::from(shard)]))),
        ("version", Arc::new(UInt32Array::from(vec![VERSION]))),
    ];
    catalog([(0, true)], columns)
}

/// Rows for components.
pub(super) fn component_rows(components: &[&Known]) -> Result<RecordBatch> {
    let texts = components.iter().map(|known| known.component.fields_text()).collect::<Result<Vec<_>>>()?;
    let names = components.iter().map(|known| &**known.component.name());
    let columns: [(&str, ArrayRef); 2] = [
        ("name", Arc::new(StringArray::from_iter_values(names))),
        ("fields", Arc::new(StringArray::from_iter_values(texts))),
    ];
    catalog(components.iter().map(|known| (key(known.component.name()), true)), columns)
}

/// Rows for tables of archetypes.
pub(super) fn archetype_rows(tables: &[&Table]) -> Result<RecordBatch> {
    let text = |table: &&Table| {
        let components: Vec<(&str, bool)> =
            table.table.components.iter().map(|(name, is_shared)| (&**name, *is_shared)).collect();
        serde_json::to_string(&components)
            .map_err(|source| Error::unexpected("names of components cannot be written").caused_by(source))
    };
    let texts = tables.iter().map(text).collect::<Result<Vec<_>>>()?;
    let names = tables.iter().map(|table| table.table.name.as_str());
    let columns: [(&str, ArrayRef); 2] = [
        ("name", Arc::new(StringArray::from_iter_values(names))),
        ("components", Arc::new(StringArray::from_iter_values(texts))),
    ];
    catalog(tables.iter().map(|table| (key(table.table.name.as_str()), true)), columns)
}

/// Rows for ids that become free, with their places, or are not any more.
pub(super) fn free_rows(ids: &[(Entity, Option<u32>, bool)]) -> Result<RecordBatch> {
    let places: UInt32Array = ids.iter().map(|(_, place, _)| *place).collect();
    catalog(
        ids.iter().map(|(entity, _, active)| (entity.to_bits(), *active)),
        [("place", Arc::new(places) as ArrayRef)],
    )
}

/// Rows for guests that come or go.
pub(super) fn guest_rows(guests: &[(Entity, bool)]) -> Result<RecordBatch> {
    catalog(guests.iter().map(|(entity, active)| (entity.to_bits(), *active)), [])
}

/// The columns of a component.
fn fields<'a>(known: &Known, values: impl Iterator<Item = &'a ComponentValue>, rows: usize) -> Result<Vec<ArrayRef>> {
    let fields = known.component.fields();
    if fields.is_empty() {
        return Ok(vec![Arc::new(BooleanArray::from(vec![true; rows]))]);
    }
    let mut cells = known.fields.iter().map(|field| Cells::new(field.data_type(), rows)).collect::<Result<Vec<_>>>()?;
    for value in values {
        let mut rest = value.bytes();
        for (field, cells) in fields.iter().zip(&mut cells) {
            cells.push(worldstore_ecs::FieldValue::decode(field, &mut rest)?)?;
        }
    }
    cells.into_iter().map(Cells::finish).collect()
}

fn keys(rows: impl Iterator<Item = (u64, bool)>) -> Vec<ArrayRef> {
    let (entities, active): (Vec<u64>, Vec<bool>) = rows.unzip();
    vec![Arc::new(UInt64Array::from(entities)), Arc::new(BooleanArray::from(active))]
}

fn catalog<const COUNT: usize>(
    rows: impl IntoIterator<Item = (u64, bool)>,
    columns: [(&str, ArrayRef); COUNT],
) -> Result<RecordBatch> {
    let mut fields =
        vec![Field::new(base::ENTITY, DataType::UInt64, false), Field::new(base::ACTIVE, DataType::Boolean, false)];
    let mut arrays = keys(rows.into_iter());
    for (name, array) in columns {
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    batch(&Arc::new(Schema::new(fields)), arrays)
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|source| Error::unexpected("rows of entities make no batch").caused_by(source))
}
