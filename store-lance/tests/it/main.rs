//! Lance tables from outside: the kit for tables, what goes through the backend, and commits whose answer is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail and report as tests do"
)]

mod calls;
mod commits;
mod conformance;
mod fault;
mod foreign;
mod full;
mod hidden;
mod indexes;
mod late;
mod processes;
mod reads;
mod scripted;
mod support;
mod upkeep;
