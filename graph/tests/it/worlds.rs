//! States in the past, corrections, and how sure rows are.

use std::sync::Arc;
use std::time::SystemTime;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch};
use expect_test::expect;
use worldstore_core::ErrorKind;
use worldstore_graph::{Graph, Minimum, Moment, Outcome, Parameters, QueryOptions, Tier};

use crate::fixture::{ask, cells, graph, mounted, parquet, put, refusal, refused, rows, store, texts};
use crate::sequenced::Sequenced;

async fn world() -> (Graph, Arc<Sequenced>) {
    let tables = Sequenced::new(&["cars", "stops"]).await;
    tables.append("cars", &[(1, 1, "a"), (1, 2, "b")]).await;
    tables.append("stops", &[(1, 1, "x")]).await;
    tables.append("cars", &[(2, 1, "c")]).await;
    tables.append("stops", &[(3, 2, "y"), (3, 1, "z")]).await;
    (Graph::new().with_tables(Arc::clone(&tables) as _), tables)
}

const JOINED: &str = "MATCH (c:cars), (s:stops) WHERE c.id = s.id RETURN c.name, s.name";
const WALKED: &str = "MATCH (c:cars) MATCH (s:stops) WHERE c.id = s.id WITH c, s RETURN c.name, s.name";

#[tokio::test]
async fn as_of_shows_what_was_there() {
    let (graph, _) = world().await;
    for query in [JOINED, WALKED] {
        let all = ["a|x", "a|z", "b|y", "c|x", "c|z"];
        assert_eq!(rows(&graph, query).await, all);
        assert_eq!(rows(&graph, &format!("AS OF TICK 1 {query}")).await, ["a|x"]);
        assert_eq!(rows(&graph, &format!("AS OF SEQUENCE 4 {query}")).await, ["a|x", "c|x"]);
        assert_eq!(rows(&graph, &format!("AS OF SEQUENCE 0 {query}")).await, [""; 0]);
        assert_eq!(rows(&graph, &format!("AS OF SNAPSHOT 'seq:6' {query}")).await, all);
        let parameters = Parameters::default().with("tick", 2_i64);
        let result = graph.query(&format!("AS OF TICK $tick {query}"), &parameters).await.unwrap();
        assert_eq!(result.rows(), 2);
        let at = graph.query_at(Moment::Sequence(3), query, &Parameters::default()).await.unwrap();
        assert_eq!(cells(&at), ["a|x"]);
    }
}

#[tokio::test]
async fn what_writes_asks_no_past_and_changes_nothing() {
    let (graph, _) = world().await;
    for query in ["CREATE (:Note {a: 1})", "MATCH (c:cars) CREATE (:Note {a: c.id})"] {
        for past in ["AS OF TICK 5", "EXPLAIN AS OF TICK 5"] {
            assert_eq!(refusal(&graph, &format!("{past} {query}")).await.kind(), ErrorKind::Unsupported, "{query}");
        }
        let refused = graph.query_at(Moment::Sequence(5), query, &Parameters::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{query}");
    }
    assert!(refused(&graph, "MATCH (n:Note) RETURN n.a").await.contains("unknown label"));
}

#[tokio::test]
async fn a_result_names_what_it_read_and_is_repeated_by_it() {
    let (graph, tables) = world().await;
    for query in [JOINED, WALKED] {
        let before = ask(&graph, query).await;
        let named: Vec<_> = before.snapshots.iter().map(ToString::to_string).collect();
        let seq = before.snapshots[0].sequence().unwrap();
        assert_eq!(named, [format!("cars seq:{seq}"), format!("stops seq:{seq}")]);
        tables.append("stops", &[(9, 1, "late")]).await;
        assert!(ask(&graph, query).await.rows() > before.rows());
        let moment = Moment::Snapshot(before.snapshots[0].id());
        let again = graph.query_at(moment, query, &Parameters::default()).await.unwrap();
        assert_eq!(again.rows(), before.rows());
        assert_eq!(again.snapshots, before.snapshots);
    }
}

#[tokio::test]
async fn files_and_created_nodes_are_named_too() {
    let graph = graph().await;
    let named = |result: &worldstore_graph::QueryResult| {
        result
            .snapshots
            .iter()
            .map(|one| format!("{} {}", one.source(), one.id().split(':').next().unwrap()))
            .collect::<Vec<_>>()
    };
    let result = ask(&graph, "MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN count(*)").await;
    assert_eq!(named(&result), ["lake://data/airports.parquet rows", "lake://data/flights files"]);
    assert_eq!(result.snapshots, ask(&graph, "MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN count(*)").await.snapshots);
    ask(&graph, "CREATE (:Thing)").await;
    assert_eq!(named(&ask(&graph, "MATCH (t:Thing) RETURN count(t)").await), ["created changes"]);
}

#[tokio::test]
async fn wrong_moments_are_told_where_they_stand() {
    let (graph, _) = world().await;
    expect![[r#"
        error: `TICK` takes a whole number, not 'x'
         --> 1:1
          |
        1 | AS OF TICK 'x' MATCH (c:cars) RETURN c.id
          | ^^^^^^^^^^^^^^"#]]
    .assert_eq(&refused(&graph, "AS OF TICK 'x' MATCH (c:cars) RETURN c.id").await);
    expect![[r#"
        error: expected `TICK`, `SEQUENCE`, `TIME` or `SNAPSHOT`, found `MATCH`
         --> 1:7
          |
        1 | AS OF MATCH (c:cars) RETURN c.id
          |       ^^^^^"#]]
    .assert_eq(&refused(&graph, "AS OF MATCH (c:cars) RETURN c.id").await);
    for (text, kind) in [
        ("AS OF SEQUENCE -1 MATCH (c:cars) RETURN c.id", ErrorKind::Invalid),
        ("AS OF TIME 'tomorrow' MATCH (c:cars) RETURN c.id", ErrorKind::Invalid),
        ("AS OF TICK $none MATCH (c:cars) RETURN c.id", ErrorKind::Invalid),
        ("AS OF SEQUENCE 99 MATCH (c:cars) RETURN c.id", ErrorKind::NotFound),
        ("AS OF SNAPSHOT 'none' MATCH (c:cars) RETURN c.id", ErrorKind::NotFound),
    ] {
        assert_eq!(refusal(&graph, text).await.kind(), kind, "{text}");
    }
    let twice = QueryOptions::default().with_at(Moment::Time(SystemTime::UNIX_EPOCH));
    let twice = graph.query_with("AS OF TICK 1 MATCH (c:cars) RETURN c.id", &Parameters::default(), &twice).await;
    assert!(twice.unwrap_err().to_string().contains("given twice"));
}

#[tokio::test]
async fn files_have_no_ticks() {
    let graph = graph().await;
    for query in
        ["AS OF TICK 1 MATCH (f:Flight) RETURN f.flight", "AS OF TICK 1 MATCH (f:Flight) WITH f RETURN f.flight"]
    {
        assert_eq!(refusal(&graph, query).await.kind(), ErrorKind::Unsupported, "{query}");
    }
    let now = ask(&graph, "MATCH (f:Flight) RETURN count(*)").await.snapshots[0].id();
    assert_eq!(rows(&graph, &format!("AS OF SNAPSHOT '{now}' MATCH (f:Flight) RETURN count(*)")).await, ["8"]);
    let gone = refusal(&graph, "AS OF SNAPSHOT 'files:0' MATCH (f:Flight) RETURN count(*)").await;
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_rest_of_a_query_is_read_in_the_state_of_its_first_part() {
    let (graph, tables) = world().await;
    let options = QueryOptions::default().with_row_groups(0);
    let first = graph.query_with(JOINED, &Parameters::default(), &options).await.unwrap();
    assert!(matches!(first.outcome, Outcome::Truncated { .. }));
    let walk = QueryOptions::default().with_row_groups(2);
    let first = graph.query_with(WALKED, &Parameters::default(), &walk).await.unwrap();
    let Outcome::Truncated { resume, .. } = first.outcome.clone() else { panic!("it was not cut") };
    tables.append("stops", &[(9, 1, "late")]).await;
    let rest = QueryOptions::default().with_resume(resume);
    let rest = graph.query_with(WALKED, &Parameters::default(), &rest).await.unwrap();
    assert_eq!(first.rows() + rest.rows(), 5);
    assert_eq!(first.snapshots, rest.snapshots);
}

#[tokio::test]
async fn corrections_win_by_key() {
    let files = store();
    let fixes = RecordBatch::try_from_iter([
        ("flight", Arc::new(Int64Array::from(vec![1, 2, 99])) as ArrayRef),
        ("delay", Arc::new(Int32Array::from(vec![Some(500), None, Some(1)])) as ArrayRef),
        ("carrier", Arc::new(arrow::array::StringArray::from(vec![None, Some("XX"), Some("XX")])) as ArrayRef),
    ]);
    let fixes = fixes.unwrap();
    put(&files, "fixes.parquet", parquet(&fixes, 100));
    let (graph, _) = mounted(files);
    graph.run(crate::fixture::LABELS, &Parameters::default()).await.unwrap();
    let joined = "MATCH (f:Flight) WHERE f.delay > 65 OR f.carrier = 'XX' RETURN f.flight, f.delay, f.carrier, f.month";
    let walked =
        "MATCH (f:Flight) WHERE f.delay > 65 OR f.carrier = 'XX' WITH f RETURN f.flight, f.delay, f.carrier, f.month";
    let before = ["2|70|AA|1", "5|90|UA|2", "8|0|XX|2"];
    let after = ["1|500|UA|1", "2|70|XX|1", "5|90|UA|2", "8|0|XX|2"];
    for query in [joined, walked] {
        assert_eq!(rows(&graph, query).await, before);
    }
    ask(&graph, "CREATE OVERLAY ON Flight FROM FILE 'lake://data/fixes.parquet'").await;
    for query in [joined, walked] {
        assert_eq!(rows(&graph, query).await, after);
    }
    assert_eq!(rows(&graph, "MATCH (f:Flight) RETURN count(*), max(f.delay)").await, ["8|500"]);
    ask(&graph, "DROP OVERLAY ON Flight").await;
    assert_eq!(rows(&graph, "MATCH (f:Flight) RETURN count(*), max(f.delay)").await, ["8|90"]);
    graph.correct("Flight", fixes.clone()).await.unwrap();
    assert_eq!(rows(&graph, joined).await, after);
    assert!(graph.correct("Flight", fixes.project(&[1]).unwrap()).await.is_err());
    assert!(
        refused(&graph, "CREATE OVERLAY ON Flight FROM FILE 'lake://data/fixes.parquet'")
            .await
            .contains("exists already")
    );
    assert!(
        refused(&graph, "CREATE OVERLAY ON Fligth FROM FILE 'lake://data/fixes.parquet'")
            .await
            .contains("did you mean `Flight`")
    );
}

async fn detections() -> Graph {
    let files = store();
    let cars = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4])) as ArrayRef),
        ("source", texts(&["observed", "inferred", "predicted", "guessed"])),
        ("p", Arc::new(Float64Array::from(vec![None, Some(0.9), Some(0.5), Some(0.1)])) as ArrayRef),
    ]);
    put(&files, "cars.parquet", parquet(&cars.unwrap(), 2));
    let near = RecordBatch::try_from_iter([
        ("a", Arc::new(Int64Array::from(vec![1, 1, 2])) as ArrayRef),
        ("b", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("_confidence", Arc::new(Float64Array::from(vec![0.95, 0.8, 1.0])) as ArrayRef),
    ]);
    put(&files, "near.parquet", parquet(&near.unwrap(), 2));
    let (graph, _) = mounted(files);
    let labels =
        "CREATE NODE LABEL Car FROM FILE 'lake://data/cars.parquet' KEY id COMPUTE _tier = source, _confidence = p;
        CREATE EDGE TYPE NEAR FROM FILE 'lake://data/near.parquet'
            SOURCE KEY a REFERENCES Car(id) TARGET KEY b REFERENCES Car(id)";
    graph.run(labels, &Parameters::default()).await.unwrap();
    graph
}

#[tokio::test]
async fn what_is_joined_is_as_sure_as_the_least_sure_of_it() {
    let graph = detections().await;
    for with in ["", "WITH c "] {
        let query = format!("MATCH (c:Car) {with}RETURN c.id, tier(c), confidence(c)");
        let all = ["1|observed|1.0", "2|inferred|0.9", "3|predicted|0.5", "4|predicted|0.1"];
        assert_eq!(rows(&graph, &query).await, all);
    }
    for with in ["", "WITH a, r, b "] {
        let query =
            format!("MATCH (a:Car)-[r:NEAR]->(b:Car) {with}RETURN a.id, b.id, tier(a, r, b), confidence(a, r, b)");
        let all = ["1|1|observed|0.95", "1|2|inferred|0.8", "2|3|predicted|0.5"];
        assert_eq!(rows(&graph, &query).await, all);
    }
    let paths = "MATCH p = (a:Car {id: 1})-[:NEAR*2]->(b:Car) RETURN b.id, tier(p), confidence(p), \
                 reduce(product = 1.0, r IN relationships(p) | product * confidence(r))";
    assert_eq!(rows(&graph, paths).await, ["2|inferred|0.8|0.76", "3|predicted|0.5|0.8"]);
    assert!(refused(&graph, "MATCH (c:Car) RETURN tier(c.id)").await.contains("does not take"));
}

#[tokio::test]
async fn a_minimum_leaves_out_what_is_less_sure_and_the_result_says_so() {
    let graph = detections().await;
    ask(&graph, "CREATE (:Car2 {id: 7, _tier: 'predicted'}), (:Car2 {id: 8})").await;
    let counted = async |minimum: Minimum, query: &str| {
        let options = QueryOptions::default().with_minimum(minimum);
        let result = graph.query_with(query, &Parameters::default(), &options).await.unwrap();
        assert_eq!(result.minimum, minimum);
        cells(&result).join(",")
    };
    let inferred = Minimum::default().with_tier(Tier::Inferred);
    let sure = Minimum::default().with_confidence(0.9);
    for query in ["MATCH (c:Car) RETURN count(*)", "MATCH (c:Car) WITH c RETURN count(*)"] {
        assert_eq!(counted(Minimum::default(), query).await, "4");
        assert_eq!(counted(inferred, query).await, "2");
        assert_eq!(counted(sure, query).await, "2");
        assert_eq!(counted(sure.with_tier(Tier::Observed), query).await, "1");
    }
    for query in
        ["MATCH (a:Car)-[:NEAR]->(b:Car) RETURN count(*)", "MATCH (a:Car)-[:NEAR]->(b:Car) WITH a RETURN count(*)"]
    {
        assert_eq!(counted(inferred, query).await, "2");
        assert_eq!(counted(sure, query).await, "1");
    }
    assert_eq!(counted(inferred, "MATCH (c:Car2) RETURN c.id").await, "8");
}
