//! Entities and components over storages that can be swapped.

pub mod allocator;
mod async_storage;
mod batch;
mod bundle;
mod chunk;
mod component;
mod entity;
mod error;
pub mod field;
pub mod local;
mod query;
mod small;
mod state;
mod storage;
mod tick;
mod value;

pub use allocator::{Allocator, AllocatorState};
pub use async_storage::AsyncStorage;
pub use batch::{Applied, Batch, Updates, Write, WriteMode, check_known};
pub use bundle::Bundle;
pub use bytemuck;
pub use chunk::{AsyncChunks, Chunk, Chunks, Column, Strided};
pub use component::{COMPONENT_NAME_BYTES_MAX, Component, ComponentType, FIELDS_MAX};
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
