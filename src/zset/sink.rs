//! Changes of an output as rows of a world table.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use serde_arrow::schema::{SchemaLike, TracingOptions};
use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};
use worldstore_zset::{Deltas, Output, Row};

/// The column that says how often a row came, or went if it is negative.
const WEIGHT: &str = "weight";

/// A table of a world to which the changes of an output are appended, at the ticks that made them: the fields of the rows,
/// and a column `weight` (i64). The sum of the weights of equal rows up to a tick is the output's state at that tick.
pub struct Sink {
    table: TableName,
    rows: Rows,
}

/// The rows of a step.
type Rows = Box<dyn Fn(&Deltas) -> Result<Option<RecordBatch>> + Send + Sync>;

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Sink {
    /// A table for the changes of an output. Its rows are structs with a field `entity` (u64), and none that is named
    /// `weight` or as one of the columns that every table has.
    ///
    /// # Errors
    /// `Invalid` if the table cannot have this name, or the rows do not have these fields.
    pub fn new<T: Row>(output: Output<T>, table: &str) -> Result<Self> {
        let table = TableName::new(table)?;
        let fields = Vec::<FieldRef>::from_type::<T>(TracingOptions::default()).map_err(|error| {
            Error::invalid("rows of the output are no rows of a table").with("table", &table).caused_by(error)
        })?;
        let entity = fields.iter().find(|field| field.name() == "entity");
        if entity.is_none_or(|field| *field.data_type() != DataType::UInt64) {
            return Err(Error::invalid("rows of the output have no field entity of type u64").with("table", table));
        }
        let reserved = [WEIGHT, "world", "run", "tick", "active", "seq"];
        if let Some(field) = fields.iter().find(|field| reserved.contains(&field.name().as_str())) {
            let error = Error::invalid("a field of the output's rows is named as a column that is added");
            return Err(error.with("table", table).with("field", field.name()));
        }
        let rows: Rows = Box::new(move |deltas| batch(&fields, deltas.get(&output)?));
        Ok(Self { table, rows })
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The rows for what a step changed; `None` if nothing.
    pub(super) fn rows(&self, deltas: &Deltas) -> Result<Option<RecordBatch>> {
        (self.rows)(deltas).map_err(|error| error.with("table", &self.table))
    }
}

fn batch<T: Row>(fields: &[FieldRef], changes: &[(T, i64)]) -> Result<Option<RecordBatch>> {
    if changes.is_empty() {
        return Ok(None);
    }
    let rows: Vec<&T> = changes.iter().map(|(row, _)| row).collect();
    let arrays = serde_arrow::to_arrow(fields, &rows)
        .map_err(|error| Error::invalid("a row of the output cannot be written").caused_by(error))?;
    let weights: Int64Array = changes.iter().map(|(_, weight)| Some(*weight)).collect();
    let columns: Vec<ArrayRef> = arrays.into_iter().chain([Arc::new(weights) as ArrayRef]).collect();
    let weight = Arc::new(Field::new(WEIGHT, DataType::Int64, false));
    let schema = Schema::new(fields.iter().cloned().chain([weight]).collect::<Vec<_>>());
    let batch = RecordBatch::try_new(Arc::new(schema), columns)
        .map_err(|error| Error::unexpected("rows of the output make no batch").caused_by(error))?;
    Ok(Some(batch))
}
