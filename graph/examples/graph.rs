//! A graph that queries create in memory, and what is said of a mistake.
//!
//! `cargo run -p worldstore-graph --example graph`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use worldstore_graph::{Graph, Parameters};

const CREATE: &str =
    "CREATE (:City {name: 'Rome'})-[:ROAD]->(:City {name: 'Capua'})-[:ROAD]->(:City {name: 'Brindisi'})";
const ASK: &str = "MATCH p = (:City {name: 'Rome'})-[:ROAD*]->(c) RETURN c.name, length(p) AS roads ORDER BY roads";
const WRONG: &str = "MATCH (c:Citty) RETURN count(*)";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let graph = Graph::new();
    for text in [CREATE, ASK, WRONG] {
        match graph.query(text, &Parameters::default()).await {
            Ok(result) => result.batches.iter().for_each(|batch| println!("{batch:?}")),
            Err(error) => println!("{}", error.render(text)),
        }
    }
    Ok(())
}
