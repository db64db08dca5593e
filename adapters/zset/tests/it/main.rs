//! Circuits on stores: every operator against a plain recompute, stores against each other, and what must not come back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod circuits;
mod costs;
#[cfg(any(feature = "redb", feature = "sqlite"))]
mod crashes;
mod defects;
mod engines;
mod identities;
mod model;
mod recursion;
mod stores;
mod support;
mod windows;
mod workers;
