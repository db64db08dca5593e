//! Storages as their users see them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

#[cfg(test)]
mod conformance;
mod stores;
