//! Columns, groups, order, limits.

use worldstore_graph::{Parameters, Value};

use crate::fixture::{ask, cells, graph, refused, rows};

#[tokio::test]
async fn aggregates_group_by_the_other_columns() {
    let graph = graph().await;
    let query = "MATCH (f:Flight) RETURN f.carrier AS c, count(*) AS n, count(f.delay) AS known, sum(f.delay) AS sum,
        min(f.delay) AS low, max(f.delay) AS high, avg(f.delay) AS mean ORDER BY c";
    assert_eq!(
        rows(&graph, query).await,
        ["AA|3|3|128|-3|70|42.666666666666664", "UA|4|3|155|5|90|51.666666666666664", "XX|1|1|0|0|0|0.0"]
    );
    let distinct =
        "MATCH (f:Flight) RETURN count(DISTINCT f.dest) AS d, count(DISTINCT f) AS f, sum(DISTINCT f.month) AS m";
    assert_eq!(rows(&graph, distinct).await, ["3|8|3"]);
    let mixed = "MATCH (f:Flight) RETURN f.month AS m, count(*) * 2 + f.month * 10 AS x ORDER BY m";
    assert_eq!(rows(&graph, mixed).await, ["1|18", "2|28"]);
}

#[tokio::test]
async fn aggregates_of_nothing() {
    let graph = graph().await;
    let query = "MATCH (f:Flight) WHERE f.delay > 1000 RETURN count(*) AS n, sum(f.delay) AS s, max(f.delay) AS m";
    assert_eq!(rows(&graph, query).await, ["0|0|null"]);
    let grouped = "MATCH (f:Flight) WHERE f.delay > 1000 RETURN f.carrier AS c, count(*) AS n";
    assert!(rows(&graph, grouped).await.is_empty());
}

#[tokio::test]
async fn null_is_the_greatest_value_of_an_order() {
    let graph = graph().await;
    let up = "MATCH (f:Flight) WHERE f.month = 1 RETURN f.delay AS d ORDER BY f.delay";
    assert_eq!(rows(&graph, up).await, ["-3", "5", "70", "null"]);
    let down = "MATCH (f:Flight) WHERE f.month = 1 RETURN f.delay AS d ORDER BY f.delay DESC";
    assert_eq!(rows(&graph, down).await, ["null", "70", "5", "-3"]);
}

#[tokio::test]
async fn order_skip_and_limit() {
    let graph = graph().await;
    let query = "MATCH (f:Flight) RETURN f.flight AS flight ORDER BY f.carrier DESC, flight SKIP 1 LIMIT 3";
    assert_eq!(rows(&graph, query).await, ["1", "3", "5"]);
    let parameters = Parameters::default().with("skip", 6_i64).with("limit", 5_i64);
    let query = "MATCH (f:Flight) RETURN f.flight AS f ORDER BY f SKIP $skip LIMIT $limit";
    assert_eq!(cells(&graph.query(query, &parameters).await.unwrap()), ["7", "8"]);
    let by_aggregate = "MATCH (f:Flight) RETURN f.dest AS d, count(*) AS n ORDER BY count(*) DESC, d LIMIT 2";
    assert!(refused(&graph, "MATCH (f:Flight) RETURN f.flight LIMIT -1").await.contains("cannot be negative"));
    assert_eq!(rows(&graph, by_aggregate).await, ["IAH|4", "ORD|3"]);
}

#[tokio::test]
async fn distinct_rows() {
    let graph = graph().await;
    let query = "MATCH (f:Flight) RETURN DISTINCT f.carrier AS c, f.month AS m ORDER BY c, m LIMIT 3";
    assert_eq!(rows(&graph, query).await, ["AA|1", "AA|2", "UA|1"]);
    let error = refused(&graph, "MATCH (f:Flight) RETURN DISTINCT f.carrier AS c ORDER BY f.delay").await;
    assert!(error.contains("unknown variable `f`"), "{error}");
}

#[tokio::test]
async fn names_of_columns() {
    let graph = graph().await;
    let result = ask(&graph, "MATCH (f:Flight) RETURN f.month,  count( * ), max(f.delay) AS `worst delay`").await;
    let names: Vec<_> = result.schema.fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["f.month", "count( * )", "worst delay"]);
    let error = refused(&graph, "MATCH (f:Flight) RETURN f.month AS a, f.day AS a").await;
    assert!(error.contains("two columns have the name `a`"), "{error}");
}

#[tokio::test]
async fn a_node_is_the_structure_of_its_properties() {
    let graph = graph().await;
    let query = "MATCH (a:Airport) WHERE a.faa = 'ORD' RETURN a";
    assert_eq!(rows(&graph, query).await, ["{faa: ORD, name: Chicago, state: IL}"]);
}

#[tokio::test]
async fn lists_as_parameters() {
    let graph = graph().await;
    let parameters = Parameters::default().with("airports", Value::from(vec!["ORD", "JFK"]));
    let query = "MATCH (a:Airport) WHERE a.faa IN $airports RETURN a.name AS name ORDER BY name";
    assert_eq!(cells(&graph.query(query, &parameters).await.unwrap()), ["Chicago", "Kennedy"]);
}
