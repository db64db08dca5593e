//! JSON text of any value. What `serde_json` refuses, maps whose keys are no plain values, are lists of key and value.

use serde::Serialize;
use serde::ser::{self, Serializer};

use crate::encode::Failure;

/// The text of a value.
pub(super) fn text<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).or_else(|_| value.serialize(Json))
}

/// Writes values as `serde_json` does, but for such maps.
struct Json;

fn plain<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(Failure::new)
}

/// A list, or an object with the names of fields, perhaps inside a variant.
struct Parts {
    variant: Option<&'static str>,
    is_list: bool,
    parts: Vec<String>,
}

impl Parts {
    fn list(variant: Option<&'static str>) -> Self {
        Self { variant, is_list: true, parts: Vec::new() }
    }

    fn fields(variant: Option<&'static str>) -> Self {
        Self { variant, is_list: false, parts: Vec::new() }
    }

    fn part<T: Serialize + ?Sized>(&mut self, name: Option<&'static str>, value: &T) -> Result<(), Failure> {
        let value = value.serialize(Json)?;
        self.parts.push(match name {
            Some(name) => format!("{}:{value}", plain(name)?),
            None => value,
        });
        Ok(())
    }

    fn end(self) -> Result<String, Failure> {
        let parts = self.parts.join(",");
        let text = if self.is_list { format!("[{parts}]") } else { format!("{{{parts}}}") };
        match self.variant {
            Some(variant) => within(variant, &text),
            None => Ok(text),
        }
    }
}

fn within(variant: &str, text: &str) -> Result<String, Failure> {
    Ok(format!("{{{}:{text}}}", plain(variant)?))
}

/// The keys and values of a map.
struct Entries {
    key: String,
    entries: Vec<(String, String)>,
}

impl ser::SerializeMap for Entries {
    type Ok = String;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.key = key.serialize(Json)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.entries.push((std::mem::take(&mut self.key), value.serialize(Json)?));
        Ok(())
    }

    fn end(self) -> Result<String, Failure> {
        let name = |key: &str| match key.bytes().next() {
            Some(b'"') => Some(key.to_owned()),
            Some(b'[' | b'{' | b'n') | None => None,
            // Numbers, true and false.
            Some(_) => Some(format!("\"{key}\"")),
        };
        let names: Option<Vec<String>> = self.entries.iter().map(|(key, _)| name(key)).collect();
        let values = self.entries.iter().map(|(_, value)| value);
        if let Some(names) = names {
            let fields: Vec<_> = names.iter().zip(values).map(|(name, value)| format!("{name}:{value}")).collect();
            return Ok(format!("{{{}}}", fields.join(",")));
        }
        let pairs: Vec<_> = self.entries.iter().map(|(key, value)| format!("[{key},{value}]")).collect();
        Ok(format!("[{}]", pairs.join(",")))
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<String, Failure> {
            plain(&value)
        })+
    };
}

impl Serializer for Json {
    type Ok = String;
    type Error = Failure;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Entries;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    scalars! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str,
        serialize_bytes: &[u8],
    }

    fn serialize_none(self) -> Result<String, Failure> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Failure> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, Failure> {
        Ok("null".to_owned())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, Failure> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, Failure> {
        plain(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<String, Failure> {
        within(variant, &value.serialize(self)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Failure> {
        Ok(Parts::list(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Failure> {
        Ok(Parts::list(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Failure> {
        Ok(Parts::list(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Failure> {
        Ok(Parts::list(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Failure> {
        Ok(Entries { key: String::new(), entries: Vec::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Failure> {
        Ok(Parts::fields(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Failure> {
        Ok(Parts::fields(Some(variant)))
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident)?)),+ $(,)?) => {
        $(impl ser::$trait for Parts {
            type Ok = String;
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<(), Failure> {
                self.part(parts!(@ $($name)?), value)
            }

            fn end(self) -> Result<String, Failure> {
                self.end()
            }
        })+
    };
    (@) => { None };
    (@ $name:ident) => { Some($name) };
}

parts! {
    SerializeSeq: serialize_element(), SerializeTuple: serialize_element(), SerializeTupleStruct: serialize_field(),
    SerializeTupleVariant: serialize_field(), SerializeStruct: serialize_field(name),
    SerializeStructVariant: serialize_field(name),
}
