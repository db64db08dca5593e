//! Parquet files in place: listings that leave out folders, footers, and the table provider over them.

mod answer;
mod bounds;
mod choice;
mod filter;
mod folders;
mod footer;
mod interval;
mod label;
mod listing;
mod memo;
mod pages;
mod provider;
mod reader;
mod scan;
mod stored;
mod summary;
mod together;

pub(crate) use answer::{Answer, answer};
pub use folders::{FolderState, FolderTimes, Freshness, LocalFolders};
pub(crate) use footer::{check_chunks, corrupt};
pub(crate) use label::{LakeLabel, schema_of};
pub(crate) use listing::Listing;
pub(crate) use memo::Memo;
pub(crate) use provider::LakeTable;
pub(crate) use scan::{PageScanExec, by_pages};
pub(crate) use stored::Place;
pub(crate) use together::together;
