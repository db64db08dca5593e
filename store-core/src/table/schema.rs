//! Comparing the schema of rows with the schema of a table.

use arrow::array::{Array, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::error::{Error, Result};

/// Checks that rows of schema `got` can be appended to a table of schema `expected`: the same columns in the same
/// order, with the same names, types and nullability. Metadata does not count.
///
/// # Errors
/// `Invalid`, naming the first difference.
pub fn check_schema(expected: &Schema, got: &Schema) -> Result<()> {
    let same = |ours: &Field, theirs: &Field| {
        ours.name() == theirs.name()
            && ours.data_type() == theirs.data_type()
            && ours.is_nullable() == theirs.is_nullable()
    };
    let other = || Error::invalid("rows have another schema than the table");
    for (ours, theirs) in expected.fields().iter().zip(got.fields()) {
        if !same(ours, theirs) {
            return Err(other().with("expected", describe(ours)).with("got", describe(theirs)));
        }
    }
    match expected.fields().len() == got.fields().len() {
        true => Ok(()),
        false => Err(other().with("expected_columns", expected.fields().len()).with("got_columns", got.fields().len())),
    }
}

/// Checks that columns that are never null hold no null, also where a dictionary hides it.
///
/// # Errors
/// `Invalid`, naming column and row.
pub fn check_nulls(rows: &RecordBatch) -> Result<()> {
    for (field, values) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        if field.is_nullable() {
            continue;
        }
        let nulls = values.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        if let Some(row) = nulls.and_then(|nulls| nulls.iter().position(|valid| !valid)) {
            return Err(Error::invalid("column that is never null has a null")
                .with("column", field.name())
                .with("row", row));
        }
    }
    Ok(())
}

/// Gives rows of a table the columns that it has now: the same ones, perhaps under other names, and new ones behind them,
/// in which they have null.
///
/// # Errors
/// `Unexpected` if the columns do not fit.
pub fn widen(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let new = schema.fields().iter().skip(batch.num_columns());
    let nulls = new.map(|field| new_null_array(field.data_type(), batch.num_rows()));
    let columns = batch.columns().iter().cloned().chain(nulls).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &rows)
        .map_err(|source| Error::unexpected("rows do not fit the columns of their table").caused_by(source))
}

fn describe(field: &Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("{} {}{null}", field.name(), field.data_type())
}
