//! The graph against small tables whose answers can be counted by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agree;
mod created;
mod ddl;
mod described;
mod edges;
mod expired;
mod explain;
mod expressions;
mod fixture;
mod footers;
mod hops;
mod kept;
mod let_go;
mod limits;
mod live;
mod narrowed;
mod not_numbers;
mod numbers;
mod oracle;
mod pages;
mod parts;
mod pruning;
mod reopened;
mod returns;
mod sequenced;
mod stored;
mod tables;
mod types;
mod walks;
mod worlds;
mod wrong;
