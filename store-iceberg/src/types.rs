//! Which Arrow types are stored as which of Iceberg's, and the way back.
//!
//! Iceberg has fewer types than Arrow. What fits into a wider one is stored as that, and the original is remembered in
//! a property of the table; what would have to be changed is refused when the table is created.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, MapArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast_with_options, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};
use arrow::error::ArrowError;
use iceberg::arrow::{arrow_schema_to_schema_auto_assign_ids, schema_to_arrow_schema};
use iceberg::spec::{DEFAULT_SCHEMA_NAME_MAPPING, Literal, NameMapping, Schema as IcebergSchema};
use worldstore_core::{Error, ErrorKind, Result};

use crate::error::from_iceberg;

/// The start of the table properties that remember a column's Arrow type; the column's field id follows. Columns
/// without one have the Arrow type that is natural for their Iceberg type.
pub const ARROW_TYPE_KEY: &str = "worldstore.arrow-type.";

/// The time zone that Iceberg's Arrow types carry.
const UTC: &str = "+00:00";

/// A column of a table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Iceberg's id of it, by which it is found in a data file.
    pub id: i32,
    /// As described and scanned.
    pub field: FieldRef,
    /// As written, with the field ids in its metadata.
    pub stored: FieldRef,
    /// Its names in files without field ids.
    pub mapped: Vec<String>,
    /// What rows have that are older than it; null if nothing.
    pub initial: Option<Literal>,
}

/// The Iceberg schema for a table of this Arrow schema, and the properties that lead back to it.
///
/// # Errors
/// `Unsupported` for a type that cannot be stored unchanged; `Invalid` for names that occur twice.
pub(crate) fn to_iceberg_schema(schema: &Schema) -> Result<(IcebergSchema, HashMap<String, String>)> {
    let stored = schema.fields().iter().map(|field| stored_field(field, field.name())).collect::<Result<Vec<_>>>()?;
    let refused = |source| Error::invalid("Iceberg refused the schema").caused_by(source);
    let made = arrow_schema_to_schema_auto_assign_ids(&Schema::new(stored)).map_err(refused)?;
    let natural = schema_to_arrow_schema(&made).map_err(from_iceberg)?;
    let mut properties = HashMap::new();
    for ((field, natural), made) in schema.fields().iter().zip(natural.fields()).zip(made.as_struct().fields()) {
        let text = field.data_type().to_string();
        if *field.data_type() == bare(natural.data_type()) {
            continue;
        }
        if DataType::from_str(&text).ok().as_ref() != Some(field.data_type()) {
            return Err(unsupported(field.data_type(), field.name()));
        }
        properties.insert(format!("{ARROW_TYPE_KEY}{}", made.id), text);
    }
    Ok((made, properties))
}

/// The columns of a table.
pub(crate) fn columns(schema: &IcebergSchema, properties: &HashMap<String, String>) -> Result<Vec<Column>> {
    let natural = schema_to_arrow_schema(schema).map_err(from_iceberg)?;
    let mapping = mapping(properties)?;
    let column = |(made, stored): (&Arc<iceberg::spec::NestedField>, &FieldRef)| {
        let mut data_type = bare(stored.data_type());
        if let Some(text) = properties.get(&format!("{ARROW_TYPE_KEY}{}", made.id)) {
            let wrong = |source| {
                Error::new(ErrorKind::Corrupt, "the remembered Arrow type of a column is no type")
                    .with("column", &made.name)
                    .with("type", text)
                    .caused_by(source)
            };
            let original = DataType::from_str(text).map_err(wrong)?;
            // Another program may have widened the column: what was remembered then no longer holds.
            if same_storage(&original, stored, &made.name) {
                data_type = original;
            }
        }
        let field = Arc::new(Field::new(&made.name, data_type, stored.is_nullable()));
        let mapped = mapping.iter().flat_map(NameMapping::fields).find(|one| one.field_id() == Some(made.id));
        let mapped = mapped.map_or_else(Vec::new, |one| one.names().to_vec());
        let initial = made.initial_default.clone();
        Ok(Column { id: made.id, field, stored: Arc::clone(stored), mapped, initial })
    };
    schema.as_struct().fields().iter().zip(natural.fields()).map(column).collect()
}

/// What columns are called in files without field ids, if the table says it.
fn mapping(properties: &HashMap<String, String>) -> Result<Option<NameMapping>> {
    let parsed = properties.get(DEFAULT_SCHEMA_NAME_MAPPING).map(|text| serde_json::from_str(text)).transpose();
    parsed.map_err(|source| {
        Error::new(ErrorKind::Corrupt, "the table's mapping of names cannot be read").caused_by(source)
    })
}

fn same_storage(original: &DataType, stored: &Field, name: &str) -> bool {
    let field = Field::new(name, original.clone(), stored.is_nullable());
    to_iceberg_schema(&Schema::new(vec![field]))
        .and_then(|(made, _)| schema_to_arrow_schema(&made).map_err(from_iceberg))
        .is_ok_and(|made| made.fields().iter().all(|made| bare(made.data_type()) == bare(stored.data_type())))
}

/// A column of a file as it is described.
///
/// # Errors
/// `Corrupt` if another program stored a value that the column's type does not have.
pub(crate) fn from_stored(array: &ArrayRef, column: &Column) -> Result<ArrayRef> {
    let corrupt = || {
        Error::new(ErrorKind::Corrupt, "a stored value does not fit the column's type")
            .with("column", column.field.name())
            .with("type", column.field.data_type())
    };
    let wanted = column.field.data_type();
    let read = convert(array, wanted).map_err(|source| corrupt().caused_by(source))?;
    if cuts(wanted) && *array.data_type() != *wanted {
        let back = convert(&read, array.data_type()).map_err(|source| corrupt().caused_by(source))?;
        if distinct(&back, array).map_err(|source| corrupt().caused_by(source))?.true_count() > 0 {
            return Err(corrupt());
        }
    }
    Ok(read)
}

/// Whether a cast to this type drops digits without an error.
fn cuts(data_type: &DataType) -> bool {
    use DataType::*;
    matches!(data_type, Timestamp(TimeUnit::Second | TimeUnit::Millisecond, _) | Time32(_) | Float16)
}

/// An array as one of another type.
///
/// # Errors
/// If a value does not fit.
pub(crate) fn convert(array: &ArrayRef, to: &DataType) -> std::result::Result<ArrayRef, ArrowError> {
    use DataType::*;
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), to) {
        (Struct(_), Struct(fields)) => convert_struct(array.as_struct(), fields).map(|made| Arc::new(made) as ArrayRef),
        (Map(..), Map(entries, sorted)) => {
            let (_, offsets, parts, nulls, _) = array.as_map().clone().into_parts();
            let Struct(fields) = entries.data_type() else { return cast_exactly(array, to) };
            let parts = convert_struct(&parts, fields)?;
            Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, parts, nulls, *sorted)?))
        }
        (
            List(from) | LargeList(from) | FixedSizeList(from, _),
            List(item) | LargeList(item) | FixedSizeList(item, _),
        ) => {
            // A cast from one kind of list to another knows nothing of the fields inside of it.
            let list = cast_exactly(array, &List(Arc::clone(from)))?;
            let (_, offsets, values, nulls) = list.as_list::<i32>().clone().into_parts();
            let values = convert(&values, item.data_type())?;
            let list: ArrayRef = Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?);
            cast_exactly(&list, to)
        }
        _ => cast_exactly(array, to),
    }
}

fn convert_struct(array: &StructArray, fields: &Fields) -> std::result::Result<StructArray, ArrowError> {
    let parts = array.columns().iter().zip(fields);
    let parts = parts.map(|(part, field)| convert(&masked(part, array.nulls())?, field.data_type()));
    let parts = parts.collect::<std::result::Result<_, _>>()?;
    StructArray::try_new_with_length(fields.clone(), parts, array.nulls().cloned(), array.len())
}

/// A part of a struct without the values where the struct is null: nobody sees them, and they may be anything.
pub(crate) fn masked(part: &ArrayRef, outer: Option<&NullBuffer>) -> std::result::Result<ArrayRef, ArrowError> {
    match outer.filter(|outer| outer.null_count() > 0) {
        Some(outer) => nullif(part, &BooleanArray::new(!outer.inner(), None)),
        None => Ok(Arc::clone(part)),
    }
}

fn cast_exactly(array: &ArrayRef, to: &DataType) -> std::result::Result<ArrayRef, ArrowError> {
    match array.data_type() == to {
        true => Ok(Arc::clone(array)),
        false => cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() }),
    }
}

fn stored_field(field: &Field, column: &str) -> Result<Field> {
    Ok(Field::new(field.name(), stored_type(field.data_type(), column)?, field.is_nullable()))
}

fn stored_child(field: &Field, column: &str) -> Result<FieldRef> {
    stored_field(field, column).map(Arc::new)
}

fn stored_type(data_type: &DataType, column: &str) -> Result<DataType> {
    use DataType::*;
    let unsupported = || Err(unsupported(data_type, column));
    Ok(match data_type {
        Boolean | Int32 | Int64 | Float32 | Float64 | Date32 | Utf8 => data_type.clone(),
        Int8 | Int16 | UInt8 | UInt16 => Int32,
        UInt32 | UInt64 => Int64,
        Float16 => Float32,
        LargeUtf8 | Utf8View => Utf8,
        Binary | LargeBinary | BinaryView => LargeBinary,
        FixedSizeBinary(length) if *length > 0 => data_type.clone(),
        Decimal128(_, scale) if *scale >= 0 => data_type.clone(),
        Time32(_) | Time64(TimeUnit::Microsecond) => Time64(TimeUnit::Microsecond),
        Timestamp(TimeUnit::Nanosecond, _) => return unsupported(),
        Timestamp(_, None) => Timestamp(TimeUnit::Microsecond, None),
        Timestamp(_, Some(zone)) if is_utc(zone) => Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        // A batch that is read could hold more values than eight bits number.
        Dictionary(key, value) if !matches!(**key, Int8 | UInt8) && matches!(**value, Utf8 | LargeUtf8) => Utf8,
        // Of lists of no items nobody could tell how many they are.
        FixedSizeList(_, 0) => return unsupported(),
        List(item) | LargeList(item) | FixedSizeList(item, _) => List(stored_child(item, column)?),
        Struct(fields) if !fields.is_empty() => Struct(stored_fields(fields, column)?),
        Map(entries, false) => Map(stored_child(entries, column)?, false),
        _ => return unsupported(),
    })
}

fn stored_fields(fields: &Fields, column: &str) -> Result<Fields> {
    fields.iter().map(|field| stored_child(field, column)).collect()
}

fn is_utc(zone: &str) -> bool {
    zone == "UTC" || zone == UTC
}

fn unsupported(data_type: &DataType, column: &str) -> Error {
    Error::unsupported("Iceberg tables cannot hold this type unchanged").with("column", column).with("type", data_type)
}

/// The type without the metadata of its inner fields.
fn bare(data_type: &DataType) -> DataType {
    use DataType::*;
    let inner = |field: &FieldRef| Arc::new(Field::new(field.name(), bare(field.data_type()), field.is_nullable()));
    match data_type {
        List(item) => List(inner(item)),
        Struct(fields) => Struct(fields.iter().map(inner).collect()),
        Map(entries, sorted) => Map(inner(entries), *sorted),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
