//! Kinds of fields as types of Arrow.

use arrow::datatypes::DataType;

use super::FieldKind;

/// How wide the offsets of texts and bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offsets {
    /// 32 bits: `Utf8` and `Binary`, which every table has.
    Narrow,
    /// 64 bits: `LargeUtf8` and `LargeBinary`, whatever the length of a column.
    Wide,
}

impl FieldKind {
    /// The type of a column of such values.
    pub fn data_type(self, offsets: Offsets) -> DataType {
        match (self, offsets) {
            (Self::Bool, _) => DataType::Boolean,
            (Self::I8, _) => DataType::Int8,
            (Self::I16, _) => DataType::Int16,
            (Self::I32, _) => DataType::Int32,
            (Self::I64, _) => DataType::Int64,
            (Self::U8, _) => DataType::UInt8,
            (Self::U16, _) => DataType::UInt16,
            (Self::U32, _) => DataType::UInt32,
            (Self::U64, _) => DataType::UInt64,
            (Self::F32, _) => DataType::Float32,
            (Self::F64, _) => DataType::Float64,
            (Self::Text | Self::Json, Offsets::Narrow) => DataType::Utf8,
            (Self::Text | Self::Json, Offsets::Wide) => DataType::LargeUtf8,
            (Self::Bytes, Offsets::Narrow) => DataType::Binary,
            (Self::Bytes, Offsets::Wide) => DataType::LargeBinary,
        }
    }
}
