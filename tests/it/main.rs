//! Worlds and the command, as their users see them. Every test of a world runs on each table format.

// Helpers outside of test functions fail a test by panicking too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(feature = "archetype")]
mod archetype;
mod bed;
mod blocking;
#[cfg(feature = "cli")]
mod cli;
#[cfg(any(feature = "s3", feature = "azure", feature = "gcs", feature = "http"))]
mod clouds;
mod context;
#[cfg(any(
    feature = "sqlite",
    feature = "redb",
    feature = "sled",
    feature = "postgres",
    feature = "redis",
    feature = "sftp"
))]
mod databases;
#[cfg(feature = "ecs")]
mod entities;
mod fit;
mod fork;
#[cfg(all(feature = "graph", feature = "lance", feature = "iceberg"))]
mod formats;
#[cfg(feature = "graph")]
mod graph;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod interop;
#[cfg(all(unix, any(feature = "lance", feature = "iceberg")))]
mod kills;
#[cfg(all(feature = "graph", feature = "zset"))]
mod live_circuits;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod restart;
#[cfg(feature = "sql")]
mod sql;
mod states;
mod storage;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod takeover;
mod telemetry;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod upkeep;
mod world;
#[cfg(feature = "zset")]
mod zset;
