//! Parquet files in place: templates, listings, footers, and the table provider over them.

mod file;
mod footer;
mod label;
mod listing;
mod provider;
mod reader;
mod template;

pub(crate) use file::read_file;
pub(crate) use label::LakeLabel;
pub(crate) use provider::LakeTable;
pub(crate) use template::Address;
