//! The way to Iceberg's types and back.

use arrow::array::{Array, Float16Array, Int64Array, TimestampMicrosecondArray, UInt64Array};

use super::*;

fn column(data_type: DataType, stored: DataType) -> Column {
    let (field, stored) = (Field::new("c", data_type, true), Field::new("c", stored, true));
    Column { id: 1, field: Arc::new(field), stored: Arc::new(stored), mapped: Vec::new(), initial: None }
}

fn round(schema: &Schema) -> Schema {
    let (made, properties) = to_iceberg_schema(schema).unwrap();
    let columns = columns(&made, &properties).unwrap();
    Schema::new(columns.iter().map(|column| Arc::clone(&column.field)).collect::<Vec<_>>())
}

#[test]
fn only_what_iceberg_forgets_is_remembered() {
    let schema = Schema::new(vec![
        Field::new("plain", DataType::Int64, false),
        Field::new("entity", DataType::UInt64, false),
        Field::new("at", DataType::Timestamp(TimeUnit::Second, Some("UTC".into())), true),
    ]);
    let (_, properties) = to_iceberg_schema(&schema).unwrap();
    let mut properties: Vec<_> = properties.into_iter().collect();
    properties.sort();
    let expected = [("worldstore.arrow-type.2", "UInt64"), ("worldstore.arrow-type.3", "Timestamp(s, \"UTC\")")];
    assert_eq!(properties, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(round(&schema), schema);
}

#[test]
fn a_widened_column_has_its_new_type() {
    let small = Schema::new(vec![Field::new("n", DataType::Int16, true)]);
    let (_, properties) = to_iceberg_schema(&small).unwrap();
    let (widened, _) = to_iceberg_schema(&Schema::new(vec![Field::new("n", DataType::Int64, true)])).unwrap();
    assert_eq!(columns(&widened, &properties).unwrap()[0].field.data_type(), &DataType::Int64);
}

#[test]
fn a_remembered_type_that_is_none_is_damage() {
    let (made, _) = to_iceberg_schema(&Schema::new(vec![Field::new("n", DataType::Int64, true)])).unwrap();
    let properties = HashMap::from([(format!("{ARROW_TYPE_KEY}1"), "Number".to_owned())]);
    assert_eq!(columns(&made, &properties).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn values_that_another_program_stored_are_checked() {
    let negative: ArrayRef = Arc::new(Int64Array::from(vec![1, -1]));
    let unsigned = column(DataType::UInt64, DataType::Int64);
    assert_eq!(from_stored(&negative, &unsigned).unwrap_err().kind(), ErrorKind::Corrupt);
    let fine: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let read = from_stored(&fine, &unsigned).unwrap();
    assert_eq!(read.as_any().downcast_ref::<UInt64Array>().unwrap(), &UInt64Array::from(vec![Some(1), None]));

    let seconds = DataType::Timestamp(TimeUnit::Second, None);
    let seconds = column(seconds, DataType::Timestamp(TimeUnit::Microsecond, None));
    let whole: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(2_000_000), None, Some(-1_000_000)]));
    assert_eq!(from_stored(&whole, &seconds).unwrap().null_count(), 1);
    let broken: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![2_000_001]));
    assert_eq!(from_stored(&broken, &seconds).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn half_floats_keep_their_bits() {
    let half = column(DataType::Float16, DataType::Float32);
    let bits = [0x0000, 0x8000, 0x7c00, 0xfc00, 0x3c01, 0x0001];
    let values: ArrayRef = Arc::new(arrow::compute::cast(&Float16Array::new_null(0), &DataType::Float16).unwrap());
    assert_eq!(values.len(), 0);
    let data = arrow::buffer::Buffer::from_slice_ref(bits.map(u16::to_ne_bytes).concat().as_slice());
    let values = arrow::array::ArrayData::try_new(DataType::Float16, bits.len(), None, 0, vec![data], vec![]).unwrap();
    let values = arrow::array::make_array(values);
    let stored = convert(&values, half.stored.data_type()).unwrap();
    assert_eq!(&from_stored(&stored, &half).unwrap(), &values);
}
