//! What is read, and what is not.

use std::sync::Arc;

use worldstore_async::{CountingBackend, SyncBackendAdapter};
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{LABELS, ask, cells, graph, parquet, put, store, texts};

#[tokio::test]
async fn a_count_comes_from_footers() {
    let graph = graph().await;
    let result = ask(&graph, "MATCH (f:Flight) RETURN count(*) AS n").await;
    assert_eq!(cells(&result), ["8"]);
    let stats = &result.io_stats;
    assert_eq!((stats.files_total, stats.files_pruned, stats.files_read), (2, 0, 0));
    assert_eq!((stats.data_bytes, stats.row_groups_read), (0, 0));
    assert!(stats.is_footer_only());
    let node = ask(&graph, "MATCH (f:Flight) RETURN count(f) AS n").await;
    assert_eq!((cells(&node), node.io_stats.data_bytes), (vec!["8".to_owned()], 0));
}

#[tokio::test]
async fn a_path_rules_out_files_before_their_footers_are_read() {
    let graph = graph().await;
    let result = ask(&graph, "MATCH (f:Flight) WHERE f.month = 2 RETURN count(*) AS n").await;
    assert_eq!(cells(&result), ["4"]);
    let stats = &result.io_stats;
    assert_eq!((stats.partitions_total, stats.partitions_pruned, stats.files_pruned), (2, 1, 1));
    assert_eq!((stats.footers_read, stats.data_bytes), (1, 0));
    let inline = ask(&graph, "MATCH (f:Flight {month: 2, day: 1}) RETURN count(*) AS n").await;
    assert_eq!((cells(&inline), inline.io_stats.files_kept()), (vec!["4".to_owned()], 1));
    let none = ask(&graph, "MATCH (f:Flight) WHERE f.month > 6 RETURN count(*) AS n").await;
    assert_eq!((cells(&none), none.io_stats.files_kept(), none.io_stats.data_bytes), (vec!["0".to_owned()], 0, 0));
}

#[tokio::test]
async fn statistics_rule_out_row_groups() {
    let graph = graph().await;
    let result = ask(&graph, "MATCH (f:Flight) WHERE f.delay > 65 RETURN f.flight AS flight ORDER BY flight").await;
    assert_eq!(cells(&result), ["2", "5"]);
    let stats = &result.io_stats;
    // Groups of two rows: delays (5, 70), (null, -3), (90, 61), (60, 0).
    assert_eq!((stats.row_groups_total, stats.row_groups_pruned, stats.row_groups_read), (4, 2, 2));
    assert_eq!(stats.files_read, 2);
    let one = ask(&graph, "MATCH (f:Flight) WHERE f.delay > 65 AND f.month = 1 RETURN f.flight AS flight").await;
    assert_eq!((one.io_stats.files_read, one.io_stats.row_groups_read), (1, 1));
}

#[tokio::test]
async fn bytes_are_what_the_store_delivered_and_columns_are_pruned() {
    let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(store())))));
    let graph = Graph::new().with_mount("data", counting.clone()).unwrap();
    graph.run(LABELS, &Parameters::default()).await.unwrap();
    for query in [
        "MATCH (f:Flight) RETURN sum(f.delay) AS s",
        "MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN a.name AS name, avg(f.delay) AS d",
        "MATCH (f:Flight) WHERE f.delay > 65 RETURN f",
    ] {
        let before = counting.counts();
        let stats = ask(&graph, query).await.io_stats;
        let read = (counting.counts() - before).bytes_read;
        assert_eq!(stats.data_bytes + stats.footer_bytes, read, "{query}");
        assert!(stats.data_bytes > 0, "{query}");
    }
    let narrow = ask(&graph, "MATCH (f:Flight) RETURN sum(f.delay) AS s").await.io_stats.data_bytes;
    let wide = ask(&graph, "MATCH (f:Flight) RETURN f").await.io_stats.data_bytes;
    assert!(narrow * 3 < wide, "{narrow} of {wide} bytes for one of five columns");
}

#[tokio::test]
async fn minima_and_maxima_of_integers_come_from_footers() {
    let graph = graph().await;
    let result = ask(&graph, "MATCH (f:Flight) RETURN min(f.delay) AS low, max(f.flight) AS high").await;
    assert_eq!((cells(&result), result.io_stats.data_bytes), (vec!["-3|8".to_owned()], 0));
}

#[tokio::test]
async fn new_and_changed_files_are_seen() {
    let memory = store();
    let backend = Arc::new(memory);
    let graph = Graph::new().with_mount("data", Arc::new(SyncBackendAdapter::new(backend.clone()))).unwrap();
    graph
        .run("CREATE NODE LABEL A VIRTUAL FROM PARTITION 'lake://data/new/{k}'", &Parameters::default())
        .await
        .err()
        .unwrap();
    let one = arrow::array::RecordBatch::try_from_iter([("v", texts(&["a"]))]).unwrap();
    let two = arrow::array::RecordBatch::try_from_iter([("v", texts(&["a", "b"]))]).unwrap();
    put(&backend, "new/x/f.parquet", parquet(&one, 10));
    graph
        .run("CREATE NODE LABEL A VIRTUAL FROM PARTITION 'lake://data/new/{k}'", &Parameters::default())
        .await
        .unwrap();
    assert_eq!(cells(&ask(&graph, "MATCH (a:A) RETURN count(*) AS n").await), ["1"]);
    put(&backend, "new/x/f.parquet", parquet(&two, 10));
    assert_eq!(cells(&ask(&graph, "MATCH (a:A) RETURN count(*) AS n").await), ["2"]);
    put(&backend, "new/y/f.parquet", parquet(&two, 10));
    let grouped = "MATCH (a:A) RETURN a.k AS k, count(*) AS n ORDER BY k";
    assert_eq!(cells(&ask(&graph, grouped).await), ["x|2", "y|2"]);
}
