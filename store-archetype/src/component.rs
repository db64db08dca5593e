//! Components: a Rust type, or an Arrow schema, under a name.

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worldstore_core::{Error, Result};

use crate::canonical;
use crate::trace;
use crate::types::bare;

/// The longest name of a component in bytes.
pub const COMPONENT_NAME_BYTES_MAX: usize = 64;

/// What stands between the name of a component and that of a field.
const SEPARATOR: &str = "__";

/// A Rust type that is a component.
///
/// Derive `Serialize` and `Deserialize`, and give it a name. The name is for ever: tables and columns are named after
/// it, while the type may be renamed at will.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// use arrow::datatypes::{DataType, TimeUnit};
/// use worldstore_archetype::{Component, ComponentSchema};
/// use worldstore_core::Result;
///
/// #[derive(Serialize, Deserialize)]
/// struct Sighting { at_us: i64, distance: f64, note: Option<String> }
///
/// impl Component for Sighting {
///     const NAME: &'static str = "Sighting";
///
///     fn refine(schema: ComponentSchema) -> Result<ComponentSchema> {
///         schema.with_type("at_us", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?
///             .with_former("distance", ["dist"])
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let schema = ComponentSchema::of::<Sighting>()?;
/// assert_eq!(schema.name(), "sighting");
/// assert_eq!(schema.columns()[1].stable_id(), "sighting__dist");
/// # Ok(()) }
/// ```
pub trait Component: Serialize + DeserializeOwned {
    /// Its name: a letter, then letters, digits and `_`, without `__` and without `_` at the end, ASCII only, at most
    /// [`COMPONENT_NAME_BYTES_MAX`] bytes. Case does not count: the name of the columns has small letters.
    const NAME: &'static str;

    /// Which of the shapes that the component had over time this is. Another generation lives in another table: raise it
    /// where the fields change in a way that a table cannot follow. Default 1.
    const GENERATION: u32 = 1;

    /// Declares what serde does not say: former names of fields and Arrow types. Nothing by default.
    ///
    /// # Errors
    /// Those of the schema's methods.
    fn refine(schema: ComponentSchema) -> Result<ComponentSchema> {
        Ok(schema)
    }
}

/// The columns of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentSchema {
    name: String,
    generation: u32,
    columns: Vec<Column>,
    form: Form,
}

/// How the values of a component are spread over its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A field for each column.
    Fields,
    /// The whole value in one column, `value`.
    Value,
    /// No value: one column, `present`, true where the entity has the component.
    Tag,
}

/// A column of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    prefix: String,
    field: FieldRef,
    former: Vec<String>,
}

/// Whether rows may lack a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Each row of an entity that lives has one.
    Required,
    /// Rows may have null.
    Optional,
}

impl ComponentSchema {
    /// The schema of a Rust type: a column for each field. A newtype, and whatever else is no struct with fields, has one
    /// column `value`; a struct without fields one column `present`, of truth values.
    ///
    /// # Errors
    /// `Invalid` for the name; `Unsupported` for a field that no column can hold; those of [`Component::refine`].
    pub fn of<C: Component>() -> Result<Self> {
        let (form, fields) = trace::columns::<C>().map_err(|error| error.with("component", C::NAME))?;
        let schema = Self::new(C::NAME, form, fields)?.with_generation(C::GENERATION);
        C::refine(schema).map_err(|error| error.with("component", C::NAME))
    }

    /// A component of an Arrow schema, whose columns are [`Presence::Optional`] where they may be null.
    ///
    /// # Errors
    /// `Invalid` for the name, a field without a name or one that is there twice; `Unsupported` for types of no
    /// [canonical form](canonical).
    pub fn from_arrow(name: &str, schema: &Schema) -> Result<Self> {
        if schema.fields().is_empty() {
            return Err(Error::invalid("component has no columns").with("component", name));
        }
        Self::new(name, Form::Fields, schema.fields().iter().map(|field| field.as_ref().clone()).collect())
    }

    fn new(name: &str, form: Form, fields: Vec<Field>) -> Result<Self> {
        check_name(name)?;
        let name = name.to_ascii_lowercase();
        let mut columns: Vec<Column> = Vec::with_capacity(fields.len());
        for field in fields {
            let refused = |error: Error| error.with("component", &name).with("field", format!("{:?}", field.name()));
            if field.name().is_empty() {
                return Err(refused(Error::invalid("field has no name")));
            }
            if columns.iter().any(|column| column.field.name() == field.name()) {
                return Err(refused(Error::invalid("field is there twice")));
            }
            let data_type = bare(field.data_type());
            canonical::check(&data_type).map_err(refused)?;
            let field = Field::new(field.name(), data_type, field.is_nullable());
            columns.push(Column { prefix: format!("{name}{SEPARATOR}"), field: field.into(), former: Vec::new() });
        }
        Ok(Self { name, generation: 1, columns, form })
    }

    /// Sets the generation: see [`Component::GENERATION`].
    #[must_use]
    pub fn with_generation(mut self, generation: u32) -> Self {
        self.generation = generation;
        self
    }

    /// Declares the names that a field had before, oldest first.
    ///
    /// # Errors
    /// `Invalid` if there is no such field, or if a name is that of another field, now or before.
    pub fn with_former<Name: Into<String>>(
        mut self,
        field: &str,
        names: impl IntoIterator<Item = Name>,
    ) -> Result<Self> {
        for name in names.into_iter().map(Into::into) {
            let taken = |column: &Column| *column.field.name() == name || column.former.contains(&name);
            if name.is_empty() || self.columns.iter().any(taken) {
                return Err(Error::invalid("former name of a field is empty or taken")
                    .with("field", field)
                    .with("name", format!("{name:?}")));
            }
            self.column_mut(field)?.former.push(name);
        }
        Ok(self)
    }

    /// Sets the Arrow type of a field, which must be one that serde fills from the field's values.
    ///
    /// # Errors
    /// `Invalid` if there is no such field; `Unsupported` for types of no [canonical form](canonical).
    pub fn with_type(mut self, field: &str, data_type: DataType) -> Result<Self> {
        let data_type = bare(&data_type);
        canonical::check(&data_type).map_err(|error| error.with("field", field))?;
        let column = self.column_mut(field)?;
        column.field = column.field.as_ref().clone().with_data_type(data_type).into();
        Ok(self)
    }

    /// Its name in small letters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its generation.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Its columns in the order of the fields; never empty.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The same columns without a prefix, for a table of another name rule.
    pub(crate) fn without_prefix(mut self) -> Self {
        for column in &mut self.columns {
            column.prefix.clear();
        }
        self
    }

    fn column_mut(&mut self, field: &str) -> Result<&mut Column> {
        let known = self.columns.iter().map(|column| column.field.name().as_str()).collect::<Vec<_>>().join(" ");
        let found = self.columns.iter_mut().find(|column| column.field.name() == field);
        found.ok_or_else(|| Error::invalid("component has no such field").with("field", field).with("known", known))
    }
}

impl Column {
    /// The field of the component: its name without prefix, its type, and whether it may be null.
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// Its name in a table.
    pub fn name(&self) -> String {
        format!("{}{}", self.prefix, self.field.name())
    }

    /// The names that it had before, oldest first.
    pub fn former_names(&self) -> impl DoubleEndedIterator<Item = String> {
        self.former.iter().map(|name| format!("{}{name}", self.prefix))
    }

    /// The first name that it ever had: what it is known by, whatever it is called.
    pub fn stable_id(&self) -> String {
        self.former_names().next().unwrap_or_else(|| self.name())
    }

    /// Its type.
    pub fn data_type(&self) -> &DataType {
        self.field.data_type()
    }

    /// Whether rows may lack a value.
    pub fn presence(&self) -> Presence {
        if self.field.is_nullable() { Presence::Optional } else { Presence::Required }
    }

    /// The column of a table: it may always be null.
    pub fn stored(&self) -> Field {
        Field::new(self.name(), self.data_type().clone(), true)
    }
}

fn check_name(name: &str) -> Result<()> {
    let made_well = name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_');
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let parts_well = !name.contains(SEPARATOR) && !name.ends_with('_');
    if made_well && starts_well && parts_well && name.len() <= COMPONENT_NAME_BYTES_MAX {
        return Ok(());
    }
    let rule = "component name must be a letter, then letters, digits and single _, not _ at the end, at most 64 bytes";
    Err(Error::invalid(rule).with("component", format!("{name:?}")))
}

#[cfg(test)]
mod tests;
