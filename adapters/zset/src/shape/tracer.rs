//! The deserializer that answers with made-up values and notes what was asked for.

use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::Shape;
use crate::encode::Failure;

/// Types nested deeper than this are cut off: they may contain themselves.
const DEPTH_MAX: u32 = 12;

/// Answers one question and writes the shape into its place.
pub(super) struct Tracer<'a> {
    shape: &'a mut Shape,
    depth: u32,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(shape: &'a mut Shape) -> Self {
        Self { shape, depth: 0 }
    }

    fn below(shape: &'a mut Shape, depth: u32) -> Result<Self, Failure> {
        match depth >= DEPTH_MAX {
            true => Err(Failure::new("the type is nested too deeply")),
            false => Ok(Self { shape, depth: depth + 1 }),
        }
    }

    fn fields<'de, V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        *self.shape = Shape::Tuple(vec![Shape::Unknown; length]);
        match self.shape {
            Shape::Tuple(parts) => visitor.visit_seq(Parts { parts: parts.iter_mut(), depth: self.depth }),
            _ => Err(Failure::new("no tuple")),
        }
    }
}

/// The elements of a tuple, sequence or struct, one after another.
struct Parts<I> {
    parts: I,
    depth: u32,
}

impl<'de, 'a, I: Iterator<Item = &'a mut Shape>> de::SeqAccess<'de> for Parts<I> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let depth = self.depth;
        self.parts.next().map(|shape| seed.deserialize(Tracer::below(shape, depth)?)).transpose()
    }
}

/// One entry of a map.
struct Entry<'a> {
    key: Option<&'a mut Shape>,
    value: &'a mut Shape,
    depth: u32,
}

impl<'de> de::MapAccess<'de> for Entry<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let depth = self.depth;
        self.key.take().map(|shape| seed.deserialize(Tracer::below(shape, depth)?)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(Tracer::below(self.value, self.depth)?)
    }
}

/// The first variant of an enum. What is inside it is asked for, because it must be answered, and forgotten.
struct Variant {
    depth: u32,
}

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let deserializer: U32Deserializer<Failure> = 0_u32.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(Tracer::below(&mut Shape::Unknown, self.depth)?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        Tracer::below(&mut Shape::Unknown, self.depth)?.fields(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.tuple_variant(fields.len(), visitor)
    }
}

macro_rules! scalars {
    ($($method:ident => $shape:ident, $visit:ident($($value:expr)?)),+ $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            *self.shape = Shape::$shape;
            visitor.$visit($($value)?)
        })+
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Failure;

    scalars! {
        deserialize_bool => Bool, visit_bool(false), deserialize_i8 => Integer, visit_i8(1),
        deserialize_i16 => Integer, visit_i16(1), deserialize_i32 => Integer, visit_i32(1),
        deserialize_i64 => Integer, visit_i64(1), deserialize_i128 => Large, visit_i128(1),
        deserialize_u8 => Integer, visit_u8(1), deserialize_u16 => Integer, visit_u16(1),
        deserialize_u32 => Integer, visit_u32(1), deserialize_u64 => Large, visit_u64(1),
        deserialize_u128 => Large, visit_u128(1), deserialize_f32 => Float, visit_f32(0.0),
        deserialize_f64 => Float, visit_f64(0.0), deserialize_char => Text, visit_char('a'),
        deserialize_str => Text, visit_str(""), deserialize_string => Text, visit_str(""),
        deserialize_bytes => Bytes, visit_bytes(&[]), deserialize_byte_buf => Bytes, visit_bytes(&[]),
        deserialize_unit => Unit, visit_unit(),
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failure> {
        Err(Failure::undescribed())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        *self.shape = Shape::Option(Box::default());
        match self.shape {
            Shape::Option(inner) if self.depth < DEPTH_MAX => visitor.visit_some(Tracer::below(inner, self.depth)?),
            _ => visitor.visit_none(),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        *self.shape = Shape::Newtype(name, Box::default());
        match self.shape {
            Shape::Newtype(_, inner) => visitor.visit_newtype_struct(Tracer::below(inner, self.depth)?),
            _ => Err(Failure::new("no newtype")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        *self.shape = Shape::Seq(Box::default());
        match self.shape {
            // A type that contains itself gets an empty list in the end.
            Shape::Seq(inner) => {
                let count = usize::from(self.depth < DEPTH_MAX / 2);
                visitor.visit_seq(Parts { parts: std::iter::once(&mut **inner).take(count), depth: self.depth })
            }
            _ => Err(Failure::new("no sequence")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.fields(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.fields(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        *self.shape = Shape::Map(Box::default(), Box::default());
        match self.shape {
            Shape::Map(key, value) => {
                let key = (self.depth < DEPTH_MAX / 2).then_some(&mut **key);
                visitor.visit_map(Entry { key, value, depth: self.depth })
            }
            _ => Err(Failure::new("no map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        *self.shape = Shape::Struct(name, fields.iter().map(|field| (*field, Shape::Unknown)).collect());
        match self.shape {
            Shape::Struct(_, fields) => {
                visitor.visit_seq(Parts { parts: fields.iter_mut().map(|field| &mut field.1), depth: self.depth })
            }
            _ => Err(Failure::new("no struct")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        *self.shape = Shape::Enum(name, variants);
        visitor.visit_enum(Variant { depth: self.depth })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
