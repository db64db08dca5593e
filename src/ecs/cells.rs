//! Fields of components as columns of Arrow, both ways.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_ecs::field::Offsets;
use worldstore_ecs::{Field as ComponentField, FieldKind, FieldValue};

use crate::world::TableFormat;

/// The type of a field's column. Iceberg has no unsigned numbers of 64 bits: they are decimals there.
pub(super) fn data_type(kind: FieldKind, format: TableFormat) -> DataType {
    match kind {
        FieldKind::U64 if format == TableFormat::Iceberg => DECIMAL,
        kind => kind.data_type(Offsets::Narrow),
    }
}

/// As many digits as 64 bits need.
const DECIMAL: DataType = DataType::Decimal128(20, 0);

macro_rules! columns {
    ($($kind:ident $builder:ident $array:ty),+) => {
        /// A column in the making.
        pub(super) enum Cells {
            $($kind($builder),)+
            Decimal(Decimal128Builder),
        }

        impl Cells {
            /// The column as it is.
            pub fn finish(self) -> Result<ArrayRef> {
                Ok(match self {
                    $(Self::$kind(mut builder) => Arc::new(builder.finish()),)+
                    Self::Decimal(mut builder) => {
                        let numbers = builder.finish().with_data_type(DECIMAL);
                        Arc::new(numbers)
                    }
                })
            }

            fn push_null(&mut self) {
                match self {
                    $(Self::$kind(builder) => builder.append_null(),)+
                    Self::Decimal(builder) => builder.append_null(),
                }
            }
        }

        /// A column that is read.
        pub(super) enum Values {
            $($kind($array),)+
            Decimal(Decimal128Array),
        }

        impl Values {
            fn is_null(&self, row: usize) -> bool {
                match self {
                    $(Self::$kind(array) => array.is_null(row),)+
                    Self::Decimal(array) => array.is_null(row),
                }
            }
        }
    };
}

columns!(
    Bool BooleanBuilder BooleanArray, I8 Int8Builder Int8Array, I16 Int16Builder Int16Array,
    I32 Int32Builder Int32Array, I64 Int64Builder Int64Array, U8 UInt8Builder UInt8Array,
    U16 UInt16Builder UInt16Array, U32 UInt32Builder UInt32Array, U64 UInt64Builder UInt64Array,
    F32 Float32Builder Float32Array, F64 Float64Builder Float64Array, Text StringBuilder StringArray,
    Bytes BinaryBuilder BinaryArray
);

/// Refuses what a column of texts or bytes cannot point into.
///
/// # Errors
/// `Invalid` above 2 GiB.
pub(super) fn check_room(held: usize, more: usize) -> Result<()> {
    match held.checked_add(more).is_some_and(|bytes| i32::try_from(bytes).is_ok()) {
        true => Ok(()),
        false => {
            Err(Error::invalid("texts and bytes of one table in one batch have more than 2 GiB").with("bytes", more))
        }
    }
}

impl Cells {
    /// A column for so many rows.
    pub fn new(data_type: &DataType, rows: usize) -> Result<Self> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::with_capacity(rows)),
            DataType::Int8 => Self::I8(Int8Builder::with_capacity(rows)),
            DataType::Int16 => Self::I16(Int16Builder::with_capacity(rows)),
            DataType::Int32 => Self::I32(Int32Builder::with_capacity(rows)),
            DataType::Int64 => Self::I64(Int64Builder::with_capacity(rows)),
            DataType::UInt8 => Self::U8(UInt8Builder::with_capacity(rows)),
            DataType::UInt16 => Self::U16(UInt16Builder::with_capacity(rows)),
            DataType::UInt32 => Self::U32(UInt32Builder::with_capacity(rows)),
            DataType::UInt64 => Self::U64(UInt64Builder::with_capacity(rows)),
            DataType::Float32 => Self::F32(Float32Builder::with_capacity(rows)),
            DataType::Float64 => Self::F64(Float64Builder::with_capacity(rows)),
            DataType::Utf8 => Self::Text(StringBuilder::with_capacity(rows, 0)),
            DataType::Binary => Self::Bytes(BinaryBuilder::with_capacity(rows, 0)),
            DataType::Decimal128(..) => Self::Decimal(Decimal128Builder::with_capacity(rows)),
            other => return Err(Error::unexpected("a field has a column of another type").with("type", other)),
        })
    }

    /// Adds the value of a field. Numbers are in the range of their field.
    pub fn push(&mut self, value: FieldValue<'_>) -> Result<()> {
        match (self, value) {
            (cells, FieldValue::Null) => cells.push_null(),
            (Self::Bool(cells), FieldValue::Bool(value)) => cells.append_value(value),
            (Self::I8(cells), FieldValue::I64(value)) => cells.append_value(value as i8),
            (Self::I16(cells), FieldValue::I64(value)) => cells.append_value(value as i16),
            (Self::I32(cells), FieldValue::I64(value)) => cells.append_value(value as i32),
            (Self::I64(cells), FieldValue::I64(value)) => cells.append_value(value),
            (Self::U8(cells), FieldValue::U64(value)) => cells.append_value(value as u8),
            (Self::U16(cells), FieldValue::U64(value)) => cells.append_value(value as u16),
            (Self::U32(cells), FieldValue::U64(value)) => cells.append_value(value as u32),
            (Self::U64(cells), FieldValue::U64(value)) => cells.append_value(value),
            (Self::Decimal(cells), FieldValue::U64(value)) => cells.append_value(i128::from(value)),
            (Self::F32(cells), FieldValue::F32(value)) => cells.append_value(value),
            (Self::F64(cells), FieldValue::F64(value)) => cells.append_value(value),
            (Self::Text(cells), FieldValue::Text(value)) => {
                check_room(cells.values_slice().len(), value.len())?;
                cells.append_value(value);
            }
            (Self::Bytes(cells), FieldValue::Bytes(value)) => {
                check_room(cells.values_slice().len(), value.len())?;
                cells.append_value(value);
            }
            (_, other) => {
                return Err(Error::unexpected("a value is not of its field").with("value", format!("{other:?}")));
            }
        }
        Ok(())
    }
}

impl Values {
    /// A column as it was read; one in another form of its type is brought into that of the field.
    pub fn new(array: &ArrayRef, field: &ComponentField, format: TableFormat) -> Result<Self> {
        let wanted = data_type(field.kind, format);
        let wrong = || wrong_column(field);
        let array = match array.data_type() == &wanted {
            true => Arc::clone(array),
            false => cast(array, &wanted).map_err(|source| wrong().caused_by(source))?,
        };
        macro_rules! read {
            ($kind:ident, $array:ty) => {
                Self::$kind(array.as_any().downcast_ref::<$array>().ok_or_else(wrong)?.clone())
            };
        }
        Ok(match wanted {
            DataType::Boolean => read!(Bool, BooleanArray),
            DataType::Int8 => read!(I8, Int8Array),
            DataType::Int16 => read!(I16, Int16Array),
            DataType::Int32 => read!(I32, Int32Array),
            DataType::Int64 => read!(I64, Int64Array),
            DataType::UInt8 => read!(U8, UInt8Array),
            DataType::UInt16 => read!(U16, UInt16Array),
            DataType::UInt32 => read!(U32, UInt32Array),
            DataType::UInt64 => read!(U64, UInt64Array),
            DataType::Float32 => read!(F32, Float32Array),
            DataType::Float64 => read!(F64, Float64Array),
            DataType::Utf8 => read!(Text, StringArray),
            DataType::Binary => read!(Bytes, BinaryArray),
            _ => read!(Decimal, Decimal128Array),
        })
    }

    /// The value of a row, of which there are enough.
    pub fn get(&self, row: usize) -> Result<FieldValue<'_>> {
        if self.is_null(row) {
            return Ok(FieldValue::Null);
        }
        Ok(match self {
            Self::Bool(array) => FieldValue::Bool(array.value(row)),
            Self::I8(array) => FieldValue::I64(array.value(row).into()),
            Self::I16(array) => FieldValue::I64(array.value(row).into()),
            Self::I32(array) => FieldValue::I64(array.value(row).into()),
            Self::I64(array) => FieldValue::I64(array.value(row)),
            Self::U8(array) => FieldValue::U64(array.value(row).into()),
            Self::U16(array) => FieldValue::U64(array.value(row).into()),
            Self::U32(array) => FieldValue::U64(array.value(row).into()),
            Self::U64(array) => FieldValue::U64(array.value(row)),
            Self::F32(array) => FieldValue::F32(array.value(row)),
            Self::F64(array) => FieldValue::F64(array.value(row)),
            Self::Text(array) => FieldValue::Text(array.value(row)),
            Self::Bytes(array) => FieldValue::Bytes(array.value(row)),
            Self::Decimal(array) => FieldValue::U64(u64::try_from(array.value(row)).map_err(|_| {
                Error::new(ErrorKind::Corrupt, "a number is out of the range of its field")
                    .with("number", array.value(row))
            })?),
        })
    }
}

fn wrong_column(field: &ComponentField) -> Error {
    Error::new(ErrorKind::Corrupt, "a column is not of its field").with("field", &field.name)
}

#[cfg(test)]
mod tests;
