//! The backends of the core from outside: races between threads and between processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cas;
#[cfg(unix)]
mod processes_cas;
