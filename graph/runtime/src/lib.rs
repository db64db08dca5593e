//! Interpreter for Cypher: executes syntax trees of worldstore-cypher over any graph, and is the reference against which
//! faster plans are compared.
//!
//! Values ([`Value`]) own what they need and are cheap to clone. Expressions are evaluated against an [`Env`], which
//! gives variables, parameters and the way to subqueries. Everything that can go wrong while a query runs is a
//! [`RuntimeError`] with the class that the openCypher TCK has for it.
//!
//! The crate knows no Arrow and no storage, starts no threads and reads no clock: the time of the statement and the seed
//! of chance are arguments.

mod aggregate;
mod error;
mod eval;
mod exec;
mod functions;
mod graph;
mod limits;
mod memory;
mod pattern;
mod procedures;
mod temporal;
#[cfg(test)]
mod testing;
mod uses;
mod value;
mod walk;
mod write;

pub use aggregate::{Accumulator, aggregates_of, is_aggregate};
pub use error::{ErrorClass, ErrorDetail, Result, RuntimeError};
pub use eval::{Context, Env, Subqueries, eval, holds, labels_hold};
pub use exec::{Answer, Options, Sink, Statement, execute, read, writes};
pub use functions::Functions;
pub use graph::{
    Compares, Condition, EntityId, Graph, GraphMut, Nodes, Relationships, Scan, SideEffects, Towards, Wanted,
};
pub use limits::{Cancel, Limits, Meter};
pub use memory::{Changes, MemoryGraph};
pub use pattern::Order;
pub use procedures::{Field, FieldType, Procedure, ProcedureRows, Procedures, Signature};
pub use temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, Zone};
pub use uses::{Demand, End, NodeUse, RelationshipUse, Uses};
pub use value::{
    Comparison, List, Map, Node, NodeId, Path, Relationship, RelationshipId, Value, ValueType, compare, equals,
};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
