//! Backends of this crate from outside: the kit, processes, file systems, a model, and the kernel on top.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing helper is a failing test")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "workers talk over pipes, and skips are told")]

mod again;
mod cas;
mod example;
mod full_disk;
mod kit;
mod model;
mod mount;
mod objects;
mod permissions;
mod processes;
mod processes_cas;
mod store;
mod surface;
mod transfer;
mod wal;
