//! Queries that are counted over adjacencies, in place of joins and of walking: nothing is made of a match but its number.
//!
//! - Patterns of fixed hops between tables, of which the result needs one node at most: chains and trees are summed up leaf by
//!   leaf, cycles are walked and meet ([`count`]), and relationships that must differ are told apart by inclusion and
//!   exclusion ([`distinct`]).
//! - Runs of variable length between two nodes: [`trails`].
//! - Shortest paths between them, and what can be reached at all: [`spread`].
//!
//! What else a query asks for is planned over the counts, as over rows.

mod ask;
mod count;
mod cycle;
mod distinct;
mod motif;
mod parallel;
mod plan;
mod run;
mod spread;
mod trails;

pub(crate) use plan::Hops;
