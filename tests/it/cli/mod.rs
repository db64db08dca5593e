//! The command, run as a process.

mod append;
mod busy;
#[cfg(feature = "iceberg")]
mod catalog;
mod commands;
mod compare;
mod conditions;
mod config;
mod desk;
mod formats;
mod fs;
mod fs_change;
mod fs_copy;
mod fs_sync;
mod help;
mod import;
mod labels;
mod lake;
mod log_place;
mod operations;
mod output;
mod place;
mod product;
mod query;
mod readme;
mod snapshot;
mod sql;
mod upkeep;
mod wal;
#[cfg(unix)]
mod watch;
mod wrong;
mod wrong_query;
