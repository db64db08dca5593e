//! Queries over a world and over files in place.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::desk::{Desk, FEBRUARY, code_of, data, errors_of};

/// Declares the flights in place as `Flight`.
const FLIGHTS: &str = "CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://air/flights'; ";

fn mount() -> String {
    format!("--mount=air={}", data(""))
}

#[test]
fn tables_of_a_world_are_labels() {
    let desk = Desk::with_world();
    let ticks = desk.json(&["ticks", "world", "flights"]);
    let rows = |upto: usize| ticks[..upto].iter().map(|tick| tick["rows"].as_u64().unwrap()).sum::<u64>();
    let count = "MATCH (f:flights) RETURN count(*) AS n";
    let ask = |more: &[&str]| desk.json(&[&["query", count, "--world", "world"], more].concat())[0]["n"].clone();
    assert_eq!(ask(&[]), rows(3));
    assert_eq!(ask(&["--as-of", "2"]), rows(2));
    assert_eq!(ask(&["--as-of", "0"]), 0);
    desk.ok(&["fork", "world", "storm", "--at", "1"]);
    assert_eq!(ask(&["--run", "storm"]), rows(1));
    let names = "MATCH (a:airlines) WHERE a.carrier IN $carriers RETURN a.name AS name ORDER BY name";
    let found = desk.json(&["query", names, "-w", "world", "--param", r#"carriers=["UA","AA"]"#]);
    assert_eq!(found, [json!({"name": "American Airlines Inc."}), json!({"name": "United Air Lines Inc."})]);
}

#[test]
fn partitions_are_counted_by_their_footers() {
    let desk = Desk::new();
    let query = format!("{FLIGHTS} MATCH (f:Flight) RETURN count(*) AS n");
    let output = desk.run(&["query", &query, &mount(), "--io-stats", "--format", "json"]);
    assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"n\":336776}\n");
    let stats = errors_of(&output);
    let counters: Vec<Vec<&str>> = stats.lines().map(|line| line.split([' ', ':', '=']).collect()).collect();
    let counter = |name: &str| {
        let line = counters.iter().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{name} in {stats}"));
        line.last().unwrap().replace([',', '_'], "").parse::<u64>().unwrap()
    };
    assert_eq!((counter("files_total"), counter("data_bytes")), (365, 0), "{stats}");
    assert!(!fs::exists(data(".worldstore-staging")).unwrap(), "reading leaves nothing behind");
}

#[test]
fn text_comes_from_argument_file_or_standard_input() {
    let desk = Desk::new();
    let query = format!("{FLIGHTS} MATCH (f:Flight) WHERE f.month = $month RETURN count(*) AS n;");
    let file = desk.write("query.cypher", &query);
    let (mount, more) = (mount(), ["--param", "month=2", "--format", "csv"]);
    let expected = format!("n\n{FEBRUARY}\n");
    assert_eq!(desk.ok(&[&["query", &query, &mount], &more[..]].concat()), expected);
    assert_eq!(desk.ok(&[&["query", "--file", &file, &mount], &more[..]].concat()), expected);
    let output = desk.run_with(&[&["query", &mount], &more[..]].concat(), &query);
    assert_eq!((code_of(&output), String::from_utf8_lossy(&output.stdout).as_ref()), (0, expected.as_str()));
}

#[test]
fn parameters_are_json_or_text() {
    let desk = Desk::with_world();
    let ask = |condition: &str, params: &[&str]| {
        let query = format!("MATCH (f:flights) WHERE {condition} RETURN count(*) AS n");
        let params: Vec<&str> = params.iter().flat_map(|param| ["--param", param]).collect();
        desk.json(&[&["query", &query, "-w", "world"], &params[..]].concat())[0]["n"].as_u64().unwrap()
    };
    let united = ask("f.carrier = 'UA'", &[]);
    assert!(united > 0);
    assert_eq!(ask("f.carrier = $carrier", &["carrier=UA"]), united);
    assert_eq!(ask("f.carrier = $carrier", &["carrier=\"UA\""]), united);
    assert_eq!(ask("f.carrier = $carrier AND $on", &["carrier=UA", "on=true"]), united);
    assert_eq!(ask("f.dep_delay > $low AND f.dep_delay < $high", &["low=10", "high=10.5"]), 0);
    assert_eq!(ask("f.carrier = $carrier", &["carrier=null"]), 0);
}

#[test]
fn each_statement_with_columns_prints_its_rows() {
    let desk = Desk::with_world();
    let two = "MATCH (a:airlines) RETURN count(*) AS n; MATCH (f:flights) RETURN max(f.tick) AS newest";
    assert_eq!(desk.json(&["query", two, "-w", "world"]), [json!({"n": 16}), json!({"newest": 3})]);
    desk.refused(&["query", two, "-w", "world", "--format", "arrow"], &["rows of one query", "queries: 2"]);
    let table = desk.ok(&["query", "MATCH (a:airlines) RETURN count(*) AS n", "-w", "world"]);
    assert!(table.contains("│ 16 │") && table.ends_with("1 row\n"), "{table}");
}

#[test]
fn owned_and_virtual_labels_are_joined() {
    let desk = Desk::with_world();
    let label = "CREATE NODE LABEL Airline FROM FILE 'lake://air/airlines.parquet' KEY carrier;
        CREATE EDGE TYPE BY FROM flights TARGET KEY carrier REFERENCES Airline(carrier);";
    let query =
        "MATCH (f:flights)-[:BY]->(a:Airline) RETURN a.name AS name, count(*) AS n ORDER BY n DESC, name LIMIT 3";
    let found = desk.json(&["query", &format!("{label} {query}"), "-w", "world", &mount()]);
    let names = desk.json(&["scan", "world", "airlines", "--columns", "carrier,name"]);
    let mut counts = BTreeMap::<&str, u64>::new();
    let flights = desk.json(&["scan", "world", "flights", "--columns", "carrier"]);
    for flight in &flights {
        let airline = names.iter().find(|airline| airline["carrier"] == flight["carrier"]).unwrap();
        *counts.entry(airline["name"].as_str().unwrap()).or_default() += 1;
    }
    let mut expected: Vec<_> = counts.into_iter().collect();
    expected.sort_by_key(|(name, n)| (Reverse(*n), *name));
    let expected: Vec<_> = expected[..3].iter().map(|(name, n)| json!({"name": name, "n": n})).collect();
    assert_eq!(found, expected);
}

#[test]
fn explain_shows_the_plan_and_reads_nothing() {
    let desk = Desk::with_world();
    let before = desk.listing();
    let plan = desk.ok(&["explain", "MATCH (f:flights) WHERE f.tick = 2 RETURN count(*) AS n", "-w", "world"]);
    assert!(plan.contains("Aggregate") && plan.contains("f.tick = Int64(2)"), "{plan}");
    assert_eq!(desk.listing(), before);
}

#[test]
fn a_query_that_was_cut_off_says_how_to_go_on() {
    let desk = Desk::with_world();
    let query = "UNWIND [1, 2, 3] AS x RETURN x";
    desk.refused(&["query", query, "--row-groups", "0"], &["--row-groups", "a whole number from 1 on"]);
    let output = desk.run(&["query", query, "--row-groups", "1", "--format", "csv"]);
    assert_eq!((code_of(&output), String::from_utf8_lossy(&output.stdout).as_ref()), (1, "x\n1\n"));
    let said = errors_of(&output);
    let token = said.split("--resume ").nth(1).unwrap_or_else(|| panic!("no token in {said}")).trim();
    assert_eq!(desk.ok(&["query", query, "--resume", token, "--format", "csv"]), "x\n2\n3\n");
}

#[test]
fn limits_that_leave_nothing_of_an_answer_are_of_the_call() {
    let desk = Desk::with_world();
    let many = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN count(*)";
    for (query, limit, messages) in [
        ("MATCH (a:airlines) RETURN a.name", ["--limit-rows", "1"], ["invalid: the result has more", "limit: rows"]),
        ("UNWIND [1, 2] AS x RETURN x", ["--limit-rows", "1"], ["invalid: the result has more", "limit: rows"]),
        (
            "MATCH (f:flights) RETURN f.dest ORDER BY f.dest",
            ["--limit-memory", "1"],
            ["invalid: the query needs more memory", "caused by: Resources exhausted"],
        ),
        (many, ["--limit-memory", "1KiB"], ["invalid: ", "limit: "]),
        (many, ["--timeout", "100ms"], ["invalid: the deadline of the query has passed", "limit: deadline"]),
        (many, ["--row-groups", "1"], ["invalid: the query cannot be cut off", "needs all rows"]),
    ] {
        desk.refused(&[&["query", query, "-w", "world"], &limit[..]].concat(), &messages);
    }
}
