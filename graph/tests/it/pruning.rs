//! What is read, and what is not.

use std::sync::Arc;

use arrow::array::RecordBatch;
use worldstore_async::{CountingBackend, SyncBackendAdapter};
use worldstore_core::{Backend, DeleteOptions, ErrorKind, Key, Memory};
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{LABELS, ask, cells, graph, parquet, put, refusal, store, texts};

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

/// Three seasons of three weeks each, as folders; 2023 has a week more, and a file that is no Parquet.
fn seasons() -> Memory {
    let memory = Memory::new();
    let batch = RecordBatch::try_from_iter([("v", texts(&["a", "b"]))]).unwrap();
    for season in 2023..=2025 {
        for week in 1..=if season == 2023 { 4 } else { 3 } {
            put(&memory, &format!("tracks/{season}/week={week}/f.parquet"), parquet(&batch, 10));
        }
    }
    put(&memory, "tracks/2023/week=1/_SUCCESS", "".into());
    put(&memory, "tracks/2023/week=1/notes.txt", "".into());
    memory
}

async fn counted(memory: Arc<Memory>, label: &str) -> (Graph, Arc<CountingBackend>) {
    let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(memory))));
    let graph = Graph::new().with_mount("nfl", counting.clone()).unwrap();
    graph.run(label, &Parameters::default()).await.unwrap();
    (graph, counting)
}

const TRACKS: &str = "CREATE NODE LABEL Frame VIRTUAL FROM PARTITION 'lake://nfl/tracks/{season}/week={week}'";

#[tokio::test]
async fn folders_that_are_ruled_out_are_not_listed() {
    let (graph, counting) = counted(Arc::new(seasons()), TRACKS).await;
    // Rows, list calls, folders pruned, partitions left; of 10 partitions and files.
    for (condition, rows, lists, folders, kept) in [
        ("true", 20, 1, 0, 10),
        ("f.season = 2024", 6, 2, 2, 3),
        ("f.season = 2024 AND f.week < 3", 4, 4, 3, 2),
        ("f.season >= 2024 AND f.week IN [1, 3]", 8, 7, 3, 4),
        ("f.season = 2023 AND NOT f.week = 4 AND f.v = 'a'", 3, 5, 3, 3),
        ("f.season = 2024 OR f.week = 4", 8, 5, 6, 4),
        ("f.season = 1900", 0, 1, 3, 0),
        ("f.week IS NULL", 0, 4, 10, 0),
        ("f.season + f.week = 2027", 6, 1, 0, 3),
    ] {
        let before = counting.counts();
        let result = ask(&graph, &format!("MATCH (f:Frame) WHERE {condition} RETURN count(*) AS n")).await;
        let (stats, seen) = (&result.io_stats, counting.counts() - before);
        assert_eq!(cells(&result), [rows.to_string()], "{condition}");
        assert_eq!((stats.list_calls, seen.lists), (lists, lists), "{condition}");
        assert_eq!(
            (stats.folders_pruned, stats.partitions_kept(), stats.files_kept()),
            (folders, kept, kept),
            "{condition}"
        );
        assert_eq!((stats.partitions_total, stats.files_total), (10, 10), "{condition}");
    }
}

#[tokio::test]
async fn all_scans_of_a_query_see_the_same_files() {
    let memory = Arc::new(seasons());
    let (graph, counting) = counted(memory.clone(), TRACKS).await;
    let both = "MATCH (a:Frame), (b:Frame) WHERE a.season = 2024 AND b.season = 2024 AND a.week = b.week
        RETURN count(*) AS n";
    let before = counting.counts();
    assert_eq!(cells(&ask(&graph, both).await), ["12"]);
    assert_eq!((counting.counts() - before).lists, 2, "each folder is listed once in a query");
    let one_whole = "MATCH (a:Frame), (b:Frame) WHERE a.season = 2024 AND a.week = 1 RETURN count(*) AS n";
    assert_eq!(cells(&ask(&graph, one_whole).await), ["40"]);
    let batch = RecordBatch::try_from_iter([("v", texts(&["c"]))]).unwrap();
    put(&memory, "tracks/2024/week=9/f.parquet", parquet(&batch, 10));
    assert_eq!(cells(&ask(&graph, "MATCH (f:Frame) WHERE f.week = 9 RETURN f.season AS s").await), ["2024"]);
}

#[tokio::test]
async fn types_of_paths_are_those_of_all_values() {
    let memory = Memory::new();
    let batch = RecordBatch::try_from_iter([("v", texts(&["a"]))]).unwrap();
    for path in ["code=007/live=true/d=2024-01-31", "code=12/live=false/d=2024-02-01"] {
        put(&memory, &format!("t/{path}/f.parquet"), parquet(&batch, 10));
    }
    let memory = Arc::new(memory);
    let (graph, _) = counted(memory.clone(), "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://nfl/t'").await;
    let all = "MATCH (t:T) RETURN t.code AS code, t.live AS live, t.d AS d ORDER BY code";
    assert_eq!(cells(&ask(&graph, all).await), ["007|true|2024-01-31", "12|false|2024-02-01"]);
    let text = "MATCH (t:T) WHERE t.code = '007' AND t.live = 'true' RETURN count(*) AS n";
    let result = ask(&graph, text).await;
    assert_eq!((cells(&result), result.io_stats.folders_pruned), (vec!["1".to_owned()], 1), "both are texts");

    let declared = "CREATE NODE LABEL D VIRTUAL FROM PARTITION 'lake://nfl/t/code={code:text}/live={live:bool}'";
    let (graph, _) = counted(memory.clone(), declared).await;
    let result = ask(&graph, "MATCH (t:D) WHERE t.live = true RETURN t.code AS code, t.live AS live").await;
    assert_eq!(cells(&result), ["007|true"]);

    let (graph, _) =
        counted(memory.clone(), "CREATE NODE LABEL W VIRTUAL FROM PARTITION 'lake://nfl/t/code={code}'").await;
    put(&memory, "t/code=13/live=true/d=never/f.parquet", parquet(&batch, 10));
    let error = refusal(&graph, "MATCH (w:W) RETURN count(*)").await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.contains("column: d") && text.contains("file: t/code=13"), "{error}");
}

#[tokio::test]
async fn a_lake_that_has_gone_is_no_empty_one() {
    let memory = Arc::new(Memory::new());
    let batch = RecordBatch::try_from_iter([("v", texts(&["a"]))]).unwrap();
    put(&memory, "t/1/f.parquet", parquet(&batch, 10));
    let (graph, _) = counted(memory.clone(), "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://nfl/t/{n}'").await;
    memory.delete(&[Key::new("t/1/f.parquet").unwrap()], &DeleteOptions::default()).unwrap();
    assert_eq!(refusal(&graph, "MATCH (t:T) RETURN count(*)").await.kind(), ErrorKind::NotFound);
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
