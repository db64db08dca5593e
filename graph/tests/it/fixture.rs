//! Two days of four flights each, three airports, two airlines: as Parquet files in a memory store.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::{Backend, Key, Memory, WriteOptions};
use worldstore_graph::{Graph, Parameters, QueryError, QueryResult};

/// A Parquet file with so many rows in a row group.
pub fn parquet(batch: &RecordBatch, group_rows: usize) -> Bytes {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

/// The file, with a footer in which what begins behind the first four bytes begins as far before the file.
pub fn displaced(file: &[u8]) -> Bytes {
    let (mut bytes, end) = (file.to_vec(), file.len() - 8);
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap()) as usize;
    for at in end - length..end - 1 {
        // In Thrift a number of 64 bits, two fields behind the one before, that is 4.
        if bytes[at..at + 2] == [0x26, 8] {
            bytes[at + 1] = 7;
        }
    }
    Bytes::from(bytes)
}

pub fn put(store: &Memory, key: &str, body: Bytes) {
    let _ = store.write(&Key::new(key).unwrap(), body, &WriteOptions::default()).unwrap();
}

pub fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn flights(
    numbers: [i64; 4],
    delays: [Option<i32>; 4],
    carriers: [&str; 4],
    origins: [&str; 4],
    dests: [&str; 4],
) -> Bytes {
    let batch = RecordBatch::try_from_iter([
        ("flight", Arc::new(Int64Array::from(numbers.to_vec())) as ArrayRef),
        ("delay", Arc::new(Int32Array::from(delays.to_vec())) as ArrayRef),
        ("carrier", texts(&carriers)),
        ("origin", texts(&origins)),
        ("dest", texts(&dests)),
    ]);
    parquet(&batch.unwrap(), 2)
}

/// The files.
pub fn store() -> Memory {
    let store = Memory::new();
    let carriers = ["UA", "AA", "UA", "AA"];
    let (some, none) = (Some, None);
    let january = flights(
        [1, 2, 3, 4],
        [some(5), some(70), none, some(-3)],
        carriers,
        ["EWR", "JFK", "EWR", "LGA"],
        ["IAH", "IAH", "ORD", "ORD"],
    );
    let february = flights(
        [5, 6, 7, 8],
        [some(90), some(61), some(60), some(0)],
        ["UA", "AA", "UA", "XX"],
        ["EWR", "EWR", "JFK", "LGA"],
        ["IAH", "ORD", "IAH", "NOWHERE"],
    );
    put(&store, "flights/month=1/day=31/a.parquet", january);
    put(&store, "flights/month=2/day=1/a.parquet", february);
    let airports = RecordBatch::try_from_iter([
        ("faa", texts(&["EWR", "IAH", "JFK", "LGA", "ORD"])),
        ("name", texts(&["Newark", "Houston", "Kennedy", "La Guardia", "Chicago"])),
        ("state", texts(&["NJ", "TX", "NY", "NY", "IL"])),
    ]);
    put(&store, "airports.parquet", parquet(&airports.unwrap(), 100));
    let airlines =
        RecordBatch::try_from_iter([("code", texts(&["AA", "UA"])), ("name", texts(&["American", "United"]))]);
    put(&store, "airlines.parquet", parquet(&airlines.unwrap(), 100));
    let routes = RecordBatch::try_from_iter([
        ("src", texts(&["EWR", "EWR", "IAH", "ORD", "ORD"])),
        ("dst", texts(&["IAH", "ORD", "ORD", "EWR", "ORD"])),
        ("miles", Arc::new(Int64Array::from(vec![1400, 719, 925, 719, 0])) as ArrayRef),
    ]);
    put(&store, "routes.parquet", parquet(&routes.unwrap(), 100));
    store
}

pub const LABELS: &str = "
    CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://data/flights' KEY flight;
    CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet' KEY faa;
    CREATE NODE LABEL Airline FROM FILE 'lake://data/airlines.parquet' KEY code;
    CREATE EDGE TYPE DEST FROM Flight TARGET KEY dest REFERENCES Airport(faa);
    CREATE EDGE TYPE ORIGIN FROM Flight TARGET KEY origin REFERENCES Airport(faa);
    CREATE EDGE TYPE BY FROM Flight TARGET KEY carrier REFERENCES Airline(code);
    CREATE EDGE TYPE ROUTE FROM FILE 'lake://data/routes.parquet'
        SOURCE KEY src REFERENCES Airport(faa) TARGET KEY dst REFERENCES Airport(faa);
";

pub fn mounted(store: Memory) -> (Graph, Arc<dyn AsyncBackend>) {
    let backend: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(store)));
    (Graph::new().with_mount("data", Arc::clone(&backend)).unwrap(), backend)
}

/// The graph with all labels.
pub async fn graph() -> Graph {
    let (graph, _) = mounted(store());
    graph.run(LABELS, &Parameters::default()).await.unwrap();
    graph
}

pub async fn ask(graph: &Graph, query: &str) -> QueryResult {
    match graph.query(query, &Parameters::default()).await {
        Ok(result) => result,
        Err(error) => panic!("{}\n{error:?}", error.render(query)),
    }
}

/// The error of a query, as a person sees it.
pub async fn refused(graph: &Graph, query: &str) -> String {
    refusal(graph, query).await.render(query)
}

pub async fn refusal(graph: &Graph, query: &str) -> QueryError {
    match graph.query(query, &Parameters::default()).await {
        Ok(result) => panic!("{query} gave {}", show(&result)),
        Err(error) => error,
    }
}

pub fn show(result: &QueryResult) -> String {
    pretty_format_batches(&result.batches).unwrap().to_string()
}

/// The rows as texts, cells separated by `|`, sorted unless the query orders them.
pub async fn rows(graph: &Graph, query: &str) -> Vec<String> {
    let result = ask(graph, query).await;
    let mut rows = cells(&result);
    if !query.contains("ORDER BY") {
        rows.sort();
    }
    rows
}

pub fn cells(result: &QueryResult) -> Vec<String> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::new();
    for batch in &result.batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    rows
}
