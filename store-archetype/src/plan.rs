//! From the columns that a table has to those that an archetype wants.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use worldstore_core::table::{ColumnChange, base};
use worldstore_core::{Error, Result};

use crate::archetype::Archetype;
use crate::component::{Column, Presence};
use crate::types::bare;

/// The changes that give a table the columns of an archetype: renames, then one addition; none if it has them.
///
/// Each goes to `evolve` of a table backend, by `EvolveOptions::from(change)`. If another program changes the table
/// meanwhile, that fails or does what was wanted: plan again from what the table then is.
///
/// ```
/// use arrow::datatypes::{DataType, Field, Schema};
/// use worldstore_archetype::{Archetype, ComponentSchema, plan};
/// use worldstore_core::table::ColumnChange;
///
/// # fn main() -> worldstore_core::Result<()> {
/// let before = Schema::new(vec![Field::new("px", DataType::Float64, false)]);
/// let table = Archetype::new([ComponentSchema::from_arrow("Position", &before)?])?.world_schema()?;
///
/// let x = Field::new("x", DataType::Float64, false);
/// let z = Field::new("z", DataType::Float64, true);
/// let position = ComponentSchema::from_arrow("Position", &Schema::new(vec![x, z]))?.with_former("x", ["px"])?;
/// let changes = plan(&table, &Archetype::new([position])?)?;
/// assert_eq!(changes, [
///     ColumnChange::Rename { from: "position__px".into(), to: "position__x".into() },
///     ColumnChange::Add(vec![Field::new("position__z", DataType::Float64, true)]),
/// ]);
/// # Ok(()) }
/// ```
///
/// # Errors
/// `Invalid`, with `column`, and `expected` and `got` where types differ: for another type, for a new column that is
/// required, for a column that is there under a former name as well, for one of the table that may not be null though
/// new rows would have null in it.
pub fn plan(table: &Schema, wanted: &Archetype) -> Result<Vec<ColumnChange>> {
    let (mut changes, mut added, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for column in wanted.columns() {
        let Some(found) = find(table, column)? else {
            added.push(addition(column)?);
            continue;
        };
        check_type(found, column)?;
        if *found.name() != column.name() {
            changes.push(ColumnChange::Rename { from: found.name().clone(), to: column.name() });
        }
        kept.push(found.name());
    }
    let base = base::fields();
    for field in table.fields().iter().filter(|field| !kept.contains(&field.name())) {
        if !field.is_nullable() && !base.iter().any(|base| base.name() == field.name()) {
            let message = "the table has a column that is never null, and the archetype has none for it";
            return Err(Error::invalid(message).with("column", field.name()).with("table", wanted.table()));
        }
    }
    if !added.is_empty() {
        changes.push(ColumnChange::Add(added));
    }
    Ok(changes)
}

/// Rows of an archetype with the columns of its table: what the rows lack is null. Base columns of the table that the rows
/// lack are left out.
///
/// # Errors
/// `Invalid` for a column that the table does not have, and for one that the rows lack and that may not be null.
pub fn fit(rows: &RecordBatch, table: &Schema) -> Result<RecordBatch> {
    let base = base::fields();
    let is_base = |name: &str| base.iter().any(|field| field.name() == name);
    if let Some(unknown) = rows.schema_ref().fields().iter().find(|field| table.index_of(field.name()).is_err()) {
        return Err(Error::invalid("table has no such column").with("column", unknown.name()));
    }
    let (mut fields, mut columns): (Vec<Arc<Field>>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for field in table.fields() {
        let column = match rows.column_by_name(field.name()) {
            Some(column) => column.clone(),
            None if is_base(field.name()) => continue,
            None if field.is_nullable() => new_null_array(field.data_type(), rows.num_rows()),
            None => return Err(Error::invalid("rows miss a column").with("column", field.name())),
        };
        fields.push(field.clone());
        columns.push(column);
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &count)
        .map_err(|source| Error::invalid("rows do not fit the table").caused_by(source))
}

/// The column in the table, under whichever of its names.
pub(crate) fn find<'table>(table: &'table Schema, column: &Column) -> Result<Option<&'table Field>> {
    let named = |name: &str| table.field_with_name(name).ok();
    let former: Vec<&Field> = column.former_names().rev().filter_map(|name| named(&name)).collect();
    match (named(&column.name()), former.as_slice()) {
        (None, []) => Ok(None),
        (Some(field), []) => Ok(Some(field)),
        (None, [field]) => Ok(Some(field)),
        (_, [former, ..]) => Err(Error::invalid("a column and one of its former names are both in the table")
            .with("column", column.name())
            .with("former", former.name())),
    }
}

/// Checks that a column of the table can hold the values of this one.
pub(crate) fn check_type(found: &Field, column: &Column) -> Result<()> {
    if bare(found.data_type()) != *column.data_type() {
        return Err(Error::invalid("the column has another type in the table")
            .with("column", column.name())
            .with("expected", column.data_type())
            .with("got", found.data_type()));
    }
    if !found.is_nullable() && column.presence() == Presence::Optional {
        return Err(Error::invalid("the column is never null in the table, and the field is optional")
            .with("column", column.name())
            .with("expected", format!("{} null", column.data_type()))
            .with("got", format!("{} not null", found.data_type())));
    }
    Ok(())
}

fn addition(column: &Column) -> Result<Field> {
    match column.presence() {
        Presence::Optional => Ok(column.stored()),
        Presence::Required => {
            let message = "a new field must be optional, for rows that are there have no value in it";
            Err(Error::invalid(message).with("column", column.name()).with("expected", column.data_type()))
        }
    }
}

#[cfg(test)]
mod tests;
