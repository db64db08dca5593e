//! Reads statements and prints them in their canonical form, or says what is wrong with them and where.
//!
//! `cargo run -p worldstore-cypher --example cypher -- 'MATCH (n) RETRUN n'`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use worldstore_cypher::parse;

fn main() {
    let ours = "match (f:Flight)-[:DEST]->(a:Airport) where 10<f.gain<=60 return a.name, count(*) as flights limit 5";
    let script = std::env::args().nth(1).unwrap_or_else(|| ours.to_owned());
    match parse(&script) {
        Ok(statements) => statements.iter().for_each(|statement| println!("{statement}")),
        Err(diagnostics) => diagnostics.iter().for_each(|diagnostic| println!("{}", diagnostic.render(&script))),
    }
}
