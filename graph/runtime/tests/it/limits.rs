//! A query that would use too much ends with the limit that it reached.

use std::time::{Duration, Instant};

use worldstore_cypher_runtime::{Cancel, ErrorClass, Limits, MemoryGraph, Options};

use crate::support::{graph, rows, run_with};

/// Everyone knows everyone else.
fn crowd(count: u32) -> MemoryGraph {
    graph(&format!(
        "UNWIND range(1, {count}) AS i CREATE (p:Person {{i: i}}) WITH collect(p) AS everyone UNWIND everyone AS a UNWIND everyone AS b \
         WITH a, b WHERE a <> b CREATE (a)-[:KNOWS]->(b)"
    ))
}

/// Queries that take longer than anyone waits.
const ENDLESS: [&str; 9] = [
    "MATCH (a)-[*]-(b) RETURN count(*) AS n",
    "MATCH (a), (b), (c), (d), (e), (f), (g), (h) RETURN count(*) AS n",
    "MATCH (a) WHERE NOT EXISTS { (a)-[*]->({i: 0}) } RETURN a",
    "MATCH p = SHORTEST 1000000000 (a {i: 1})-[*]-(b {i: 2}) RETURN count(p) AS n",
    "MATCH (a) ((x)-[r]->(y)){1,} (b {i: 1}) RETURN count(*) AS n",
    "UNWIND range(1, 1000000000) AS x UNWIND range(1, 1000000) AS y WITH x WHERE x < 0 RETURN x",
    "RETURN all(x IN range(1, 100000) WHERE all(y IN range(1, 100000) WHERE x + y > 0)) AS list",
    "RETURN reduce(s = 0, x IN range(1, 1000000) | s + size([y IN range(1, 1000) WHERE y = x])) AS s",
    "MATCH (a)-[*]-(b) MERGE (a)-[:MET]->(b)",
];

#[test]
fn a_deadline_ends_everything() {
    let mut graph = crowd(12);
    for source in ENDLESS {
        let limits =
            Limits::default().with_deadline(Instant::now() + Duration::from_millis(100)).with_memory(512 << 20);
        let error = run_with(&mut graph, source, &Options::default().with_limits(limits)).unwrap_err();
        assert_eq!(error.class(), ErrorClass::LimitError, "{source}: {error}");
    }
}

#[test]
fn the_caller_ends_everything() {
    for source in ENDLESS {
        let cancel = Cancel::default();
        let options = Options::default().with_limits(Limits::default().with_cancel(cancel.clone()));
        let query = std::thread::spawn(move || run_with(&mut crowd(12), source, &options).map(|answer| rows(&answer)));
        std::thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        let error = query.join().unwrap().unwrap_err();
        assert_eq!(error.class(), ErrorClass::LimitError, "{source}: {error}");
    }
}

#[test]
fn memory_is_limited_where_rows_are_held() {
    let mut graph = crowd(5);
    for source in [
        "UNWIND range(1, 1000000) AS x RETURN x ORDER BY x DESC",
        "UNWIND range(1, 1000000) AS x RETURN DISTINCT x",
        "UNWIND range(1, 1000000) AS x RETURN x, count(*) AS n",
        "UNWIND range(1, 1000000) AS x RETURN collect(x) AS list",
        "UNWIND range(1, 1000000) AS x RETURN count(DISTINCT x) AS n",
        "UNWIND range(1, 1000000) AS x CREATE (n {x: x})",
        "UNWIND range(1, 1000000) AS x RETURN x UNION RETURN 1 AS x",
        "RETURN COLLECT { UNWIND range(1, 1000000) AS x RETURN x } AS list",
        "RETURN range(1, 100000000) AS list",
        "RETURN reduce(s = 'x', i IN range(1, 60) | s + s) AS s",
    ] {
        let options = Options::default().with_limits(Limits::default().with_memory(1 << 20));
        let error = run_with(&mut graph, source, &options).unwrap_err();
        assert_eq!(error.class(), ErrorClass::LimitError, "{source}: {error}");
    }
    for source in [
        "UNWIND range(1, 20000) AS x UNWIND [x] AS y RETURN y ORDER BY y DESC LIMIT 3",
        "UNWIND range(1, 20000) AS x UNWIND [x] AS y RETURN count(*) AS n",
        "UNWIND range(1, 20000) AS x UNWIND [x] AS y WITH y WHERE y < 4 RETURN y",
    ] {
        let options = Options::default().with_limits(Limits::default().with_memory(3 << 20));
        run_with(&mut graph, source, &options).unwrap_or_else(|error| panic!("{source}: {error}"));
    }
}

#[test]
fn memory_is_limited_where_something_is_changed() {
    let mut graph = crowd(5);
    for source in [
        // A single row, and the rest is in the graph.
        "UNWIND [1] AS x CREATE PATTERN RETURN 1 AS one",
        "MATCH (p:Person) UNWIND range(1, 20) AS i SET p.text = TEXT",
        "MATCH (p:Person) UNWIND range(1, 1000) AS i SET p:More",
    ] {
        let pattern = vec!["(:N {text: TEXT})"; 20].join(", ");
        let source = source.replace("PATTERN", &pattern).replace("TEXT", "$text");
        let limits = Limits::default().with_memory(1 << 20);
        let options = Options::default().with_parameter("text", "x".repeat(100_000)).with_limits(limits);
        let error = run_with(&mut graph, &source, &options).unwrap_err();
        assert_eq!(error.detail().name(), "MemoryExceeded", "{source}: {error}");
    }
    let nothing = run_with(&mut graph, "MATCH (n:N) RETURN count(*) AS n", &Options::default()).unwrap();
    assert_eq!(rows(&nothing), ["0"], "what failed changed nothing");
}

#[test]
fn rows_are_limited() {
    let options = Options::default().with_limits(Limits::default().with_rows(3));
    let mut graph = crowd(4);
    assert!(run_with(&mut graph, "MATCH (a) RETURN a LIMIT 3", &options).is_ok());
    let error = run_with(&mut graph, "MATCH (a) RETURN a", &options).unwrap_err();
    assert_eq!(error.detail().name(), "RowsExceeded");
    // What has too many rows has not happened.
    assert!(run_with(&mut graph, "MATCH (a) CREATE (b:New) RETURN b", &options).is_err());
    assert_eq!(rows(&run_with(&mut graph, "MATCH (b:New) RETURN count(*) AS n", &options).unwrap()), ["0"]);
}
