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
        let stored = LanceSchema::try_from(&one).map_err(|source| refused().caused_by(from_lance(source)))?;
        if has_map(field.data_type()) || check_schema(&Schema::from(&stored), &one).is_err() {
            return Err(refused());
        }
    }
    Ok(())
}

/// Maps are in Lance's schemas, but not in its file format.
fn has_map(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Map(..) => true,
        List(item) | LargeList(item) | FixedSizeList(item, _) => has_map(item.data_type()),
        Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        Dictionary(_, value) => has_map(value),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
