//! Rows of typed components to record batches and back.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, UInt64Type};
use worldstore_core::table::base;
use worldstore_core::{Error, Result};

use crate::archetype::Archetype;
use crate::bundle::Bundle;
use crate::component::ComponentSchema;

/// Turns rows of the components of `B` into record batches and back. Make one and keep it: making one looks at the types.
pub struct Codec<B> {
    archetype: Archetype,
    /// In the order of the tuple.
    schemas: Vec<ComponentSchema>,
    bundle: PhantomData<fn() -> B>,
}

/// A row of a scan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Row<B> {
    /// The entity.
    pub entity: u64,
    /// The tick that the row belongs to.
    pub tick: i64,
    /// The components; none if the row says that the entity ended.
    pub components: Option<B>,
}

impl<B: Bundle> Codec<B> {
    /// A codec for the table of the archetype.
    ///
    /// # Errors
    /// Those of [`Archetype::of`].
    pub fn new() -> Result<Self> {
        let schemas = B::schemas()?;
        Ok(Self { archetype: Archetype::new(schemas.clone())?, schemas, bundle: PhantomData })
    }

    /// The archetype.
    pub fn archetype(&self) -> &Archetype {
        &self.archetype
    }

    /// The rows of one tick, as an append to a world's table takes them: `entity`, then the columns of the components. The
    /// rows keep their order.
    ///
    /// # Errors
    /// `Invalid` if a value does not fit its column.
    pub fn encode(&self, rows: &[(u64, B)]) -> Result<RecordBatch> {
        let columns = B::encode(rows, &self.schemas)?;
        let mut parts: Vec<(&str, Vec<ArrayRef>)> =
            self.schemas.iter().map(ComponentSchema::name).zip(columns).collect();
        parts.sort_by_key(|(name, _)| *name);
        let entities: ArrayRef = Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(entity, _)| *entity)));
        let columns = std::iter::once(entities).chain(parts.into_iter().flat_map(|(_, columns)| columns));
        RecordBatch::try_new(self.archetype.rows_schema(), columns.collect())
            .map_err(|source| Error::unexpected("encoded rows do not fit their schema").caused_by(source))
    }

    /// Rows that say that these entities ended: `entity`, `active` (false), and null in all columns of the components.
    ///
    /// # Errors
    /// None but `Unexpected`.
    pub fn encode_ended(&self, entities: &[u64]) -> Result<RecordBatch> {
        let mut fields =
            vec![Field::new(base::ENTITY, DataType::UInt64, false), Field::new(base::ACTIVE, DataType::Boolean, false)];
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(entities.to_vec())),
            Arc::new(BooleanArray::from(vec![false; entities.len()])),
        ];
        for field in self.archetype.fields() {
            columns.push(new_null_array(field.data_type(), entities.len()));
            fields.push(field);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|source| Error::unexpected("encoded rows do not fit their schema").caused_by(source))
    }

    /// The rows of a batch, in its order. Columns of other components do not matter; a column that is optional may be
    /// missing, and one may have a former name. Without a column `active`, no entity ended.
    ///
    /// # Errors
    /// `Invalid`, with `column`, for one that is missing, that has another type (`expected`, `got`), or null where the
    /// component has no `Option`; `Corrupt` for a value that the Rust type does not have, as the name of no variant.
    pub fn decode(&self, rows: &RecordBatch) -> Result<Vec<Row<B>>> {
        let ticks = required(rows, base::TICK, &DataType::Int64)?;
        let ticks = ticks.as_primitive::<Int64Type>().values().iter();
        let entities = required(rows, base::ENTITY, &DataType::UInt64)?;
        let entities = entities.as_primitive::<UInt64Type>().values().iter();
        let live = live(rows)?;
        let mut components = self.components(rows, live.as_ref())?.into_iter();
        let is_live = |row: usize| live.as_ref().is_none_or(|live| live.value(row));
        let row = |(at, (entity, tick)): (usize, (&u64, &i64))| -> Result<Row<B>> {
            let components = match is_live(at) {
                true => Some(components.next().ok_or_else(|| Error::unexpected("rows were lost in decoding"))?),
                false => None,
            };
            Ok(Row { entity: *entity, tick: *tick, components })
        };
        entities.zip(ticks).enumerate().map(row).collect()
    }

    /// The rows of entities that did not end, whatever their tick.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode); no column `tick` is needed.
    pub fn decode_live(&self, rows: &RecordBatch) -> Result<Vec<(u64, B)>> {
        let live = live(rows)?;
        let entities = required(rows, base::ENTITY, &DataType::UInt64)?;
        let is_live = |row: &usize| live.as_ref().is_none_or(|live| live.value(*row));
        let values = entities.as_primitive::<UInt64Type>().values();
        let entities = (0..rows.num_rows()).filter(is_live).map(|row| values[row]);
        Ok(entities.zip(self.components(rows, live.as_ref())?).collect())
    }

    fn components(&self, rows: &RecordBatch, live: Option<&BooleanArray>) -> Result<Vec<B>> {
        match live {
            Some(live) if live.false_count() > 0 => {
                let kept = filter_record_batch(rows, live)
                    .map_err(|source| Error::unexpected("rows could not be filtered").caused_by(source))?;
                B::decode(&kept, &self.schemas)
            }
            _ => B::decode(rows, &self.schemas),
        }
    }
}

impl<B> Clone for Codec<B> {
    fn clone(&self) -> Self {
        Self { archetype: self.archetype.clone(), schemas: self.schemas.clone(), bundle: PhantomData }
    }
}

impl<B> fmt::Debug for Codec<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec").field("archetype", &self.archetype).finish()
    }
}

/// Which entities did not end; none if the rows do not say.
fn live(rows: &RecordBatch) -> Result<Option<BooleanArray>> {
    match rows.column_by_name(base::ACTIVE) {
        Some(_) => Ok(Some(required(rows, base::ACTIVE, &DataType::Boolean)?.as_boolean().clone())),
        None => Ok(None),
    }
}

/// A base column: of this type, never null.
fn required<'rows>(rows: &'rows RecordBatch, name: &'static str, expected: &DataType) -> Result<&'rows ArrayRef> {
    let refused = |message: &str| Error::invalid(message).with("column", name).with("expected", expected);
    let column = rows.column_by_name(name).ok_or_else(|| refused("rows miss a column"))?;
    if column.data_type() != expected {
        return Err(refused("column has another type").with("got", column.data_type()));
    }
    match column.null_count() {
        0 => Ok(column),
        _ => Err(refused("column has nulls")),
    }
}
