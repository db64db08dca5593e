//! Queries that are walked: rows that fit nowhere are not read, and what is found is the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use worldstore_async::SyncBackendAdapter;
use worldstore_core::{Local, Memory};
use worldstore_graph::{Graph, IoStats, Parameters, Value};

use crate::fixture::{LABELS, ask, cells, graph, mounted, parquet, put, rows};
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
        // Alternatives, negations, beginnings of texts, and what is asked behind the match.
        (
            "MATCH (f:Flight) WHERE f.flight < 2 OR f.flight > 7 WITH collect(f.flight) AS c RETURN size(c)",
            "2",
            0,
            2,
            2,
        ),
        ("MATCH (f:Flight) WHERE NOT f.flight <= 6 WITH collect(f.flight) AS c RETURN size(c)", "2", 0, 3, 1),
        (
            "MATCH (f:Flight) WHERE NOT (f.month = 1 OR f.flight < 7) WITH collect(f.flight) AS c RETURN size(c)",
            "2",
            1,
            1,
            1,
        ),
        ("MATCH (f:Flight) WHERE f.dest STARTS WITH 'N' WITH collect(f.flight) AS c RETURN size(c)", "1", 0, 2, 2),
        ("MATCH (f:Flight) WHERE NOT f.dest STARTS WITH 'I' WITH collect(f.flight) AS c RETURN size(c)", "4", 0, 1, 3),
        (
            "MATCH (f:Flight) WITH f AS g, 1 AS x WHERE g.flight > 6 WITH collect(g.flight) AS c RETURN size(c)",
            "2",
            0,
            3,
            1,
        ),
        ("MATCH (f:Flight) WITH *, 1 AS x WHERE f.month = x RETURN count(*)", "4", 0, 0, 4),
        ("MATCH (f:Flight) WITH f ORDER BY f.flight LIMIT 3 WHERE f.flight > 2 RETURN count(*)", "1", 0, 0, 4),
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

/// Four row groups of two rows each, an hour or a day from one row to the next.
#[tokio::test]
async fn times_rule_out_what_a_walk_reads() {
    const HOUR: i64 = 3_600_000_000;
    let times: Vec<i64> = (0..8).map(|hour| hour * HOUR).collect();
    let zoned = TimestampMicrosecondArray::from(times.clone()).with_timezone("UTC");
    let rows = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..8)) as ArrayRef),
        ("at", Arc::new(TimestampMicrosecondArray::from(times))),
        ("zoned", Arc::new(zoned)),
        ("day", Arc::new(Date32Array::from_iter_values(0..8))),
    ]);
    let store = Memory::new();
    put(&store, "events/a.parquet", parquet(&rows.unwrap(), 2));
    let (graph, _) = mounted(store);
    ask(&graph, "CREATE NODE LABEL Event VIRTUAL FROM PARTITION 'lake://data/events' KEY id").await;
    for (condition, expected, read) in [
        ("e.at >= localdatetime('1970-01-01T05:30:00')", 2, 1),
        ("NOT e.at >= localdatetime('1970-01-01T01:30:00')", 2, 1),
        ("e.at = localdatetime('1970-01-01T03:00:00')", 1, 1),
        ("e.at = localdatetime('1970-01-01T03:00:00.0000001')", 0, 0),
        ("e.zoned < datetime('1970-01-01T04:30:00+02:00')", 3, 2),
        ("e.zoned > datetime('1970-01-01T07:30:00+02:00')", 2, 1),
        ("e.day IN [date('1970-01-02'), date('1970-01-08')]", 2, 2),
        ("NOT e.day < date('1970-01-07')", 2, 1),
        // These are times of other kinds: they do not compare.
        ("e.at < datetime('1970-01-01T04:00:00Z')", 0, 4),
    ] {
        let result =
            ask(&graph, &format!("MATCH (e:Event) WHERE {condition} WITH collect(e) AS c RETURN size(c)")).await;
        let seen = (cells(&result), result.io_stats.row_groups_read);
        assert_eq!(seen, (vec![expected.to_string()], read), "{condition}");
    }
}

#[tokio::test]
async fn edges_of_rows_that_are_left_out_are_not_missed() {
    let graph = graph().await;
    let query = "MATCH (f:Flight {month: 1})-[:DEST]->(a) OPTIONAL MATCH (a)-[r:ROUTE]->(b) WHERE r.miles > 800 \
                 RETURN f.flight, a.faa, r.miles, b.faa";
    assert_eq!(rows(&graph, query).await, ["1|IAH|925|ORD", "2|IAH|925|ORD", "3|ORD|null|null", "4|ORD|null|null"]);
}
