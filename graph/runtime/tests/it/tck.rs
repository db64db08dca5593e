//! The openCypher TCK, executed on the graph in memory: all scenarios, each row of an outline as one.
//!
//! The file `tck/baseline.txt` lists the scenarios that fail, with what goes wrong. It may only become shorter. With
//! `WORLDSTORE_TCK_SHOW=name` the test prints what goes wrong in scenarios whose name contains it, and with
//! `WORLDSTORE_TCK_WRITE=1` it writes the list anew.

// One reader for the parser's tests and for these.
#[path = "../../../cypher/tests/it/tck/corpus.rs"]
pub mod corpus;
mod expected;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use corpus::{Scenario, Step, scenarios};
use worldstore_cypher_runtime::Order;

/// Feature files of the release 2024.3.
const FILES: usize = 220;

/// Scenarios of the release 2024.3, one for each row of an outline.
const SCENARIOS: usize = 3_897;

/// How many must pass at least, whatever the list says: what only reads, without temporal values and procedures.
const PASSES_MIN: usize = 2_541;

const BASELINE: &str = include_str!("tck/baseline.txt");

/// How many threads work at the same time.
const THREADS: usize = 4;

/// All queries of a scenario, for messages.
fn queries(scenario: &Scenario) -> String {
    let bodies = scenario.steps.iter().map(|step| step.body.as_str());
    bodies.filter(|body| !body.is_empty()).collect::<Vec<_>>().join("\n;\n")
}

/// What goes wrong in each scenario that fails, where patterns are sought in this order.
fn failures(scenarios: &[Scenario], order: Order) -> BTreeMap<String, run::Failure> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = std::panic::catch_unwind(|| run::run(scenario, order));
            let outcome = outcome.unwrap_or_else(|_| Err(run::Failure::new("panics", String::new())));
            if let Err(failure) = outcome {
                failures.lock().unwrap().insert(scenario.name.clone(), failure);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    failures.into_inner().unwrap()
}

#[test]
fn scenarios_pass_but_for_those_that_are_listed() {
    let (files, scenarios) = scenarios();
    assert_eq!((files, scenarios.len()), (FILES, SCENARIOS));
    let failures = failures(&scenarios, Order::Cheapest);
    if let Ok(show) = std::env::var("WORLDSTORE_TCK_SHOW") {
        for scenario in scenarios.iter().filter(|scenario| scenario.name.contains(&show)) {
            if let Some(failure) = failures.get(&scenario.name) {
                println!("--- {}: {}\n{}\n{}", scenario.name, failure.category, queries(scenario), failure.message);
            }
        }
    }
    let found: BTreeSet<String> =
        failures.iter().map(|(name, failure)| format!("{name}: {}", failure.category)).collect();
    if std::env::var_os("WORLDSTORE_TCK_WRITE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tck/baseline.txt");
        std::fs::write(path, found.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        println!("{} of {SCENARIOS} scenarios pass; the list is written", SCENARIOS - found.len());
        return;
    }
    let known: BTreeSet<String> = BASELINE.lines().map(str::to_owned).collect();
    assert!(known.iter().eq(BASELINE.lines()), "the list is sorted, and has no line twice");
    let passes = SCENARIOS - found.len();
    println!("{passes} of {SCENARIOS} scenarios pass");
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(new.is_empty(), "{} scenarios fail that are not listed: {new:#?}", new.len());
    assert!(gone.is_empty(), "these do not fail in this way any more, take them from the list: {gone:#?}");
    assert!(passes >= PASSES_MIN);
}

#[test]
fn the_order_of_patterns_does_not_matter() {
    let (_, scenarios) = scenarios();
    let patterns: Vec<_> = scenarios.into_iter().filter(|scenario| queries(scenario).contains("MATCH")).collect();
    assert!(patterns.len() > 1_000);
    let cheapest = failures(&patterns, Order::Cheapest);
    for bits in [1, 2] {
        let failures = failures(&patterns, Order::Chance(bits));
        assert_eq!(failures.keys().collect::<Vec<_>>(), cheapest.keys().collect::<Vec<_>>());
    }
}

/// A scenario of these steps, each a text, a body, and a table with its rows.
fn scenario(steps: &[(&str, &str, &[&str])]) -> Scenario {
    let step = |(text, body, table): &(&str, &str, &[&str])| Step {
        text: (*text).to_owned(),
        body: (*body).to_owned(),
        table: table.iter().map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect(),
    };
    Scenario { name: "own".to_owned(), steps: steps.iter().map(step).collect() }
}

#[test]
fn what_is_wrong_is_seen() {
    const QUERY: &str = "executing query:";
    let outcome = |steps: &[(&str, &str, &[&str])]| {
        run::run(&scenario(steps), Order::Cheapest).map_err(|failure| failure.category).err()
    };
    let in_order = "the result should be, in order:";
    let in_any_order = "the result should be, in any order:";
    let rows = (QUERY, "UNWIND [1, 2] AS a RETURN a, [a, 0] AS b", &[][..]);
    assert_eq!(outcome(&[rows, (in_order, "", &["b | a", "[1, 0] | 1", "[2, 0] | 2"])]), None);
    assert_eq!(outcome(&[rows, (in_any_order, "", &["a | b", "2 | [2, 0]", "1 | [1, 0]"])]), None);
    for (step, table) in [
        (in_order, &["a | b", "2 | [2, 0]", "1 | [1, 0]"][..]),
        (in_any_order, &["a | b", "2 | [0, 2]", "1 | [1, 0]"]),
        (in_any_order, &["a | b", "1 | [1, 0]", "1 | [1, 0]"]),
        (in_any_order, &["a | b", "1 | [1, 0]"]),
        (in_any_order, &["a | b", "1.0 | [1, 0]", "2 | [2, 0]"]),
        (in_any_order, &["a | b", "'1' | [1, 0]", "2 | [2, 0]"]),
        (in_any_order, &["a", "1", "2"]),
        (in_any_order, &["a | c", "1 | [1, 0]", "2 | [2, 0]"]),
        (in_any_order, &["a | b"]),
        ("the result should be empty", &[]),
    ] {
        assert_eq!(outcome(&[rows, (step, "", table)]).as_deref(), Some("the result differs"), "{step} {table:?}");
    }
    let create = (QUERY, "CREATE p = (:A {x: 1})<-[:T]-(:B:C) RETURN p", &[][..]);
    assert_eq!(outcome(&[create, (in_any_order, "", &["p", "<(:A {x: 1})<-[:T]-(:C:B)>"])]), None);
    for path in
        ["<(:A {x: 1})-[:T]->(:B:C)>", "<(:A {x: 2})<-[:T]-(:B:C)>", "<(:A {x: 1})<-[:U]-(:B:C)>", "<(:A {x: 1})>"]
    {
        let found = outcome(&[create, (in_any_order, "", &["p", path])]);
        assert_eq!(found.as_deref(), Some("the result differs"), "{path}");
    }
    let effects = "the side effects should be:";
    let table = ["+nodes | 2", "+relationships | 1", "+labels | 3", "+properties | 1"];
    assert_eq!(outcome(&[create, (effects, "", &table)]), None);
    assert_eq!(outcome(&[create, (effects, "", &table[1..])]).as_deref(), Some("the side effects differ"));
    assert_eq!(outcome(&[create, ("no side effects", "", &[])]).as_deref(), Some("the side effects differ"));
    let error = "a TypeError should be raised at runtime: InvalidArgumentValue";
    assert_eq!(outcome(&[rows, (error, "", &[])]).as_deref(), Some("accepts: TypeError InvalidArgumentValue"));
    let failing = (QUERY, "WITH [1, {}] AS list RETURN toInteger(list[1])", &[][..]);
    assert_eq!(outcome(&[failing, (error, "", &[])]), None);
    for error in [
        "a SyntaxError should be raised at runtime: InvalidArgumentValue",
        "a TypeError should be raised at runtime: InvalidArgumentType",
        "a TypeError should be raised at compile time: InvalidArgumentValue",
    ] {
        assert!(outcome(&[failing, (error, "", &[])]).is_some_and(|found| found.starts_with("fails with")), "{error}");
    }
}
