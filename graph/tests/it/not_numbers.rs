//! NaN, which statistics of Parquet files leave out: no condition loses the rows that have it, or finds them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use worldstore_core::Memory;
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{mounted, parquet, put, rows};

/// Row groups of two rows, of which the second is NaN or null; whole files of either.
async fn graph() -> Graph {
    let store = Memory::new();
    let files = [
        vec![Some(1.0), Some(f64::NAN), Some(7.0), Some(f64::NAN)],
        vec![Some(1.0), Some(1.0)],
        vec![Some(f64::NAN), None],
    ];
    let mut id = 0;
    for (file, values) in files.into_iter().enumerate() {
        let ids: Int64Array = values
            .iter()
            .map(|_| {
                id += 1;
                Some(id)
            })
            .collect();
        let values = Float64Array::from(values);
        let columns = [("id", Arc::new(ids) as ArrayRef), ("x", Arc::new(values.clone())), ("y", Arc::new(values))];
        let key = format!("t/part={file}/a.parquet");
        put(&store, &key, parquet(&RecordBatch::try_from_iter(columns).unwrap(), 2));
    }
    let (graph, _) = mounted(store);
    let label = "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://data/t' KEY id";
    graph.run(label, &Parameters::default()).await.unwrap();
    graph
}

#[tokio::test]
async fn conditions_keep_the_rows_that_they_should() {
    let graph = graph().await;
    for (condition, expected) in [
        ("t.x < 5", vec!["1", "5", "6"]),
        ("NOT t.x < 5", vec!["2", "3", "4", "7"]),
        ("NOT t.x >= 5", vec!["1", "2", "4", "5", "6", "7"]),
        ("NOT (t.x > 0 AND t.x < 5)", vec!["2", "3", "4", "7"]),
        ("NOT (t.x < 0 OR t.x > 5)", vec!["1", "2", "4", "5", "6", "7"]),
        ("(t.x < 5) = false", vec!["2", "3", "4", "7"]),
        ("t.x < 5 XOR true", vec!["2", "3", "4", "7"]),
        ("t.x > 5", vec!["3"]),
        ("t.x <> 1", vec!["2", "3", "4", "7"]),
        ("NOT t.x = 1", vec!["2", "3", "4", "7"]),
        ("t.x = t.y", vec!["1", "3", "5", "6"]),
        ("t.x <> t.y", vec!["2", "4", "7"]),
        ("t.x <= t.y", vec!["1", "3", "5", "6"]),
        ("NOT 5 > t.x", vec!["2", "3", "4", "7"]),
        ("NOT t.x + 1 < 5", vec!["2", "3", "4", "7"]),
    ] {
        let planned = format!("MATCH (t:T) WHERE {condition} RETURN t.id AS id ORDER BY id");
        let walked = format!("MATCH (t:T) WITH t WHERE {condition} RETURN t.id AS id ORDER BY id");
        assert_eq!(rows(&graph, &planned).await, expected, "{condition}");
        assert_eq!(rows(&graph, &walked).await, expected, "{condition}, by the interpreter");
        let counted = format!("MATCH (t:T) WHERE {condition} RETURN count(*) AS n");
        assert_eq!(rows(&graph, &counted).await, [expected.len().to_string()], "{condition}, counted");
    }
}

/// Files of two rows each, the greatest numbers first; statistics of the last ones do not tell that NaN is in them.
async fn descending() -> Graph {
    let store = Memory::new();
    let files =
        [[9.0, 8.0], [9.0, 7.0], [6.0, 5.0], [5.0, 5.0], [1.0, -f64::NAN], [0.5, -0.0], [0.0, f64::NAN], [2.0, 2.0]];
    for (file, values) in files.into_iter().enumerate() {
        let ids = Int64Array::from_iter_values([0, 1].map(|row| file as i64 * 2 + row));
        let columns = [("id", Arc::new(ids) as ArrayRef), ("x", Arc::new(Float64Array::from(values.to_vec())))];
        let key = format!("t/part={file}/a.parquet");
        put(&store, &key, parquet(&RecordBatch::try_from_iter(columns).unwrap(), 2));
    }
    let (graph, _) = mounted(store);
    graph
        .run("CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://data/t' KEY id", &Parameters::default())
        .await
        .unwrap();
    graph
}

#[tokio::test]
async fn the_greatest_are_found_where_statistics_do_not_tell() {
    let graph = descending().await;
    for (order, expected) in [
        ("t.x DESC, t.id LIMIT 1", vec!["9"]),
        ("t.x DESC, t.id LIMIT 3", vec!["9", "13", "0"]),
        ("t.x, t.id LIMIT 2", vec!["11", "12"]),
        ("t.x DESC, t.id SKIP 1 LIMIT 2", vec!["13", "0"]),
        ("t.id > 9, t.x DESC LIMIT 1", vec!["9"]),
        ("t.id < 10, t.x DESC LIMIT 1", vec!["13"]),
    ] {
        let planned = format!("MATCH (t:T) RETURN t.id AS id ORDER BY {order}");
        assert_eq!(rows(&graph, &planned).await, expected, "{planned}");
        let walked = format!("MATCH (t:T) WITH t RETURN t.id AS id ORDER BY {order}");
        assert_eq!(rows(&graph, &walked).await, expected, "{walked}");
    }
}

#[tokio::test]
async fn zero_has_no_sign() {
    let graph = descending().await;
    for (condition, expected) in [
        ("t.x = 0", vec!["11", "12"]),
        ("t.x = -0.0", vec!["11", "12"]),
        ("t.x >= 0 AND t.x < 0.5", vec!["11", "12"]),
        ("t.x <= -0.0", vec!["11", "12"]),
        ("t.x < 0", vec![]),
        ("t.x > -0.0 AND t.x < 1", vec!["10"]),
        ("t.x IN [0.0, 1]", vec!["11", "12", "8"]),
    ] {
        for query in [
            format!("MATCH (t:T) WHERE {condition} RETURN t.id AS id"),
            format!("UNWIND [1] AS one MATCH (t:T) WHERE {condition} RETURN t.id AS id"),
        ] {
            assert_eq!(rows(&graph, &query).await, expected, "{query}");
        }
    }
}
