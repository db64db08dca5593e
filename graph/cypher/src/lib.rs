//! The language of the graph: openCypher's `MATCH … RETURN`, and statements that declare labels and edge types over
//! tables and files.
//!
//! [`parse`] turns a script into [`ast::Statement`]s, or into one [`Diagnostic`] for each broken statement. Every part
//! of the tree knows its [`Span`], so that whoever finds fault later can point at it too. Printing a tree gives
//! canonical text that reads back as the same tree.
//!
//! ```
//! use worldstore_cypher::{ast::StatementKind, parse};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = "match (f:Flight)-[:DEST]->(a) where 10<f.delay<=60 return a.name, count(*) as flights";
//! let statements = parse(source).map_err(|diagnostics| diagnostics[0].render(source))?;
//! assert!(matches!(statements[0].kind, StatementKind::Query(_)));
//! assert_eq!(
//!     statements[0].to_string(),
//!     "MATCH (f:Flight)-[:DEST]->(a) WHERE 10 < f.delay AND f.delay <= 60 RETURN a.name, count(*) AS flights",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! What openCypher or GQL has and this grammar has not is recognised and refused by name, never read as something else:
//!
//! ```
//! use worldstore_cypher::{DiagnosticKind, parse};
//!
//! let source = "MATCH (a:Airport)-[:ROUTE*1..3]->(b) RETURN b.name";
//! let diagnostics = parse(source).unwrap_err();
//! assert_eq!(diagnostics[0].kind, DiagnosticKind::Unsupported);
//! let expected = "\
//! error: not supported: relationships of variable length
//!  --> 1:26
//!   |
//! 1 | MATCH (a:Airport)-[:ROUTE*1..3]->(b) RETURN b.name
//!   |                          ^^^^^
//!   = help: write out each hop as a pattern of its own";
//! assert_eq!(diagnostics[0].render(source), expected);
//! ```
//!
//! The crate knows no catalog, no types and no Arrow; it does no I/O and has no dependencies. It never panics and never
//! overflows the stack: nesting and the height of a tree are bounded.

pub mod ast;
mod check;
mod diagnostic;
mod lexer;
mod names;
mod parser;
mod printer;
pub mod span;
mod suggest;

pub use check::check;
pub use diagnostic::{Detail, Diagnostic, DiagnosticKind, line_column};
pub use parser::{parse, parse_expression};
pub use span::Span;
pub use suggest::closest;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
