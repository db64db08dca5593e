//! Checkpoints: all entities as they are after a tick, so that opening needs only the ticks behind it.
//!
//! A checkpoint is rows of one tick: a snapshot in the open format of `worldstore-ecs` in parts, and the number of each
//! shared value, which the snapshot does not know. One that is not whole, or that was copied to another tick, is passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use bytes::{Bytes, BytesMut};
use worldstore_core::table::{Scan, base};
use worldstore_core::{Error, Result};
use worldstore_ecs::{ComponentValue, State, snapshot};

use super::cells::check_room;
use super::names::{CHECKPOINTS, key};
use super::recover::{Numbered, column, corrupt, wrong};
use super::shared::SharedValues;
use crate::View;

/// The bytes of a snapshot in one row.
const PART_BYTES_MAX: usize = 4 << 20;

/// The tick that the checkpoint is of: that of its rows.
const OF: &str = "of_tick";
/// How many rows it has.
const ROWS: &str = "row_count";
/// Its rows, from 0: first the parts of the snapshot, then the shared values.
const PLACE: &str = "place";
/// The component of a shared value; null for a part of the snapshot.
const COMPONENT: &str = "component";
/// The number of a shared value; null for a part of the snapshot.
const NUMBER: &str = "number";
const BYTES: &str = "bytes";

/// The rows for a state, and for the numbers of the shared values in it.
pub(super) fn rows(state: &State<'_>, shared: &SharedValues) -> Result<RecordBatch> {
    let snapshot = snapshot::write(state)?;
    let parts = snapshot.chunks(PART_BYTES_MAX).map(|part| (None, None, part));
    let values = shared.numbers().map(|(component, number, bytes)| (Some(component), Some(number), bytes));
    let mut all: Vec<(Option<&str>, Option<u64>, &[u8])> = parts.chain(values).collect();
    // The values have no order of their own.
    all.sort_by_key(|(_, number, _)| *number);
    check_room(0, all.iter().map(|(.., bytes)| bytes.len()).sum())?;
    let count = all.len();
    let number = |number: u64| i64::try_from(number).map_err(|_| Error::unexpected("a number is out of range"));
    let numbers = all.iter().map(|(_, one, _)| one.map(number).transpose()).collect::<Result<Int64Array>>()?;
    let of = i64::try_from(state.tick.0).map_err(|_| Error::unexpected("a tick is out of range"))?;
    let columns: [(&str, ArrayRef); 8] = [
        (
            base::ENTITY,
            Arc::new((0..count).map(|place| key(&format!("{CHECKPOINTS}/{place}"))).collect::<UInt64Array>()),
        ),
        (base::ACTIVE, Arc::new(BooleanArray::from(vec![true; count]))),
        (OF, Arc::new(Int64Array::from_value(of, count))),
        (ROWS, Arc::new(Int64Array::from_value(count as i64, count))),
        (PLACE, Arc::new((0..count as i64).collect::<Int64Array>())),
        (COMPONENT, Arc::new(all.iter().map(|(component, ..)| *component).collect::<StringArray>())),
        (NUMBER, Arc::new(numbers)),
        (BYTES, Arc::new(all.iter().map(|(.., bytes)| Some(*bytes)).collect::<BinaryArray>())),
    ];
    let is_base = |name: &str| [base::ENTITY, base::ACTIVE].contains(&name);
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), !is_base(name));
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect())
        .map_err(|source| Error::unexpected("rows of a checkpoint make no batch").caused_by(source))
}

/// All entities after a tick.
#[derive(Debug)]
pub(super) struct Checkpoint {
    /// The tick.
    pub tick: i64,
    /// All of them.
    pub state: State<'static>,
    /// The shared values among theirs by number.
    pub numbered: Numbered,
}

/// The newest checkpoint of a view.
pub(super) async fn newest(view: &View) -> Result<Option<Checkpoint>> {
    let Some(tick) = newest_tick(view).await? else { return Ok(None) };
    let batches = view.between(tick..=tick).collect(CHECKPOINTS, &Scan::all()).await?;
    read(tick, &batches).map(Some).map_err(|error| error.with("checkpoint", tick))
}

/// The tick of the newest checkpoint that is whole.
async fn newest_tick(view: &View) -> Result<Option<i64>> {
    let index = match view.collect(CHECKPOINTS, &Scan::all().with_columns([base::TICK, OF, ROWS])).await {
        Err(error) if error.is_not_found() => return Ok(None),
        found => found?,
    };
    let mut missing: BTreeMap<i64, i64> = BTreeMap::new();
    for batch in &index {
        let (ticks, of, rows) = (numbers(batch, base::TICK)?, numbers(batch, OF)?, numbers(batch, ROWS)?);
        for ((tick, of), rows) in ticks.values().iter().zip(of.values()).zip(rows.values()) {
            if tick == of {
                *missing.entry(*tick).or_insert(*rows) -= 1;
            }
        }
    }
    Ok(missing.into_iter().rev().find(|(_, missing)| *missing == 0).map(|(tick, _)| tick))
}

fn read(tick: i64, batches: &[RecordBatch]) -> Result<Checkpoint> {
    let (mut parts, mut values) = (BTreeMap::new(), Vec::new());
    for batch in batches {
        let (places, found) = (numbers(batch, PLACE)?, numbers(batch, NUMBER)?);
        let components = column(batch, COMPONENT)?.as_string_opt::<i32>().ok_or_else(wrong)?;
        let bytes = binary(column(batch, BYTES)?)?;
        for row in 0..batch.num_rows() {
            match components.is_valid(row) {
                true => values.push((components.value(row).to_owned(), found.value(row), bytes.value(row).to_vec())),
                false => _ = parts.insert(places.value(row), Bytes::copy_from_slice(bytes.value(row))),
            }
        }
    }
    let state = snapshot::read(&joined(parts.into_values().collect()), &[])?;
    if u64::try_from(tick).ok() != Some(state.tick.0) {
        return Err(corrupt("a checkpoint is of another tick than it says"));
    }
    let mut numbered = Numbered::new();
    for (name, number, bytes) in values {
        let component = state.components.iter().find(|component| **component.name() == *name);
        let component =
            component.ok_or_else(|| corrupt("a shared value is of no component").with("component", name))?;
        let value = ComponentValue::from_bytes(component, &bytes)?.shared();
        numbered.entry(Arc::clone(component.name())).or_default().insert(number, value);
    }
    Ok(Checkpoint { tick, state, numbered })
}

fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let mut all = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| all.extend_from_slice(part));
    all.freeze()
}

fn numbers<'batch>(batch: &'batch RecordBatch, name: &str) -> Result<&'batch Int64Array> {
    column(batch, name)?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)
}

/// Bytes in whichever width of offsets a format gives them.
fn binary(array: &ArrayRef) -> Result<BinaryArray> {
    let array = arrow::compute::cast(array, &DataType::Binary).map_err(|source| wrong().caused_by(source))?;
    array.as_binary_opt::<i32>().cloned().ok_or_else(wrong)
}
