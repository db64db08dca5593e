//! The graph against small tables whose answers can be counted by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ddl;
mod edges;
mod explain;
mod expressions;
mod fixture;
mod footers;
mod hops;
mod not_numbers;
mod pages;
mod pruning;
mod reopened;
mod returns;
mod tables;
mod walks;
mod wrong;
