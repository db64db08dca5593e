//! Rows with a column of every type that a format holds, with the values that are easily lost.

use std::sync::Arc;

use worldstore::TableFormat;
use worldstore::arrow::array::*;
use worldstore::arrow::buffer::{NullBuffer, OffsetBuffer};
use worldstore::arrow::compute::concat_batches;
use worldstore::arrow::datatypes::*;

/// Rows of one batch.
pub const ROWS: usize = 5;

type Columns = Vec<(&'static str, ArrayRef)>;

/// Five rows with the entities from `first` on. Which of the values comes first depends on `first`.
pub fn every(format: TableFormat, first: u64) -> RecordBatch {
    let mut columns = numbers(format);
    columns.extend(texts());
    columns.extend(times());
    columns.extend(nested());
    match format {
        TableFormat::Iceberg => columns.extend(only_iceberg()),
        _ => columns.extend(only_lance()),
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::try_new(schema, columns.into_iter().map(|(_, values)| values).collect()).unwrap();
    with_entities(first, &rotated(&rows, first as usize % ROWS))
}

/// Puts a column of entities in front.
pub fn with_entities(first: u64, rows: &RecordBatch) -> RecordBatch {
    let entities = UInt64Array::from_iter_values(first..first + rows.num_rows() as u64);
    let mut fields = vec![Arc::new(Field::new("entity", DataType::UInt64, false))];
    fields.extend(rows.schema().fields().iter().cloned());
    let mut columns: Vec<ArrayRef> = vec![Arc::new(entities)];
    columns.extend(rows.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn rotated(rows: &RecordBatch, by: usize) -> RecordBatch {
    let parts = [rows.slice(by, ROWS - by), rows.slice(0, by)];
    concat_batches(&rows.schema(), &parts).unwrap()
}

macro_rules! column {
    ($name:literal, $array:ty, $values:expr) => {
        ($name, Arc::new(<$array>::from($values.to_vec())) as ArrayRef)
    };
}

fn numbers(format: TableFormat) -> Columns {
    // Iceberg's widest whole number has a sign.
    let greatest = if format == TableFormat::Iceberg { i64::MAX as u64 } else { u64::MAX };
    let decimals = [Some(-12_345_678), Some(0), None, Some(10_i128.pow(20) - 1), Some(1 - 10_i128.pow(20))];
    let decimals = Decimal128Array::from(decimals.to_vec()).with_precision_and_scale(20, 4).unwrap();
    let small = [Some(-99_999), Some(0), None, Some(99_999), Some(1)];
    let small = Decimal128Array::from(small.to_vec()).with_precision_and_scale(5, 0).unwrap();
    vec![
        column!("truth", BooleanArray, [Some(true), Some(false), None, Some(true), Some(false)]),
        column!("i8", Int8Array, [Some(1), Some(i8::MIN), None, Some(i8::MAX), Some(0)]),
        column!("i16", Int16Array, [Some(1), Some(i16::MIN), None, Some(i16::MAX), Some(0)]),
        column!("i32", Int32Array, [Some(1), Some(i32::MIN), None, Some(i32::MAX), Some(0)]),
        column!("i64", Int64Array, [Some(1), Some(i64::MIN), None, Some(i64::MAX), Some((1 << 53) + 1)]),
        column!("u8", UInt8Array, [Some(1), Some(0), None, Some(u8::MAX), Some(2)]),
        column!("u16", UInt16Array, [Some(1), Some(0), None, Some(u16::MAX), Some(2)]),
        column!("u32", UInt32Array, [Some(1), Some(0), None, Some(u32::MAX), Some(2)]),
        column!("u64", UInt64Array, [Some(1), Some(0), None, Some(greatest), Some(greatest - 1)]),
        column!("f32", Float32Array, [Some(0.1), Some(f32::NAN), None, Some(-0.0), Some(f32::MIN_POSITIVE / 8.0)]),
        column!("f64", Float64Array, [Some(0.1), Some(f64::NAN), None, Some(-0.0), Some(f64::NEG_INFINITY)]),
        ("decimal", Arc::new(decimals)),
        ("small_decimal", Arc::new(small)),
    ]
}

fn texts() -> Columns {
    let words = [Some("grüße, 世界 🌍"), Some(""), None, Some("a\u{0}b\n\"'\\"), Some("e\u{301}\u{202e}")];
    let bytes: [Option<&[u8]>; ROWS] = [Some(b"\x00\xff\xfe"), Some(b""), None, Some(b"plain"), Some(b"\xc3\x28")];
    let fixed = [Some([0_u8; 4]), Some([255; 4]), None, Some([1, 2, 3, 4]), Some([0, 0, 0, 1])];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed.into_iter(), 4).unwrap();
    let kinds: DictionaryArray<Int32Type> =
        [Some("walker"), Some(""), None, Some("flyer"), Some("walker")].into_iter().collect();
    vec![
        column!("text", StringArray, words),
        column!("large_text", LargeStringArray, words),
        column!("bytes", BinaryArray, bytes),
        column!("large_bytes", LargeBinaryArray, bytes),
        ("fixed_bytes", Arc::new(fixed)),
        ("kind", Arc::new(kinds)),
    ]
}

/// Before 1970, far in the future, and between two seconds.
fn times() -> Columns {
    let micros = [Some(1_700_000_000_123_456), Some(-1), None, Some(0), Some(253_402_300_799_999_999)];
    let millis = micros.map(|micros| micros.map(|micros: i64| micros.div_euclid(1_000)));
    let seconds = micros.map(|micros| micros.map(|micros: i64| micros.div_euclid(1_000_000)));
    let days = [Some(19_000), Some(-1), None, Some(0), Some(2_932_896)];
    let noon = [Some(43_200_000_001), Some(0), None, Some(86_399_999_999), Some(1)];
    let utc = TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC");
    vec![
        column!("date", Date32Array, days),
        column!("time", Time64MicrosecondArray, noon),
        column!("at_us", TimestampMicrosecondArray, micros),
        column!("at_ms", TimestampMillisecondArray, millis),
        column!("at_s", TimestampSecondArray, seconds),
        ("at_utc", Arc::new(utc)),
    ]
}

fn nested() -> Columns {
    let inner = [Some(1.5), None, Some(f64::NAN), Some(-0.0), Some(0.0)];
    let lengths = OffsetBuffer::from_lengths([3, 0, 0, 1, 1]);
    let some = NullBuffer::from(vec![true, true, false, true, true]);
    let item = Arc::new(Field::new("item", DataType::Float64, true));
    let list = ListArray::new(item, lengths.clone(), Arc::new(Float64Array::from(inner.to_vec())), Some(some.clone()));
    let place = StructArray::new(
        Fields::from(vec![Field::new("x", DataType::Int32, true), Field::new("name", DataType::Utf8, true)]),
        vec![
            Arc::new(Int32Array::from(vec![Some(1), None, None, Some(i32::MIN), Some(0)])),
            Arc::new(StringArray::from(vec![Some("ö"), Some(""), None, None, Some("z")])),
        ],
        Some(some.clone()),
    );
    let item = Arc::new(Field::new("item", place.data_type().clone(), true));
    let places = ListArray::new(item, lengths, Arc::new(place.clone()), Some(some.clone()));
    let numbers: Vec<f32> = (0..ROWS * 3).map(|number| number as f32 / 3.0).collect();
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let vector = FixedSizeListArray::new(item, 3, Arc::new(Float32Array::from(numbers)), Some(some));
    vec![
        ("list", Arc::new(list) as ArrayRef),
        ("place", Arc::new(place)),
        ("places", Arc::new(places)),
        ("vector", Arc::new(vector)),
    ]
}

fn only_lance() -> Columns {
    let nanos = [Some(1_700_000_000_123_456_789), Some(-1), None, Some(0), Some(i64::MAX)];
    let berlin = [Some(1_700_000_000_123_456), Some(-1), None, Some(0), Some(1)];
    let berlin = TimestampMicrosecondArray::from(berlin.to_vec()).with_timezone("Europe/Berlin");
    let days = [Some(86_400_000), Some(-86_400_000), None, Some(0), Some(864_000_000)];
    vec![
        column!("at_ns", TimestampNanosecondArray, nanos),
        ("at_berlin", Arc::new(berlin) as ArrayRef),
        column!("date64", Date64Array, days),
        column!("time_ms", Time32MillisecondArray, [Some(1), Some(0), None, Some(86_399_999), Some(2)]),
        column!("took", DurationMicrosecondArray, [Some(1), Some(-1), None, Some(86_400_000_000_000), Some(0)]),
    ]
}

fn only_iceberg() -> Columns {
    let mut tags = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for row in [Some(vec![("a", Some(1)), ("b", None)]), Some(vec![]), None, Some(vec![("", Some(-1))]), Some(vec![])] {
        for (key, value) in row.iter().flatten() {
            tags.keys().append_value(key);
            tags.values().append_option(*value);
        }
        tags.append(row.is_some()).unwrap();
    }
    vec![("tags", Arc::new(tags.finish()) as ArrayRef)]
}
