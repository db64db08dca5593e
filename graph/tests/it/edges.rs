//! Patterns of hops: foreign keys, rows, directions, and that no relationship is walked twice.

use crate::fixture::{graph, refused, rows};

#[tokio::test]
async fn a_foreign_key_is_an_edge_where_the_node_exists() {
    let graph = graph().await;
    let by_airport = "MATCH (a:Airport)<-[:DEST]-(f:Flight) RETURN a.name AS name, count(*) AS n";
    assert_eq!(rows(&graph, by_airport).await, ["Chicago|3", "Houston|4"]);
    let from_left = "MATCH (f:Flight)-[d:DEST]->(a:Airport {faa: 'IAH'}) RETURN count(d) AS n";
    assert_eq!(rows(&graph, from_left).await, ["4"]);
}

#[tokio::test]
async fn a_star_of_three_labels() {
    let graph = graph().await;
    let query = "MATCH (a:Airport)<-[:DEST]-(f:Flight)-[:BY]->(l:Airline)
        WHERE f.month = 2 AND f.delay > 60
        RETURN a.name AS airport, l.name AS airline, f.delay AS delay ORDER BY delay DESC";
    assert_eq!(rows(&graph, query).await, ["Houston|United|90", "Chicago|American|61"]);
}

#[tokio::test]
async fn two_paths_in_one_pattern_share_variables() {
    let graph = graph().await;
    let query = "MATCH (o:Airport)<-[:ORIGIN]-(f:Flight), (f)-[:DEST]->(d:Airport)
        WHERE o.state = 'NY' RETURN o.faa AS o, d.faa AS d, count(*) AS n";
    assert_eq!(rows(&graph, query).await, ["JFK|IAH|2", "LGA|ORD|1"]);
}

#[tokio::test]
async fn labels_follow_from_edge_types() {
    let graph = graph().await;
    assert_eq!(rows(&graph, "MATCH (f)-[:BY]->(l) RETURN l.code AS c, count(*) AS n").await, ["AA|3", "UA|4"]);
    // Three keys of flights, of which one leads nowhere and one has no airline, and five routes.
    assert_eq!(rows(&graph, "MATCH (a)-->(b) RETURN count(*) AS n").await, ["27"]);
}

#[tokio::test]
async fn the_direction_matters_and_may_be_left_open() {
    let graph = graph().await;
    let out = "MATCH (a:Airport {faa: 'ORD'})-[:ROUTE]->(b:Airport) RETURN b.faa AS b";
    assert_eq!(rows(&graph, out).await, ["EWR", "ORD"]);
    let back = "MATCH (a:Airport {faa: 'ORD'})<-[:ROUTE]-(b:Airport) RETURN b.faa AS b";
    assert_eq!(rows(&graph, back).await, ["EWR", "IAH", "ORD"]);
    // The loop at ORD is one relationship, whichever way it is read.
    let either = "MATCH (a:Airport {faa: 'ORD'})-[:ROUTE]-(b:Airport) RETURN b.faa AS b";
    assert_eq!(rows(&graph, either).await, ["EWR", "EWR", "IAH", "ORD"]);
    let wrong = refused(&graph, "MATCH (a:Airport)-[:DEST]->(f:Flight) RETURN count(*)").await;
    assert!(wrong.contains("does not lead between `Airport` and `Flight`"), "{wrong}");
}

#[tokio::test]
async fn rows_of_an_edge_table_have_properties() {
    let graph = graph().await;
    let query = "MATCH (a:Airport)-[r:ROUTE]->(b:Airport) WHERE r.miles > 900
        RETURN a.faa AS a, b.faa AS b, r.miles AS miles, type(r) AS type";
    assert_eq!(rows(&graph, query).await, ["EWR|IAH|1400|ROUTE", "IAH|ORD|925|ROUTE"]);
    assert_eq!(rows(&graph, "MATCH (:Airport)-[:ROUTE {miles: 719}]->(b) RETURN b.faa AS b").await, ["EWR", "ORD"]);
    let error = refused(&graph, "MATCH (f:Flight)-[r:DEST]->(a) RETURN r.miles").await;
    assert!(error.contains("has no properties"), "{error}");
}

#[tokio::test]
async fn one_of_several_types() {
    let graph = graph().await;
    let query = "MATCH (f:Flight)-[r:ORIGIN|DEST]->(a:Airport) RETURN a.faa AS a, count(r) AS n ORDER BY a";
    assert_eq!(rows(&graph, query).await, ["EWR|4", "IAH|4", "JFK|2", "LGA|2", "ORD|3"]);
}

#[tokio::test]
async fn no_relationship_is_walked_twice_in_one_match() {
    let graph = graph().await;
    // Pairs of different flights to one airport: 4 to IAH, 3 to ORD.
    let pairs = "MATCH (f:Flight)-[:DEST]->(a)<-[:DEST]-(g:Flight) RETURN count(*) AS n";
    assert_eq!(rows(&graph, pairs).await, ["18"]);
    let same = "MATCH (a:Airport)<-[:DEST]-(f:Flight)-[:DEST]->(b:Airport) RETURN count(*) AS n";
    assert_eq!(rows(&graph, same).await, ["0"]);
    let apart = "MATCH (f:Flight)-[:DEST]->(a) MATCH (g:Flight)-[:DEST]->(a) RETURN count(*) AS n";
    assert_eq!(rows(&graph, apart).await, ["25"]);
    // Through EWR 2, IAH 1, ORD 3 times 2; but the loop does not follow itself.
    let routes = "MATCH (a:Airport)-[:ROUTE]->(b)-[:ROUTE]->(c) RETURN count(*) AS n";
    assert_eq!(rows(&graph, routes).await, ["8"]);
}

#[tokio::test]
async fn patterns_without_a_connection_are_crossed() {
    let graph = graph().await;
    assert_eq!(rows(&graph, "MATCH (a:Airport), (l:Airline) RETURN count(*) AS n").await, ["10"]);
    let nodes = "MATCH (a:Airport), (b:Airport) WHERE a <> b RETURN count(*) AS n";
    assert_eq!(rows(&graph, nodes).await, ["20"]);
}
