//! Incremental queries over the tables of a world: rows that are appended are changes, and what follows from them is kept.
//!
//! The circuits, their operators and stores are those of [`worldstore_zset`], which is here in whole. [`Standing`] runs a
//! circuit over a run, tick by tick; see [`docs::zsets`](crate::docs::zsets).

mod feed;
mod sink;
mod standing;

pub use feed::Feed;
pub use sink::Sink;
pub use standing::{Standing, TickDeltas};
pub use worldstore_zset::*;
