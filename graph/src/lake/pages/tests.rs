//! Pages as Parquet's own writer makes them, read here and by Parquet's own reader; and bytes that are damaged.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, new_empty_array};
use arrow::compute::kernels::cmp;
use arrow::compute::{cast, concat, filter};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;
use worldstore_core::{ErrorKind, Result};

use super::runs::unpack_runs;
use super::*;

/// A column: its type, its values, none for null, and whether it says that it may have nulls.
#[derive(Debug, Clone)]
struct Made {
    data_type: DataType,
    values: Vec<Option<i64>>,
    encoding: Option<Encoding>,
}

#[derive(Debug, Clone)]
struct Settings {
    version: WriterVersion,
    compression: Compression,
    page_rows: usize,
    group_rows: usize,
    write_rows: usize,
    dictionary_bytes: usize,
}

/// What is asked of a column.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Above(i64),
    IsNull,
    Nothing,
}

impl Asked {
    fn holds(self, values: &ArrayRef) -> BooleanArray {
        match self {
            Self::Above(least) => {
                let least = cast(&Int64Array::from(vec![least]), values.data_type()).unwrap();
                cmp::gt(values, &arrow::array::Scalar::new(least)).unwrap()
            }
            Self::IsNull => arrow::compute::is_null(values).unwrap(),
            Self::Nothing => BooleanArray::from(vec![true; values.len()]),
        }
    }
}

impl Test for Asked {
    fn keeps(&self, values: &ArrayRef) -> Result<BooleanArray> {
        Ok(self.holds(values))
    }
}

fn types() -> impl Strategy<Value = DataType> {
    use DataType::*;
    let timestamp = Timestamp(TimeUnit::Microsecond, None);
    prop::sample::select(vec![
        Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float32, Float64, Date32, timestamp,
    ])
}

fn values(rows: usize) -> impl Strategy<Value = Vec<Option<i64>>> {
    let sides = prop::sample::select(vec![1_i64, 2, 7, 100]);
    let stretch = prop::sample::select(vec![1_usize, 3, 50, 2_000]);
    (sides, stretch, 0..4_u32, any::<u64>()).prop_map(move |(sides, stretch, nulls, seed)| {
        let mut state = seed | 1;
        let mut dice = |sides: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % sides
        };
        let one = move || (dice(8) as u32 >= nulls * nulls - nulls.min(1)).then(|| dice(sides as u64) as i64);
        let stretches = std::iter::repeat_with(one).flat_map(|value| std::iter::repeat_n(value, stretch));
        stretches.take(rows).collect()
    })
}

fn column(rows: usize) -> impl Strategy<Value = Made> {
    let encoding = prop::sample::select(vec![
        None,
        None,
        Some(Encoding::PLAIN),
        Some(Encoding::BYTE_STREAM_SPLIT),
        Some(Encoding::DELTA_BINARY_PACKED),
    ]);
    (types(), values(rows), encoding).prop_map(|(data_type, values, encoding)| {
        let is_float = data_type.is_floating();
        let encoding = encoding.filter(|encoding| !is_float || *encoding != Encoding::DELTA_BINARY_PACKED);
        Made { data_type, values, encoding }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let version = prop::sample::select(vec![WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]);
    let compression = prop::sample::select(vec![
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ]);
    let rows = || prop::sample::select(vec![1_usize, 7, 64, 500, 5_000]);
    let dictionary_bytes = prop::sample::select(vec![8_usize, 100, 1 << 20]);
    (version, compression, rows(), 50..3_000_usize, rows(), dictionary_bytes).prop_map(
        |(version, compression, page_rows, group_rows, write_rows, dictionary_bytes)| Settings {
            version,
            compression,
            page_rows,
            group_rows,
            write_rows,
            dictionary_bytes,
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        (-1..100_i64).prop_map(Asked::Above),
        (0..3_i64).prop_map(Asked::Above),
        Just(Asked::IsNull),
        Just(Asked::Nothing)
    ]
}

fn write(columns: &[Made], settings: &Settings) -> Bytes {
    let mut properties = WriterProperties::builder()
        .set_writer_version(settings.version)
        .set_compression(settings.compression)
        .set_max_row_group_row_count(Some(settings.group_rows))
        .set_data_page_row_count_limit(settings.page_rows)
        .set_write_batch_size(settings.write_rows)
        .set_dictionary_page_size_limit(settings.dictionary_bytes);
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (index, column) in columns.iter().enumerate() {
        let array = cast(&Int64Array::from(column.values.clone()), &column.data_type).unwrap();
        let name = format!("c{index}");
        if let Some(encoding) = column.encoding {
            let path = ColumnPath::from(name.as_str());
            properties =
                properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding);
        }
        fields.push(Field::new(name, column.data_type.clone(), column.values.contains(&None)));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

fn footer(file: &Bytes) -> ParquetMetaData {
    ParquetMetaDataReader::new().parse_and_finish(file).unwrap()
}

/// All rows of a row group for which all is true that is asked of the columns, in batches of so many rows.
fn read(
    file: &Bytes,
    footer: &ParquetMetaData,
    group: usize,
    types: &[DataType],
    asked: &[Asked],
    batch: usize,
) -> Result<Vec<Vec<ArrayRef>>> {
    let group = footer.row_group(group);
    let rows = group.num_rows() as usize;
    let (mut scratch, mut mask) = (Scratch::default(), Mask::all(rows));
    let mut columns = Vec::new();
    for (column, data_type) in group.columns().iter().zip(types) {
        let layout = Layout::of(column, group.num_rows(), data_type).expect("a layout");
        let (start, length) = column.byte_range();
        let part = Part::Pages { bytes: file.slice(start as usize..(start + length) as usize), rows: None };
        columns.push(open(layout, [part], &mut scratch)?);
    }
    for (column, asked) in columns.iter_mut().zip(asked) {
        let share = column.weigh(asked)?;
        assert!((0.0..=1.0).contains(&share));
        column.narrow(asked, &mut mask, &mut scratch)?;
    }
    let (mut batches, mut from) = (Vec::new(), 0);
    while from < rows {
        let end = mask.end_of(from, batch);
        let mut arrays = Vec::new();
        for column in &mut columns {
            column.append(from..end, &mask, &mut scratch)?;
            column.release(end, &mut scratch);
            arrays.push(column.finish()?);
        }
        batches.push(arrays);
        from = end;
    }
    Ok(batches)
}

/// What Parquet's own reader makes of a row group.
fn expected(file: &Bytes, group: usize, asked: &[Asked]) -> Vec<ArrayRef> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(false);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).unwrap();
    let batches: Vec<_> = reader.with_row_groups(vec![group]).build().unwrap().map(Result::unwrap).collect();
    let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let mut keep = BooleanArray::from(vec![true; all.num_rows()]);
    for (column, asked) in all.columns().iter().zip(asked) {
        let holds = asked.holds(column);
        let holds = holds.iter().map(|holds| holds == Some(true)).collect::<BooleanArray>();
        keep = arrow::compute::and(&keep, &holds).unwrap();
    }
    all.columns().iter().map(|column| filter(column, &keep).unwrap()).collect()
}

fn check(columns: &[Made], settings: &Settings, asked: &[Asked], batch: usize) {
    let file = write(columns, settings);
    let footer = footer(&file);
    let types: Vec<_> = columns.iter().map(|column| column.data_type.clone()).collect();
    for group in 0..footer.num_row_groups() {
        let batches = read(&file, &footer, group, &types, asked, batch).unwrap();
        let expected = expected(&file, group, asked);
        assert!(batches.iter().all(|arrays| arrays[0].len() <= batch));
        for (index, expected) in expected.iter().enumerate() {
            let none = new_empty_array(expected.data_type());
            let parts: Vec<_> = batches.iter().map(|arrays| arrays[index].as_ref()).chain([none.as_ref()]).collect();
            assert_eq!(&concat(&parts).unwrap(), expected, "column {index} of row group {group}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    #[test]
    fn pages_are_read_as_parquet_reads_them(
        columns in (1..2_500_usize).prop_flat_map(|rows| [column(rows), column(rows)]),
        settings in settings(),
        asked in [asked(), asked()],
        batch in prop::sample::select(vec![1_usize, 100, 1_024]),
    ) {
        check(&columns, &settings, &asked, batch);
    }

    #[test]
    fn a_byte_that_changed_ends_in_rows_or_in_an_error(
        column in (1..400_usize).prop_flat_map(column),
        settings in settings(),
        asked in asked(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let file = write(std::slice::from_ref(&column), &settings);
        let footer = footer(&file);
        for (place, byte) in changes {
            let (start, length) = footer.row_group(0).column(0).byte_range();
            let mut damaged = file.to_vec();
            damaged[start as usize + place.index(length as usize)] ^= byte.max(1);
            let types = [column.data_type.clone()];
            match read(&Bytes::from(damaged), &footer, 0, &types, &[asked], 64) {
                Ok(batches) => {
                    let rows: usize = batches.iter().map(|arrays| arrays[0].len()).sum();
                    prop_assert!(rows <= footer.row_group(0).num_rows() as usize);
                }
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
        }
    }

    #[test]
    fn a_mask_is_as_many_truth_values(
        rows in 1..300_usize,
        steps in prop::collection::vec((0..300_usize, 0..200_usize, any::<[u64; 4]>(), any::<bool>()), 1..8),
    ) {
        let (mut mask, mut model) = (Mask::all(rows), vec![true; rows]);
        for (from, count, words, is_retained) in steps {
            let from = from.min(rows);
            let bit = |offset: usize| words[offset / 64] >> (offset % 64) & 1 == 1;
            let end = (from + count).min(rows);
            match is_retained {
                true => mask.retain(from..end, |row| bit(row - from)),
                false => mask.keep(from, count, words),
            }
            (from..end).for_each(|row| model[row] &= bit(row - from));
            let left: Vec<_> = (0..rows).filter(|row| model[*row]).collect();
            prop_assert_eq!(mask.each(0..rows).collect::<Vec<_>>(), left.clone());
            let inside = left.iter().filter(|row| (from..end).contains(row)).count();
            prop_assert_eq!(mask.count(from..end), inside);
            let later: Vec<_> = left.iter().filter(|row| **row >= from).collect();
            prop_assert_eq!(mask.end_of(from, 5), later.get(5).map_or(rows, |row| **row));
        }
    }
}

#[test]
fn packed_numbers_of_all_widths_are_unpacked() {
    for width in 0..=32_u32 {
        let most = (1_u64 << width) - 1;
        let numbers: Vec<u32> =
            (0..64_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7 & most) as u32).collect();
        let mut bits = vec![0_u8; 64 * width as usize / 8];
        for (index, number) in numbers.iter().enumerate() {
            for bit in (0..width as usize).filter(|bit| number >> bit & 1 == 1) {
                let place = index * width as usize + bit;
                bits[place / 8] |= 1 << (place % 8);
            }
        }
        let mut stored = vec![8 << 1 | 1];
        stored.extend_from_slice(&bits);
        let mut unpacked = Vec::new();
        unpack_runs(&stored, width, 61, &mut unpacked).unwrap();
        assert_eq!(unpacked, numbers[..61], "width {width}");
    }
}

#[test]
fn a_number_that_the_dictionary_has_not_is_refused() {
    let values = (0..8).map(|row| Some(row % 3)).collect();
    let column = Made { data_type: DataType::Int64, values, encoding: None };
    let settings = Settings {
        version: WriterVersion::PARQUET_1_0,
        compression: Compression::UNCOMPRESSED,
        page_rows: 100,
        group_rows: 100,
        write_rows: 100,
        dictionary_bytes: 1 << 20,
    };
    let file = write(&[column], &settings);
    let footer = footer(&file);
    let (start, length) = footer.row_group(0).column(0).byte_range();
    // The last four numbers, of two bits: three in place of what is there, and the values are zero to two.
    let mut damaged = file.to_vec();
    damaged[(start + length - 1) as usize] = 0xff;
    let types = [DataType::Int64];
    assert!(read(&file, &footer, 0, &types, &[Asked::Nothing], 64).is_ok());
    let refused = read(&Bytes::from(damaged), &footer, 0, &types, &[Asked::Nothing], 64);
    assert!(refused.unwrap_err().to_string().contains("its dictionary has not"));
}
