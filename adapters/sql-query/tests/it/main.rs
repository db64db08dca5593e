//! Queries of real databases: the kit, the values read back, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
#![allow(clippy::single_range_in_vec_init, reason = "a list of one range is meant: one part of an object")]

#[cfg(test)]
mod config;
#[cfg(all(test, feature = "postgres"))]
mod postgres;
#[cfg(all(test, feature = "sqlite"))]
mod sqlite;
#[cfg(all(test, any(feature = "postgres", feature = "sqlite")))]
mod support;
