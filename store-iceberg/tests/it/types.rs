//! Every type comes back as it went in, or is refused when the table is created.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type, Schema, TimeUnit};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::*;

use crate::{Fixture, in_memory, name, objects, read};

/// Columns that all can be stored, three rows each, with nulls.
fn everything() -> RecordBatch {
    use DataType::*;
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), None, Some(100)]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(""), None, Some("ü\n")]));
    let zone = |zone: &str| Some(zone.into());
    let cast_to = [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float16, Float32, Float64, Date32];
    let times = [
        Timestamp(TimeUnit::Second, None),
        Timestamp(TimeUnit::Millisecond, zone("UTC")),
        Timestamp(TimeUnit::Microsecond, zone("+00:00")),
        Timestamp(TimeUnit::Microsecond, None),
        Time64(TimeUnit::Microsecond),
        Decimal128(12, 3),
    ];
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for data_type in cast_to.iter().chain(&times) {
        let small = match data_type {
            Date32 => cast(&numbers, &Int32).unwrap(),
            _ => numbers.clone(),
        };
        columns.push((format!("{data_type}"), cast(&small, data_type).unwrap()));
    }
    let seconds = cast(&cast(&numbers, &Int32).unwrap(), &Time32(TimeUnit::Second)).unwrap();
    columns.push(("seconds".to_owned(), seconds));
    let words = Dictionary(Box::new(Int32), Box::new(Utf8));
    for data_type in [Utf8, LargeUtf8, Utf8View, Binary, LargeBinary, BinaryView, words] {
        columns.push((format!("{data_type}"), cast(&texts, &data_type).unwrap()));
    }
    columns.push(("flags".to_owned(), Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))));
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some([1, 2]), None, Some([3, 4])].into_iter(), 2);
    columns.push(("fixed".to_owned(), Arc::new(fixed.unwrap())));
    columns.extend(nested());
    let field = |(name, array): &(String, ArrayRef)| Field::new(name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn nested() -> Vec<(String, ArrayRef)> {
    let lists = [Some(vec![Some(1), None]), None, Some(vec![])];
    let big = ListArray::from_iter_primitive::<Int64Type, _, _>(lists.clone());
    let positions = [Some(vec![Some(1), Some(2)]), None, Some(vec![None, Some(4)])];
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(positions, 2);
    let unsigned = DataType::List(Arc::new(Field::new("item", DataType::UInt16, true)));
    let unsigned = cast(&ListArray::from_iter_primitive::<Int64Type, _, _>(lists), &unsigned).unwrap();
    let fields =
        Fields::from(vec![Field::new("x", DataType::Float64, true), Field::new("label", DataType::LargeUtf8, false)]);
    let (x, label) =
        (Float64Array::from(vec![Some(0.5), None, Some(-0.0)]), LargeStringArray::from(vec!["a", "b", ""]));
    let point = StructArray::new(fields, vec![Arc::new(x), Arc::new(label)], None);
    vec![
        ("list".to_owned(), Arc::new(big)),
        ("pair".to_owned(), Arc::new(fixed)),
        ("unsigned list".to_owned(), unsigned),
        ("point".to_owned(), Arc::new(point)),
    ]
}

#[tokio::test]
async fn all_types_come_back_as_they_went_in() {
    let Fixture { tables, .. } = in_memory().await;
    let (table, rows) = (name("everything"), everything());
    let info = tables.create(&table, &CreateOptions::new(rows.schema())).await.unwrap();
    assert_eq!(info.schema, rows.schema());
    let _ = tables.append(&table, vec![rows.clone()], &AppendOptions::default()).await.unwrap();
    assert_eq!(read(&tables, &table, &Scan::all()).await.unwrap(), std::slice::from_ref(&rows));
    for field in rows.schema().fields() {
        let scan = Scan::all().with_columns([field.name()]);
        let expected = [rows.project(&[rows.schema().index_of(field.name()).unwrap()]).unwrap()];
        assert_eq!(read(&tables, &table, &scan).await.unwrap(), expected, "{field}");
    }
}

#[tokio::test]
async fn what_would_have_to_change_is_refused_at_creation() {
    use DataType::*;
    let Fixture { tables, backend, .. } = in_memory().await;
    let refused = [
        Timestamp(TimeUnit::Nanosecond, None),
        Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into())),
        Time64(TimeUnit::Nanosecond),
        Date64,
        Null,
        Duration(TimeUnit::Second),
        Decimal128(10, -2),
        Decimal256(40, 2),
        Dictionary(Box::new(Int8), Box::new(Utf8)),
        List(Arc::new(Field::new("item", Timestamp(TimeUnit::Nanosecond, None), true))),
        List(Arc::new(Field::new("item", UInt8, true).with_metadata([("k".into(), "v".into())].into()))),
    ];
    for data_type in refused {
        let schema = Arc::new(Schema::new(vec![Field::new("odd", data_type.clone(), true)]));
        let error = tables.create(&name("refused"), &CreateOptions::new(schema)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{data_type}: {error:?}");
    }
    let twice = Field::new("twice", Int64, true);
    let schema = Arc::new(Schema::new(vec![twice.clone(), twice]));
    let error = tables.create(&name("refused"), &CreateOptions::new(schema)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(objects(&backend).await.is_empty());
    assert!(tables.list(&ListTablesOptions::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_number_beyond_iceberg_is_refused_and_leaves_nothing() {
    let Fixture { tables, backend, .. } = in_memory().await;
    let table = name("numbers");
    let batch = |value: u64| {
        RecordBatch::try_from_iter([("entity", Arc::new(UInt64Array::from(vec![1, value])) as ArrayRef)]).unwrap()
    };
    tables.create(&table, &CreateOptions::new(batch(0).schema())).await.unwrap();
    let largest = i64::MAX as u64;
    let _ = tables.append(&table, vec![batch(largest)], &AppendOptions::default()).await.unwrap();
    let before = objects(&backend).await;
    let rows = vec![batch(3), batch(largest + 1)];
    let error = tables.append(&table, rows, &AppendOptions::exactly_once(0, 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("value does not fit") && error.to_string().contains("column: entity"),
        "{error}"
    );
    assert_eq!(objects(&backend).await, before);
    assert_eq!(read(&tables, &table, &Scan::all()).await.unwrap(), [batch(largest)]);
}

#[tokio::test]
async fn a_null_where_none_is_allowed_never_gets_in() {
    let Fixture { tables, .. } = in_memory().await;
    let table = name("strict");
    let strict = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    tables.create(&table, &CreateOptions::new(strict)).await.unwrap();
    let loose = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]));
    let rows = RecordBatch::try_new(loose, vec![Arc::new(Int64Array::from(vec![None, Some(1)]))]).unwrap();
    let error = tables.append(&table, vec![rows], &AppendOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
