//! Queries that are walked: rows that fit nowhere are not read, and what is found is the same.

use std::sync::Arc;

use worldstore_async::SyncBackendAdapter;
use worldstore_core::Local;
use worldstore_graph::{Graph, IoStats, Parameters, Value};

use crate::fixture::{LABELS, cells, graph, rows};
use crate::oracle::{Dice, condition, flights};

/// With this in front, a query may ask for the place of a row, so that every row is read.
const EVERYTHING: &str = "WITH [n IN [] | id(n)] AS nothing ";

/// Queries that are no joins; `$c` and `$d` are conditions on a flight `f`.
const SHAPES: [&str; 13] = [
    "UNWIND [1, 2] AS one MATCH (f:Flight) WHERE $c RETURN one, f.flight",
    "MATCH (f:Flight) WHERE $c WITH collect(f.flight) AS found RETURN size(found), found[0]",
    "MATCH (f:Flight) WHERE $c OPTIONAL MATCH (f)-[:DEST]->(a:Airport) WHERE a.state < 'NY' RETURN f.flight, a.faa",
    "MATCH (a:Airport) OPTIONAL MATCH (a)<-[:DEST]-(f:Flight) WHERE $c WITH a, count(f) AS n RETURN a.faa, n",
    "UNWIND [1] AS x MATCH (f:Flight)-[:ORIGIN]->(a)-[r:ROUTE]->(b) WHERE $c AND r.miles > x AND r.miles < 3
     RETURN f.flight, r.miles, b.faa",
    "MATCH (a:Airport) WHERE EXISTS { (a)<-[:DEST]-(f:Flight) WHERE $c } RETURN a.faa",
    "MATCH (f:Flight {month: 2, day: 2}) WHERE $c MATCH (g:Flight)-[:DEST]->(:Airport {faa: 'JFK'})
     WHERE g.month = 1 AND g.day = 1 WITH f, count(g) AS n RETURN f.flight, n",
    "MATCH p = (f:Flight)-[:DEST]->(a) WHERE $c RETURN f.flight, length(p), a.state",
    "MATCH (f:Flight)-[:DEST]->(a)-[:ROUTE*0..2]->(b) WHERE $c AND b.state IN ['NJ', 'TX'] RETURN f.flight, b.faa",
    "MATCH (f:Flight) WHERE $c RETURN f.flight AS n UNION ALL MATCH (f:Flight) WHERE $d RETURN f.flight AS n",
    "MATCH (a:Airport) RETURN a.faa, COUNT { (f:Flight)-[:DEST]->(a) WHERE $c },
     [(a)<-[:ORIGIN]-(g:Flight {day: 1}) WHERE g.month <= 2 | g.flight]",
    "MATCH (f:Flight) WHERE $c WITH DISTINCT f.dest AS dest, f.month AS month MATCH (f:Flight) WHERE f.dest = dest AND f.day = 3
     AND f.month = 4 RETURN month, count(*)",
    "MATCH p = ANY SHORTEST (a:Airport)-[:ROUTE]->(m:Airport)-[:ROUTE]->(b:Airport) WHERE m.state = 'TX' OR b.faa = 'BOS'
     RETURN a.faa, m.faa, b.faa",
];

async fn random_flights(dice: &mut Dice) -> (tempfile::TempDir, Graph) {
    let folder = tempfile::tempdir().unwrap();
    flights(folder.path(), dice);
    let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Local::open(folder.path()).unwrap())));
    let graph = Graph::new().with_mount("data", backend).unwrap();
    graph.run(LABELS, &Parameters::default()).await.unwrap();
    (folder, graph)
}

async fn asked(graph: &Graph, query: &str) -> (Vec<String>, IoStats) {
    match graph.query(query, &Parameters::default()).await {
        Ok(result) => {
            let mut rows = cells(&result);
            rows.sort();
            (rows, result.io_stats)
        }
        Err(error) => panic!("{}", error.render(query)),
    }
}

#[tokio::test]
async fn answers_are_those_over_all_rows() {
    let mut dice = Dice::new(0x9e37_79b9_7f4a_7c15);
    let (_folder, graph) = random_flights(&mut dice).await;
    let (mut read, mut all, mut found) = (0, 0, 0);
    for round in 0..2 {
        for shape in SHAPES {
            let told = |dice: &mut Dice| {
                let (one, other) = (condition(dice, 0).0, condition(dice, 2).0);
                if round % 2 == 0 { format!("{one} AND {other}") } else { other }
            };
            let query = shape.replace("$c", &told(&mut dice)).replace("$d", &told(&mut dice));
            let everything = match query.starts_with("UNWIND") {
                true => format!("{EVERYTHING}{query}"),
                false => format!("{EVERYTHING}{query}").replace("UNION ALL", &format!("UNION ALL {EVERYTHING}")),
            };
            let plan = graph.explain(&query, &Parameters::default()).await.unwrap();
            assert!(plan.starts_with("interpreter"), "{plan}");
            let (rows, stats) = asked(&graph, &query).await;
            let (expected, whole) = asked(&graph, &everything).await;
            assert_eq!(rows, expected, "{query}");
            found += rows.len();
            assert!(stats.data_bytes <= whole.data_bytes, "{query}: {stats:?} {whole:?}");
            read += stats.row_groups_read;
            all += whole.row_groups_read;
        }
    }
    assert!(found > 100 && read * 10 < all * 9, "{found} found, {read} row groups of {all} read");
}

#[tokio::test]
async fn paths_bounds_and_lists_rule_out_what_a_walk_reads() {
    let graph = graph().await;
    for (query, expected, partitions_pruned, row_groups_pruned, row_groups_read) in [
        ("UNWIND [1] AS x MATCH (f:Flight {month: 2}) RETURN count(f)", "4", 1, 0, 2),
        ("MATCH (f:Flight) WHERE f.flight >= 7 WITH collect(f.carrier) AS c RETURN size(c)", "2", 0, 3, 1),
        ("MATCH (f:Flight) WHERE f.flight IN [1, 8] AND f.month = 1 WITH f.delay AS d RETURN d", "5", 1, 1, 1),
        ("MATCH (f:Flight) WHERE f.month = $month WITH collect(f.flight) AS c RETURN size(c)", "4", 1, 0, 2),
        ("MATCH (f:Flight) WHERE f.month = 3 WITH collect(f.flight) AS c RETURN size(c)", "0", 2, 0, 0),
        ("MATCH (f:Flight) WHERE f.no = 3 WITH collect(f.flight) AS c RETURN size(c)", "0", 0, 0, 0),
        // One of the places needs every row.
        ("MATCH (f:Flight {month: 2}), (g:Flight) WITH count(g) AS n RETURN n", "32", 0, 0, 4),
        ("MATCH (f:Flight {month: 2}) WITH id(f) AS id RETURN count(*)", "4", 0, 0, 4),
    ] {
        let parameters = Parameters::default().with("month", Value::Int(1));
        let result = graph.query(query, &parameters).await.unwrap();
        assert_eq!(cells(&result), [expected], "{query}");
        let stats = result.io_stats;
        let seen = (stats.partitions_pruned, stats.row_groups_pruned, stats.row_groups_read);
        assert_eq!(seen, (partitions_pruned, row_groups_pruned, row_groups_read), "{query}: {stats:?}");
    }
}

#[tokio::test]
async fn edges_of_rows_that_are_left_out_are_not_missed() {
    let graph = graph().await;
    let query = "MATCH (f:Flight {month: 1})-[:DEST]->(a) OPTIONAL MATCH (a)-[r:ROUTE]->(b) WHERE r.miles > 800 \
                 RETURN f.flight, a.faa, r.miles, b.faa";
    assert_eq!(rows(&graph, query).await, ["1|IAH|925|ORD", "2|IAH|925|ORD", "3|ORD|null|null", "4|ORD|null|null"]);
}
