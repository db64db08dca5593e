//! safetensors: one row for each tensor, with its name, type, shape and bytes.
//!
//! ```text
//! length of the header, u64 little-endian | header, JSON | data
//! {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {"text": "text"}}
//! ```
//!
//! Everything that the header says is compared with the length of the file before anything is made of it: names are there
//! once, offsets begin at 0, leave no holes, do not overlap and end where the file ends, and a shape times its type has
//! exactly the bytes between its offsets.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, LargeBinaryArray, ListBuilder, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use worldstore_core::{Error, ErrorKind, Result};

/// Bytes of the length at the beginning.
const LENGTH_BYTES: u64 = 8;
/// The longest header, as the format's own library has it.
const HEADER_BYTES_MAX: u64 = 100_000_000;
/// The name that is no tensor.
const METADATA: &str = "__metadata__";

/// Checks the length of the header against that of the file.
///
/// # Errors
/// `Corrupt`.
pub(super) fn check_length(start: &[u8], file_bytes: u64) -> Result<u64> {
    let Some(length) = start.first_chunk::<8>() else { return Err(corrupt("the file is too short")) };
    let length = u64::from_le_bytes(*length);
    let about = |error: Error| Err(error.with("header_bytes", length).with("file_bytes", file_bytes));
    if length > HEADER_BYTES_MAX {
        return about(corrupt("the header is longer than 100,000,000 bytes"));
    }
    match length.checked_add(LENGTH_BYTES).is_some_and(|end| end <= file_bytes) {
        true => Ok(length),
        false => about(corrupt("the header is longer than the file")),
    }
}

/// The tensors of a file, in the order of their bytes.
///
/// # Errors
/// `Corrupt`; `Unsupported` for a type of tensors that is not known.
pub(super) fn read(bytes: &Bytes) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let header_bytes = check_length(bytes, bytes.len() as u64)?;
    let data_start = (LENGTH_BYTES + header_bytes) as usize;
    let (header, data) = (bytes.slice(LENGTH_BYTES as usize..data_start), bytes.slice(data_start..));
    let header: Header = serde_json::from_slice(&header)
        .map_err(|source| corrupt("the header is not what it should be").caused_by(source))?;
    let tensors = checked(header.0, data.len() as u64)?;
    let batch = batch(&tensors, data)?;
    Ok((batch.schema(), vec![batch]))
}

/// All entries, in the order of the text: names that are there twice too.
struct Header(Vec<(String, Tensor)>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut tensors = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    match name == METADATA {
                        true => _ = map.next_value::<std::collections::BTreeMap<String, String>>()?,
                        false => tensors.push((name, map.next_value()?)),
                    }
                }
                Ok(Header(tensors))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Puts tensors in the order of their bytes, and checks that they are exactly the data.
fn checked(mut tensors: Vec<(String, Tensor)>, data_bytes: u64) -> Result<Vec<(String, Tensor)>> {
    let mut names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        return Err(corrupt("a tensor is there twice").with("tensor", twice.concat()));
    }
    tensors.sort_by_key(|(_, tensor)| tensor.data_offsets);
    let mut end = 0;
    for (name, tensor) in &tensors {
        let about = |error: Error| Err(error.with("tensor", name));
        let [from, to] = tensor.data_offsets;
        if from != end || to < from || to > data_bytes {
            let error = corrupt("the bytes of a tensor are not behind those of the one before");
            return about(error.with("from", from).with("to", to).with("expected", end).with("data_bytes", data_bytes));
        }
        let Some(bits) = bits(&tensor.dtype) else {
            return about(Error::unsupported("the type of a tensor is not known").with("dtype", &tensor.dtype));
        };
        let needed = tensor.shape.iter().try_fold(bits, |product, length| product.checked_mul(*length));
        if needed != (to - from).checked_mul(8) {
            return about(corrupt("a tensor has not the bytes of its shape").with("bytes", to - from));
        }
        if tensor.shape.iter().any(|length| i64::try_from(*length).is_err()) {
            return about(corrupt("a tensor is too long"));
        }
        end = to;
    }
    match end == data_bytes {
        true => Ok(tensors),
        false => Err(corrupt("there are bytes behind the last tensor").with("bytes", data_bytes - end)),
    }
}

/// The bits of one element.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "U16" | "I16" | "F16" | "BF16" => 16,
        "U32" | "I32" | "F32" => 32,
        "U64" | "I64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

fn batch(tensors: &[(String, Tensor)], data: Bytes) -> Result<RecordBatch> {
    let failed = |source| Error::unexpected("tensors make no batch").caused_by(source);
    let mut shapes = ListBuilder::new(Int64Builder::new());
    for (_, tensor) in tensors {
        shapes.values().append_values(
            &tensor.shape.iter().map(|length| length.cast_signed()).collect::<Vec<_>>(),
            &vec![true; tensor.shape.len()],
        );
        shapes.append(true);
    }
    // The bytes stay where they are: a tensor ends where the next begins.
    let ends = tensors.iter().map(|(_, tensor)| tensor.data_offsets[1].cast_signed());
    let offsets: Vec<i64> = std::iter::once(0).chain(ends).collect();
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let bytes = LargeBinaryArray::try_new(offsets, Buffer::from(data), None).map_err(failed)?;
    let texts = |text: fn(&(String, Tensor)) -> &str| StringArray::from_iter_values(tensors.iter().map(text));
    let shapes = shapes.finish();
    let schema = Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("dtype", DataType::Utf8, true),
        Field::new("shape", arrow::array::Array::data_type(&shapes).clone(), true),
        Field::new("data", DataType::LargeBinary, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(texts(|(name, _)| name)),
        Arc::new(texts(|(_, tensor)| &tensor.dtype)),
        Arc::new(shapes),
        Arc::new(bytes),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).map_err(failed)
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests;
