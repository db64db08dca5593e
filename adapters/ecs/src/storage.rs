//! What the author of a storage implements, by the names of components.

mod async_adapter;
mod boxed;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod catalog;
#[cfg_attr(
    not(all(feature = "postgres", feature = "redis", feature = "sqlite")),
    allow(dead_code, reason = "databases need more of it than routers")
)]
pub(crate) mod gather;
#[cfg(feature = "backend")]
pub mod log;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod sync_adapter;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub(crate) mod types;
#[cfg(any(feature = "backend", feature = "postgres", feature = "redis", feature = "sqlite"))]
#[cfg_attr(not(feature = "backend"), allow(dead_code, reason = "only logs keep batches"))]
pub(crate) mod wire;

use std::fmt::{Debug, Display};
use std::sync::Arc;

use worldstore_core::Result;

pub use async_adapter::AsyncStorageAdapter;
pub use sync_adapter::SyncStorageAdapter;

use crate::batch::{Applied, Batch};
use crate::chunk::Chunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

/// What a storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageInfo {
    /// What kind of storage, in one word.
    pub kind: &'static str,
    /// The shard whose entities it makes.
    pub shard: u16,
    /// What is left of an applied batch after a crash.
    pub durability: Durability,
}

impl StorageInfo {
    /// Describes a storage.
    pub fn new(kind: &'static str, shard: u16, durability: Durability) -> Self {
        Self { kind, shard, durability }
    }
}

/// What is left of an applied batch after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: snapshots are all that stays.
    Volatile,
    /// All of it, or none of it.
    Durable,
}

/// A place for entities and their components.
///
/// This is for authors of storages; callers use [`Entities`](crate::Entities), which has the rules and the types. A
/// storage keeps values as they come, and never looks at what they mean.
///
/// # Contract
/// - Reads take `&self`, changes `&mut self`. A storage that other processes change as well gives each call one moment.
/// - Names that are not registered are no error for reads: nobody has such a component.
/// - Reserved entities (index below [`Entity::RESERVED`], generation 0, of the storage's shard) are always alive. They
///   are found by queries like others, but by [`Query::all`] only if they have a component.
/// - A value that is [shared](ComponentValue::is_shared) is stored once per component and bytes, given back as shared,
///   and goes with the last entity that has it.
/// - Every change takes the next [`Tick`]. A change that fails changes nothing, and takes none.
/// - The index that was freed last is given out first, in its next generation; also after a restore.
pub trait Storage: Debug + Display + Send + Sync + 'static {
    /// What the storage is.
    fn info(&self) -> StorageInfo;

    /// All registered components, in no order.
    ///
    /// # Errors
    /// Those of the storage.
    fn components(&self) -> Result<Vec<Arc<ComponentType>>>;

    /// Makes components known. One that is known already stays as it is, with its Rust type if either has it.
    ///
    /// # Errors
    /// `Invalid` if one is known with other fields: then none is registered. Those of the storage.
    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()>;

    /// Applies a batch, all or nothing, and registers its components.
    ///
    /// # Errors
    /// Those of [`Batch::check`] and of [`register`](Self::register), in which case nothing was changed; also then
    /// `Corrupt`, if a Rust type in memory refuses a value. Those of the storage; after `OutcomeUnknown` the batch was
    /// applied or was not.
    fn apply(&mut self, batch: &Batch) -> Result<Applied>;

    /// Which entities are alive, in the order of the argument. Those of another shard are not.
    ///
    /// # Errors
    /// Those of the storage.
    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>>;

    /// The names of an entity's components, sorted. Nothing if it is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>>;

    /// A component of an entity. Nothing if it has none, or is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>>;

    /// A component of many entities, in the order of the argument; one may be named twice.
    ///
    /// # Errors
    /// Those of the storage.
    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>>;

    /// The entities that a query finds, chunk by chunk: each entity once, in no order, with the columns of the query in
    /// the order of its components. A chunk has at least one row.
    ///
    /// # Errors
    /// Those of the storage, here or as items; the first is the last.
    fn query(&self, query: &Query) -> Result<Chunks<'_>>;

    /// The last tick that was taken.
    ///
    /// # Errors
    /// Those of the storage.
    fn tick(&self) -> Result<Tick>;

    /// What has changed since a tick, without the changes of that tick.
    ///
    /// # Errors
    /// `NotFound` if that is no longer known, which a restore makes of all ticks before it; `Invalid` if the tick is not
    /// there yet. Those of the storage.
    fn changes(&self, since: Tick) -> Result<Changes>;

    /// Everything, at one moment.
    ///
    /// # Errors
    /// Those of the storage.
    fn export(&self) -> Result<State<'_>>;

    /// Replaces everything, all or nothing. The storage's shard becomes that of the state. The tick becomes the one
    /// behind the greater of both.
    ///
    /// # Errors
    /// Those of [`State::check`], in which case nothing was changed. `Invalid` if a component that the state has is in
    /// use here with other fields and cannot be replaced. Those of the storage.
    fn import(&mut self, state: &State<'_>) -> Result<()>;

    /// The memory that all reads may be answered from, if there is one.
    fn local(&self) -> Option<&Local>;

    /// The memory that may be changed in place, if that is all that a change needs.
    fn local_mut(&mut self) -> Option<&mut Local>;
}
