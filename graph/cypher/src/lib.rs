//! The language of the graph: openCypher 2024.3, parts of GQL, and statements that declare labels and edge types over
//! tables and files.
//!
//! [`parse`] turns a script into [`ast::Statement`]s, or into a [`Diagnostic`] for each broken clause. Every part
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
//!     "MATCH (f:Flight)-[:DEST]->(a) WHERE 10 < f.delay <= 60 RETURN a.name, count(*) AS flights",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! [`check`] finds what is wrong with a statement before anything is known of labels and properties, and says so with
//! the class that the openCypher TCK has for it:
//!
//! ```
//! use worldstore_cypher::{Detail, check, parse};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = "MATCH p = (a:Airport)-[:ROUTE*1..3]->(b) WHERE count(p) > 1 RETURN b.name";
//! let statements = parse(source).map_err(|diagnostics| diagnostics[0].render(source))?;
//! let wrong = check(&statements[0]);
//! assert_eq!(wrong[0].detail, Some(Detail::InvalidAggregation));
//! let expected = "\
//! error: an aggregate cannot stand here
//!  --> 1:48
//!   |
//! 1 | MATCH p = (a:Airport)-[:ROUTE*1..3]->(b) WHERE count(p) > 1 RETURN b.name
//!   |                                                ^^^^^^^^
//!   = help: compute it in WITH or RETURN";
//! assert_eq!(wrong[0].render(source), expected);
//! # Ok(())
//! # }
//! ```
//!
//! What other dialects have and this grammar has not (`FOREACH`, `LOAD CSV`, `CALL { … }`, …) is recognised and refused
//! by name, never read as something else.
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

pub use check::{check, check_query, is_aggregate};
pub use diagnostic::{Detail, Diagnostic, DiagnosticKind, MistakeClass, line_column};
pub use parser::{parse, parse_expression};
pub use span::Span;
pub use suggest::closest;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
