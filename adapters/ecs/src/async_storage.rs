//! The async mirror of [`Storage`](crate::Storage).

use std::fmt::{Debug, Display};
use std::sync::Arc;

use async_trait::async_trait;
use worldstore_core::Result;

use crate::batch::{Applied, Batch};
use crate::chunk::AsyncChunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::storage::StorageInfo;
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

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
#[async_trait]
pub trait AsyncStorage: Debug + Display + Send + Sync + 'static {
    /// What the storage is.
    fn info(&self) -> StorageInfo;

    /// All registered components, in no order.
    ///
    /// # Errors
    /// Those of the storage.
    async fn components(&self) -> Result<Vec<Arc<ComponentType>>>;

    /// Makes components known. One that is known already stays as it is, with its Rust type if either has it.
    ///
    /// # Errors
    /// `Invalid` if one is known with other fields: then none is registered. Those of the storage.
    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()>;

    /// Applies a batch, all or nothing, and registers its components.
    ///
    /// # Errors
    /// Those of [`Batch::check`] and of [`register`](Self::register), in which case nothing was changed; also then
    /// `Corrupt`, if a Rust type in memory refuses a value. Those of the storage; after `OutcomeUnknown` the batch was
    /// applied or was not.
    async fn apply(&mut self, batch: &Batch) -> Result<Applied>;

    /// Which entities are alive, in the order of the argument. Those of another shard are not.
    ///
    /// # Errors
    /// Those of the storage.
    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>>;

    /// The names of an entity's components, sorted. Nothing if it is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>>;

    /// A component of an entity. Nothing if it has none, or is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>>;

    /// A component of many entities, in the order of the argument; one may be named twice.
    ///
    /// # Errors
    /// Those of the storage.
    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>>;

    /// The entities that a query finds, chunk by chunk: each entity once, in no order, with the columns of the query in
    /// the order of its components. A chunk has at least one row.
    ///
    /// # Errors
    /// Those of the storage, here or as items; the first is the last.
    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>>;

    /// The last tick that was taken.
    ///
    /// # Errors
    /// Those of the storage.
    async fn tick(&self) -> Result<Tick>;

    /// What has changed since a tick, without the changes of that tick.
    ///
    /// # Errors
    /// `NotFound` if that is no longer known, which a restore makes of all ticks before it; `Invalid` if the tick is not
    /// there yet. Those of the storage.
    async fn changes(&self, since: Tick) -> Result<Changes>;

    /// Everything, at one moment.
    ///
    /// # Errors
    /// Those of the storage.
    async fn export(&self) -> Result<State<'_>>;

    /// Replaces everything, all or nothing. The storage's shard becomes that of the state. The tick becomes the one
    /// behind the greater of both.
    ///
    /// # Errors
    /// Those of [`State::check`], in which case nothing was changed. `Invalid` if a component that the state has is in
    /// use here with other fields and cannot be replaced. Those of the storage.
    async fn import(&mut self, state: &State<'_>) -> Result<()>;

    /// The memory that all reads may be answered from, if there is one.
    fn local(&self) -> Option<&Local>;

    /// The memory that may be changed in place, if that is all that a change needs.
    fn local_mut(&mut self) -> Option<&mut Local>;
}
