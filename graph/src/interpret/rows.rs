//! Rows of a label or an edge type in memory, in the order of their source.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::RecordBatch;
use worldstore_core::{Error, Result};
use worldstore_cypher_runtime::{Map, Value};

use super::cells;

/// Which row has a value.
pub(super) type Keys = HashMap<Value, u32>;

/// See the module.
#[derive(Debug)]
pub(super) struct Rows {
    names: Vec<Arc<str>>,
    batches: Vec<RecordBatch>,
    /// The number of the first row of each batch.
    starts: Vec<usize>,
    count: usize,
    keys: RefCell<BTreeMap<String, Rc<Keys>>>,
}

impl Rows {
    pub fn new(batches: Vec<RecordBatch>) -> Self {
        let named = |batch: &RecordBatch| batch.schema().fields().iter().map(|one| Arc::from(&**one.name())).collect();
        let names = batches.first().map(named).unwrap_or_default();
        let (mut starts, mut count) = (Vec::with_capacity(batches.len()), 0);
        for batch in &batches {
            starts.push(count);
            count += batch.num_rows();
        }
        Self { names, batches, starts, count, keys: RefCell::default() }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// All properties of a row; what is null is not there.
    pub fn properties(&self, row: usize) -> Result<Map> {
        let Some((batch, row)) = self.place(row) else { return Ok(Map::default()) };
        let mut entries = BTreeMap::new();
        for (name, column) in self.names.iter().zip(batch.columns()) {
            match cells::value(column, row).map_err(|error| error.with("column", name))? {
                Value::Null => {}
                value => _ = entries.insert(Arc::clone(name), value),
            }
        }
        Ok(Map::new(entries))
    }

    /// The values of a column, from the first row to the last.
    pub fn column<'rows>(&'rows self, name: &'rows str) -> impl Iterator<Item = Result<Value>> + 'rows {
        self.batches.iter().flat_map(move |batch| {
            let column = batch.column_by_name(name);
            (0..batch.num_rows()).map(move |row| match column {
                Some(column) => cells::value(column, row).map_err(|error| error.with("column", name)),
                None => Err(Error::unexpected("column was not read").with("column", name)),
            })
        })
    }

    /// The rows by a column that identifies them.
    ///
    /// # Errors
    /// `Invalid`: two rows have the same value.
    pub fn keys(&self, name: &str) -> Result<Rc<Keys>> {
        if let Some(known) = self.keys.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        let mut keys = Keys::with_capacity(self.count);
        for (value, row) in self.column(name).zip(0..) {
            let value = value?;
            if value.is_null() {
                continue;
            }
            if let Some(before) = keys.insert(value.clone(), row) {
                let error = Error::invalid("key is there twice").with("key", name).with("value", value);
                return Err(error.with("rows", format!("{before} and {row}")));
            }
        }
        let keys = Rc::new(keys);
        self.keys.borrow_mut().insert(name.to_owned(), Rc::clone(&keys));
        Ok(keys)
    }

    fn place(&self, row: usize) -> Option<(&RecordBatch, usize)> {
        let batch = self.starts.partition_point(|start| *start <= row).checked_sub(1)?;
        let (start, batch) = (self.starts.get(batch)?, self.batches.get(batch)?);
        Some((batch, row - start))
    }
}
