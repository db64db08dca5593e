//! Whatever the order of a plan, it finds what a matcher finds that tries everything.

mod naive;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proptest::prelude::*;
use worldstore_cypher::ast::{ClauseKind, Match, StatementKind};
use worldstore_cypher::{check, parse};

use super::{Matcher, Order, Plan, compile};
use crate::exec::{Reader, Shared, Stream};
use crate::graph::Graph;
use crate::limits::Meter;
use crate::memory::MemoryGraph;
use crate::procedures::Procedures;
use crate::value::Value;
use crate::{Options, execute};

/// A match: the variables with their values as text, by id.
type Found = BTreeMap<String, String>;

fn graph_of(source: &str) -> MemoryGraph {
    let mut graph = MemoryGraph::new();
    let statements = parse(source).unwrap();
    let StatementKind::Query(query) = &statements[0].kind else { panic!("a query") };
    execute(query, &mut graph, &Options::default()).unwrap();
    graph
}

/// Calls `with` with the `MATCH` that the source begins with.
fn with_match<T>(source: &str, with: impl FnOnce(&Match) -> T) -> T {
    let statements = parse(source).unwrap_or_else(|wrong| panic!("{}", wrong[0].render(source)));
    assert_eq!(check(&statements[0]), [], "{source}");
    let StatementKind::Query(query) = &statements[0].kind else { panic!("a query") };
    let ClauseKind::Match(one) = &query.first.clauses[0].kind else { panic!("a match: {source}") };
    with(one)
}

fn show(value: &Value) -> String {
    match value {
        Value::Node(node) => format!("n{}", node.id.0),
        Value::Relationship(one) => format!("r{}", one.id.0),
        Value::List(list) => format!("{:?}", list.iter().map(show).collect::<Vec<_>>()),
        Value::Path(path) => {
            let nodes: Vec<_> = path.nodes.iter().map(|node| node.id.0).collect();
            let relationships: Vec<_> = path.relationships.iter().map(|one| one.id.0).collect();
            format!("{nodes:?}{relationships:?}")
        }
        other => other.to_string(),
    }
}

/// All matches in one order, sorted.
fn found(graph: &dyn Graph, one: &Match, order: Order) -> Vec<Found> {
    let (meter, procedures, options) = (Meter::default(), Procedures::default(), Options::default());
    let shared = Shared::all(&procedures);
    let reader = Reader { graph, meter: &meter, shared: &shared };
    let context = options.context(&reader, 0);
    let session = reader.session(&context);
    assert!(Stream::unit().names.is_empty());
    let pattern = Rc::new(compile(&one.patterns, one.filter.as_ref(), &[]).unwrap());
    let plan = Rc::new(Plan::new(&pattern, graph, order).unwrap());
    let mut matcher = Matcher::new(session, &pattern, &plan, &[]);
    let mut matches = Vec::new();
    while matcher.advance().unwrap() {
        let named = pattern.names.iter().zip(matcher.values()).take(pattern.named);
        matches.push(named.map(|(name, value)| (name.clone(), show(value))).collect());
    }
    matches.sort();
    matches
}

fn agree(graph_source: &str, source: &str) {
    let graph = graph_of(graph_source);
    with_match(source, |one| {
        let mut wanted = naive::matches(&graph, one);
        wanted.sort();
        for order in [Order::Cheapest, Order::Chance(1), Order::Chance(2), Order::Chance(3), Order::Chance(4)] {
            assert_eq!(found(&graph, one, order), wanted, "{order:?}\n{graph_source}\n{source}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_order_finds_the_same(seed in any::<u64>()) {
        let mut random = random::Random::new(seed);
        let graph = random.graph();
        let source = random.matching();
        agree(&graph, &source);
    }

    #[test]
    fn shortest_paths_are_the_shortest(seed in any::<u64>()) {
        let mut random = random::Random::new(seed);
        let graph_source = random.graph();
        let graph = graph_of(&graph_source);
        let (mode, path) = (random.mode(), random.run_path());
        let every = format!("MATCH p = {mode} {path} RETURN p");
        let all: Vec<Found> = with_match(&every, |one| naive::matches(&graph, one));
        for (selector, keep) in random::SELECTORS {
            let wanted = kept(&all, *keep);
            let selector = selector.replace("MODE", mode);
            let source = format!("MATCH p = {selector} {path} RETURN p");
            for order in [Order::Cheapest, Order::Chance(seed), Order::Chance(seed.wrapping_add(1))] {
                let matches = with_match(&source, |one| found(&graph, one, order));
                let is_choice = !matches!(keep, random::Kept::Lengths(_));
                let measured = |matches: &[Found]| {
                    let mut rows: Vec<_> = matches.iter().map(|one| measure(one, is_choice)).collect();
                    rows.sort();
                    rows
                };
                prop_assert_eq!(measured(&matches), measured(&wanted), "{:?}\n{}\n{}", order, graph_source, source);
                let every: BTreeSet<&Found> = all.iter().collect();
                prop_assert!(matches.iter().all(|one| every.contains(one)), "{}\n{}", graph_source, source);
            }
        }
    }
}

fn length(found: &Found) -> usize {
    found["p"].split_once("][").map_or(0, |(_, relationships)| match relationships {
        "]" => 0,
        some => some.split(',').count(),
    })
}

/// The ends and the length; the whole path where there is no choice between paths.
fn measure(found: &Found, is_choice: bool) -> (String, String, usize, String) {
    let whole = if is_choice { String::new() } else { found["p"].clone() };
    (found["a"].clone(), found["b"].clone(), length(found), whole)
}

/// What a selector keeps of all paths.
fn kept(all: &[Found], keep: random::Kept) -> Vec<Found> {
    let mut pairs: BTreeMap<(String, String), Vec<&Found>> = BTreeMap::new();
    for one in all {
        pairs.entry((one["a"].clone(), one["b"].clone())).or_default().push(one);
    }
    let mut kept = Vec::new();
    for mut paths in pairs.into_values() {
        paths.sort_by_key(|path| length(path));
        match keep {
            random::Kept::Paths(count) => kept.extend(paths.into_iter().take(count).cloned()),
            random::Kept::Lengths(count) => {
                let lengths: BTreeSet<usize> = paths.iter().map(|path| length(path)).collect();
                let lengths: BTreeSet<usize> = lengths.into_iter().take(count).collect();
                kept.extend(paths.into_iter().filter(|path| lengths.contains(&length(path))).cloned());
            }
        }
    }
    kept
}

const SQUARE: &str = "CREATE (a:A {x: 0})-[:R {x: 0}]->(b:B {x: 1})-[:S]->(c:A {x: 1})-[:R]->(d:B {x: 0})-[:R]->(a), \
                      (a)-[:S]->(a), (a)-[:R]->(c), (a)-[:R]->(c)";

#[test]
fn patterns_that_are_easily_wrong() {
    for source in [
        "MATCH (a)-[r]-(a) RETURN r",
        "MATCH (a)--(b)--(a) RETURN a",
        "MATCH (a)-[r*0..]-(b) WHERE a.x = 0 RETURN r",
        "MATCH p = (a)-[*2]->(b), (b)-[s]-(c) RETURN p",
        "MATCH WALK (a)-[r*3..3]->(b) RETURN r",
        "MATCH p = ACYCLIC (a)-[r*1..]-(b) RETURN r",
        "MATCH p = SIMPLE (a)-[r*1..]->(b) RETURN r",
        "MATCH (a) ((x)-[r:R]->(y) WHERE x.x <= y.x){0,2} (b) RETURN r",
        "MATCH ((x:A)-->()-->(y)){1,} (b) RETURN x",
        "MATCH ((a)-[r]->(b) WHERE a.x < b.x)-[s]->(c) RETURN c",
        "MATCH (a {x: b.x})-->(b) RETURN a",
        "MATCH (a)-[r WHERE r.x = 0]->(b:!A) RETURN a",
        "MATCH (a:A|B)<-[r:R|S]-(b:A&%) RETURN a",
    ] {
        agree(SQUARE, source);
    }
}

#[test]
fn a_test_that_fails_waits_for_the_others() {
    let graph = graph_of(SQUARE);
    // The division by zero is only made where the other condition does not hold.
    let source = "MATCH (a)-->(b) WHERE 1 / a.x > 0 AND a.x = 1 RETURN a";
    with_match(source, |one| {
        for order in [Order::Cheapest, Order::Chance(1), Order::Chance(2)] {
            assert_eq!(found(&graph, one, order).len(), 2);
        }
    });
}

#[test]
fn endless_walks_are_refused() {
    for source in ["MATCH WALK (a)-[*]->(b) RETURN a", "MATCH WALK (a) ((x)-->(y)){1,} (b) RETURN a"] {
        let error = with_match(source, |one| compile(&one.patterns, None, &[]).map(drop)).unwrap_err();
        assert_eq!(error.class(), crate::ErrorClass::Unsupported, "{source}");
    }
}
