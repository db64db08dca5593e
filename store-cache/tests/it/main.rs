//! The cache from outside: every row exactly once, whatever flushes, fails or is reopened meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail and report as tests do"
)]

mod conformance;
mod crash;
mod direct;
mod failures;
mod fit;
mod foreign;
mod interleave;
mod kill;
mod log;
mod memory;
mod model;
mod probe;
mod publication;
mod publish;
mod support;
mod triggers;
