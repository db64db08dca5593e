//! No query makes the interpreter panic or run forever, whether anything is wrong with it or not.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use worldstore_cypher::ast::{Query, Statement, StatementKind};
use worldstore_cypher::parse;
use worldstore_cypher_runtime::{Limits, MemoryGraph, Options, execute};

use crate::support;
use crate::tck::corpus::scenarios;

const GRAPH: &str = "CREATE (a:A:B {name: 'a', num: 1, x: 2}), (b:B {name: 'b', num: -1.5}), (c {list: [1, 2]}), \
                     (a)-[:T {num: 1}]->(b)-[:T]->(c)-[:KNOWS {name: 'r'}]->(a), (a)-[:T]->(a), (b)-[:KNOWS]->(a)";

/// Executes a query with little time, memory and rows.
fn execute_somehow(query: &Query) {
    let deadline = Instant::now() + Duration::from_millis(50);
    let limits = Limits::default().with_deadline(deadline).with_memory(16 << 20).with_rows(10_000);
    let options = Options::default().with_limits(limits).with_parameter("p", 1).with_parameter("list", "text");
    let mut graph: MemoryGraph = support::graph(GRAPH);
    let _ = execute(query, &mut graph, &options);
}

fn queries_of(statements: &[Statement]) -> impl Iterator<Item = &Query> {
    statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Query(query) | StatementKind::Explain(query) | StatementKind::Profile(query) => Some(query),
        _ => None,
    })
}

/// Pieces of a query: words, numbers, texts, and single signs.
fn pieces(source: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut piece = String::from(letter);
        if letter == '\'' || letter == '"' {
            for next in letters.by_ref() {
                piece.push(next);
                if next == letter {
                    break;
                }
            }
        } else if letter.is_alphanumeric() || letter == '_' {
            while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || *next == '_') {
                piece.push(next);
            }
        }
        pieces.push(piece);
    }
    pieces
}

/// The queries of the TCK, in pieces.
fn corpus() -> &'static [Vec<String>] {
    static CORPUS: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let (_, scenarios) = scenarios();
        let mut queries: Vec<String> =
            scenarios.iter().flat_map(|scenario| &scenario.steps).map(|step| step.body.clone()).collect();
        queries.sort();
        queries.dedup();
        queries.iter().filter(|query| (1..400).contains(&query.len())).map(|query| pieces(query)).collect()
    })
}

/// Changes some pieces of a query, by pieces of another one.
fn mutant(seeds: &[u32]) -> String {
    let corpus = corpus();
    let mut seeds = seeds.iter().map(|seed| *seed as usize);
    let mut next = |bound: usize| seeds.next().unwrap_or(0) % bound.max(1);
    let mut pieces = corpus[next(corpus.len())].clone();
    let other = &corpus[next(corpus.len())];
    for _ in 0..1 + next(3) {
        let (place, from) = (next(pieces.len()), next(other.len()));
        let end = (from + 1 + next(6)).min(other.len());
        match next(4) {
            0 if !pieces.is_empty() => _ = pieces.remove(place),
            1 if !pieces.is_empty() => {
                // A word for a word, a sign for a sign.
                let is_word = |piece: &String| piece.starts_with(|letter: char| letter.is_alphanumeric());
                let of_a_kind = other.iter().skip(from).find(|piece| is_word(piece) == is_word(&pieces[place]));
                pieces[place].clone_from(of_a_kind.unwrap_or(&other[from]));
            }
            2 => _ = pieces.splice(place..place, other[from..end].iter().cloned()).collect::<Vec<_>>(),
            _ => {
                let until = (place + end - from).min(pieces.len());
                pieces.splice(place..until, other[from..end].iter().cloned());
            }
        }
    }
    pieces.concat()
}

fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn the_longest_statements_are_survived() {
    let many = 199;
    let high = format!("WITH 1 {}AS a ", "+ 1 ".repeat(490));
    let mut graph = MemoryGraph::new();
    for (source, rows) in [
        ("RETURN 1 AS a UNION ALL ".repeat(many) + "RETURN 1 AS a", many + 1),
        ("RETURN 1 AS a UNION ".repeat(many) + "RETURN 1 AS a", 1),
        ("RETURN 1 AS a NEXT ".repeat(many) + "RETURN 1 AS a", 1),
        ("WITH DISTINCT 1 AS a ORDER BY a LIMIT 3 WHERE a = 1 ".repeat(many) + "RETURN a", 1),
        (high + &"WITH count(*) AS a ".repeat(many - 1) + "RETURN a", 1),
        ("UNWIND [1] AS a WITH 1 AS b ".repeat(many / 2) + "RETURN b", 1),
        ("FILTER true ".repeat(many) + "RETURN 1 AS a", 1),
        ("OPTIONAL MATCH () ".repeat(many) + "RETURN 1 AS a", 1),
        ("LET a = 1 WITH 1 AS b ".repeat(many / 2) + "RETURN b", 1),
        (format!("LET {}z = 1 RETURN z", (0..5_000).map(|n| format!("a{n} = 1, ")).collect::<String>()), 1),
        ("CREATE (:A) ".repeat(5_000) + "RETURN 1 AS a", 1),
    ] {
        let answer = support::run(&mut graph, &source).unwrap_or_else(|error| panic!("{}: {error}", &source[..40]));
        assert_eq!(answer.rows.len(), rows, "{}", &source[..40]);
    }
}

#[test]
fn values_stay_shallow_whatever_they_are_made_by() {
    let mut graph = support::graph("CREATE (:A)-[:T]->(:B)");
    for source in [
        "RETURN size(reduce(r = [], x IN range(1, 1000000) | COLLECT { RETURN r })) AS n",
        "MATCH (a:A) RETURN size(reduce(r = [], x IN range(1, 1000000) | [(a)-->() | r])) AS n",
        "RETURN size(reduce(r = [], x IN range(1, 1000000) | [r])) AS n",
    ] {
        assert_eq!(support::error(&mut graph, source), "LimitError ValueTooLarge", "{source}");
    }
}

#[test]
fn mutants_of_the_tck_are_survived() {
    on_large_stack(|| {
        let executed = std::cell::Cell::new(0);
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6_000) };
        proptest!(config, |(seeds in proptest::collection::vec(any::<u32>(), 16))| {
            let source = mutant(&seeds);
            if let Ok(statements) = parse(&source) {
                for query in queries_of(&statements) {
                    executed.set(executed.get() + 1);
                    execute_somehow(query);
                }
            }
        });
        assert!(executed.get() > 300, "{} of the mutants could be read", executed.get());
    });
}

/// Makes queries out of chance; every one of them can be read, and mostly nothing is wrong with it.
struct Maker<'s> {
    seeds: std::slice::Iter<'s, u32>,
    names: Vec<String>,
}

impl Maker<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.seeds.next().map_or(0, |seed| *seed as usize) % bound
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.below(from.len())].to_owned()
    }

    fn fresh(&mut self) -> String {
        let name = format!("v{}", self.names.len());
        self.names.push(name.clone());
        name
    }

    fn known(&mut self) -> String {
        if self.names.is_empty() {
            return "1".to_owned();
        }
        let place = self.below(self.names.len());
        self.names[place].clone()
    }

    fn expr(&mut self, depth: usize) -> String {
        if depth == 0 || self.below(3) == 0 {
            let atoms = ["1", "-2.5", "null", "'a'", "true", "[1, null, 'x']", "{k: 1}", "$p", "date('2020-01-31')"];
            return match self.below(3) {
                0 => self.pick(&atoms),
                _ => self.known(),
            };
        }
        let (a, b) = (self.expr(depth - 1), self.expr(depth - 1));
        match self.below(14) {
            0 => format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%", "^", "||"])),
            1 => format!("({a} {} {b})", self.pick(&["=", "<>", "<", ">=", "IN", "STARTS WITH", "CONTAINS", "=~"])),
            2 => format!("({a} {} {b})", self.pick(&["AND", "OR", "XOR"])),
            3 => format!("{a}.{}", self.pick(&["name", "num", "k", "year"])),
            4 => format!("[{a}, {b}]"),
            5 => format!("({a})[{b}]"),
            6 => format!("[z IN {a} WHERE z = {b} | z]"),
            7 => format!("{}(z IN {a} WHERE z = {b})", self.pick(&["all", "any", "none", "single"])),
            8 => format!("CASE WHEN {a} IS NULL THEN {b} ELSE {a} END"),
            9 => {
                let function = self.pick(&["size", "keys", "toString", "abs", "head", "labels", "type", "id", "nodes"]);
                format!("{function}({a})")
            }
            10 => format!("coalesce({a}, {b})"),
            11 => format!("COUNT {{ MATCH (m)-[:T]->({}) RETURN m }}", self.pick(&["", ":B", "{num: 1}"])),
            12 => format!("reduce(s = {a}, z IN {b} | s + z)"),
            _ => format!("range({a}, {b})"),
        }
    }

    fn clause(&mut self) -> String {
        match self.below(9) {
            0 | 1 => {
                let filter = if self.below(2) == 0 { format!(" WHERE {}", self.expr(2)) } else { String::new() };
                let optional = self.pick(&["", "", "OPTIONAL "]);
                let (a, r, b) = (self.fresh(), self.fresh(), self.fresh());
                let length = self.pick(&["", "", "*0..2", "*"]);
                format!("{optional}MATCH ({a})-[{r}{length}]-({b}){filter}")
            }
            2 => format!("UNWIND {} AS {}", self.expr(1), self.fresh()),
            3 | 4 => {
                let (first, second) = (self.expr(2), self.expr(2));
                let aggregate = self.pick(&["count(*)", "collect(1)", "sum(1)"]);
                let tail = self.pick(&["", " ORDER BY w1 DESC", " ORDER BY w0 LIMIT 2", " SKIP 1"]);
                self.names = vec!["w0".to_owned(), "w1".to_owned(), "w2".to_owned()];
                match self.below(2) {
                    0 => format!("WITH DISTINCT {first} AS w0, {second} AS w1, 1 AS w2{tail}"),
                    _ => format!("WITH {first} AS w0, {second} AS w1, {aggregate} AS w2{tail}"),
                }
            }
            5 => format!("CREATE ({})-[:T {{num: {}}}]->(:B)", self.fresh(), self.expr(1)),
            6 => format!("MERGE ({}:B {{num: {}}})", self.fresh(), self.expr(1)),
            7 => format!("SET {}.num = {}", self.known(), self.expr(2)),
            _ => format!("DETACH DELETE {}", self.known()),
        }
    }

    fn query(&mut self) -> String {
        let mut clauses: Vec<String> = vec!["MATCH (v0)-[v1:T]->(v2)".to_owned()];
        self.names = vec!["v0".to_owned(), "v1".to_owned(), "v2".to_owned()];
        for _ in 0..1 + self.below(4) {
            let clause = self.clause();
            let is_write = clauses
                .last()
                .is_some_and(|last| ["CREATE", "MERGE", "SET", "DETACH"].iter().any(|word| last.starts_with(word)));
            // What reads stands behind WITH once something was written.
            let needs_with = is_write && (clause.contains("MATCH (") || clause.starts_with("UNWIND"));
            clauses.extend(needs_with.then(|| "WITH *".to_owned()));
            clauses.push(clause);
        }
        clauses.push(format!("RETURN {} AS a, {} AS b", self.expr(2), self.expr(3)));
        clauses.join(" ")
    }
}

#[test]
fn random_queries_are_survived() {
    on_large_stack(|| {
        let right = std::cell::Cell::new(0);
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) };
        proptest!(config, |(seeds in proptest::collection::vec(any::<u32>(), 120))| {
            let source = Maker { seeds: seeds.iter(), names: Vec::new() }.query();
            let statements = parse(&source).unwrap_or_else(|wrong| panic!("{}", wrong[0].render(&source)));
            right.set(right.get() + usize::from(worldstore_cypher::check(&statements[0]).is_empty()));
            queries_of(&statements).for_each(execute_somehow);
        });
        assert!(right.get() > 100, "nothing is wrong with {} of the queries", right.get());
    });
}
