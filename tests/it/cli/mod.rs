//! The command, run as a process.

mod commands;
mod desk;
mod formats;
mod fs;
mod help;
mod import;
mod place;
mod query;
mod readme;
mod wrong;
mod wrong_query;
