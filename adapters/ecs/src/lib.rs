//! Entities with components, over storages that can be swapped.
//!
//! - [`Entities`] and [`AsyncEntities`] are what callers use: Rust types, queries, batches, snapshots.
//! - [`Component`] is derived: a stable name and fields. [`ComponentType`] is the same without a Rust type.
//! - [`Updates`] are changes that happen together, or not at all.
//! - [`Local`] keeps entities in memory, in archetypes of columns, and has queries in place.
//! - [`Storage`] and [`AsyncStorage`] are what the author of a storage implements, by the names of components; the
//!   `conformance` kit (feature of that name) tests it.
//! - `snapshot` (feature `arrow`) is the open format in which any storage is written, and read by any other.
//!
//! [`Entities`] shows an example. Reads of an entity that is not alive find nothing; changes of it are `NotFound`.

// The derive macro names the crate as others do.
extern crate self as worldstore_ecs;

pub mod allocator;
mod async_entities;
mod async_storage;
mod batch;
mod bundle;
mod chunk;
mod component;
#[cfg(feature = "conformance")]
pub mod conformance;
mod entities;
mod entity;
mod error;
pub mod field;
pub mod local;
#[doc(hidden)]
pub mod planted;
mod query;
pub mod shard;
mod small;
#[cfg(feature = "arrow")]
pub mod snapshot;
mod state;
pub mod storage;
mod tick;
mod value;

pub use allocator::{Allocator, AllocatorState, Outlook};
pub use async_entities::{AsyncEntities, AsyncRows};
pub use async_storage::AsyncStorage;
pub use batch::{Applied, Batch, Updates, Write, WriteMode, check_known};
pub use bundle::Bundle;
pub use chunk::{AsyncChunks, Chunk, Chunks, Column, Strided};
pub use component::{COMPONENT_NAME_BYTES_MAX, Component, ComponentType, FIELDS_MAX};
pub use entities::{Entities, Rows};
pub use entity::Entity;
pub use field::{Field, FieldKind, FieldSpec, FieldType, FieldValue};
pub use local::Local;
pub use query::Query;
pub use state::State;
pub use storage::{Durability, Storage, StorageInfo};
pub use tick::{Changes, Tick};
pub use value::{ComponentValue, VALUE_BYTES_MAX};
pub use worldstore_core::Result;
pub use worldstore_ecs_derive::Component;
pub use zerocopy;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
