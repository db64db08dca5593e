//! Table providers and SQL over tables in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixture;
mod limits;
mod long;
mod partitions;
mod provider;
mod pushed;
mod refused;
mod session;
