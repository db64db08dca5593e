//! The values for the columns of a shape.

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};
use worldstore_core::Result;

use super::{Datum, is_plain, json};
use crate::encode::Failure;
use crate::shape::Shape;

/// Adds one value for each column of the shape.
pub(super) fn flatten<T: Serialize + ?Sized>(shape: &Shape, value: &T, data: &mut Vec<Datum>) -> Result<()> {
    put(shape, value, data).map_err(Failure::on_write)
}

fn put<T: Serialize + ?Sized>(shape: &Shape, value: &T, data: &mut Vec<Datum>) -> Result<(), Failure> {
    match shape {
        Shape::Unit => Ok(()),
        Shape::Struct(..) | Shape::Tuple(_) | Shape::Newtype(..) => value.serialize(Flatten { shape, data }),
        plain if is_plain(plain) => value.serialize(Flatten { shape: plain, data }),
        _ => {
            data.push(Datum::Text(json::text(value)?));
            Ok(())
        }
    }
}

/// Writes a value of a shape as data.
struct Flatten<'a> {
    shape: &'a Shape,
    data: &'a mut Vec<Datum>,
}

impl<'a> Flatten<'a> {
    fn push(self, datum: Datum) -> Result<(), Failure> {
        self.data.push(datum);
        Ok(())
    }

    fn parts(self, length: usize) -> Result<Parts<'a>, Failure> {
        let has = match self.shape {
            Shape::Tuple(parts) => parts.len(),
            Shape::Struct(_, fields) => fields.len(),
            _ => return Err(disagreement()),
        };
        if has == length { Ok(Parts { shape: self.shape, next: 0, data: self.data }) } else { Err(disagreement()) }
    }
}

fn disagreement() -> Failure {
    Failure::new("what the type writes is not what it reads")
}

/// The fields of a struct or tuple.
struct Parts<'a> {
    shape: &'a Shape,
    next: usize,
    data: &'a mut Vec<Datum>,
}

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let shape = match self.shape {
            Shape::Tuple(parts) => parts.get(self.next),
            Shape::Struct(_, fields) => fields.get(self.next).map(|field| &field.1),
            _ => None,
        };
        self.next += 1;
        put(shape.ok_or_else(disagreement)?, value, self.data)
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Failure> {
            self.push(i64::try_from(value).map_or_else(|_| Datum::Large(value.to_string()), Datum::Integer))
        })+
    };
}

impl<'a> Serializer for Flatten<'a> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Impossible<(), Failure>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Impossible<(), Failure>;
    type SerializeMap = Impossible<(), Failure>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Impossible<(), Failure>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Failure> {
        self.push(Datum::Boolean(value))
    }

    fn serialize_f32(self, value: f32) -> Result<(), Failure> {
        self.push(Datum::Real(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failure> {
        self.push(Datum::Real(value))
    }

    fn serialize_char(self, value: char) -> Result<(), Failure> {
        self.push(Datum::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<(), Failure> {
        self.push(Datum::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failure> {
        self.push(Datum::Blob(value.to_vec()))
    }

    fn serialize_none(self) -> Result<(), Failure> {
        self.push(Datum::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        match self.shape {
            Shape::Option(inner) => put(inner, value, self.data),
            _ => Err(disagreement()),
        }
    }

    fn serialize_unit(self) -> Result<(), Failure> {
        Err(disagreement())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        Err(disagreement())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Failure> {
        Err(disagreement())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Failure> {
        match self.shape {
            Shape::Newtype(_, inner) => put(inner, value, self.data),
            _ => Err(disagreement()),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Failure> {
        Err(disagreement())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Failure> {
        Err(disagreement())
    }

    fn serialize_tuple(self, length: usize) -> Result<Parts<'a>, Failure> {
        self.parts(length)
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Parts<'a>, Failure> {
        self.parts(length)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        Err(disagreement())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Failure> {
        Err(disagreement())
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Parts<'a>, Failure> {
        self.parts(length)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failure> {
        Err(disagreement())
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident: $type:ty)?)),+ $(,)?) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), Failure> {
                self.part(value)
            }

            fn end(self) -> Result<(), Failure> {
                Ok(())
            }
        })+
    };
}

parts! {
    SerializeTuple: serialize_element(), SerializeTupleStruct: serialize_field(),
    SerializeStruct: serialize_field(_name: &'static str),
}
