//! Datasets of Parquet files on any byte store: Hive partitions, one manifest, swapped by compare-and-swap.
//!
//! [`Dataset`] is what callers use. Data files are written under names of their own first; then one object, the
//! [`Manifest`], is swapped under a condition. Until then readers see what was there before, and of several writers none
//! is lost: who comes second reads the manifest again and adds to it. What failed writers leave is found by
//! [`Dataset::garbage`] and removed by [`Dataset::collect`].
//!
//! Not here: rows that are changed in place, an index, statistics of columns, a query engine. Those are tables.

mod clean;
mod commit;
mod dataset;
mod error;
mod file;
mod layout;
mod manifest;
mod options;
mod partition;
mod read;
mod schema;
mod stage;

pub use clean::{Collected, Leftover, LeftoverKind};
pub use dataset::Dataset;
pub use manifest::{DataFile, Manifest, Retired};
pub use options::{Commit, DatasetReadOptions, DatasetWriteOptions, ReadStats};
pub use read::DatasetReader;
pub use worldstore_core::table::{CompareOp, Predicate, Scalar};

/// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
