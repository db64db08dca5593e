//! Circuits on stores: every operator against a plain recompute, stores against each other, and what must not come back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod checks;
mod circuits;
mod costs;
#[cfg(any(feature = "postgres", feature = "redb", feature = "sled", feature = "sqlite"))]
mod crashes;
mod defects;
mod engines;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod examples;
mod flushing;
mod identities;
mod migrations;
mod model;
mod recursion;
mod releases;
#[cfg(feature = "postgres")]
mod server;
#[cfg(any(feature = "postgres", feature = "redb", feature = "sled", feature = "sqlite"))]
mod sinks;
mod stores;
mod support;
mod windows;
mod workers;
