//! Typed rows through tables and back, and tables that change their columns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod evolution;
mod round_trip;
