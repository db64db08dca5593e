//! Queries as text, and their results as text.

use worldstore_cypher::ast::{Query, StatementKind};
use worldstore_cypher::{check, parse};
use worldstore_cypher_runtime::{Answer, MemoryGraph, Options, Result, Value, execute};

/// Reads a single query in which nothing is wrong.
pub fn query(source: &str) -> Query {
    let statements = parse(source).unwrap_or_else(|wrong| panic!("{}", wrong[0].render(source)));
    let wrong = check(&statements[0]);
    assert!(wrong.is_empty(), "{}", wrong[0].render(source));
    let [statement] = statements.try_into().unwrap_or_else(|_| panic!("one statement: {source}"));
    let StatementKind::Query(query) = statement.kind else { panic!("a query: {source}") };
    query
}

/// Executes a query.
pub fn run(graph: &mut MemoryGraph, source: &str) -> Result<Answer> {
    run_with(graph, source, &Options::default())
}

/// Executes a query with options.
pub fn run_with(graph: &mut MemoryGraph, source: &str, options: &Options) -> Result<Answer> {
    execute(&query(source), graph, options)
}

/// A graph that a query makes.
pub fn graph(source: &str) -> MemoryGraph {
    let mut graph = MemoryGraph::new();
    run(&mut graph, source).unwrap();
    graph
}

/// The rows as text, in their order.
pub fn rows(answer: &Answer) -> Vec<String> {
    answer.rows.iter().map(|row| row.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ")).collect()
}

/// Executes each query, and compares its rows, which are given sorted unless the query orders them.
pub fn compare(graph: &mut MemoryGraph, cases: &[(&str, &[&str])]) {
    for (source, wanted) in cases {
        let answer = run(graph, source).unwrap_or_else(|error| panic!("{source}\n{error}"));
        let mut found = rows(&answer);
        if !source.contains("ORDER BY") {
            found.sort();
        }
        assert_eq!(found, *wanted, "{source}");
    }
}

/// The class and detail with which a query fails.
pub fn error(graph: &mut MemoryGraph, source: &str) -> String {
    match run(graph, source) {
        Ok(answer) => panic!("{source} gives {:?}", rows(&answer)),
        Err(error) => format!("{} {}", error.class(), error.detail()),
    }
}
