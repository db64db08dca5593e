//! What is known of a component without its Rust type.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::Component;
use crate::field::{Field, FieldKind, FieldSpec, FieldType, FieldValue};
use crate::local::erased::{ErasedColumn, TypedColumn};

/// The longest name of a component.
pub const COMPONENT_NAME_BYTES_MAX: usize = 128;

/// The most fields of a component.
pub const FIELDS_MAX: usize = 256;

const FIELD_NAME_BYTES_MAX: usize = 60;

/// A component by name: its fields, and the rules of its Rust type if the program has it.
#[derive(Clone)]
pub struct ComponentType {
    name: Arc<str>,
    fields: Vec<Field>,
    width: Option<usize>,
    typed: Option<Typed>,
}

/// What only the Rust type knows.
#[derive(Clone, Copy)]
pub(crate) struct Typed {
    pub id: TypeId,
    pub type_name: &'static str,
    combine: fn(&[u8], &[u8]) -> Result<Vec<u8>>,
    check: fn(&[u8]) -> Result<()>,
    pub column: fn() -> Box<dyn ErasedColumn>,
    /// Whether any bits are a value.
    pub is_plain: bool,
}

impl ComponentType {
    /// A component that no Rust type stands for.
    ///
    /// # Errors
    /// `Invalid` unless the name is 1 to 128 ASCII letters, digits, `_`, `-`, `.` or `:`, beginning with a letter, and
    /// there are at most 256 fields with names as [`Field::name`] says.
    pub fn dynamic(name: impl Into<Arc<str>>, fields: Vec<Field>) -> Result<Self> {
        let name = name.into();
        check_name(&name)?;
        check_fields(&name, &fields)?;
        let width = fields.iter().map(Field::width).sum();
        Ok(Self { name, fields, width, typed: None })
    }

    /// The component of a Rust type. [`Component::component`] keeps it.
    ///
    /// # Errors
    /// As [`dynamic`](Self::dynamic).
    pub fn of<Type: Component>() -> Result<Self> {
        let fields = Type::FIELDS.iter().flat_map(expand).collect();
        let typed = Typed {
            id: TypeId::of::<Type>(),
            type_name: std::any::type_name::<Type>(),
            combine: combine::<Type>,
            check: check::<Type>,
            column: || Box::new(TypedColumn::<Type>::default()),
            is_plain: Type::plain(&[]).is_some(),
        };
        Ok(Self { typed: Some(typed), ..Self::dynamic(Type::NAME, fields)? })
    }

    /// The stable name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The fields, in the order of their bytes.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Where a field begins in the bytes of a value, if it is of that kind and all values take as many bytes.
    #[inline]
    pub(crate) fn place_of<Type: FieldType>(&self, name: &str) -> Option<usize> {
        let mut place = 0;
        for field in &self.fields {
            if &*field.name == name {
                let fits = field.kind == Type::KIND && !Type::NULLABLE && Type::ITEMS.is_none();
                return (fits && self.width.is_some()).then_some(place);
            }
            place += field.width()?;
        }
        None
    }

    /// How many bytes a value takes, if all take as many.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// True if the program has the Rust type.
    pub fn is_typed(&self) -> bool {
        self.typed.is_some()
    }

    pub(crate) fn typed(&self) -> Option<&Typed> {
        self.typed.as_ref()
    }

    /// True if not all bits of the right length are a value.
    pub(crate) fn is_picky(&self) -> bool {
        match &self.typed {
            Some(typed) => !typed.is_plain,
            None => self.fields.iter().any(|field| field.kind == FieldKind::Bool),
        }
    }

    /// True if both have one name and the same fields, whatever is known of their Rust types.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.fields == other.fields
    }

    /// Looks whether the bytes are a value of the component.
    ///
    /// # Errors
    /// `Corrupt` if not.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        let explain = |error: Error| error.with("component", &self.name);
        if let Some(typed) = &self.typed {
            return (typed.check)(bytes).map_err(explain);
        }
        let mut rest = bytes;
        for field in &self.fields {
            FieldValue::decode(field, &mut rest).map_err(explain)?;
        }
        ended(rest).map_err(explain)
    }

    /// What two writes in one batch become: by the rule of the Rust type, or the later one.
    ///
    /// # Errors
    /// `Corrupt` if one of them is no value of the component.
    pub(crate) fn combine<'a>(&self, earlier: &[u8], later: &'a [u8]) -> Result<std::borrow::Cow<'a, [u8]>> {
        match &self.typed {
            Some(typed) => Ok((typed.combine)(earlier, later)?.into()),
            None => Ok(later.into()),
        }
    }
}

impl fmt::Debug for ComponentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComponentType").field("name", &self.name).field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl fmt::Display for ComponentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn check_name(name: &str) -> Result<()> {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if !begins || name.len() > COMPONENT_NAME_BYTES_MAX || !name.bytes().all(right) {
        let shown: String = name.chars().take(COMPONENT_NAME_BYTES_MAX).collect();
        return Err(Error::invalid("this is no name for a component").with("name", shown.escape_debug()));
    }
    Ok(())
}

fn check_fields(component: &str, fields: &[Field]) -> Result<()> {
    let refuse = |what: &str| Err(Error::invalid(what).with("component", component));
    if fields.len() > FIELDS_MAX {
        return refuse("the component has too many fields");
    }
    for (place, field) in fields.iter().enumerate() {
        let name = &field.name;
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let begins = name.as_bytes().first().is_some_and(|byte| !byte.is_ascii_digit());
        if !begins || !letters || name.len() > FIELD_NAME_BYTES_MAX {
            return refuse("a field has a name that cannot be stored");
        }
        if fields[..place].iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return refuse("two fields have one name");
        }
    }
    Ok(())
}

/// The fields for one declared field: an array is as many as it has items.
fn expand(spec: &FieldSpec) -> Vec<Field> {
    let field = |name: Arc<str>| Field { name, kind: spec.kind, nullable: spec.nullable };
    match spec.items {
        None => vec![field(spec.name.into())],
        Some(items) => (0..items).map(|item| field(format!("{}_{item}", spec.name).into())).collect(),
    }
}

fn combine<Type: Component>(mut earlier: &[u8], mut later: &[u8]) -> Result<Vec<u8>> {
    let combined = Type::combine(&Type::decode(&mut earlier)?, Type::decode(&mut later)?);
    let mut bytes = Vec::new();
    combined.encode(&mut bytes)?;
    Ok(bytes)
}

fn check<Type: Component>(mut bytes: &[u8]) -> Result<()> {
    Type::decode(&mut bytes)?;
    ended(bytes)
}

fn ended(rest: &[u8]) -> Result<()> {
    if rest.is_empty() { Ok(()) } else { Err(crate::error::corrupt("a value has bytes behind its end")) }
}
