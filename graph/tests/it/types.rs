//! Columns of every type of Arrow, joined and walked: a value, or an error that names the column and the type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, make_array, new_null_array};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use arrow::ipc::writer::FileWriter;
use worldstore_core::Memory;
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{cells, mounted, put};

/// One of each, and the units of those that have some.
fn types() -> Vec<DataType> {
    use DataType::*;
    let item = |kind: DataType| Arc::new(Field::new_list_field(kind, true));
    let fields = Fields::from(vec![Field::new("a", Int32, true), Field::new("b", Utf8, true)]);
    let union = UnionFields::from_fields(fields.iter().cloned());
    let entries = Field::new(
        "entries",
        Struct(Fields::from(vec![Field::new("keys", Utf8, false), Field::new("values", Int32, true)])),
        false,
    );
    let mut all = vec![
        Null,
        Boolean,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Date32,
        Date64,
        Time32(TimeUnit::Second),
        Time32(TimeUnit::Millisecond),
        Time64(TimeUnit::Microsecond),
        Time64(TimeUnit::Nanosecond),
        Interval(IntervalUnit::YearMonth),
        Interval(IntervalUnit::DayTime),
        Interval(IntervalUnit::MonthDayNano),
        Binary,
        LargeBinary,
        BinaryView,
        FixedSizeBinary(3),
        Utf8,
        LargeUtf8,
        Utf8View,
        List(item(Int64)),
        LargeList(item(Utf8)),
        FixedSizeList(item(Int32), 2),
        ListView(item(Int64)),
        LargeListView(item(Int64)),
        Struct(fields.clone()),
        Map(Arc::new(entries), false),
        Union(union.clone(), UnionMode::Sparse),
        Union(union, UnionMode::Dense),
        Dictionary(Box::new(Int32), Box::new(Utf8)),
        RunEndEncoded(Arc::new(Field::new("run_ends", Int32, false)), Arc::new(Field::new("values", Utf8, true))),
        Decimal32(9, 2),
        Decimal64(18, 2),
        Decimal128(38, 2),
        Decimal256(76, 2),
    ];
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        all.extend([
            Timestamp(unit, None),
            Timestamp(unit, Some("+01:00".into())),
            Timestamp(unit, Some("Europe/Oslo".into())),
        ]);
        all.push(Duration(unit));
    }
    all
}

/// A value of the type where one can be made of 1 or a text, and nothing.
fn column(kind: &DataType) -> ArrayRef {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some("1"), None]));
    let made = [number, text]
        .into_iter()
        .find(|one| can_cast_types(one.data_type(), kind))
        .and_then(|one| cast(&one, kind).ok());
    made.unwrap_or_else(|| make_array(new_null_array(kind, 2).to_data()))
}

async fn graph(kind: &DataType) -> Option<(Graph, bool)> {
    let column = column(kind);
    let has_value = column.is_valid(0) && *kind != DataType::Null;
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let batch = RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("odd", column, true)]).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).ok()?;
    writer.write(&batch).ok()?;
    let store = Memory::new();
    put(&store, "t.arrow", writer.into_inner().unwrap().into());
    let (graph, _) = mounted(store);
    let declared = "CREATE NODE LABEL T FROM FILE 'lake://data/t.arrow' KEY id";
    graph.query(declared, &Parameters::default()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    Some((graph, has_value))
}

#[tokio::test]
async fn every_type_is_a_value_or_an_error_with_its_name() {
    let mut not_written = Vec::new();
    for kind in types() {
        let Some((graph, has_value)) = graph(&kind).await else {
            not_written.push(kind.to_string());
            continue;
        };
        for query in [
            "MATCH (t:T) WHERE t.id = 1 RETURN t.odd AS v",
            "MATCH (t:T) WHERE t.id = 1 RETURN [x IN [t.odd] | x] AS v",
            "MATCH (t:T) WHERE t.id = 1 RETURN properties(t) AS v",
        ] {
            match graph.query(query, &Parameters::default()).await {
                Ok(result) => {
                    let cells = cells(&result);
                    assert_eq!(cells.len(), 1, "{kind}: {query}");
                    let is_nothing = cells[0] == "null" || cells[0].is_empty();
                    assert!(!(has_value && is_nothing), "{kind}: {query}: {cells:?}");
                }
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.contains("odd") && error.contains(&kind.to_string()), "{kind}: {query}: {error}");
                }
            }
        }
    }
    assert!(not_written.len() <= 4, "these cannot be in an Arrow file: {not_written:?}");
}
