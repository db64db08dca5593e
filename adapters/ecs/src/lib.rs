//! Entities and components over storages that can be swapped.

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
mod query;
pub mod shard;
mod small;
#[cfg(feature = "arrow")]
pub mod snapshot;
mod state;
pub mod storage;
mod tick;
mod value;

pub use allocator::{Allocator, AllocatorState};
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
