//! Parquet files in place: listings that leave out folders, footers, and the table provider over them.

mod file;
mod filter;
mod footer;
mod label;
mod listing;
mod memo;
mod provider;
mod reader;

pub(crate) use file::read_file;
pub(crate) use label::LakeLabel;
pub(crate) use provider::LakeTable;
