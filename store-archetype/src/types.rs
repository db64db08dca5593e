//! Arrow types as tables hold them: without metadata of serde, lists of one shape, no unions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use worldstore_core::{Error, Result};

/// Where the bridge says how a struct came to be.
const STRATEGY: &str = "SERDE_ARROW:strategy";
const TUPLE: &str = "TupleAsStruct";

/// The type without the metadata of its inner fields.
pub(crate) fn bare(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| Arc::new(Field::new(field.name(), bare(field.data_type()), field.is_nullable()));
    match data_type {
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(inner(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    }
}

/// The type that a traced field has in tables.
///
/// # Errors
/// `Unsupported` for values without a type and for enums with data.
pub(crate) fn natural(field: &Field) -> Result<DataType> {
    let inner = |field: &FieldRef, name: &str| -> Result<FieldRef> {
        Ok(Arc::new(Field::new(name, natural(field)?, field.is_nullable())))
    };
    Ok(match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        DataType::List(item) => DataType::List(inner(item, "item")?),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries, entries.name())?, *sorted),
        DataType::Struct(fields) => {
            let parts = fields.iter().map(|part| inner(part, part.name())).collect::<Result<Vec<_>>>()?;
            let is_tuple = field.metadata().get(STRATEGY).is_some_and(|strategy| strategy == TUPLE);
            match (is_tuple, uniform(&parts)) {
                (true, Some((item, length))) => DataType::FixedSizeList(item, length),
                _ => DataType::Struct(parts.into()),
            }
        }
        DataType::Null | DataType::Union(..) => {
            let message = "no column can hold this field: it has no value, or is an enum with data";
            return Err(Error::unsupported(message).with("field", field.name()));
        }
        other => other.clone(),
    })
}

/// The item and the length of a tuple whose parts are all of one type.
fn uniform(parts: &[FieldRef]) -> Option<(FieldRef, i32)> {
    let first = parts.first()?;
    let alike = |part: &FieldRef| part.data_type() == first.data_type() && part.is_nullable() == first.is_nullable();
    let length = i32::try_from(parts.len()).ok()?;
    parts.iter().all(alike).then(|| (Arc::new(first.as_ref().clone().with_name("item")), length))
}
