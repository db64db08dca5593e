//! Which columns a Lance dataset can hold: asked before a table is made, for the writer finds out only after that.

use arrow::datatypes::{DataType, Schema};
use lance_core::datatypes::Schema as LanceSchema;
use worldstore_core::table::schema::check_schema;
use worldstore_core::{Error, Result};

use crate::error::from_lance;

/// Refuses what would be made but could never be appended to.
///
/// # Errors
/// `Invalid` for the name of a column; `Unsupported` for its type.
pub(crate) fn check_columns(schema: &Schema) -> Result<()> {
    // Lance reads these as parts of a path to a nested column, and appends fail.
    if let Some(field) =
        schema.fields().iter().find(|field| field.name().is_empty() || field.name().contains(['.', '`']))
    {
        return Err(Error::invalid("Lance tables cannot hold a column of this name")
            .with("column", format!("{:?}", field.name())));
    }
    for field in schema.fields() {
        let refused = || {
            Error::unsupported("Lance tables cannot hold this type unchanged")
                .with("column", field.name())
                .with("type", field.data_type())
        };
        let one = Schema::new(vec![field.clone()]);
        if !is_held(field.data_type()) {
            return Err(refused());
        }
        let stored = LanceSchema::try_from(&one).map_err(|source| refused().caused_by(from_lance(source)))?;
        if check_schema(&Schema::from(&stored), &one).is_err() {
            return Err(refused());
        }
    }
    Ok(())
}

/// False for what Lance has in its schemas, and cannot write or read back.
fn is_held(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Map(..) | FixedSizeBinary(0) => false,
        // In the name of a type the colon parts its words.
        Timestamp(_, Some(zone)) => !zone.contains(':'),
        List(item) | LargeList(item) => is_held(item.data_type()),
        FixedSizeList(item, items) => *items > 0 && item.data_type().is_primitive() && is_held(item.data_type()),
        Struct(fields) => !fields.is_empty() && fields.iter().all(|field| is_held(field.data_type())),
        Dictionary(_, value) => {
            value.is_integer() || value.is_floating() || matches!(**value, Utf8 | LargeUtf8 | Binary | LargeBinary)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
