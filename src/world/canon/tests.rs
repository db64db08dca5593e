//! Canonical bytes, spelled out, and what may not matter.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;

use super::Cells;

fn cells(column: ArrayRef) -> Cells {
    Cells::new(&RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap()).unwrap()
}

fn type_of(column: ArrayRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    cells(column).write_columns(&mut bytes).unwrap();
    let head = [&1_u64.to_le_bytes()[..], &1_u64.to_le_bytes(), b"x"].concat();
    assert_eq!(bytes[..head.len()], head, "one column, name of one byte");
    bytes[head.len()..].to_vec()
}

fn row(column: ArrayRef, row: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    cells(column).write_row(row, &mut bytes).unwrap();
    bytes
}

#[test]
fn numbers_are_little_endian_and_nulls_one_byte() {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![Some(-2), None]));
    assert_eq!(type_of(column.clone()), [0x14]);
    assert_eq!(row(column.clone(), 0), [1, 0xfe, 0xff, 0xff, 0xff]);
    assert_eq!(row(column, 1), [0]);
    assert_eq!(row(Arc::new(NullArray::new(1)), 0), [0]);
    assert_eq!(row(Arc::new(BooleanArray::from(vec![true])), 0), [1, 1]);
    let decimal: ArrayRef = Arc::new(Decimal128Array::from(vec![-3]).with_precision_and_scale(10, 2).unwrap());
    assert_eq!(type_of(decimal.clone()), [0x40, 2]);
    assert_eq!(row(decimal, 0), [&[1, 0xfd][..], &[0xff; 31]].concat());
}

#[test]
fn floats_are_their_bits() {
    let nans = [f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_0000_0001), 0.0, -0.0];
    let column: ArrayRef = Arc::new(Float64Array::from(nans.to_vec()));
    let bytes: Vec<_> = (0..nans.len()).map(|at| row(column.clone(), at)).collect();
    for (at, value) in nans.iter().enumerate() {
        assert_eq!(bytes[at], [&[1][..], &value.to_bits().to_le_bytes()].concat());
        assert!(bytes.iter().enumerate().all(|(other, bytes_other)| other == at || *bytes_other != bytes[at]));
    }
    assert_eq!(row(Arc::new(Float32Array::from(vec![1.0])), 0), [1, 0, 0, 0x80, 0x3f]);
}

#[test]
fn how_text_is_held_does_not_matter() {
    let expected = [&[1][..], &2_u64.to_le_bytes(), "é".as_bytes()].concat();
    let plain = StringArray::from(vec![Some("é"), None]);
    let dictionary: DictionaryArray<Int8Type> = [Some("é"), None].into_iter().collect();
    let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![1, 2]), &plain).unwrap();
    let columns: [ArrayRef; 5] = [
        Arc::new(plain),
        Arc::new(LargeStringArray::from(vec![Some("é"), None])),
        Arc::new(StringViewArray::from(vec![Some("é"), None])),
        Arc::new(dictionary),
        Arc::new(runs),
    ];
    for column in columns {
        assert_eq!((type_of(column.clone()), row(column.clone(), 0)), (vec![0x50], expected.clone()));
        assert_eq!(row(column, 1), [0]);
    }
    let bytes: [ArrayRef; 3] = [
        Arc::new(BinaryArray::from_vec(vec![&[7, 8]])),
        Arc::new(BinaryViewArray::from(vec![&[7_u8, 8][..]])),
        Arc::new(FixedSizeBinaryArray::try_from_iter([[7_u8, 8]].into_iter()).unwrap()),
    ];
    for column in bytes {
        assert_eq!((type_of(column.clone()), row(column, 0).split_off(9)), (vec![0x51], vec![7, 8]));
    }
}

#[test]
fn nested_values_are_written_part_by_part() {
    let list = ListArray::from_iter_primitive::<Int8Type, _, _>([Some(vec![Some(5), None]), None, Some(vec![])]);
    let list: ArrayRef = Arc::new(list);
    assert_eq!(type_of(list.clone()), [0x70, 0x11]);
    assert_eq!(row(list.clone(), 0), [&[1][..], &2_u64.to_le_bytes(), &[1, 5, 0]].concat());
    assert_eq!((row(list.clone(), 1), row(list, 2)), (vec![0], [&[1][..], &0_u64.to_le_bytes()].concat()));
    let fields = vec![Field::new("b", DataType::Int8, true), Field::new("a", DataType::Boolean, true)];
    let parts: Vec<ArrayRef> =
        vec![Arc::new(Int8Array::from(vec![Some(1), None])), Arc::new(BooleanArray::from(vec![false, true]))];
    let structure: ArrayRef = Arc::new(StructArray::new(fields.into(), parts, Some(vec![true, false].into())));
    let one = 1_u64.to_le_bytes();
    let expected = [&[0x71][..], &2_u64.to_le_bytes(), &one, b"b", &[0x11], &one, b"a", &[0x01]].concat();
    assert_eq!(type_of(structure.clone()), expected);
    assert_eq!((row(structure.clone(), 0), row(structure, 1)), (vec![1, 1, 1, 1, 0], vec![0]));
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int8Builder::new());
    map.keys().append_value("k");
    map.values().append_null();
    map.append(true).unwrap();
    let map: ArrayRef = Arc::new(map.finish());
    assert_eq!(type_of(map.clone()), [0x72, 0x50, 0x11]);
    assert_eq!(row(map, 0), [&[1][..], &one, &[1], &one, b"k", &[0]].concat());
}

#[test]
fn dictionaries_inside_of_lists_do_not_matter() {
    let plain: ArrayRef = Arc::new(StringArray::from(vec!["p", "q", "p"]));
    let offsets = OffsetBuffer::from_lengths([2, 1]);
    let list = |values: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        Arc::new(ListArray::new(field, offsets.clone(), values, None))
    };
    let dictionary: DictionaryArray<Int8Type> = ["p", "q", "p"].into_iter().collect();
    let (plain, dictionary) = (list(plain), list(Arc::new(dictionary)));
    assert_eq!(type_of(plain.clone()), type_of(dictionary.clone()));
    assert!((0..2).all(|at| row(plain.clone(), at) == row(dictionary.clone(), at)));
    let fixed: ArrayRef =
        Arc::new(FixedSizeListArray::from_iter_primitive::<Int8Type, _, _>([Some(vec![Some(5), None])], 2));
    assert_eq!(type_of(fixed.clone()), [0x70, 0x11]);
    assert_eq!(row(fixed, 0), [&[1][..], &2_u64.to_le_bytes(), &[1, 5, 0]].concat());
}

#[test]
fn times_carry_unit_and_zone() {
    let plain: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1]));
    let zoned: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC"));
    assert_eq!(type_of(plain.clone()), [0x63, 6, 0]);
    assert_eq!(type_of(zoned.clone()), [&[0x63, 6, 1][..], &3_u64.to_le_bytes(), b"UTC"].concat());
    assert_eq!(row(plain, 0), row(zoned, 0));
    let time: ArrayRef = Arc::new(Time32MillisecondArray::from(vec![2]));
    assert_eq!((type_of(time.clone()), row(time, 0)), (vec![0x62, 3], [&[1][..], &2_u64.to_le_bytes()].concat()));
    let interval: ArrayRef = Arc::new(IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, 2)]));
    assert_eq!((type_of(interval.clone()), row(interval, 0)), (vec![0x65, 1], vec![1, 1, 0, 0, 0, 2, 0, 0, 0]));
}

#[test]
fn columns_are_sorted_and_base_columns_left_out() {
    let one: ArrayRef = Arc::new(Int8Array::from(vec![1]));
    let two: ArrayRef = Arc::new(Int8Array::from(vec![2]));
    let tick: ArrayRef = Arc::new(Int64Array::from(vec![9]));
    let batch = RecordBatch::try_from_iter([("tick", tick), ("b", two), ("a", one)]).unwrap();
    let cells = Cells::new(&batch).unwrap();
    assert_eq!(cells.names().collect::<Vec<_>>(), ["a", "b"]);
    let mut bytes = Vec::new();
    cells.write_row(0, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 1, 1, 2]);
}

#[test]
fn a_column_that_one_side_does_not_have_counts_as_null() {
    let column = |values: Vec<Option<i8>>| -> ArrayRef { Arc::new(Int8Array::from(values)) };
    let both = [("a", column(vec![Some(1), Some(1)]), true), ("b", column(vec![None, Some(2)]), true)];
    let both = Cells::new(&RecordBatch::try_from_iter_with_nullable(both).unwrap()).unwrap();
    let less = [("a", column(vec![Some(1)]), true)];
    let less = Cells::new(&RecordBatch::try_from_iter_with_nullable(less).unwrap()).unwrap();
    assert!(both.same_row(0, &less, 0).unwrap() && less.same_row(0, &both, 0).unwrap());
    assert_eq!(both.changed_columns(1, &less, 0).unwrap(), ["b"]);
}

#[test]
fn types_without_encoding_are_refused() {
    let fields: UnionFields = [(0, Arc::new(Field::new("a", DataType::Int8, true)))].into_iter().collect();
    let values: Vec<ArrayRef> = vec![Arc::new(Int8Array::from(vec![1]))];
    let union = UnionArray::try_new(fields, vec![0_i8].into(), None, values).unwrap();
    let batch = RecordBatch::try_from_iter([("x", Arc::new(union) as ArrayRef)]).unwrap();
    let refused = Cells::new(&batch).unwrap_err();
    assert_eq!(refused.kind(), worldstore_core::ErrorKind::Unsupported);
}

#[test]
fn cells_of_other_types_differ_whatever_their_bytes() {
    let changed = |one: ArrayRef, two: ArrayRef, row: usize| !cells(one).same_row(row, &cells(two), row).unwrap();
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(5), None]));
    let millis: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![Some(5), None]));
    assert!(changed(seconds.clone(), millis.clone(), 0));
    assert!(!changed(seconds.clone(), millis.clone(), 1), "null is null");
    assert!(!changed(seconds.clone(), seconds.clone(), 0));
    let of_scale = |scale: i8| -> ArrayRef {
        Arc::new(Decimal128Array::from(vec![15]).with_precision_and_scale(10, scale).unwrap())
    };
    assert!(changed(of_scale(1), of_scale(2), 0), "1.5 is not 0.15");
    let (text, large): (ArrayRef, ArrayRef) =
        (Arc::new(StringArray::from(vec!["a"])), Arc::new(LargeStringArray::from(vec!["a"])));
    assert!(!changed(text, large, 0), "however they are held");
    let other = Cells::new(&RecordBatch::try_from_iter_with_nullable([("y", millis, true)]).unwrap()).unwrap();
    assert_eq!(cells(seconds).changed_columns(0, &other, 0).unwrap(), ["x", "y"]);
}
