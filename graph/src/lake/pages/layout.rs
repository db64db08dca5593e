//! Which columns can be read page by page: decided by the footer, before anything is read.

use arrow::datatypes::DataType;
use parquet::basic::{Encoding, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::inflate::Codec;

/// The longest column of a row group, decompressed, that is read so.
const CHUNK_BYTES_MAX: i64 = 1 << 30;
/// The most rows of a row group that is read so.
const ROWS_MAX: i64 = 16 << 20;

/// How a column of a row group lies in its pages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    pub(super) data_type: DataType,
    pub(super) is_wide: bool,
    pub(super) is_nullable: bool,
    pub(super) codec: Codec,
    pub(super) rows: usize,
}

impl Layout {
    /// The layout of a column of a row group of so many rows, that becomes an array of this type; none if it has to be read in another way.
    ///
    /// The type is the one that the column has in Parquet itself. Numbers of 32 and 64 bits are known, and the types that
    /// are such numbers: integers, floats, days and timestamps. Columns may have nulls and must not be nested.
    pub fn of(column: &ColumnChunkMetaData, rows: i64, data_type: &DataType) -> Option<Self> {
        let descriptor = column.column_descr();
        let is_flat = descriptor.max_rep_level() == 0 && descriptor.max_def_level() <= 1;
        let is_wide = is_wide(column.column_type(), data_type)?;
        let codec = Codec::of(column.compression())?;
        let is_known = is_flat
            && descriptor.path().parts().len() == 1
            && column.encodings().all(|encoding| is_known(encoding, column.column_type()))
            && column.num_values() == rows
            && (0..=ROWS_MAX).contains(&rows)
            && (0..=CHUNK_BYTES_MAX).contains(&column.uncompressed_size());
        let is_nullable = descriptor.max_def_level() == 1;
        let rows = usize::try_from(rows).ok()?;
        is_known.then(|| Self { data_type: data_type.clone(), is_wide, is_nullable, codec, rows })
    }
}

fn is_wide(physical: Type, data_type: &DataType) -> Option<bool> {
    use DataType::{Date32, Float32, Float64, Int8, Int16, Int32, Int64, Timestamp, UInt8, UInt16, UInt32, UInt64};
    match (physical, data_type) {
        (Type::INT32, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32 | Date32) | (Type::FLOAT, Float32) => Some(false),
        (Type::INT64, Int64 | UInt64 | Timestamp(..)) | (Type::DOUBLE, Float64) => Some(true),
        _ => None,
    }
}

fn is_known(encoding: Encoding, physical: Type) -> bool {
    match encoding {
        Encoding::PLAIN | Encoding::RLE | Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => true,
        Encoding::BYTE_STREAM_SPLIT => true,
        Encoding::DELTA_BINARY_PACKED => matches!(physical, Type::INT32 | Type::INT64),
        // Levels that nobody writes so; where a page has them, it is refused.
        #[allow(deprecated, reason = "old writers name it for levels that are not there")]
        Encoding::BIT_PACKED => true,
        _ => false,
    }
}
