//! The nodes of a label as numbers from 0 on, by a column that identifies them.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type};
use worldstore_core::{Error, Result};

/// The number of no node.
pub(crate) const NOWHERE: u32 = u32::MAX;
/// A table from keys to numbers may have so many slots for each key.
const SLOTS_PER_KEY: usize = 4;
/// Bytes that the texts of one array have at most.
const TEXT_BYTES_MAX: usize = i32::MAX as usize;

/// See the module. Rows without a value have no number.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// The key of each number.
    keys: ArrayRef,
    places: Places,
    /// Rows without a number.
    nulls: usize,
}

#[derive(Debug)]
enum Places {
    /// Numbers of the keys from the first one on.
    Table(i64, Vec<u32>),
    Ints(HashMap<i64, u32>),
    Texts(HashMap<Box<str>, u32>),
}

/// What keys can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::UInt64 => None,
            kind if kind.is_integer() => Some(Self::Int),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Dictionary(_, value) => Self::of(value),
            _ => None,
        }
    }

    /// The column as one of the two types.
    fn cast(self, column: &dyn Array) -> Result<ArrayRef> {
        let wanted = if self == Self::Int { DataType::Int64 } else { DataType::Utf8 };
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, &wanted, &options)
            .map_err(|source| Error::invalid("a key cannot be read").caused_by(source))
    }
}

impl Nodes {
    /// Numbers the values of the first column of the batches. None if they are of a type that is not numbered, one is there
    /// twice, or they are texts of 2 GiB or more.
    pub fn new(data_type: &DataType, batches: &[RecordBatch]) -> Result<Option<Self>> {
        let Some(kind) = Kind::of(data_type) else { return Ok(None) };
        let columns = batches.iter().map(|batch| kind.cast(batch.column(0))).collect::<Result<Vec<_>>>()?;
        let nulls = columns.iter().map(|column| column.null_count()).sum();
        match kind {
            Kind::Int => {
                let keys = columns.iter().flat_map(|column| column.as_primitive::<Int64Type>().iter().flatten());
                let keys: Vec<i64> = keys.collect();
                let places = ints(&keys);
                Ok(places.map(|places| Self { keys: std::sync::Arc::new(Int64Array::from(keys)), places, nulls }))
            }
            Kind::Text => {
                let keys = columns.iter().flat_map(|column| column.as_string::<i32>().iter().flatten());
                let keys: Vec<&str> = keys.collect();
                let places = texts(&keys, TEXT_BYTES_MAX);
                let array = || std::sync::Arc::new(StringArray::from_iter_values(&keys));
                Ok(places.map(|places| Self { keys: array(), places, nulls }))
            }
        }
    }

    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// True if every row has a number.
    pub fn has_all(&self) -> bool {
        self.nulls == 0
    }

    /// The key of each number.
    pub fn keys(&self) -> &ArrayRef {
        &self.keys
    }

    /// The numbers of these keys, and [`NOWHERE`] for those that no node has. None if keys of this type mean something
    /// else than those of the nodes.
    pub fn places(&self, column: &dyn Array) -> Result<Option<Vec<u32>>> {
        let Some(kind) = Kind::of(column.data_type()) else { return Ok(None) };
        let is_same = (kind == Kind::Text) == matches!(self.places, Places::Texts(_));
        if !is_same {
            return Ok(None);
        }
        let column = kind.cast(column)?;
        Ok(Some(match &self.places {
            Places::Table(first, table) => {
                let place = |key: i64| {
                    let slot = key.checked_sub(*first).and_then(|slot| usize::try_from(slot).ok());
                    slot.and_then(|slot| table.get(slot)).copied().unwrap_or(NOWHERE)
                };
                column.as_primitive::<Int64Type>().iter().map(|key| key.map_or(NOWHERE, place)).collect()
            }
            Places::Ints(places) => {
                let place = |key: i64| places.get(&key).copied().unwrap_or(NOWHERE);
                column.as_primitive::<Int64Type>().iter().map(|key| key.map_or(NOWHERE, place)).collect()
            }
            Places::Texts(places) => {
                let place = |key: &str| places.get(key).copied().unwrap_or(NOWHERE);
                column.as_string::<i32>().iter().map(|key| key.map_or(NOWHERE, place)).collect()
            }
        }))
    }

    /// About the memory that it takes.
    pub fn bytes(&self) -> u64 {
        let of_places = match &self.places {
            Places::Table(_, table) => table.len() * size_of::<u32>(),
            Places::Ints(places) => places.capacity() * 16,
            // A text each, and its length.
            Places::Texts(places) => places.capacity() * 32 + self.keys.get_array_memory_size(),
        };
        (of_places + self.keys.get_array_memory_size()) as u64
    }
}

/// None if a key is there twice.
fn ints(keys: &[i64]) -> Option<Places> {
    let (low, high) = (keys.iter().min().copied().unwrap_or(0), keys.iter().max().copied().unwrap_or(0));
    let width = high.checked_sub(low).and_then(|width| usize::try_from(width).ok());
    if let Some(width) = width.filter(|width| *width <= SLOTS_PER_KEY * keys.len()) {
        let mut table = vec![NOWHERE; width + 1];
        for (key, place) in keys.iter().zip(0..) {
            let slot = &mut table[(key - low) as usize];
            if *slot != NOWHERE {
                return None;
            }
            *slot = place;
        }
        return Some(Places::Table(low, table));
    }
    let mut places = HashMap::with_capacity(keys.len());
    let is_unique = keys.iter().zip(0..).all(|(key, place)| places.insert(*key, place).is_none());
    is_unique.then_some(Places::Ints(places))
}

/// None if a key is there twice, or they have more bytes than this together.
fn texts(keys: &[&str], bytes_max: usize) -> Option<Places> {
    let (mut places, mut bytes) = (HashMap::new(), 0_usize);
    let fits = keys.iter().zip(0..).all(|(key, place)| {
        bytes = bytes.saturating_add(key.len());
        bytes <= bytes_max && places.insert(Box::from(*key), place).is_none()
    });
    fits.then_some(Places::Texts(places))
}

#[cfg(test)]
mod tests;
