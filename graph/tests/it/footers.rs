//! What is known without reading data: answers are those of reading, and nothing is read where nothing need be.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt64Array,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use worldstore_async::{CountingBackend, SyncBackendAdapter};
use worldstore_core::{ErrorKind, Memory};
use worldstore_graph::{Graph, Parameters, QueryResult};

use crate::fixture::{ask, cells, displaced, put, refusal, texts};

/// Row groups of two rows: numbers that are null in places, floats with a NaN, texts, days, times, truths, big numbers.
fn batch(start: i64, floats: [f64; 4]) -> RecordBatch {
    let null = |index: i64| if index == start + 1 { None } else { Some(index) };
    let names: Vec<String> = (start..start + 4).map(|index| format!("name {index:04}")).collect();
    RecordBatch::try_from_iter([
        ("n", Arc::new((start..start + 4).map(Some).collect::<Int64Array>()) as ArrayRef),
        ("m", Arc::new((start..start + 4).map(null).collect::<Int64Array>())),
        ("x", Arc::new(Float64Array::from(floats.to_vec()))),
        ("t", texts(&names.iter().map(String::as_str).collect::<Vec<_>>())),
        ("d", Arc::new((start..start + 4).map(|day| Some(day as i32)).collect::<Date32Array>())),
        (
            "at",
            Arc::new(
                (start..start + 4)
                    .map(|at| Some(at * 1_000_000))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        ("b", Arc::new(BooleanArray::from(vec![start > 10; 4]))),
        ("u", Arc::new((0..4).map(|index| Some(u64::MAX - index)).collect::<UInt64Array>())),
        ("none", Arc::new(Int64Array::from(vec![None::<i64>; 4]))),
    ])
    .unwrap()
}

fn written(batch: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

fn groups_of(rows: usize) -> parquet::file::properties::WriterPropertiesBuilder {
    WriterProperties::builder().set_max_row_group_row_count(Some(rows))
}

/// Three days in two months: 0 to 3, 10 to 13, and 20 to 23; the last file has lost a column.
fn lake() -> Memory {
    let store = Memory::new();
    let plain = || groups_of(2).build();
    put(&store, "t/month=1/day=1/f.parquet", written(&batch(0, [0.5, 1.0, -0.0, 2.5]), plain()));
    put(&store, "t/month=1/day=2/f.parquet", written(&batch(10, [f64::NAN, 7.0, 8.0, 9.0]), plain()));
    let mut last = batch(20, [20.0, 21.0, 22.0, 23.0]);
    last.remove_column(last.schema().index_of("m").unwrap());
    put(&store, "t/month=2/day=1/f.parquet", written(&last, plain()));
    store
}

async fn graph_over(store: Memory) -> (Graph, Arc<CountingBackend>) {
    let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(store)))));
    let graph = Graph::new().with_mount("lake", counting.clone()).unwrap();
    let create = "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t'
        COMPUTE late = early + 100, early = n - 5, far = sqrt(x * x + n * n) + 0.0";
    graph.query(create, &Parameters::default()).await.unwrap();
    (graph, counting)
}

async fn checked(graph: &Graph, counting: &CountingBackend, query: &str) -> QueryResult {
    let before = counting.counts();
    let result = ask(graph, query).await;
    let (seen, stats) = (counting.counts() - before, &result.io_stats);
    assert_eq!((stats.bytes_read, stats.list_calls), (seen.bytes_read, seen.lists), "{query}");
    assert_eq!(stats.bytes_read, stats.footer_bytes + stats.data_bytes + stats.catalog_bytes, "{query}");
    result
}

#[tokio::test]
async fn aggregates_are_known_from_footers() {
    let (graph, counting) = graph_over(lake()).await;
    for (query, expected) in [
        ("RETURN count(*) AS n", vec!["12"]),
        (
            "RETURN count(t) AS n, count(t.n) AS c, count(t.m) AS m, count(t.none) AS z, count(t.month) AS p",
            vec!["12|12|6|0|12"],
        ),
        ("RETURN min(t.n) AS a, max(t.n) AS b, min(t.m) AS c, max(t.m) AS d", vec!["0|23|0|13"]),
        ("RETURN min(t.t) AS a, max(t.t) AS b", vec!["name 0000|name 0023"]),
        ("RETURN min(t.d) AS a, max(t.at) AS b", vec!["1970-01-01|1970-01-01T00:00:23Z"]),
        ("RETURN min(t.b) AS a, max(t.b) AS b", vec!["false|true"]),
        ("RETURN min(t.none) AS a, max(t.day) AS b, sum(t.month) AS c", vec!["null|2|16"]),
        ("RETURN t.month AS m, count(*) AS n, max(t.n) AS top ORDER BY m", vec!["1|8|13", "2|4|23"]),
        ("RETURN t.month * 10 + t.day AS k, count(t.m) AS n ORDER BY k", vec!["11|3", "12|3", "21|0"]),
        ("RETURN t.month AS m, count(*) AS n ORDER BY n DESC LIMIT 1", vec!["1|8"]),
        ("WHERE t.month = 1 RETURN count(*) AS n, max(t.n) AS top", vec!["8|13"]),
        ("WHERE t.month = 1 AND t.day > 1 RETURN t.day AS d, min(t.n) AS low", vec!["2|10"]),
        ("WHERE t.month > 5 RETURN count(*) AS n, max(t.n) AS top", vec!["0|null"]),
        ("WHERE t.month > 5 RETURN t.day AS d, count(*) AS n", vec![]),
        // Conditions on data that statistics decide wholly.
        ("WHERE t.n >= 10 RETURN count(*) AS n", vec!["8"]),
        ("WHERE t.n > 1 AND t.n <= 11 RETURN count(*) AS n, max(t.n) AS top", vec!["4|11"]),
        ("WHERE t.n < 0 RETURN count(*) AS n", vec!["0"]),
        ("WHERE t.late >= 105 RETURN count(*) AS n", vec!["8"]),
        ("WHERE t.n IS NULL RETURN count(*) AS n", vec!["0"]),
        ("WHERE t.none IS NOT NULL RETURN count(*) AS n", vec!["0"]),
        ("WHERE t.none IS NULL AND t.n + t.month >= 11 RETURN count(*) AS n", vec!["8"]),
        ("WHERE t.t >= 'name 0010' RETURN count(*) AS n", vec!["8"]),
        ("WHERE NOT t.t < 'name 0010' RETURN count(*) AS n", vec!["8"]),
        ("WHERE t.b RETURN count(*) AS n", vec!["4"]),
        ("WHERE NOT t.x > 6 AND t.n < 2 RETURN count(*) AS n", vec!["2"]),
        ("WHERE t.n IN [0, 1, 2, 3] AND t.n <> 7 AND t.n < 2 AND t.n > 1 RETURN count(*) AS n", vec!["0"]),
        ("WHERE t.x > 100 RETURN count(*) AS n", vec!["0"]),
        ("WHERE t.u > 5 AND t.n < 0 RETURN count(*) AS n", vec!["0"]),
    ] {
        let query = format!("MATCH (t:T) {query}");
        let result = checked(&graph, &counting, &query).await;
        assert_eq!(cells(&result), expected, "{query}");
        assert_eq!((result.io_stats.data_bytes, result.io_stats.row_groups_read), (0, 0), "{query}");
        assert!(result.io_stats.is_footer_only(), "{query}");
    }
}

#[tokio::test]
async fn what_footers_do_not_decide_is_read() {
    let (graph, counting) = graph_over(lake()).await;
    for (query, expected) in [
        // A row group in which some rows fulfil it.
        ("WHERE t.n >= 11 RETURN count(*) AS n", "7"),
        ("WHERE t.n = 2 RETURN count(*) AS n", "1"),
        ("WHERE t.m >= 0 RETURN count(*) AS n", "6"),
        // Floats: NaN is in no statistics.
        ("RETURN min(t.x) AS a", "0.0"),
        ("RETURN max(t.x) AS b", "NaN"),
        ("WHERE t.x > 6 AND t.month = 1 AND t.n > 11 RETURN count(*) AS n", "2"),
        ("WHERE t.x < 100 AND t.n < 2 RETURN count(*) AS n", "2"),
        ("WHERE t.x > 6 AND t.month = 1 AND t.n > 9 RETURN count(*) AS n", "3"),
        // Numbers beyond what is kept, which DataFusion knows from footers too.
        ("RETURN min(t.u) AS a", "18446744073709551612"),
        ("RETURN sum(t.n) AS s", "138"),
        ("RETURN count(DISTINCT t.month) AS n", "2"),
        ("RETURN max(t.n + 1) AS n", "24"),
    ] {
        let query = format!("MATCH (t:T) {query}");
        let result = checked(&graph, &counting, &query).await;
        assert_eq!(cells(&result), [expected], "{query}");
        let needs_no_data = query.contains("DISTINCT") || query.contains("t.u");
        assert!(result.io_stats.data_bytes > 0 || needs_no_data, "{query}");
    }
}

#[tokio::test]
async fn statistics_that_are_missing_or_cut_are_not_trusted() {
    let store = Memory::new();
    let long = |last: &str| format!("{}{last}", "a".repeat(100));
    let rows = RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from(vec![Some(1), None])) as ArrayRef),
        ("t", Arc::new(StringArray::from(vec![long("b"), long("a")])) as ArrayRef),
    ])
    .unwrap();
    put(&store, "t/k=1/f.parquet", written(&rows, groups_of(10).build()));
    let none = groups_of(10).set_statistics_enabled(EnabledStatistics::None).build();
    put(&store, "t/k=2/f.parquet", written(&rows, none));
    let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(store)))));
    let graph = Graph::new().with_mount("lake", counting.clone()).unwrap();
    graph.query("CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t'", &Parameters::default()).await.unwrap();
    let (low, high) = (long("a"), long("b"));
    for (query, expected, is_read) in [
        ("RETURN count(*) AS n", "4", false),
        ("WHERE t.k = 1 RETURN count(t.n) AS n, max(t.n) AS m", "1|1", false),
        ("WHERE t.k = 2 RETURN count(t.n) AS n", "1", true),
        ("WHERE t.k = 2 RETURN max(t.n) AS n", "1", true),
        ("WHERE t.k = 2 AND t.n > 5 RETURN count(*) AS n", "0", true),
        ("WHERE t.k = 1 AND t.n > 5 RETURN count(*) AS n", "0", false),
        ("WHERE t.k = 1 RETURN min(t.t) AS n", low.as_str(), true),
        ("WHERE t.k = 1 RETURN max(t.t) AS n", high.as_str(), true),
        ("WHERE t.k = 1 AND t.t > 'b' RETURN count(*) AS n", "0", false),
        ("WHERE t.k = 1 AND t.t < 'aaa' RETURN count(*) AS n", "0", false),
    ] {
        let query = format!("MATCH (t:T) {query}");
        let result = checked(&graph, &counting, &query).await;
        assert_eq!(cells(&result), [expected], "{query}");
        assert_eq!(result.io_stats.data_bytes > 0, is_read, "{query}");
    }
}

#[tokio::test]
async fn the_text_of_a_plan_tells_that_footers_are_enough() {
    let (graph, _) = graph_over(lake()).await;
    let plan = graph.explain("MATCH (t:T) WHERE t.n >= 10 RETURN count(*)", &Parameters::default()).await.unwrap();
    assert!(plan.contains("answered from footers"), "{plan}");
    assert!(plan.contains("partitions 3 of 3, files 3 of 3, row groups 4 of 6"), "{plan}");
}

#[tokio::test]
async fn a_footer_that_is_none_fails_the_count() {
    let store = lake();
    put(&store, "t/month=3/day=1/f.parquet", "this is no Parquet file".into());
    let (graph, _) = graph_over(store).await;
    let error = refusal(&graph, "MATCH (t:T) RETURN count(*)").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(cells(&ask(&graph, "MATCH (t:T) WHERE t.month < 3 RETURN count(*) AS n").await), ["12"]);
}

#[tokio::test]
async fn a_footer_whose_columns_lie_before_the_file_is_refused() {
    let store = lake();
    let wrong = displaced(&written(&batch(30, [30.0, 31.0, 32.0, 33.0]), groups_of(2).build()));
    put(&store, "t/month=3/day=1/f.parquet", wrong.clone());
    put(&store, "f.parquet", wrong);
    let (graph, _) = graph_over(store).await;
    for query in [
        "MATCH (t:T) RETURN count(*)",
        "MATCH (t:T) RETURN sum(t.n)",
        "MATCH (t:T) WHERE t.n > 30 RETURN t.x",
        "CREATE NODE LABEL F FROM FILE 'lake://lake/f.parquet'",
    ] {
        assert_eq!(refusal(&graph, query).await.kind(), ErrorKind::Corrupt, "{query}");
    }
    assert_eq!(cells(&ask(&graph, "MATCH (t:T) WHERE t.month < 3 RETURN sum(t.n) AS n").await), ["138"]);
}

#[tokio::test]
async fn computed_columns_leave_out_row_groups() {
    let (graph, counting) = graph_over(lake()).await;
    // The distance of (x, n) from the origin; row groups are pairs of rows.
    let query = "MATCH (t:T) WHERE t.far < 1.9 AND t.month = 1 RETURN t.n AS n, t.far AS far ORDER BY n";
    let result = checked(&graph, &counting, query).await;
    assert_eq!(cells(&result), ["0|0.5", "1|1.4142135623730951"]);
    let stats = &result.io_stats;
    assert_eq!((stats.row_groups_total, stats.row_groups_pruned, stats.row_groups_read), (4, 3, 1));
    assert_eq!((stats.files_total, stats.files_pruned, stats.files_read), (3, 2, 1));
    assert!((stats.pruning_efficiency() - 0.75).abs() < 1e-9);
    assert!(stats.decoded_bytes > 0);
}
