//! Queries of real databases: the kit, the values read back, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[cfg(test)]
mod config;
#[cfg(all(test, feature = "postgres"))]
mod postgres;
#[cfg(all(test, feature = "sqlite"))]
mod sqlite;
#[cfg(test)]
mod support;
