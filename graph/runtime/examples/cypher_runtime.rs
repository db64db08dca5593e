//! A graph in memory that queries create and ask.
//!
//! `cargo run -p worldstore-cypher-runtime --example cypher_runtime`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::parse;
use worldstore_cypher_runtime::{MemoryGraph, Options, execute};

const SCRIPT: [&str; 2] = [
    "CREATE (r:City {name: 'Rome'}), (c:City {name: 'Capua'}), (b:City {name: 'Brindisi'}), (r)-[:ROAD]->(c), (c)-[:ROAD]->(b)",
    "MATCH p = (:City {name: $from})-[:ROAD*]->(c) RETURN c.name, length(p) ORDER BY length(p)",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut graph = MemoryGraph::new();
    let options = Options::default().with_parameter("from", "Rome");
    for source in SCRIPT {
        let statements = parse(source).map_err(|wrong| wrong[0].render(source))?;
        let StatementKind::Query(query) = &statements[0].kind else { return Err("no query".into()) };
        for row in execute(query, &mut graph, &options)?.rows {
            println!("{row:?}");
        }
    }
    Ok(())
}
