//! Where the values of a column are read, also those of one that a data file does not have: from its partition, if that
//! holds them as they are, then from the value that the column began with. See "Column Projection" in the
//! [specification](https://iceberg.apache.org/spec/#column-projection).

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, FixedSizeBinaryArray, Float32Array, Float64Array, Int32Array, Int64Array,
    LargeBinaryArray, RecordBatch, StringArray, UInt32Array, new_null_array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;
use iceberg::spec::{Literal, PrimitiveLiteral};
use worldstore_core::{Error, Result};

use crate::files::Found;
use crate::partition::Specs;
use crate::types::{Column, from_stored};

/// Where the values of a column in a file come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// The column with this place in a batch of the file.
    Batch(usize),
    /// One value for all rows, as the column is described.
    Same(ArrayRef),
    /// Nowhere: all are null.
    Null,
}

impl Origin {
    /// That of a column which the file does not have.
    ///
    /// # Errors
    /// `Unsupported` for a value that cannot be read as one of the column's type.
    pub fn absent(column: &Column, specs: &Specs, found: &Found) -> Result<Self> {
        let value = match specs.value(found.spec, found.data_file().partition(), column.id) {
            Some(in_partition) => in_partition.as_ref(),
            None => column.initial.as_ref(),
        };
        let Some(value) = value else { return Ok(Self::Null) };
        let refused = || {
            Error::unsupported("the value of a column that the file does not have cannot be read")
                .with("column", column.field.name())
                .with("type", column.stored.data_type())
        };
        let Literal::Primitive(value) = value else { return Err(refused()) };
        let stored = one(value, column.stored.data_type()).ok_or_else(refused)?;
        from_stored(&stored, column).map(Self::Same)
    }

    /// The values for the rows of a batch, as the column is described.
    ///
    /// # Errors
    /// `Corrupt` if another program stored a value that the column's type does not have.
    pub fn values(&self, batch: &RecordBatch, column: &Column) -> Result<ArrayRef> {
        match self {
            Self::Batch(place) => from_stored(batch.column(*place), column),
            Self::Same(value) => {
                let rows = UInt32Array::from(vec![0; batch.num_rows()]);
                take(value, &rows, None)
                    .map_err(|source| Error::unexpected("a value cannot be repeated").caused_by(source))
            }
            Self::Null => Ok(new_null_array(column.field.data_type(), batch.num_rows())),
        }
    }
}

/// An array of one value as it would be stored. None if it is not one of this type.
fn one(value: &PrimitiveLiteral, stored: &DataType) -> Option<ArrayRef> {
    use DataType::*;
    let array: ArrayRef = match (value, stored) {
        (PrimitiveLiteral::Boolean(value), Boolean) => Arc::new(BooleanArray::from(vec![*value])),
        (PrimitiveLiteral::Int(value), Int32 | Date32) => Arc::new(Int32Array::from(vec![*value])),
        // From before the column was widened, as below.
        (PrimitiveLiteral::Int(value), Int64) => Arc::new(Int64Array::from(vec![i64::from(*value)])),
        (PrimitiveLiteral::Long(value), Int64 | Time64(_) | Timestamp(..)) => Arc::new(Int64Array::from(vec![*value])),
        (PrimitiveLiteral::Float(value), Float32) => Arc::new(Float32Array::from(vec![value.0])),
        (PrimitiveLiteral::Float(value), Float64) => Arc::new(Float64Array::from(vec![f64::from(value.0)])),
        (PrimitiveLiteral::Double(value), Float64) => Arc::new(Float64Array::from(vec![value.0])),
        (PrimitiveLiteral::String(value), Utf8) => Arc::new(StringArray::from(vec![value.as_str()])),
        (PrimitiveLiteral::Binary(value), LargeBinary) => Arc::new(LargeBinaryArray::from(vec![value.as_slice()])),
        (PrimitiveLiteral::Binary(value), FixedSizeBinary(_)) => {
            Arc::new(FixedSizeBinaryArray::try_from_iter(std::iter::once(value)).ok()?)
        }
        (PrimitiveLiteral::UInt128(value), FixedSizeBinary(_)) => {
            Arc::new(FixedSizeBinaryArray::try_from_iter(std::iter::once(value.to_be_bytes())).ok()?)
        }
        (PrimitiveLiteral::Int128(value), Decimal128(precision, scale)) => {
            Arc::new(Decimal128Array::from(vec![*value]).with_precision_and_scale(*precision, *scale).ok()?)
        }
        _ => return None,
    };
    match array.data_type() == stored {
        true => Some(array),
        false => cast(&array, stored).ok(),
    }
}

#[cfg(test)]
mod tests;
