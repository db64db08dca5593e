//! Archetypes: a set of components, and its table.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use worldstore_core::table::{TableName, base};
use worldstore_core::{Error, Result};

use crate::bundle::Bundle;
use crate::canonical;
use crate::component::{Column, ComponentSchema};

/// A set of components and the table of the entities that have just these.
///
/// Its columns are in the order of the components' names, then in that of their fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archetype {
    table: TableName,
    /// Sorted by name.
    components: Vec<ComponentSchema>,
}

impl Archetype {
    /// An archetype of components in any order.
    ///
    /// # Errors
    /// `Invalid` for none, and for two of one name.
    pub fn new(components: impl IntoIterator<Item = ComponentSchema>) -> Result<Self> {
        let mut components: Vec<ComponentSchema> = components.into_iter().collect();
        components.sort_by(|one, other| one.name().cmp(other.name()));
        if components.is_empty() {
            return Err(Error::invalid("archetype has no components"));
        }
        if let Some(twice) = components.windows(2).find(|pair| pair[0].name() == pair[1].name()) {
            return Err(Error::invalid("archetype has two components of one name").with("component", twice[0].name()));
        }
        let names = components.iter().map(|component| (component.name(), component.generation()));
        let table = TableName::new(canonical::table_id(names))?;
        Ok(Self { table, components })
    }

    /// The archetype of Rust components: one, or a tuple of up to eight.
    ///
    /// # Errors
    /// Those of [`new`](Self::new) and [`ComponentSchema::of`].
    pub fn of<B: Bundle>() -> Result<Self> {
        Self::new(B::schemas()?)
    }

    /// A table of any columns, whose name is that of the schema and whose columns have no prefix.
    ///
    /// # Errors
    /// `Invalid` if a column has the name of a base column.
    pub fn plain(schema: ComponentSchema) -> Result<Self> {
        let (table, schema) = (TableName::new(schema.name())?, schema.without_prefix());
        let archetype = Self { table, components: vec![schema] };
        base::with_base(&Schema::new(archetype.fields())).map(|_| archetype)
    }

    /// Gives it a table of another name than its id.
    ///
    /// # Errors
    /// `Invalid` for the name.
    pub fn named(mut self, table: &str) -> Result<Self> {
        self.table = TableName::new(table)?;
        Ok(self)
    }

    /// Its table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Its components, by name.
    pub fn components(&self) -> &[ComponentSchema] {
        &self.components
    }

    /// Its columns.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.components.iter().flat_map(|component| component.columns())
    }

    /// Its columns as a table has them, without those that every table of a world starts with.
    pub fn fields(&self) -> Vec<Field> {
        self.columns().map(Column::stored).collect()
    }

    /// The schema of its table in a world.
    ///
    /// # Errors
    /// `Invalid` if a column has the name of a base column, which none with a prefix has.
    pub fn world_schema(&self) -> Result<SchemaRef> {
        base::with_base(&Schema::new(self.fields()))
    }

    /// The schema of the rows that an append takes: the entity, then the columns.
    pub fn rows_schema(&self) -> SchemaRef {
        let entity = base::fields().into_iter().filter(|field| field.name() == base::ENTITY);
        Arc::new(Schema::new(entity.chain(self.fields()).collect::<Vec<_>>()))
    }

    /// BLAKE3 over stable ids and types of all columns, as 64 hex digits: see [`canonical`].
    ///
    /// # Errors
    /// `Unsupported` for a type without a canonical form, which the types of components have.
    pub fn fingerprint(&self) -> Result<String> {
        let columns = self.columns().map(|column| (column.stable_id(), column.data_type()));
        Ok(blake3::hash(&canonical::columns_bytes(columns)?).to_hex().to_string())
    }
}

#[cfg(test)]
mod tests;
