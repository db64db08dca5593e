//! Edges of tables in memory, by their ends: nodes as numbers, and neighbours in rows (compressed sparse rows). They are
//! built when a query first walks an edge type, and kept for as long as the rows that they come from stay the same.

mod cache;
mod csr;
mod load;
mod nodes;

pub(crate) use cache::{Adjacencies, Snapshot};
pub(crate) use csr::{Adjacency, Csr, equal};
pub(crate) use load::Loader;
pub(crate) use nodes::{NOWHERE, Nodes};
