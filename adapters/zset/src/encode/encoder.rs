//! Writing: a serde serializer into bytes.

use serde::ser::{self, Serialize, Serializer};

use super::desc::DESC;
use super::failure::Failure;

/// Writes values behind what is already there.
pub(super) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    depth: u32,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, depth: 0 }
    }

    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        if self.depth >= super::DEPTH_MAX {
            return Err(Failure::new("it is nested too deeply"));
        }
        self.depth += 1;
        value.serialize(&mut *self)?;
        self.depth -= 1;
        Ok(())
    }

    fn unsigned(&mut self, value: u128) {
        // Nearly all fit 64 bits, which are quicker to take apart.
        if let Ok(value) = u64::try_from(value) {
            let zeros = value.leading_zeros() as usize / 8;
            self.out.push(0x88 - zeros as u8);
            return self.out.extend_from_slice(value.to_be_bytes().get(zeros..).unwrap_or_default());
        }
        let zeros = value.leading_zeros() as usize / 8;
        self.out.push(0x90 - zeros as u8);
        self.out.extend_from_slice(value.to_be_bytes().get(zeros..).unwrap_or_default());
    }

    fn signed(&mut self, value: i128) {
        if value >= 0 {
            return self.unsigned(value.unsigned_abs());
        }
        let magnitude = (!value).unsigned_abs();
        let zeros = magnitude.leading_zeros() as usize / 8;
        self.out.push(0x6f + zeros as u8);
        // The complement of the magnitude is the value's own form.
        self.out.extend_from_slice(value.to_be_bytes().get(zeros..).unwrap_or_default());
    }

    fn text(&mut self, bytes: &[u8]) {
        if bytes.contains(&0) {
            for byte in bytes {
                self.out.push(*byte);
                if *byte == 0 {
                    self.out.push(0xff);
                }
            }
        } else {
            self.out.extend_from_slice(bytes);
        }
        self.out.extend_from_slice(&[0, 0]);
    }
}

/// The elements of a sequence or map (each marked), or the fields of a tuple or struct (not marked).
pub(super) struct Elements<'b, 'a> {
    encoder: &'b mut Encoder<'a>,
    marked: bool,
}

impl Elements<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        if self.marked {
            self.encoder.out.push(1);
        }
        self.encoder.nested(value)
    }

    fn finish(self) -> Result<(), Failure> {
        if self.marked {
            self.encoder.out.push(0);
        }
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty => $through:ident),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Failure> {
            self.$through(value.into());
            Ok(())
        })+
    };
}

impl<'a, 'b> Serializer for &'b mut Encoder<'a> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Elements<'b, 'a>;
    type SerializeTuple = Elements<'b, 'a>;
    type SerializeTupleStruct = Elements<'b, 'a>;
    type SerializeTupleVariant = Elements<'b, 'a>;
    type SerializeMap = Elements<'b, 'a>;
    type SerializeStruct = Elements<'b, 'a>;
    type SerializeStructVariant = Elements<'b, 'a>;

    integers! {
        serialize_i8: i8 => signed, serialize_i16: i16 => signed, serialize_i32: i32 => signed,
        serialize_i64: i64 => signed, serialize_i128: i128 => signed, serialize_u8: u8 => unsigned,
        serialize_u16: u16 => unsigned, serialize_u32: u32 => unsigned, serialize_u64: u64 => unsigned,
        serialize_u128: u128 => unsigned,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Failure> {
        self.out.push(value.into());
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Failure> {
        let bits = value.to_bits();
        let ordered = if value.is_sign_negative() { !bits } else { bits ^ (1 << 31) };
        self.out.extend_from_slice(&ordered.to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failure> {
        let bits = value.to_bits();
        let ordered = if value.is_sign_negative() { !bits } else { bits ^ (1 << 63) };
        self.out.extend_from_slice(&ordered.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Failure> {
        self.unsigned(u32::from(value).into());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Failure> {
        self.text(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failure> {
        self.text(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Failure> {
        self.out.push(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        self.out.push(1);
        self.nested(value)
    }

    fn serialize_unit(self) -> Result<(), Failure> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Failure> {
        self.unsigned(index.into());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Failure> {
        let start = self.out.len();
        self.nested(value)?;
        if name == DESC {
            self.out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
        }
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        self.unsigned(index.into());
        self.nested(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'b, 'a>, Failure> {
        Ok(Elements { encoder: self, marked: true })
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'b, 'a>, Failure> {
        Ok(Elements { encoder: self, marked: false })
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'b, 'a>, Failure> {
        Ok(Elements { encoder: self, marked: false })
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Elements<'b, 'a>, Failure> {
        self.unsigned(index.into());
        Ok(Elements { encoder: self, marked: false })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'b, 'a>, Failure> {
        Ok(Elements { encoder: self, marked: true })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Elements<'b, 'a>, Failure> {
        Ok(Elements { encoder: self, marked: false })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Elements<'b, 'a>, Failure> {
        self.unsigned(index.into());
        Ok(Elements { encoder: self, marked: false })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! elements {
    ($($trait:ident: $method:ident),+ $(,)?) => {
        $(impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
                self.element(value)
            }

            fn end(self) -> Result<(), Failure> {
                self.finish()
            }
        })+
    };
}

elements! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! fields {
    ($($trait:ident),+ $(,)?) => {
        $(impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Failure;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Failure> {
                self.element(value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Failure> {
                Err(Failure::new(format_args!("field {name} is left out of some values")))
            }

            fn end(self) -> Result<(), Failure> {
                self.finish()
            }
        })+
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.encoder.nested(value)
    }

    fn end(self) -> Result<(), Failure> {
        self.finish()
    }
}
