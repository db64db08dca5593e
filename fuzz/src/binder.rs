//! Statements of the graph's language over labels: what they are bound to, and what comes of it.

use std::error::Error as StdError;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use tokio::runtime::{Builder, Runtime};
use worldstore_async::SyncBackendAdapter;
use worldstore_core::{Backend, ErrorKind, Key, Memory, WriteOptions};
use worldstore_cypher::ast::{Statement, StatementKind};
use worldstore_cypher::parse;
use worldstore_graph::runtime::writes;
use worldstore_graph::{Graph, Parameters, QueryError, QueryOptions, Value};

const LABELS: &str = "
    CREATE NODE LABEL Person FROM FILE 'lake://data/people.parquet' KEY id;
    CREATE NODE LABEL Part VIRTUAL FROM PARTITION 'lake://data/parts';
    CREATE EDGE TYPE KNOWS VIRTUAL FROM PARTITION 'lake://data/knows'
        SOURCE KEY src REFERENCES Person(id) TARGET KEY dst REFERENCES Person(id);
    CREATE EDGE TYPE HAS VIRTUAL FROM PARTITION 'lake://data/has'
        SOURCE KEY src REFERENCES Person(id) TARGET KEY dst REFERENCES Part(n)";

/// Statements of one input that are run: all of them together end before libFuzzer takes them for hung.
const STATEMENTS_MAX: usize = 4;

static GRAPH: LazyLock<(Runtime, Graph)> = LazyLock::new(|| match graph() {
    Ok(graph) => graph,
    Err(error) => panic!("the graph cannot be made: {error}"),
});

/// A statement that reads is planned and run, or refused with a mistake that can be shown: never with an error that
/// nobody has thought of, and never much longer than its deadline.
pub fn binder(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(statements) = parse(text) else { return };
    let (runtime, graph) = &*GRAPH;
    let parameters = Parameters::default().with("n", Value::Int(2)).with("name", Value::from("b"));
    let options =
        QueryOptions::default().with_timeout(Duration::from_millis(500)).with_rows(1_000).with_memory(64 << 20);
    for statement in statements.iter().filter(|statement| is_read(statement)).take(STATEMENTS_MAX) {
        let text = statement.to_string();
        if let Err(error) = runtime.block_on(graph.explain(&text, &parameters)) {
            look(&error, &text);
        }
        if let Err(error) = runtime.block_on(graph.query_with(&text, &parameters, &options)) {
            look(&error, &text);
        }
    }
}

fn is_read(statement: &Statement) -> bool {
    matches!(&statement.kind, StatementKind::Query(query) if !writes(query))
}

fn look(error: &QueryError, text: &str) {
    let shown = error.render(text);
    assert!(error.kind() != ErrorKind::Unexpected, "{text}\n{shown}\n{error:?}");
}

fn graph() -> Result<(Runtime, Graph), Box<dyn StdError>> {
    let store = Memory::new();
    put(&store, "people.parquet", people()?)?;
    let numbers = |numbers: &[i64]| Arc::new(Int64Array::from(numbers.to_vec())) as ArrayRef;
    put(&store, "parts/kind=a/day=1/a.parquet", RecordBatch::try_from_iter([("n", numbers(&[1, 2]))])?)?;
    put(&store, "parts/kind=b/day=2/a.parquet", RecordBatch::try_from_iter([("n", numbers(&[3]))])?)?;
    let edges = |from: &[i64], to: &[i64]| {
        RecordBatch::try_from_iter([("src", numbers(from)), ("dst", numbers(to)), ("weight", numbers(from))])
    };
    put(&store, "knows/a.parquet", edges(&[1, 1, 2, 3, 3], &[2, 3, 3, 1, 3])?)?;
    put(&store, "has/a.parquet", edges(&[1, 2, 9], &[1, 3, 2])?)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let graph = Graph::new().with_mount("data", Arc::new(SyncBackendAdapter::new(Arc::new(store))))?;
    let declared = runtime.block_on(graph.run(LABELS, &Parameters::default()));
    declared.map_err(|error| error.render(LABELS))?;
    Ok((runtime, graph))
}

fn put(store: &Memory, key: &str, rows: RecordBatch) -> Result<(), Box<dyn StdError>> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None)?;
    writer.write(&rows)?;
    let bytes = Bytes::from(writer.into_inner()?);
    Ok(store.write(&Key::new(key)?, bytes, &WriteOptions::default()).map(drop)?)
}

/// Three rows of columns of twelve types, with nulls, and with the ends of the types of numbers.
fn people() -> Result<RecordBatch, Box<dyn StdError>> {
    let place = StructArray::from(vec![(
        Arc::new(Field::new("lat", DataType::Float64, true)),
        Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-0.0)])) as ArrayRef,
    )]);
    let tags = [Some(vec![Some(1), None]), None, Some(vec![])];
    let columns: [(&str, ArrayRef); 12] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("name", Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]))),
        ("age", Arc::new(Int32Array::from(vec![Some(i32::MAX), Some(7), None]))),
        ("far", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None]))),
        ("big", Arc::new(UInt64Array::from(vec![Some(u64::MAX), Some(0), None]))),
        ("x", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-0.0), Some(f64::INFINITY)]))),
        ("price", Arc::new(Decimal128Array::from(vec![Some(12_345), Some(-1), None]).with_precision_and_scale(10, 2)?)),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("born", Arc::new(Date32Array::from(vec![Some(0), Some(-1), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(0), Some(-1), None]))),
        ("tags", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(tags))),
        ("place", Arc::new(place)),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
