//! Tables: names, schemas, appends, scans and predicates, and the contract of a table format.
//!
//! A table is an append-only sequence of Arrow record batches of one schema. Each append makes a new version; every
//! version stays readable. Tables of a world carry the [base columns](base); others have any schema.

pub mod backend;
pub mod base;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod maintenance;
pub mod memory;
pub mod name;
pub mod ops;
pub mod predicate;
pub mod reader;
pub mod scan;
pub mod schema;

pub use backend::TableBackend;
pub use maintenance::*;
pub use memory::MemoryTables;
pub use name::TableName;
pub use ops::*;
pub use predicate::{CompareOp, Predicate, Scalar};
pub use reader::Reader;
pub use scan::{Scan, Segment};
