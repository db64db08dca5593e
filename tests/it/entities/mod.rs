//! Entities in the tables of worlds: the promises of storages, ticks that can be opened again, the rows that are written.

mod checkpoints;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod kills;
mod planted;
mod promises;
mod rows;
mod steps;
mod travel;
