//! A component by name: its type and the bytes of its value.

use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::component::{Component, ComponentType};
use crate::error::{other_fields, other_type};
use crate::field::FieldValue;
use crate::small::SmallBytes;

/// The longest value of a component.
pub const VALUE_BYTES_MAX: usize = 16 << 20;

/// A value of a component, in a form that needs no Rust type.
#[derive(Debug, Clone)]
pub struct ComponentValue {
    component: Arc<ComponentType>,
    bytes: SmallBytes,
    shared: bool,
}

impl ComponentValue {
    /// The value of a Rust type.
    ///
    /// # Errors
    /// `Invalid` if the type breaks the rules, serde does not write a field, or the value takes more than 16 MiB.
    pub fn of<Type: Component>(value: &Type) -> Result<Self> {
        let mut bytes = SmallBytes::new();
        value.encode(&mut bytes)?;
        let component = Type::component()?;
        check_length(component, bytes.as_slice().len())?;
        Ok(Self { component: Arc::clone(component), bytes: bytes.frozen(), shared: false })
    }

    /// The value that these bytes are.
    ///
    /// # Errors
    /// `Corrupt` if they are none, `Invalid` if they are more than 16 MiB.
    pub fn from_bytes(component: &Arc<ComponentType>, bytes: &[u8]) -> Result<Self> {
        check_length(component, bytes.len())?;
        component.check(bytes)?;
        Ok(Self::trusted(component, bytes.into()))
    }

    /// The value with these fields, as many as the component has.
    ///
    /// # Errors
    /// `Invalid` if a value does not fit its field, or their number is another; `Corrupt` if the Rust type refuses them.
    pub fn from_fields(component: &Arc<ComponentType>, fields: &[FieldValue<'_>]) -> Result<Self> {
        if fields.len() != component.fields().len() {
            let error = Error::invalid("the component has another number of fields").with("component", component);
            return Err(error.with("fields", component.fields().len()).with("given", fields.len()));
        }
        let mut bytes = SmallBytes::new();
        for (field, value) in component.fields().iter().zip(fields) {
            value.encode(field, &mut bytes).map_err(|error| error.with("component", component))?;
        }
        check_length(component, bytes.as_slice().len())?;
        if component.is_typed() {
            component.check(bytes.as_slice())?;
        }
        Ok(Self { component: Arc::clone(component), bytes: bytes.frozen(), shared: false })
    }

    /// A value whose bytes were checked before.
    #[inline]
    pub(crate) fn trusted(component: &Arc<ComponentType>, bytes: SmallBytes) -> Self {
        Self { component: Arc::clone(component), bytes: bytes.frozen(), shared: false }
    }

    /// The same value, stored once for all entities that have it in this way.
    ///
    /// Values are the same if their components and bytes are. An entity whose component is written again has its own
    /// from then on; a stored value goes with the last entity that has it.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// True if the value is stored once for all entities that have it in this way.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Which component it is.
    pub fn component(&self) -> &Arc<ComponentType> {
        &self.component
    }

    /// The name of the component.
    pub fn name(&self) -> &Arc<str> {
        self.component.name()
    }

    /// The bytes of the fields.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The value in its Rust type.
    ///
    /// # Errors
    /// `Invalid` if it is another component or one with other fields, `Corrupt` if the type refuses the fields.
    pub fn get<Type: Component>(&self) -> Result<Type> {
        check_type::<Type>(&self.component)?;
        Type::decode(&mut self.bytes())
    }

    /// The values of all fields, in their order.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are no value of the component.
    pub fn fields(&self) -> Result<Vec<FieldValue<'_>>> {
        let mut rest = self.bytes();
        self.component.fields().iter().map(|field| FieldValue::decode(field, &mut rest)).collect()
    }

    /// What an earlier and this later write become, by the rule of the component.
    pub(crate) fn after(self, earlier: &Self) -> Result<Self> {
        let bytes = self.component.combine(earlier.bytes(), self.bytes())?;
        check_length(&self.component, bytes.len())?;
        let bytes = SmallBytes::from(&bytes[..]);
        Ok(Self { bytes, ..self })
    }
}

impl PartialEq for ComponentValue {
    /// Equal if the components have one name and the same fields, and the values the same bytes and way of storing.
    fn eq(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.component, &other.component) || self.component.is_same(&other.component);
        same && self.bytes == other.bytes && self.shared == other.shared
    }
}

impl Eq for ComponentValue {}

fn check_length(component: &ComponentType, length: usize) -> Result<()> {
    if length > VALUE_BYTES_MAX {
        let error = Error::invalid("a value takes more than 16 MiB").with("component", component);
        return Err(error.with("bytes", length));
    }
    Ok(())
}

/// Looks whether values of a component can be read as a Rust type.
pub(crate) fn check_type<Type: Component>(component: &Arc<ComponentType>) -> Result<()> {
    let wanted = Type::component()?;
    if Arc::ptr_eq(component, wanted) || component.is_same(wanted) {
        return Ok(());
    }
    match component.name() == wanted.name() {
        true => Err(other_fields(component.name())),
        false => Err(other_type(component.name(), std::any::type_name::<Type>())),
    }
}
