//! Reading: a serde deserializer over bytes that trusts none of them.

use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::desc::DESC;
use super::failure::Failure;

/// Reads values from the front of some bytes.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    /// All bits set inside a value in descending order.
    flip: u8,
    depth: u32,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, flip: 0, depth: 0 }
    }

    /// What has not been read.
    pub(super) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    fn byte(&mut self) -> Result<u8, Failure> {
        let (first, rest) = self.bytes.split_first().ok_or_else(|| Failure::new("the bytes end too early"))?;
        self.bytes = rest;
        Ok(first ^ self.flip)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let (first, rest) =
            self.bytes.split_first_chunk::<N>().ok_or_else(|| Failure::new("the bytes end too early"))?;
        self.bytes = rest;
        Ok(first.map(|byte| byte ^ self.flip))
    }

    fn flag(&mut self) -> Result<bool, Failure> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Failure::new(format_args!("{other} where 0 or 1 was expected"))),
        }
    }

    /// The bytes of an integer without sign, the shortest form only.
    fn magnitude(&mut self, length: u8, invert: u8) -> Result<u128, Failure> {
        let split = self.bytes.split_at_checked(length.into());
        let (bytes, rest) = split.ok_or_else(|| Failure::new("the bytes end too early"))?;
        self.bytes = rest;
        let flip = self.flip ^ invert;
        if bytes.first().is_some_and(|byte| byte ^ flip == 0) {
            return Err(Failure::new("an integer is longer than needed"));
        }
        // Nearly all fit 64 bits, which are quicker to put together.
        if length <= 8 {
            return Ok(bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(byte ^ flip)).into());
        }
        Ok(bytes.iter().fold(0_u128, |value, byte| (value << 8) | u128::from(byte ^ flip)))
    }

    fn unsigned<T: TryFrom<u128>>(&mut self) -> Result<T, Failure> {
        match self.byte()? {
            tag @ 0x80..=0x90 => {
                T::try_from(self.magnitude(tag - 0x80, 0)?).map_err(|_| Failure::new("an integer is too large"))
            }
            _ => Err(Failure::new("no integer without sign")),
        }
    }

    fn signed<T: TryFrom<i128>>(&mut self) -> Result<T, Failure> {
        let too_large = || Failure::new("an integer is too large");
        let value = match self.byte()? {
            tag @ 0x80..=0x90 => i128::try_from(self.magnitude(tag - 0x80, 0)?).map_err(|_| too_large())?,
            tag @ 0x6f..=0x7f => !i128::try_from(self.magnitude(0x7f - tag, 0xff)?).map_err(|_| too_large())?,
            _ => return Err(Failure::new("no integer")),
        };
        T::try_from(value).map_err(|_| too_large())
    }

    fn text(&mut self) -> Result<Vec<u8>, Failure> {
        let mut value = Vec::new();
        loop {
            let zero = self.bytes.iter().position(|byte| *byte == self.flip);
            let split = zero.and_then(|zero| self.bytes.split_at_checked(zero));
            let (bytes, rest) = split.ok_or_else(|| Failure::new("the bytes end too early"))?;
            value.extend(bytes.iter().map(|byte| byte ^ self.flip));
            self.bytes = rest;
            match (self.byte()?, self.byte()?) {
                (_, 0) => return Ok(value),
                (_, 0xff) => value.push(0),
                _ => return Err(Failure::new("a zero byte is not escaped")),
            }
        }
    }

    fn string(&mut self) -> Result<String, Failure> {
        String::from_utf8(self.text()?).map_err(|_| Failure::new("text is not UTF-8"))
    }

    fn nested<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        if self.depth >= super::DEPTH_MAX {
            return Err(Failure::new("it is nested too deeply"));
        }
        self.depth += 1;
        let value = seed.deserialize(&mut *self)?;
        self.depth -= 1;
        Ok(value)
    }
}

/// What is inside an option or a newtype: one level deeper.
struct Inside<'b, 'a>(&'b mut Decoder<'a>);

macro_rules! inside {
    ($($method:ident($($argument:ident: $type:ty),*)),+ $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Failure> {
            self.0.depth += 1;
            if self.0.depth > super::DEPTH_MAX {
                return Err(Failure::new("it is nested too deeply"));
            }
            let value = (&mut *self.0).$method($($argument,)* visitor)?;
            self.0.depth -= 1;
            Ok(value)
        })+
    };
}

impl<'de> Deserializer<'de> for Inside<'_, '_> {
    type Error = Failure;

    inside! {
        deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(), deserialize_i32(),
        deserialize_i64(), deserialize_i128(), deserialize_u8(), deserialize_u16(), deserialize_u32(),
        deserialize_u64(), deserialize_u128(), deserialize_f32(), deserialize_f64(), deserialize_char(),
        deserialize_str(), deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_option(),
        deserialize_unit(), deserialize_unit_struct(name: &'static str),
        deserialize_newtype_struct(name: &'static str), deserialize_seq(), deserialize_tuple(length: usize),
        deserialize_tuple_struct(name: &'static str, length: usize), deserialize_map(),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]),
        deserialize_identifier(), deserialize_ignored_any(),
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence or map (marked), or a known number of fields.
struct Elements<'b, 'a> {
    decoder: &'b mut Decoder<'a>,
    fields: Option<usize>,
}

impl Elements<'_, '_> {
    fn has_next(&mut self) -> Result<bool, Failure> {
        match &mut self.fields {
            None => self.decoder.flag(),
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
        }
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, '_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        if self.has_next()? { self.decoder.nested(seed).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        self.fields
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, '_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        if self.has_next()? { self.decoder.nested(seed).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        self.decoder.nested(seed)
    }
}

impl<'de, 'b, 'a> de::EnumAccess<'de> for &'b mut Decoder<'a> {
    type Error = Failure;
    type Variant = &'b mut Decoder<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Failure> {
        let index: u32 = self.unsigned()?;
        let deserializer: U32Deserializer<Failure> = index.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Decoder<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        self.nested(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Elements { decoder: self, fields: Some(length) })
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Elements { decoder: self, fields: Some(fields.len()) })
    }
}

macro_rules! integers {
    ($($method:ident, $visit:ident, $through:ident);+ $(;)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            let value = self.$through()?;
            visitor.$visit(value)
        })+
    };
}

impl<'de> Deserializer<'de> for &mut Decoder<'_> {
    type Error = Failure;

    integers! {
        deserialize_i8, visit_i8, signed; deserialize_i16, visit_i16, signed; deserialize_i32, visit_i32, signed;
        deserialize_i64, visit_i64, signed; deserialize_i128, visit_i128, signed;
        deserialize_u8, visit_u8, unsigned; deserialize_u16, visit_u16, unsigned;
        deserialize_u32, visit_u32, unsigned; deserialize_u64, visit_u64, unsigned;
        deserialize_u128, visit_u128, unsigned; deserialize_bool, visit_bool, flag;
        deserialize_str, visit_string, string; deserialize_string, visit_string, string;
        deserialize_bytes, visit_byte_buf, text; deserialize_byte_buf, visit_byte_buf, text;
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

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let ordered = u32::from_be_bytes(self.array()?);
        let bits = if ordered >> 31 == 0 { !ordered } else { ordered ^ (1 << 31) };
        visitor.visit_f32(f32::from_bits(bits))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let ordered = u64::from_be_bytes(self.array()?);
        let bits = if ordered >> 63 == 0 { !ordered } else { ordered ^ (1 << 63) };
        visitor.visit_f64(f64::from_bits(bits))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let code: u32 = self.unsigned()?;
        visitor.visit_char(char::from_u32(code).ok_or_else(|| Failure::new("no character has this number"))?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.flag()? { visitor.visit_some(Inside(self)) } else { visitor.visit_none() }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        let outside = self.flip;
        if name == DESC {
            self.flip = !outside;
        }
        let value = visitor.visit_newtype_struct(Inside(self))?;
        self.flip = outside;
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Elements { decoder: self, fields: None })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Elements { decoder: self, fields: Some(length) })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Elements { decoder: self, fields: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
