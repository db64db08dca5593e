//! What a type asks serde for first: fields, nothing, or something else.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// What a type is to serde.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A struct with fields.
    Fields,
    /// A struct with no field, `struct Tag {}`.
    Empty,
    /// A struct without fields, `struct Tag;`.
    Unit,
    /// Anything else.
    Value,
}

/// Finds out.
pub(crate) fn kind<'de, T: Deserialize<'de>>() -> Kind {
    match T::deserialize(Probe) {
        Err(Asked(kind)) => kind,
        // It asked for nothing.
        Ok(_) => Kind::Value,
    }
}

struct Probe;

/// Ends the attempt, and says what was asked for.
#[derive(Debug)]
struct Asked(Kind);

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Asked> {
        Err(Asked(Kind::Value))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(if fields.is_empty() { Kind::Empty } else { Kind::Fields }))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, _visitor: V) -> Result<V::Value, Asked> {
        Err(Asked(Kind::Unit))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Asked {}

impl serde::de::Error for Asked {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self(Kind::Value)
    }
}
