//! Tests of the interpreter as a whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod beyond;
mod hostile;
mod limits;
mod reading;
mod support;
mod tck;
mod transactions;
