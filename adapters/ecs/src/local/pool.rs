//! Shared values of a component: each stored once, and counted.

use std::collections::HashMap;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::erased::ErasedColumn;

/// The shared values of one component.
#[derive(Debug)]
pub struct Pool {
    /// The values by place. A place that is free holds the value that was there last.
    pub values: Box<dyn ErasedColumn>,
    /// How many rows have each value.
    counts: Vec<Count>,
    places: HashMap<Arc<[u8]>, u32>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Count {
    rows: usize,
    bytes: Arc<[u8]>,
}

impl Pool {
    /// A pool without values.
    pub fn new(values: Box<dyn ErasedColumn>) -> Self {
        Self { values, counts: Vec::new(), places: HashMap::new(), free: Vec::new() }
    }

    /// How many values are stored.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True if no value is stored.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of a value for one more row. The value is stored if it is new.
    pub fn intern(&mut self, bytes: &[u8]) -> Result<u32> {
        if let Some(place) = self.places.get(bytes) {
            if let Some(count) = self.counts.get_mut(*place as usize) {
                count.rows += 1;
            }
            return Ok(*place);
        }
        let bytes: Arc<[u8]> = bytes.into();
        let count = Count { rows: 1, bytes: Arc::clone(&bytes) };
        let place = match self.free.last() {
            Some(place) => {
                self.values.set(*place as usize, &bytes)?;
                if let Some(free) = self.counts.get_mut(*place as usize) {
                    *free = count;
                }
                let place = *place;
                self.free.pop();
                place
            }
            None => {
                let place = u32::try_from(self.counts.len()).map_err(|_| Error::unexpected("too many values"))?;
                self.values.push(&bytes)?;
                self.counts.push(count);
                place
            }
        };
        self.places.insert(bytes, place);
        Ok(place)
    }

    /// One row has the value no longer. With the last one it goes.
    pub fn release(&mut self, place: u32) {
        let Some(count) = self.counts.get_mut(place as usize) else { return };
        count.rows = count.rows.saturating_sub(1);
        if count.rows > 0 {
            return;
        }
        self.places.remove(&count.bytes);
        count.bytes = Arc::default();
        if place as usize + 1 == self.counts.len() {
            self.values.swap_remove(place as usize);
            self.counts.pop();
        } else {
            self.free.push(place);
        }
    }
}
