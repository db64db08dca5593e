//! The backend against a real server, at `WORLDSTORE_TEST_POSTGRES_URL`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[cfg(test)]
mod faults;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod support;
