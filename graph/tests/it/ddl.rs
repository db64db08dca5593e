//! Declaring labels and edge types, and what is refused.

use worldstore_core::ErrorKind;
use worldstore_graph::Parameters;

use crate::fixture::{ask, cells, graph, mounted, parquet, put, refusal, refused, rows, store, texts};

#[tokio::test]
async fn labels_and_edge_types_are_shown_and_dropped() {
    let graph = graph().await;
    let labels = ask(&graph, "SHOW NODE LABELS").await;
    assert_eq!(cells(&labels)[2], "Flight|virtual from partition 'lake://data/flights'|flight");
    let types = ask(&graph, "SHOW EDGE TYPES").await;
    assert_eq!(cells(&types)[1], "DEST|Flight|Airport(faa)|key dest");
    assert_eq!(refusal(&graph, "DROP NODE LABEL Airline").await.kind(), ErrorKind::Invalid);
    ask(&graph, "DROP EDGE TYPE BY").await;
    ask(&graph, "DROP NODE LABEL Airline").await;
    assert!(refused(&graph, "MATCH (l:Airline) RETURN count(*)").await.contains("unknown label `Airline`"));
    assert!(refused(&graph, "DROP NODE LABEL Airline").await.contains("unknown label"));
}

#[tokio::test]
async fn what_is_declared_must_be_there() {
    let graph = graph().await;
    for (declaration, kind, text) in [
        (
            "CREATE NODE LABEL A VIRTUAL FROM PARTITION 'lake://data/none/{x}'",
            ErrorKind::NotFound,
            "no Parquet file fits",
        ),
        (
            "CREATE NODE LABEL A VIRTUAL FROM PARTITION 'lake://other/flights'",
            ErrorKind::NotFound,
            "nothing is mounted",
        ),
        ("CREATE NODE LABEL A VIRTUAL FROM PARTITION '/data/flights'", ErrorKind::Invalid, "lake://"),
        ("CREATE NODE LABEL A VIRTUAL FROM PARTITION 'lake://data/{x'", ErrorKind::Invalid, "`{` without `}`"),
        ("CREATE NODE LABEL A FROM FILE 'lake://data/none.parquet'", ErrorKind::NotFound, "none.parquet"),
        ("CREATE NODE LABEL A FROM TABLE 'none'", ErrorKind::NotFound, "no tables"),
        (
            "CREATE NODE LABEL A FROM FILE 'lake://data/airports.parquet' KEY fa",
            ErrorKind::Invalid,
            "did you mean `faa`",
        ),
        ("CREATE NODE LABEL A FROM FILE 'lake://data/airports.parquet' KEY state", ErrorKind::Invalid, "there twice"),
        ("CREATE NODE LABEL Flight FROM FILE 'lake://data/airports.parquet'", ErrorKind::Invalid, "exists already"),
        (
            "CREATE EDGE TYPE E FROM Flihgt TARGET KEY dest REFERENCES Airport(faa)",
            ErrorKind::Invalid,
            "unknown label `Flihgt`",
        ),
        (
            "CREATE EDGE TYPE E FROM Flight TARGET KEY det REFERENCES Airport(faa)",
            ErrorKind::Invalid,
            "unknown column `det`",
        ),
        (
            "CREATE EDGE TYPE E FROM Flight TARGET KEY dest REFERENCES Airport(fa)",
            ErrorKind::Invalid,
            "unknown column `fa`",
        ),
        (
            "CREATE EDGE TYPE DEST FROM Flight TARGET KEY dest REFERENCES Airport(faa)",
            ErrorKind::Invalid,
            "exists already",
        ),
    ] {
        let error = refusal(&graph, declaration).await;
        assert_eq!(error.kind(), kind, "{declaration}: {error}");
        let shown = error.render(declaration);
        assert!(shown.contains(text), "{declaration}: {shown}");
    }
    assert_eq!(rows(&graph, "SHOW NODE LABELS").await.len(), 3);
    assert_eq!(rows(&graph, "SHOW EDGE TYPES").await.len(), 4);
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let memory = store();
    put(&memory, "flights/month=2/day=2/bad.parquet", "this is no Parquet".into());
    let (graph, _) = mounted(memory);
    graph
        .query("CREATE NODE LABEL F VIRTUAL FROM PARTITION 'lake://data/flights'", &Parameters::default())
        .await
        .unwrap();
    let error = refusal(&graph, "MATCH (f:F) RETURN count(*)").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("flights/month=2/day=2/bad.parquet"), "{error}");
    assert_eq!(rows(&graph, "MATCH (f:F) WHERE f.month = 1 RETURN count(*) AS n").await, ["4"]);
    let error = refusal(&graph, "CREATE NODE LABEL B FROM FILE 'lake://data/flights/month=2/day=2/bad.parquet'").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn files_of_another_schema_are_refused() {
    let memory = store();
    let other = arrow::array::RecordBatch::try_from_iter([("flight", texts(&["one"]))]).unwrap();
    put(&memory, "flights/month=3/day=1/other.parquet", parquet(&other, 10));
    let (graph, _) = mounted(memory);
    graph
        .query("CREATE NODE LABEL F VIRTUAL FROM PARTITION 'lake://data/flights'", &Parameters::default())
        .await
        .unwrap();
    let error = refusal(&graph, "MATCH (f:F) RETURN sum(f.flight)").await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("month=3/day=1/other.parquet"), "{error}");
}

#[tokio::test]
async fn a_file_may_miss_columns() {
    let memory = store();
    let short = arrow::array::RecordBatch::try_from_iter([("carrier", texts(&["UA"]))]).unwrap();
    put(&memory, "flights/month=3/day=1/short.parquet", parquet(&short, 10));
    let (graph, _) = mounted(memory);
    graph
        .query("CREATE NODE LABEL F VIRTUAL FROM PARTITION 'lake://data/flights'", &Parameters::default())
        .await
        .unwrap();
    let query = "MATCH (f:F) WHERE f.carrier = 'UA' RETURN f.month AS m, f.flight AS flight ORDER BY m DESC LIMIT 1";
    assert_eq!(rows(&graph, query).await, ["3|null"]);
    assert_eq!(rows(&graph, "MATCH (f:F) RETURN count(f.flight) AS n, count(*) AS rows").await, ["8|9"]);
}

#[tokio::test]
async fn paths_must_agree() {
    let memory = store();
    let one = arrow::array::RecordBatch::try_from_iter([("v", texts(&["a"]))]).unwrap();
    put(&memory, "mixed/k=1/f.parquet", parquet(&one, 10));
    put(&memory, "mixed/other=1/f.parquet", parquet(&one, 10));
    put(&memory, "taken/v=1/f.parquet", parquet(&one, 10));
    let (graph, _) = mounted(memory);
    let error = refused(&graph, "CREATE NODE LABEL M VIRTUAL FROM PARTITION 'lake://data/mixed'").await;
    assert!(error.contains("other partition columns"), "{error}");
    let error = refused(&graph, "CREATE NODE LABEL M VIRTUAL FROM PARTITION 'lake://data/taken'").await;
    assert!(error.contains("in the path and in the file"), "{error}");
}
