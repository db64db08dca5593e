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
/// A column keeps its place: where another stands in it, which the rows have elsewhere, or their own now stands elsewhere,
/// nobody can tell whether columns were moved, dropped and added, or have exchanged their names.
///
/// # Errors
/// `Unexpected` if the columns do not fit, with the first one that does not.
pub fn widen(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    check_places(batch, schema)?;
    let new = schema.fields().iter().skip(batch.num_columns());
    let nulls = new.map(|field| new_null_array(field.data_type(), batch.num_rows()));
    let columns = batch.columns().iter().cloned().chain(nulls).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &rows).map_err(|source| misfit().caused_by(source))
}

/// Checks that each column of rows has its place in a table, under its name or under one that is new.
fn check_places(batch: &RecordBatch, schema: &Schema) -> Result<()> {
    let before = batch.schema_ref();
    let has = |schema: &Schema, field: &Field| schema.column_with_name(field.name()).is_some();
    for (place, (ours, values)) in before.fields().iter().zip(batch.columns()).enumerate() {
        let Some(theirs) = schema.fields().get(place) else { return Err(misfit().with("column", ours.name())) };
        let is_other = ours.name() != theirs.name() && (has(before, theirs) || has(schema, ours));
        if is_other || values.data_type() != theirs.data_type() {
            let error = misfit().with("column", ours.name()).with("expected", describe(theirs));
            return Err(error.with("got", describe(ours)));
        }
    }
    Ok(())
}

fn misfit() -> Error {
    Error::unexpected("rows do not fit the columns of their table")
}

fn describe(field: &Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("{} {}{null}", field.name(), field.data_type())
}
