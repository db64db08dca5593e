//! `DESCRIBE` and `PROFILE`.

use crate::fixture::{ask, cells, graph, refused, rows};

#[tokio::test]
async fn labels_are_described_without_data() {
    let graph = graph().await;
    ask(
        &graph,
        "CREATE NODE LABEL Late VIRTUAL FROM PARTITION 'lake://data/flights' KEY flight COMPUTE hours = delay / 60.0",
    )
    .await;
    let result = ask(&graph, "DESCRIBE NODE LABEL Late").await;
    let lines = cells(&result);
    for line in [
        "label|Late||virtual from partition 'lake://data/flights'",
        "column|flight|Int64|key",
        "column|month|Int64|path",
        "column|hours|Float64|computed: delay / 60.0",
        "path column|month|Int64|1 to 2",
        "partitions|||2",
        "files|||2",
        "row groups|||4",
        "rows|||8",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line} in {lines:#?}");
    }
    assert_eq!(result.io_stats.data_bytes, 0);
    let lines = rows(&graph, "DESCRIBE NODE LABEL Airport").await;
    assert!(lines.contains(&"rows|||5".to_owned()) && lines.contains(&"column|faa|Utf8|key".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"edge type|ROUTE||(:Airport)-->(:Airport)".to_owned()), "{lines:#?}");
    assert!(refused(&graph, "DESCRIBE NODE LABEL Airprot").await.contains("did you mean `Airport`?"));
}

#[tokio::test]
async fn edge_types_are_described() {
    let graph = graph().await;
    let lines = cells(&ask(&graph, "DESCRIBE EDGE TYPE ROUTE").await);
    assert_eq!(
        lines,
        [
            "edges|(:Airport)-->(:Airport)||owned, from file 'lake://data/routes.parquet'",
            "source key|src||Airport(faa)",
            "target key|dst||Airport(faa)",
            "column|src|Utf8|",
            "column|dst|Utf8|",
            "column|miles|Int64|",
            "rows|||5",
        ]
    );
    let lines = cells(&ask(&graph, "DESCRIBE EDGE TYPE DEST").await);
    assert_eq!(lines, ["edges|(:Flight)-->(:Airport)||key dest", "target key|dest||Airport(faa)"]);
    assert!(refused(&graph, "DESCRIBE EDGE TYPE X").await.contains("unknown edge type `X`"));
}

#[tokio::test]
async fn profiles_tell_rows_of_operators() {
    let graph = graph().await;
    let result =
        ask(&graph, "PROFILE MATCH (f:Flight)-[:DEST]->(a:Airport) WHERE f.delay > 60 RETURN a.name, f.flight").await;
    let lines = cells(&result);
    assert!(lines[0].starts_with("query|3|"), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.contains("HashJoinExec") && line.split('|').rev().nth(1) == Some("3")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("io_stats: bytes_read|")), "{lines:#?}");
    assert!(result.io_stats.data_bytes > 0);
    let counted = cells(&ask(&graph, "PROFILE MATCH (f:Flight) RETURN count(*)").await);
    assert!(counted[0].starts_with("answered without a plan|1|"), "{counted:#?}");
    let walked = cells(&ask(&graph, "PROFILE MATCH (a:Airport)-[:ROUTE*1..2]->(b) RETURN b.faa").await);
    assert!(walked[0].starts_with("interpreter|"), "{walked:#?}");
    assert!(walked.len() > 2, "{walked:#?}");
    assert!(refused(&graph, "PROFILE MATCH (f:Flihgt) RETURN count(*)").await.contains("Flihgt"));
}
