//! From a caller's rows to the rows of a world table: the base columns are checked or added.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray, UInt64Array};
use arrow::buffer::{BooleanBuffer, Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use worldstore_core::table::base;
use worldstore_core::table::schema::check_schema;
use worldstore_core::{Error, Result};

/// Names of the base columns, in their order.
const BASE: [&str; 6] = [base::WORLD, base::RUN, base::ENTITY, base::TICK, base::ACTIVE, base::SEQ];

/// The schema of the table for rows like these.
pub(super) fn table_schema(rows: &Schema) -> Result<SchemaRef> {
    let components: Vec<Field> = rows
        .fields()
        .iter()
        .filter(|field| ![base::ENTITY, base::ACTIVE].contains(&field.name().as_str()))
        .map(|field| field.as_ref().clone().with_metadata(Default::default()))
        .collect();
    base::with_base(&Schema::new(components))
}

/// The rows with all base columns, in the order of the table. `seq` is filled in by the cache.
pub(super) fn stamp(rows: &RecordBatch, table: &SchemaRef, world: &str, run: &str, tick: i64) -> Result<RecordBatch> {
    let count = rows.num_rows();
    let active = match rows.column_by_name(base::ACTIVE) {
        Some(column) => required(column, base::ACTIVE, &DataType::Boolean)?,
        None => Arc::new(BooleanArray::new(BooleanBuffer::new_set(count), None)),
    };
    let entity = rows
        .column_by_name(base::ENTITY)
        .ok_or_else(|| Error::invalid("rows have no column entity").with("columns", names(rows.schema_ref())))?;
    let mut columns: Vec<ArrayRef> = vec![
        repeated(world, count)?,
        repeated(run, count)?,
        required(entity, base::ENTITY, &DataType::UInt64)?,
        Arc::new(Int64Array::from_value(tick, count)),
        active,
        Arc::new(UInt64Array::from_value(0, count)),
    ];
    match places(rows.schema_ref(), table) {
        Some(places) => columns.extend(places.iter().filter_map(|place| rows.columns().get(*place).cloned())),
        None => {
            for name in components(rows.schema_ref(), table)? {
                let column = rows.column_by_name(&name);
                columns.push(column.cloned().ok_or_else(|| Error::invalid("rows miss a column").with("column", name))?);
            }
        }
    }
    RecordBatch::try_new(table.clone(), columns)
        .map_err(|source| Error::invalid("rows do not fit the table").caused_by(source))
}

/// Rows of a table as rows of a tick that say that their entities ended.
pub(super) fn end_rows(rows: &RecordBatch, world: &str, run: &str, tick: i64) -> Result<RecordBatch> {
    let count = rows.num_rows();
    let column = |name: &str, column: &ArrayRef| -> Result<ArrayRef> {
        let column: ArrayRef = match name {
            base::WORLD => repeated(world, count)?,
            base::RUN => repeated(run, count)?,
            base::TICK => Arc::new(Int64Array::from_value(tick, count)),
            base::ACTIVE => Arc::new(BooleanArray::new(BooleanBuffer::new_unset(count), None)),
            base::SEQ => Arc::new(UInt64Array::from_value(0, count)),
            _ => column.clone(),
        };
        Ok(column)
    };
    let fields = rows.schema_ref().fields().iter().zip(rows.columns());
    let columns = fields.map(|(field, values)| column(field.name(), values)).collect::<Result<_>>()?;
    RecordBatch::try_new(rows.schema(), columns)
        .map_err(|source| Error::unexpected("rows that end entities could not be made").caused_by(source))
}

/// Rows of a table as a caller would append them: entity, active and the components.
pub(super) fn unstamped(rows: &RecordBatch) -> Result<RecordBatch> {
    let kept = |name: &str| ![base::WORLD, base::RUN, base::TICK, base::SEQ].contains(&name);
    let fields = rows.schema_ref().fields().iter().enumerate();
    let indices: Vec<usize> = fields.filter(|(_, field)| kept(field.name())).map(|(index, _)| index).collect();
    rows.project(&indices).map_err(|source| Error::unexpected("rows could not be projected").caused_by(source))
}

/// Checks that rows with these columns can be appended to a table. The order of the components does not matter, and a
/// column that is never null fits one that may be.
///
/// # Errors
/// `Invalid`, naming the first difference.
pub fn check_rows(rows: &Schema, table: &Schema) -> Result<()> {
    components(rows, table).map(|_| ())
}

/// Checks that rows with these columns can make a table.
///
/// # Errors
/// `Invalid` if a component has the name of a base column.
pub fn check_new(rows: &Schema) -> Result<()> {
    table_schema(rows).map(|_| ())
}

/// The same text in every row.
fn repeated(text: &str, count: usize) -> Result<ArrayRef> {
    if text.len().checked_mul(count).is_none_or(|bytes| i32::try_from(bytes).is_err()) {
        return Err(Error::invalid("rows are too many for one batch").with("rows", count));
    }
    let offsets = OffsetBuffer::from_repeated_length(text.len(), count);
    let texts = StringArray::try_new(offsets, Buffer::from_vec(text.repeat(count).into_bytes()), None);
    Ok(Arc::new(texts.map_err(|source| Error::unexpected("a text could not be repeated").caused_by(source))?))
}

/// Where the components are in rows that have those of the table in its order, as nearly all rows have. Whatever is
/// different is not for here.
fn places(rows: &Schema, table: &Schema) -> Option<Vec<usize>> {
    let mut components = table.fields().iter().skip(BASE.len());
    let mut places = Vec::with_capacity(rows.fields().len());
    for (place, field) in rows.fields().iter().enumerate() {
        if [base::ENTITY, base::ACTIVE].contains(&field.name().as_str()) {
            continue;
        }
        let theirs = components.next()?;
        let is_same = theirs.name() == field.name() && theirs.data_type() == field.data_type();
        if !is_same || (field.is_nullable() && !theirs.is_nullable()) {
            return None;
        }
        places.push(place);
    }
    let is_base = table.fields().iter().map(|field| field.name()).zip(BASE).filter(|(name, base)| name == base).count();
    (components.next().is_none() && is_base == BASE.len()).then_some(places)
}

/// The names of the components in the table's order.
fn components(rows: &Schema, table: &Schema) -> Result<Vec<String>> {
    let ours = table_schema(rows)?;
    let may_be_null = |name: &str| table.field_with_name(name).is_ok_and(Field::is_nullable);
    let widen = |field: &Field| field.clone().with_nullable(field.is_nullable() || may_be_null(field.name()));
    let mut fields: Vec<Field> = ours.fields().iter().map(|field| widen(field)).collect();
    fields.sort_by_key(|field| table.index_of(field.name()).unwrap_or(usize::MAX));
    let names = fields.iter().skip(base::fields().len()).map(|field| field.name().clone()).collect();
    check_schema(table, &Schema::new(fields))?;
    Ok(names)
}

fn required(column: &ArrayRef, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let refused = |rule: &str| Err(Error::invalid(rule).with("column", name));
    match (column.data_type() == data_type, column.null_count()) {
        (true, 0) => Ok(column.clone()),
        (true, _) => refused("column has nulls"),
        (false, _) => refused("column has another type")
            .map_err(|error: Error| error.with("expected", data_type).with("got", column.data_type())),
    }
}

fn names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(" ")
}
