//! Within a file: row groups by bloom filters, pages by their index, rows by filters in the decoder.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use worldstore_async::{CountingBackend, SyncBackendAdapter};
use worldstore_core::Memory;
use worldstore_graph::{Graph, IoStats, Parameters};

use crate::fixture::{ask, cells, put};

/// A thousand rows: ascending numbers, shuffled names, and something to carry along.
fn file() -> Bytes {
    let names = (0..1_000).map(|index| format!("name {:04}", index * 619 % 1_000 * 2));
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new((0..1_000).map(Some).collect::<Int64Array>()) as ArrayRef),
        ("name", Arc::new(names.map(Some).collect::<StringArray>())),
        ("load", Arc::new((0..1_000).map(|index| Some(format!("{index:0>100}"))).collect::<StringArray>())),
    ]);
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(500))
        .set_data_page_row_count_limit(50)
        .set_write_batch_size(50)
        .set_dictionary_enabled(false)
        .set_bloom_filter_enabled(true)
        .build();
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

/// The rows and what was read for them, which is what the store delivered.
async fn asked(query: &str) -> (Vec<String>, IoStats) {
    let store = Memory::new();
    put(&store, "t/k=1/f.parquet", file());
    let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(store)))));
    let graph = Graph::new().with_mount("lake", counting.clone()).unwrap();
    let create = "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t'";
    graph.query(create, &Parameters::default()).await.unwrap();
    let before = counting.counts();
    let result = ask(&graph, query).await;
    assert_eq!((counting.counts() - before).bytes_read, result.io_stats.bytes_read, "{query}");
    (cells(&result), result.io_stats)
}

#[tokio::test]
async fn pages_are_skipped_by_their_index() {
    let (rows, all) = asked("MATCH (t:T) RETURN sum(t.n) AS s, max(t.load) AS m").await;
    assert_eq!((rows.len(), all.pages_skipped, all.row_groups_read), (1, 0, 2));
    let (rows, few) = asked("MATCH (t:T) WHERE t.n >= 120 AND t.n < 130 RETURN sum(t.n) AS s, max(t.load) AS m").await;
    assert_eq!(rows, [format!("1245|{:0>100}", 129)]);
    // Of two row groups with ten pages each, one page has them.
    assert_eq!((few.row_groups_pruned, few.row_groups_read, few.pages_skipped), (1, 1, 9));
    assert!(few.data_bytes * 5 < all.data_bytes, "{} of {}", few.data_bytes, all.data_bytes);
    assert!(few.decoded_bytes < all.decoded_bytes);
    let walked = "UNWIND [1] AS x MATCH (t:T) WHERE 120 <= t.n < 130 RETURN sum(t.n) AS s, max(t.load) AS m";
    let (rows, few) = asked(walked).await;
    assert_eq!(rows, [format!("1245|{:0>100}", 129)]);
    assert_eq!((few.row_groups_pruned, few.row_groups_read, few.pages_skipped), (1, 1, 9));
}

#[tokio::test]
async fn bloom_filters_leave_out_what_bounds_do_not() {
    // Names are even: this one lies between the bounds of both row groups, and is not there.
    let (rows, stats) = asked("MATCH (t:T) WHERE t.name = 'name 0777' RETURN t.n AS n").await;
    assert_eq!((rows.len(), stats.row_groups_total, stats.row_groups_pruned, stats.row_groups_read), (0, 2, 2, 0));
    let (rows, stats) = asked("MATCH (t:T) WHERE t.name = 'name 0778' RETURN t.n AS n").await;
    assert_eq!((rows.len(), stats.row_groups_pruned, stats.row_groups_read), (1, 1, 1));
    let (rows, stats) = asked("UNWIND [1] AS x MATCH (t:T {name: 'name 0778'}) RETURN t.n AS n").await;
    assert_eq!((rows.len(), stats.row_groups_pruned, stats.row_groups_read), (1, 1, 1));
}

#[tokio::test]
async fn selective_filters_are_decided_while_decoding() {
    for (condition, is_late) in [("t.n < 50", true), ("t.n < 900", false), ("t.n + t.k < 50", false)] {
        let store = Memory::new();
        put(&store, "t/k=1/f.parquet", file());
        let graph = Graph::new().with_mount("lake", Arc::new(SyncBackendAdapter::new(Arc::new(store)))).unwrap();
        let create = "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t'";
        graph.query(create, &Parameters::default()).await.unwrap();
        let query = format!("MATCH (t:T) WHERE {condition} RETURN sum(t.n) AS s");
        let plan = graph.explain(&query, &Parameters::default()).await.unwrap();
        let filters_above = plan.split("physical plan").nth(1).unwrap().contains("FilterExec");
        assert_eq!(filters_above, !is_late, "{plan}");
        let limit: i64 = if condition == "t.n < 900" { 900 } else { 50 - i64::from(condition.contains('k')) };
        assert_eq!(cells(&ask(&graph, &query).await), [(0..limit).sum::<i64>().to_string()], "{condition}");
    }
}

#[tokio::test]
async fn conditions_on_one_column_are_decided_in_one_pass() {
    let store = Memory::new();
    put(&store, "t/k=1/f.parquet", file());
    let graph = Graph::new().with_mount("lake", Arc::new(SyncBackendAdapter::new(Arc::new(store)))).unwrap();
    graph.query("CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t'", &Parameters::default()).await.unwrap();
    let query = "MATCH (t:T) WHERE t.n >= 20 AND t.name < 'name 1000' AND t.n < 90 AND t.n <> 31 RETURN count(*) AS c";
    let plan = graph.explain(query, &Parameters::default()).await.unwrap();
    assert!(plan.contains("{n@0 >= 20 AND n@0 < 90 AND n@0 != 31} AND name@1 < name 1000"), "{plan}");
    let names = (20..90).filter(|n| n * 619 % 1_000 * 2 < 1_000 && *n != 31).count();
    let result = ask(&graph, query).await;
    assert_eq!(cells(&result), [names.to_string()]);
    assert!(result.io_stats.pages_skipped >= 8, "{:?}", result.io_stats);
}
