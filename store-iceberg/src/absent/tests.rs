//! Values that stand beside a file, as arrays.

#![allow(clippy::unwrap_used)]

use arrow::datatypes::TimeUnit;
use iceberg::arrow::arrow_primitive_to_literal;
use iceberg::spec::{PrimitiveType, Type};

use super::*;

#[test]
fn a_value_is_the_one_that_it_would_be_in_a_file() {
    let utc = || Some("+00:00".into());
    for (stored, natural, value) in [
        (DataType::Boolean, PrimitiveType::Boolean, PrimitiveLiteral::Boolean(true)),
        (DataType::Int32, PrimitiveType::Int, PrimitiveLiteral::Int(-7)),
        (DataType::Date32, PrimitiveType::Date, PrimitiveLiteral::Int(20_000)),
        (DataType::Int64, PrimitiveType::Long, PrimitiveLiteral::Long(i64::MIN)),
        (DataType::Time64(TimeUnit::Microsecond), PrimitiveType::Time, PrimitiveLiteral::Long(7)),
        (DataType::Timestamp(TimeUnit::Microsecond, None), PrimitiveType::Timestamp, PrimitiveLiteral::Long(-7)),
        (DataType::Timestamp(TimeUnit::Microsecond, utc()), PrimitiveType::Timestamptz, PrimitiveLiteral::Long(7)),
        (DataType::Utf8, PrimitiveType::String, PrimitiveLiteral::String("ü".to_owned())),
        (DataType::LargeBinary, PrimitiveType::Binary, PrimitiveLiteral::Binary(vec![0, 255])),
    ] {
        let array = one(&value, &stored).unwrap();
        assert_eq!((array.len(), array.data_type()), (1, &stored));
        let back = arrow_primitive_to_literal(&array, &Type::Primitive(natural)).unwrap();
        assert_eq!(back, [Some(Literal::Primitive(value))], "{stored}");
    }
}

#[test]
fn a_value_of_another_type_is_none() {
    for (stored, value) in [
        (DataType::Int32, PrimitiveLiteral::Long(7)),
        (DataType::Timestamp(TimeUnit::Microsecond, None), PrimitiveLiteral::Int(7)),
        (DataType::FixedSizeBinary(2), PrimitiveLiteral::Binary(vec![1, 2, 3])),
        (DataType::Decimal128(2, 0), PrimitiveLiteral::AboveMax),
        (DataType::Utf8, PrimitiveLiteral::Int(7)),
    ] {
        assert!(one(&value, &stored).is_none(), "{stored}");
    }
    // A column that was widened has values from before.
    assert_eq!(one(&PrimitiveLiteral::Int(7), &DataType::Int64).unwrap().data_type(), &DataType::Int64);
    let decimal = one(&PrimitiveLiteral::Int128(125), &DataType::Decimal128(9, 2)).unwrap();
    assert_eq!(decimal.data_type(), &DataType::Decimal128(9, 2));
    let uuid = one(&PrimitiveLiteral::UInt128(1), &DataType::FixedSizeBinary(16)).unwrap();
    assert_eq!(uuid.len(), 1);
}
