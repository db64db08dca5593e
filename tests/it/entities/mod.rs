//! Entities in the tables of worlds: the promises of storages, ticks that can be opened again, the rows that are written.

#[cfg(any(feature = "lance", feature = "iceberg"))]
mod kills;
mod promises;
mod rows;
mod steps;
mod travel;
