//! The tables of a run's entities: which components are known, and the table of each set of components.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use worldstore_archetype::{Archetype, ComponentSchema};
use worldstore_core::table::{TableName, base};
use worldstore_core::{Error, Result};
use worldstore_ecs::{ComponentType, ComponentValue, check_known};

use super::cells;
use super::names::{BARE, shared_table, stored_name, taken};
use crate::world::TableFormat;

/// The generation of a component whose values are stored once, among those that a table's name is made of.
const SHARED: u32 = u32::MAX;
/// The column of such a component: the number of the value.
const NUMBER: &str = "shared";
/// The column of a component without fields.
const PRESENT: &str = "present";

/// The table of the entities that have just these components.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityTable {
    /// Its name.
    pub name: TableName,
    /// The components by name, each with whether its values are stored once, in a table of their own.
    pub components: Vec<(Arc<str>, bool)>,
}

/// A component and its columns.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub component: Arc<ComponentType>,
    /// Its name in tables.
    pub stored: String,
    pub fields: Vec<Field>,
    /// Whether the catalog in the world has it.
    pub is_stored: bool,
}

/// A table and its columns.
#[derive(Debug)]
pub(super) struct Table {
    pub table: EntityTable,
    /// Columns of the rows that are appended: entity, active, and those of the components.
    pub schema: SchemaRef,
    pub is_stored: bool,
}

/// All components and tables of a run's entities.
#[derive(Debug)]
pub(super) struct Layout {
    pub format: TableFormat,
    components: HashMap<Arc<str>, Known>,
    tables: Vec<Table>,
    /// Tables by a hash of the names of their components.
    places: HashMap<u64, Vec<usize>>,
}

impl Layout {
    /// Without components.
    pub fn new(format: TableFormat) -> Self {
        Self { format, components: HashMap::new(), tables: Vec::new(), places: HashMap::new() }
    }

    /// All components.
    pub fn components(&self) -> impl Iterator<Item = &Known> {
        self.components.values()
    }

    /// A component by name.
    pub fn component(&self, name: &str) -> Result<&Known> {
        self.components.get(name).ok_or_else(|| Error::unexpected("a component is not known").with("component", name))
    }

    /// All tables.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Notes a component.
    pub fn learn(&mut self, component: &Arc<ComponentType>, is_stored: bool) -> Result<()> {
        if let Some(known) = self.components.get(component.name()) {
            return check_known(&known.component, component);
        }
        let stored = stored_name(component.name());
        if let Some(other) = self.components.values().find(|other| other.stored == stored) {
            return Err(taken(component.name(), other.component.name()));
        }
        let field =
            |field: &worldstore_ecs::Field| Field::new(&*field.name, cells::data_type(field.kind, self.format), true);
        let mut fields: Vec<Field> = component.fields().iter().map(field).collect();
        if fields.is_empty() {
            fields.push(Field::new(PRESENT, DataType::Boolean, true));
        }
        let known = Known { component: Arc::clone(component), stored, fields, is_stored };
        self.components.insert(Arc::clone(component.name()), known);
        Ok(())
    }

    /// The table of the entities that have these values, which are sorted by name.
    pub fn table_of(&mut self, values: &[ComponentValue]) -> Result<usize> {
        let hash = hash(values.iter().map(|value| (value.name(), value.is_shared())));
        let is_same = |table: &usize| {
            let components = self.tables.get(*table).map_or(&[][..], |table| &table.table.components);
            let pairs = components.iter().zip(values);
            components.len() == values.len()
                && pairs.into_iter().all(|((name, is_shared), value)| {
                    *is_shared == value.is_shared() && (Arc::ptr_eq(name, value.name()) || name == value.name())
                })
        };
        let found = self.places.get(&hash).and_then(|places| places.iter().copied().find(|place| is_same(place)));
        match found {
            Some(found) => Ok(found),
            None => {
                let signature = values.iter().map(|value| (Arc::clone(value.name()), value.is_shared())).collect();
                self.add(signature, false)
            }
        }
    }

    /// Notes the table of a set of components, which are known and sorted by name.
    pub fn add(&mut self, components: Vec<(Arc<str>, bool)>, is_stored: bool) -> Result<usize> {
        let hash = hash(components.iter().map(|(name, is_shared)| (name, *is_shared)));
        let mut schemas = Vec::with_capacity(components.len());
        let mut fields: Vec<Field> = base::fields();
        fields.retain(|field| [base::ENTITY, base::ACTIVE].contains(&field.name().as_str()));
        for (name, is_shared) in &components {
            let known = self.component(name)?;
            let schema = match is_shared {
                true => numbers(&known.stored)?,
                false => known.schema()?,
            };
            fields.extend(schema.columns().iter().map(|column| column.stored()));
            schemas.push(schema);
        }
        let name = match schemas.is_empty() {
            true => TableName::new(BARE)?,
            false => Archetype::new(schemas)?.table().clone(),
        };
        let schema = Arc::new(Schema::new(fields));
        self.tables.push(Table { table: EntityTable { name, components }, schema, is_stored });
        let place = self.tables.len() - 1;
        self.places.entry(hash).or_default().push(place);
        Ok(place)
    }

    /// Forgets what the catalog in the world does not have.
    pub fn forget_unstored(&mut self) {
        self.components.retain(|_, known| known.is_stored);
        // Those that are stored came first.
        self.tables.retain(|table| table.is_stored);
        let count = self.tables.len();
        self.places.values_mut().for_each(|places| places.retain(|place| *place < count));
    }

    /// Notes that the catalog has everything.
    pub fn all_stored(&mut self) {
        self.components.values_mut().for_each(|known| known.is_stored = true);
        self.tables.iter_mut().for_each(|table| table.is_stored = true);
    }
}

impl Known {
    /// Its columns.
    pub fn schema(&self) -> Result<ComponentSchema> {
        ComponentSchema::from_arrow(&self.stored, &Schema::new(self.fields.clone()))
    }

    /// The table of its values that are stored once, and the columns of the rows that are appended to it.
    pub fn shared_table(&self) -> Result<(TableName, SchemaRef)> {
        let mut fields: Vec<Field> = base::fields();
        fields.retain(|field| [base::ENTITY, base::ACTIVE].contains(&field.name().as_str()));
        fields.extend(self.schema()?.columns().iter().map(|column| column.stored()));
        Ok((TableName::new(shared_table(&self.stored))?, Arc::new(Schema::new(fields))))
    }

    /// The names of the columns, in the order of the fields; of a component without fields, that of its presence.
    pub fn columns(&self) -> Result<Vec<String>> {
        Ok(self.schema()?.columns().iter().map(|column| column.name()).collect())
    }

    /// The name of the column of the number of a value that is stored once.
    pub fn number_column(&self) -> Result<String> {
        Ok(numbers(&self.stored)?.columns().iter().map(|column| column.name()).collect())
    }
}

fn numbers(stored: &str) -> Result<ComponentSchema> {
    // The numbers are small: every format has room for them.
    let column = Field::new(NUMBER, DataType::Int64, true);
    Ok(ComponentSchema::from_arrow(stored, &Schema::new(vec![column]))?.with_generation(SHARED))
}

/// A hash of components that is the same in one process.
fn hash<'a>(components: impl Iterator<Item = (&'a Arc<str>, bool)>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, is_shared) in components {
        for byte in name.bytes().chain([0xff, u8::from(is_shared)]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}
