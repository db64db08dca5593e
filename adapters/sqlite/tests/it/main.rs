//! The backend on real files: the kit on both sides, races of threads and processes, wrong files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[cfg(test)]
mod files;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod support;
