//! Storage for the state of worlds: simulations, agents, sensor feeds.
//!
//! A [`World`] keeps append-only tables in open lakehouse formats on any byte store. State is appended tick by tick,
//! through a write-behind cache, and read as of any tick; a run forks at a tick without copying; [`sql`] and [`graph`]
//! ask the same tables with SQL and with Cypher.
//!
//! ```
//! use std::sync::Arc;
//! use worldstore::arrow::array::{Float64Array, RecordBatch, UInt64Array};
//! use worldstore::{World, WorldOptions};
//!
//! # fn main() -> worldstore::Result<()> { tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let world = World::create("memory:", &WorldOptions::default()).await?;
//! let run = world.run("main").await?;
//! for tick in 1..=3 {
//!     let entity = Arc::new(UInt64Array::from(vec![7, 8]));
//!     let x = Arc::new(Float64Array::from(vec![tick as f64, -1.0]));
//!     let state = RecordBatch::try_from_iter([("entity", entity as _), ("x", x as _)]).expect("columns of one length");
//!     run.append(tick, "position", &state).await?;
//! }
//! assert_eq!(run.as_of(2).count("position").await?, 4);
//! assert_eq!(run.now().count("position").await?, 6);
//! world.shutdown().await?;
//! # Ok(()) }) }
//! ```
//!
//! Features are listed in [`docs::features`]; each crate below can be used alone.

pub mod blocking;
pub mod config;
pub mod context;
pub mod docs;
#[cfg(feature = "ecs")]
pub mod ecs;
#[cfg(feature = "graph")]
pub mod formats;
mod masked;
pub mod registry;
pub mod storage;
pub mod telemetry;
pub mod world;
#[cfg(feature = "zset")]
pub mod zset;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use arrow;
pub use config::Config;
pub use context::{StorageConfig, StorageContext};
pub use registry::Registry;
pub use storage::Storage;
pub use world::{
    CatalogPlace, IfOpen, LogPlace, Run, RunInfo, TableFormat, TickCount, TickWriter, View, World, WorldOptions,
};
#[cfg(feature = "archetype")]
pub use worldstore_archetype as archetype;
pub use worldstore_async as asynchronous;
pub use worldstore_cache as cache;
pub use worldstore_cache::CacheConfig;
pub use worldstore_core as core;
pub use worldstore_core::{Error, ErrorKind, Result};
#[cfg(feature = "sql")]
pub use worldstore_datafusion as sql;
#[cfg(feature = "graph")]
pub use worldstore_graph as graph;
#[cfg(feature = "iceberg")]
pub use worldstore_iceberg as iceberg;
#[cfg(feature = "lance")]
pub use worldstore_lance as lance;
#[cfg(any(feature = "s3", feature = "azure", feature = "gcs", feature = "http"))]
pub use worldstore_object_store as object_store;
