//! The backend over a real OpenSSH server.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod hostile;
mod kit;
mod proxy;
mod races;
mod service;
mod trust;
