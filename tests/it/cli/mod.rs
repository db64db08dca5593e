//! The command, run as a process.

mod commands;
mod config;
mod desk;
mod formats;
mod fs;
mod fs_change;
mod fs_copy;
mod fs_sync;
mod help;
mod import;
mod lake;
mod operations;
mod place;
mod query;
mod readme;
mod snapshot;
mod sql;
mod wal;
mod wrong;
mod wrong_query;
