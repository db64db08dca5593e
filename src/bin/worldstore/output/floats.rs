//! Floats as JSON: what is no number there is a text, and not nothing.

use std::fmt::Debug;

use worldstore::arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray};
use worldstore::arrow::datatypes::{DataType, FieldRef, Float16Type, Float32Type, Float64Type};
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder};

/// Encodes floats, in columns and in parts of them.
#[derive(Debug)]
pub struct Floats;

impl EncoderFactory for Floats {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float16 => Box::new(Values(array.as_primitive::<Float16Type>())),
            DataType::Float32 => Box::new(Values(array.as_primitive::<Float32Type>())),
            DataType::Float64 => Box::new(Values(array.as_primitive::<Float64Type>())),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Values<'a, Kind: ArrowPrimitiveType>(&'a PrimitiveArray<Kind>);

impl<Kind: ArrowPrimitiveType> Encoder for Values<'_, Kind>
where
    Kind::Native: Into<f64> + Debug,
{
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        let value = self.0.value(index);
        let float: f64 = value.into();
        let text = match float {
            _ if float.is_nan() => "\"NaN\"".to_owned(),
            f64::INFINITY => "\"Infinity\"".to_owned(),
            f64::NEG_INFINITY => "\"-Infinity\"".to_owned(),
            // The shortest text that is read as the same float.
            _ => format!("{value:?}"),
        };
        out.extend_from_slice(text.as_bytes());
    }
}
