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
