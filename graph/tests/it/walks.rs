//! Queries that are no joins: the interpreter walks rows of files and what queries have created.

use arrow::util::pretty::pretty_format_batches;
use expect_test::{Expect, expect};
use worldstore_core::ErrorKind;
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{graph, refused};

async fn shows(graph: &Graph, query: &str, expected: Expect) {
    let result = graph.query(query, &Parameters::default()).await.map_err(|error| error.render(query)).unwrap();
    expected.assert_eq(&pretty_format_batches(&result.batches).unwrap().to_string());
}

#[tokio::test]
async fn groups_go_on_after_with() {
    let query = "MATCH (f:Flight) WITH f.carrier AS carrier, count(*) AS flights, avg(f.delay) AS delay
                 WHERE flights > 1 RETURN carrier, flights, delay ORDER BY carrier";
    shows(
        &graph().await,
        query,
        expect![[r#"
        +---------+---------+--------------------+
        | carrier | flights | delay              |
        +---------+---------+--------------------+
        | AA      | 3       | 42.666666666666664 |
        | UA      | 4       | 51.666666666666664 |
        +---------+---------+--------------------+"#]],
    )
    .await;
}

#[tokio::test]
async fn paths_of_any_length_follow_edges_of_a_table() {
    let query = "MATCH p = (a:Airport {faa: 'EWR'})-[:ROUTE*1..3]->(b:Airport)
                 RETURN [n IN nodes(p) | n.faa] AS stops, reduce(m = 0, r IN relationships(p) | m + r.miles) AS miles
                 ORDER BY miles, stops";
    shows(
        &graph().await,
        query,
        expect![[r#"
        +----------------------+-------+
        | stops                | miles |
        +----------------------+-------+
        | [EWR, ORD]           | 719   |
        | [EWR, ORD, ORD]      | 719   |
        | [EWR, IAH]           | 1400  |
        | [EWR, ORD, EWR]      | 1438  |
        | [EWR, ORD, ORD, EWR] | 1438  |
        | [EWR, IAH, ORD]      | 2325  |
        | [EWR, IAH, ORD, ORD] | 2325  |
        | [EWR, ORD, EWR, IAH] | 2838  |
        | [EWR, IAH, ORD, EWR] | 3044  |
        +----------------------+-------+"#]],
    )
    .await;
}

#[tokio::test]
async fn shortest_paths_and_foreign_keys_mix() {
    let query = "MATCH p = shortestPath((f:Flight {flight: 1})-[*..3]-(a:Airport {faa: 'ORD'}))
                 RETURN length(p) AS hops, [r IN relationships(p) | type(r)] AS types";
    shows(
        &graph().await,
        query,
        expect![[r#"
        +------+---------------+
        | hops | types         |
        +------+---------------+
        | 2    | [DEST, ROUTE] |
        +------+---------------+"#]],
    )
    .await;
}

#[tokio::test]
async fn optional_match_gives_nulls() {
    let query = "MATCH (f:Flight) WHERE f.flight >= 7 OPTIONAL MATCH (f)-[:DEST]->(a:Airport)
                 RETURN f.flight AS flight, a.name AS name ORDER BY flight";
    shows(
        &graph().await,
        query,
        expect![[r#"
        +--------+---------+
        | flight | name    |
        +--------+---------+
        | 7      | Houston |
        | 8      |         |
        +--------+---------+"#]],
    )
    .await;
}

#[tokio::test]
async fn nodes_come_as_structs_and_mixed_values_as_text() {
    let query = "MATCH (a:Airport) WHERE a.faa IN ['EWR', 'ORD'] UNWIND [1, 2.5, 'x', null, date('2024-02-29')] AS v
                 WITH a, v ORDER BY a.faa LIMIT 5 RETURN a, v, [v] AS list, {of: a.faa} AS map";
    shows(
        &graph().await,
        query,
        expect![[r#"
        +-------------------------------------+--------------+----------------+-----------+
        | a                                   | v            | list           | map       |
        +-------------------------------------+--------------+----------------+-----------+
        | {faa: EWR, name: Newark, state: NJ} | 1            | [1]            | {of: EWR} |
        | {faa: EWR, name: Newark, state: NJ} | 2.5          | [2.5]          | {of: EWR} |
        | {faa: EWR, name: Newark, state: NJ} | 'x'          | ['x']          | {of: EWR} |
        | {faa: EWR, name: Newark, state: NJ} |              | []             | {of: EWR} |
        | {faa: EWR, name: Newark, state: NJ} | '2024-02-29' | ['2024-02-29'] | {of: EWR} |
        +-------------------------------------+--------------+----------------+-----------+"#]],
    )
    .await;
}

#[tokio::test]
async fn queries_create_and_change_their_own() {
    let graph = graph().await;
    let create = "CREATE (n:Note {text: 'late'})-[:ABOUT {day: 31}]->(m:Month {number: 1}) RETURN n.text AS text";
    let created = graph.query(create, &Parameters::default()).await.unwrap();
    assert_eq!((created.side_effects.nodes_created, created.side_effects.relationships_created), (2, 1));
    let set = "MATCH (n:Note) SET n.text = 'very ' + n.text";
    assert_eq!(graph.query(set, &Parameters::default()).await.unwrap().side_effects.properties_created, 1);
    let both = "MATCH (n:Note)-[a:ABOUT]->(m) MATCH (f:Flight) WHERE f.month = m.number AND f.delay > 60
                RETURN n.text AS text, a.day AS day, f.flight AS flight";
    shows(
        &graph,
        both,
        expect![[r#"
        +-----------+-----+--------+
        | text      | day | flight |
        +-----------+-----+--------+
        | very late | 31  | 2      |
        +-----------+-----+--------+"#]],
    )
    .await;
    shows(
        &graph,
        "MATCH (n) RETURN labels(n) AS labels, count(*) AS count ORDER BY labels",
        expect![[r#"
        +-----------+-------+
        | labels    | count |
        +-----------+-------+
        | [Airline] | 2     |
        | [Airport] | 5     |
        | [Flight]  | 8     |
        | [Month]   | 1     |
        | [Note]    | 1     |
        +-----------+-------+"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_of_tables_are_not_changed() {
    let graph = graph().await;
    for query in [
        "CREATE (:Airport {faa: 'OSL'})",
        "MATCH (a:Airport) SET a.name = 'x'",
        "MATCH (a:Airport) DETACH DELETE a",
        "MATCH (a:Airport) CREATE (a)-[:NEAR]->(:Town)",
        "CREATE (:Town)-[:ROUTE]->(:Town)",
        "MATCH ()-[r:ROUTE]->() DELETE r",
    ] {
        let error = graph.query(query, &Parameters::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{query}: {error}");
    }
    // Nothing of it was created either.
    assert!(refused(&graph, "MATCH (n:Town) RETURN count(n)").await.contains("unknown label `Town`"));
}

#[tokio::test]
async fn mistakes_show_where_they_are() {
    let graph = graph().await;
    for (query, expected) in [
        (
            "MATCH (a:Airprot) WITH a RETURN a",
            expect![[r#"
            error: unknown label `Airprot`
             --> 1:10
              |
            1 | MATCH (a:Airprot) WITH a RETURN a
              |          ^^^^^^^
              = help: did you mean `Airport`?"#]],
        ),
        (
            "MATCH (a:Airport)-[:ROTE*]->(b) RETURN b",
            expect![[r#"
            error: unknown edge type `ROTE`
             --> 1:21
              |
            1 | MATCH (a:Airport)-[:ROTE*]->(b) RETURN b
              |                     ^^^^
              = help: did you mean `ROUTE`?"#]],
        ),
        (
            "MATCH (a:Airport) WITH a RETURN a.faa + b",
            expect![[r#"
            error: unknown variable `b`
             --> 1:41
              |
            1 | MATCH (a:Airport) WITH a RETURN a.faa + b
              |                                         ^"#]],
        ),
        (
            "MATCH (a:Airport) WITH a.faa AS faa RETURN faa / 2",
            expect![[r#"
            error: `/` does not take a text and an integer (TypeError: InvalidArgumentType)
             --> 1:44
              |
            1 | MATCH (a:Airport) WITH a.faa AS faa RETURN faa / 2
              |                                            ^^^^^^^"#]],
        ),
    ] {
        expected.assert_eq(&refused(&graph, query).await);
    }
}

#[tokio::test]
async fn both_ways_agree() {
    let graph = graph().await;
    for (joins, walks) in [
        (
            "MATCH (f:Flight)-[:DEST]->(a:Airport) WHERE f.delay > 10 RETURN a.faa AS faa, count(*) AS n ORDER BY faa",
            "MATCH (f:Flight)-[:DEST]->(a:Airport) WHERE f.delay > 10
             WITH a.faa AS faa, count(*) AS n RETURN faa, n ORDER BY faa",
        ),
        (
            "MATCH (f:Flight)-[:DEST]->(a:Airport)-[r:ROUTE]->(b:Airport) RETURN f.flight AS f, b.faa AS b, r.miles AS m
             ORDER BY f, b, m",
            "MATCH (f:Flight)-[:DEST]->(a:Airport)-[r:ROUTE]->(b:Airport) WITH f, r, b
             RETURN f.flight AS f, b.faa AS b, r.miles AS m ORDER BY f, b, m",
        ),
        (
            "MATCH (f:Flight) RETURN min(f.delay) AS low, max(f.delay) AS high, sum(f.delay) AS total,
             count(f.delay) AS n",
            "MATCH (f:Flight) WITH f RETURN min(f.delay) AS low, max(f.delay) AS high, sum(f.delay) AS total,
             count(f.delay) AS n",
        ),
    ] {
        let mut shown = Vec::new();
        for query in [joins, walks] {
            let result = graph.query(query, &Parameters::default()).await.map_err(|e| e.render(query)).unwrap();
            let way = graph.explain(query, &Parameters::default()).await.unwrap();
            assert_eq!(way.starts_with("interpreter"), query == walks, "{way}");
            shown.push(pretty_format_batches(&result.batches).unwrap().to_string());
        }
        assert_eq!(shown[0], shown[1], "{joins}");
    }
}
