//! Columns that change: new ids for new columns, and old ids for old ones under new names.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use iceberg::spec::{ListType, MapType, NestedField, NestedFieldRef, Schema, StructType, TableMetadata, Type};
use worldstore_core::table::ColumnChange;
use worldstore_core::{Error, Result};

use crate::edit::NewColumns;
use crate::error::from_iceberg;
use crate::types::{ARROW_TYPE_KEY, to_iceberg_schema};

/// The columns of a table after a change that fits its Arrow schema.
///
/// # Errors
/// `Unsupported` for a type that cannot be stored unchanged.
pub(crate) fn after(metadata: &TableMetadata, change: &ColumnChange) -> Result<NewColumns> {
    let current = metadata.current_schema();
    let mut fields = current.as_struct().fields().to_vec();
    let mut properties = HashMap::new();
    match change {
        ColumnChange::Add(added) => {
            let (made, remembered) = to_iceberg_schema(&ArrowSchema::new(added.clone()))?;
            // Ids are never used again, also not those of columns that are gone.
            let above = metadata.last_column_id();
            fields.extend(made.as_struct().fields().iter().map(|field| shifted(field, above)));
            for (key, text) in remembered {
                let id = key.strip_prefix(ARROW_TYPE_KEY).and_then(|id| id.parse::<i32>().ok());
                let id = id.ok_or_else(|| Error::unexpected("property of a column has no id").with("key", &key))?;
                properties.insert(format!("{ARROW_TYPE_KEY}{}", id + above), text);
            }
        }
        ColumnChange::Rename { from, to } => {
            let renamed = |field: &NestedFieldRef| match field.name == *from {
                true => Arc::new(NestedField { name: to.clone(), ..field.as_ref().clone() }),
                false => Arc::clone(field),
            };
            fields = fields.iter().map(renamed).collect();
        }
        other => return Err(Error::unsupported("change of columns is not known").with("change", format!("{other:?}"))),
    }
    let builder = Schema::builder().with_schema_id(current.schema_id()).with_fields(fields);
    let schema = builder.with_identifier_field_ids(current.identifier_field_ids()).build().map_err(from_iceberg)?;
    Ok(NewColumns { schema, properties })
}

/// The field with all its ids this much higher.
fn shifted(field: &NestedFieldRef, by: i32) -> NestedFieldRef {
    let mut field = field.as_ref().clone();
    field.id += by;
    *field.field_type = match *field.field_type {
        Type::Struct(inner) => {
            Type::Struct(StructType::new(inner.fields().iter().map(|field| shifted(field, by)).collect()))
        }
        Type::List(list) => Type::List(ListType::new(shifted(&list.element_field, by))),
        Type::Map(map) => Type::Map(MapType::new(shifted(&map.key_field, by), shifted(&map.value_field, by))),
        primitive => primitive,
    };
    Arc::new(field)
}
