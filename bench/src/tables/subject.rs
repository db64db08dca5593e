//! What takes part: tables of ours or of a peer, which are appended to and read.

use std::path::Path;
use std::time::Duration;

use crate::Failure;

use super::data::Seen;

/// One kind of tables. The seconds are those of the call alone: rows are made before and looked at after it.
pub trait Subject {
    /// Its name, with the durability of an append where that is not a flush of the device.
    fn name(&self) -> &str;

    /// Makes empty tables in a folder that is not there yet.
    fn start(&mut self, folder: &Path) -> Result<(), Failure>;

    /// Appends a tick, then reads it.
    fn step(&mut self, entities: u64, tick: i64) -> Result<Step, Failure>;

    /// Makes appends one after the other until `limit` is over, and gives the seconds of each.
    fn append(&mut self, work: &Appends) -> Result<Vec<f64>, Failure>;

    /// Reads a tick, or everything.
    fn read(&mut self, tick: Option<i64>) -> Result<Read, Failure>;

    /// Brings to the tables what is buffered.
    fn flush(&mut self) -> Result<f64, Failure>;

    /// Puts small files together.
    fn compact(&mut self) -> Result<f64, Failure>;

    /// Ends it.
    fn stop(&mut self) -> Result<(), Failure>;
}

/// Appends: `parts` of `ticks` ticks each.
#[derive(Debug, Clone, Copy)]
pub struct Appends {
    pub entities: u64,
    pub first: i64,
    pub ticks: u64,
    pub parts: u64,
    /// Nobody begins an append after that.
    pub limit: Duration,
}

/// What a tick took.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub append: f64,
    pub read: f64,
    pub seen: Seen,
}

/// What a read took and gave.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    pub seconds: f64,
    pub seen: Seen,
}
