//! Incremental queries over the tables of a world: rows that are appended are changes, and what follows from them is kept.
//!
//! The circuits, their operators and stores are those of [`worldstore_zset`], which is here in whole. [`Standing`] runs a
//! circuit over a run, tick by tick, and, with the feature `graph`, `LiveCircuit` one over the rows of a query in Cypher; see
//! [`docs::zsets`](crate::docs::zsets).

#[cfg(feature = "graph")]
mod cells;
mod feed;
#[cfg(feature = "graph")]
mod live;
mod sink;
mod standing;
mod steps;

pub use feed::Feed;
#[cfg(feature = "graph")]
pub use live::{LiveCircuit, LiveDeltas, LiveFeed};
pub use sink::Sink;
pub use standing::{Standing, TickDeltas};
pub use worldstore_zset::*;
