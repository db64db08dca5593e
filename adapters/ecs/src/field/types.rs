//! The Rust types that a field can have.

use std::sync::Arc;

use worldstore_core::Result;

use super::{FieldKind, Sink, put_counted, take, take_counted, take_text, too_short};
use crate::Entity;
use crate::error::corrupt;

/// A Rust type with a kind of its own: numbers, `bool`, `char`, text, bytes, an [`Entity`], options and arrays of them.
///
/// Fields of other types are written by serde, as JSON: `#[component(json)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no field of a component",
    note = "mark the field with `#[component(json)]`, and serde writes it"
)]
pub trait FieldType: sealed::Sealed + Sized {
    /// What the field holds.
    const KIND: FieldKind;
    /// Whether it may hold nothing.
    const NULLABLE: bool;
    /// `Some` for an array: the number of its items.
    const ITEMS: Option<usize>;

    /// Appends the bytes of the value.
    fn encode(&self, out: &mut impl Sink);

    /// Takes a value from the input, checked.
    ///
    /// # Errors
    /// `Corrupt` if the input is too short or holds no such value.
    fn decode(input: &mut &[u8]) -> Result<Self>;
}

/// A type of which all values take as many bytes: numbers, `bool`, `char`, an [`Entity`].
pub trait Scalar: FieldType + Copy {
    /// Whether any bytes are a value.
    const IS_ANY: bool;

    /// The value of bytes that are known to be one.
    fn of_known(bytes: &[u8]) -> Self;
}

mod sealed {
    //! Who may implement the trait: nobody else, so that a kind means the same bytes everywhere.

    /// Marks the types of this file.
    pub trait Sealed {}
}

macro_rules! field {
    ($type:ty, $kind:ident, |$value:ident, $out:ident| $encode:expr, |$input:ident| $decode:expr) => {
        impl sealed::Sealed for $type {}

        impl FieldType for $type {
            const KIND: FieldKind = FieldKind::$kind;
            const NULLABLE: bool = false;
            const ITEMS: Option<usize> = None;

            #[inline]
            fn encode(&self, $out: &mut impl Sink) {
                let $value = self;
                $encode
            }

            #[inline]
            fn decode($input: &mut &[u8]) -> Result<Self> {
                $decode
            }
        }
    };
}

macro_rules! numbers {
    ($($type:ty: $kind:ident),+ $(,)?) => {
        $(field!($type, $kind, |value, out| out.put(&value.to_le_bytes()), |input| {
            let (bytes, rest) = input.split_first_chunk().ok_or_else(too_short)?;
            *input = rest;
            Ok(<$type>::from_le_bytes(*bytes))
        });

        impl Scalar for $type {
            const IS_ANY: bool = true;

            #[inline]
            fn of_known(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(Self::default(), |bytes| Self::from_le_bytes(*bytes))
            }
        })+
    };
}

numbers! {
    i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64, f32: F32, f64: F64,
}

field!(bool, Bool, |value, out| out.put(&[u8::from(*value)]), |input| match take(input, 1)? {
    [0] => Ok(false),
    [1] => Ok(true),
    _ => Err(corrupt("a truth value is neither 0 nor 1")),
});
field!(char, U32, |value, out| u32::from(*value).encode(out), |input| {
    char::from_u32(u32::decode(input)?).ok_or_else(|| corrupt("a number is no character"))
});
field!(Entity, U64, |value, out| value.to_bits().encode(out), |input| {
    Self::from_bits(u64::decode(input)?).map_err(|source| corrupt("a number is no entity").caused_by(source))
});
field!(String, Text, |value, out| put_counted(value.as_bytes(), out), |input| Ok(take_text(input)?.to_owned()));
field!(Box<str>, Text, |value, out| put_counted(value.as_bytes(), out), |input| Ok(take_text(input)?.into()));
field!(Arc<str>, Text, |value, out| put_counted(value.as_bytes(), out), |input| Ok(take_text(input)?.into()));
field!(Vec<u8>, Bytes, |value, out| put_counted(value, out), |input| Ok(take_counted(input)?.to_vec()));

impl Scalar for bool {
    const IS_ANY: bool = false;

    #[inline]
    fn of_known(bytes: &[u8]) -> Self {
        bytes.first() == Some(&1)
    }
}

impl Scalar for char {
    const IS_ANY: bool = false;

    #[inline]
    fn of_known(bytes: &[u8]) -> Self {
        Self::from_u32(u32::of_known(bytes)).unwrap_or_default()
    }
}

impl Scalar for Entity {
    const IS_ANY: bool = false;

    #[inline]
    fn of_known(bytes: &[u8]) -> Self {
        Self::from_bits(u64::of_known(bytes)).unwrap_or(Self::WORLD)
    }
}

impl<Type: FieldType> sealed::Sealed for Option<Type> {}

impl<Type: FieldType> FieldType for Option<Type> {
    const KIND: FieldKind = Type::KIND;
    const NULLABLE: bool = {
        assert!(!Type::NULLABLE, "an option of an option is no field");
        assert!(Type::ITEMS.is_none(), "an option of an array is no field");
        true
    };
    const ITEMS: Option<usize> = None;

    fn encode(&self, out: &mut impl Sink) {
        out.put(&[u8::from(self.is_some())]);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self> {
        if bool::decode(input)? { Type::decode(input).map(Some) } else { Ok(None) }
    }
}

impl<Type: FieldType, const ITEMS: usize> sealed::Sealed for [Type; ITEMS] {}

impl<Type: FieldType, const ITEMS: usize> FieldType for [Type; ITEMS] {
    const KIND: FieldKind = Type::KIND;
    const NULLABLE: bool = Type::NULLABLE;
    const ITEMS: Option<usize> = {
        assert!(Type::ITEMS.is_none(), "an array of arrays is no field");
        Some(ITEMS)
    };

    fn encode(&self, out: &mut impl Sink) {
        for item in self {
            item.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self> {
        let items: Vec<Type> = (0..ITEMS).map(|_| Type::decode(input)).collect::<Result<_>>()?;
        items.try_into().map_err(|_| corrupt("an array has another length"))
    }
}
