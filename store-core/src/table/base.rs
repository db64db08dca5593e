//! The columns that every table of a world starts with.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, Result};

/// Name of the world: text, never null.
pub const WORLD: &str = "world";
/// Name of the run: text, never null.
pub const RUN: &str = "run";
/// Identity of the entity: u64, never null. Formats without unsigned integers hold it as i64 and refuse what does not
/// fit.
pub const ENTITY: &str = "entity";
/// The tick that the row belongs to: i64, never null.
pub const TICK: &str = "tick";
/// False where the row says that the entity ended: bool, never null.
pub const ACTIVE: &str = "active";
/// Sequence number of the append that brought the row, from 1: u64, never null.
pub const SEQ: &str = "seq";

/// The base columns in their order.
pub fn fields() -> Vec<Field> {
    vec![
        Field::new(WORLD, DataType::Utf8, false),
        Field::new(RUN, DataType::Utf8, false),
        Field::new(ENTITY, DataType::UInt64, false),
        Field::new(TICK, DataType::Int64, false),
        Field::new(ACTIVE, DataType::Boolean, false),
        Field::new(SEQ, DataType::UInt64, false),
    ]
}

/// The schema of a world table whose components are the columns of `components`.
///
/// # Errors
/// `Invalid` if a component has the name of a base column.
pub fn with_base(components: &Schema) -> Result<SchemaRef> {
    let mut all = fields();
    for field in components.fields() {
        if all.iter().any(|existing| existing.name() == field.name()) {
            return Err(Error::invalid("column name is taken").with("column", field.name()));
        }
        all.push(field.as_ref().clone());
    }
    Ok(Arc::new(Schema::new(all)))
}
