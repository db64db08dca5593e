//! The rows of all subjects, made from entity, tick and column alone: everyone has the same, in any order and any cut.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, UInt64Type};

use crate::Failure;

/// The table, the world and the run of all rows.
pub const TABLE: &str = "walker";
pub const WORLD: &str = "bench";
pub const RUN: &str = "main";
/// Four floats per entity: a position and a velocity.
pub const COMPONENTS: [&str; 4] = ["x", "y", "vx", "vy"];

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finishing steps of SplitMix64.
fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// A component in [0, 1), of an entity at a tick.
fn value(entity: u64, tick: u64, column: u64) -> f64 {
    let key = (entity.wrapping_mul(1 << 32).wrapping_add(tick)).wrapping_mul(8).wrapping_add(column);
    (mixed(key.wrapping_mul(GOLDEN)) >> 11) as f64 * 2_f64.powi(-53)
}

/// Some ticks of entities 1 and up, tick by tick.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    pub entities: u64,
    pub first: i64,
    pub ticks: u64,
}

impl Rows {
    /// The rows of one tick.
    pub fn tick(entities: u64, tick: i64) -> Self {
        Self { entities, first: tick, ticks: 1 }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.entities * self.ticks
    }

    fn keys(&self) -> impl Iterator<Item = (u64, u64)> + Clone + use<> {
        let Self { entities, first, ticks } = *self;
        (0..ticks).flat_map(move |tick| (1..=entities).map(move |entity| (entity, first as u64 + tick)))
    }

    /// Entity and components, as a run of a world takes the rows of a tick.
    pub fn components(&self) -> Result<RecordBatch, Failure> {
        let entity = UInt64Array::from_iter_values(self.keys().map(|(entity, _)| entity));
        let mut columns: Vec<(&str, ArrayRef)> = vec![("entity", Arc::new(entity))];
        columns.extend(self.values());
        Ok(RecordBatch::try_from_iter(columns)?)
    }

    /// All columns of a table of a world, for those who write its files without it.
    pub fn stored(&self) -> Result<RecordBatch, Failure> {
        let count = self.count() as usize;
        let repeated = |text: &str| Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, count)));
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("world", repeated(WORLD)),
            ("run", repeated(RUN)),
            ("entity", Arc::new(UInt64Array::from_iter_values(self.keys().map(|(entity, _)| entity)))),
            ("tick", Arc::new(Int64Array::from_iter_values(self.keys().map(|(_, tick)| tick as i64)))),
            ("active", Arc::new(BooleanArray::from(vec![true; count]))),
            ("seq", Arc::new(UInt64Array::from_value(1, count))),
        ];
        columns.extend(self.values());
        Ok(RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, false)))?)
    }

    fn values(&self) -> impl Iterator<Item = (&'static str, ArrayRef)> {
        let keys = self.keys();
        COMPONENTS.into_iter().zip(0..).map(move |(name, column)| {
            let values = keys.clone().map(|(entity, tick)| value(entity, tick, column));
            (name, Arc::new(Float64Array::from_iter_values(values)) as ArrayRef)
        })
    }

    /// What whoever reads them must see.
    pub fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for (entity, tick) in self.keys() {
            seen.add(entity, tick, [0, 1, 2, 3].map(|column| value(entity, tick, column)));
        }
        seen
    }
}

/// How many rows, and the sum of their hashes: the order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    pub rows: u64,
    pub sum: u64,
}

impl Seen {
    /// What batches hold.
    pub fn of(batches: &[RecordBatch]) -> Result<Self, Failure> {
        let mut seen = Self::default();
        for batch in batches {
            let column = |name: &str| batch.column_by_name(name).ok_or(format!("no column {name}"));
            let integers = |name: &str| Ok::<_, Failure>(cast(column(name)?, &DataType::UInt64)?);
            let (entity, tick) = (integers("entity")?, integers("tick")?);
            let (entity, tick) = (entity.as_primitive::<UInt64Type>(), tick.as_primitive::<UInt64Type>());
            let mut values = Vec::with_capacity(COMPONENTS.len());
            for name in COMPONENTS {
                values.push(column(name)?.as_primitive_opt::<Float64Type>().ok_or("a component is no float")?);
            }
            for row in 0..batch.num_rows() {
                let row_values = [0, 1, 2, 3].map(|place: usize| values[place].value(row));
                seen.add(entity.value(row), tick.value(row), row_values);
            }
        }
        Ok(seen)
    }

    fn add(&mut self, entity: u64, tick: u64, values: [f64; 4]) {
        let columns = values.iter().zip(0_u64..);
        let total = columns.fold(tick.wrapping_mul(3), |total, (value, place)| {
            total.wrapping_add(value.to_bits().wrapping_mul(2 * place + 5))
        });
        self.sum = self.sum.wrapping_add(mixed(total.wrapping_add(entity.wrapping_mul(GOLDEN))));
        self.rows += 1;
    }
}
