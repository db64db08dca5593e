//! What is there once per world, what has changed, and everything at once.

use worldstore_core::Result;

use super::Entities;
use crate::Entity;
use crate::component::Component;
use crate::storage::Storage;
use crate::tick::{Changes, Tick};

impl<Store: Storage> Entities<Store> {
    /// Sets what is there once per world: a component of [`Entity::WORLD`] of the storage's shard, found by queries like
    /// any other.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_singleton<Type: Component>(&mut self, value: Type) -> Result<()> {
        let world = self.world();
        self.set(world, value)
    }

    /// What is there once per world.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn singleton<Type: Component>(&self) -> Result<Option<Type>> {
        self.get(self.world())
    }

    /// Removes what is there once per world. False if it was not there.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_singleton<Type: Component>(&mut self) -> Result<bool> {
        let world = self.world();
        self.remove::<Type>(world)
    }

    /// The reserved entity that holds what is there once per world. No I/O.
    pub fn world(&self) -> Entity {
        Entity::pack(self.storage.info().shard, Entity::WORLD.index(), 0)
    }

    /// The last tick that was taken.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn tick(&self) -> Result<Tick> {
        self.storage.tick()
    }

    /// What has changed since a tick, without the changes of that tick.
    ///
    /// # Errors
    /// `NotFound` if that is no longer known, `Invalid` if the tick is not there yet. Those of the storage.
    pub fn changes(&self, since: Tick) -> Result<Changes> {
        self.storage.changes(since)
    }

    /// Everything as bytes, in the open format of [`snapshot`](crate::snapshot), whatever the storage is.
    ///
    /// # Errors
    /// Those of the storage.
    #[cfg(feature = "arrow")]
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::write(&self.storage.export()?)
    }

    /// What has changed since a tick, as bytes: to be restored after a snapshot of that tick.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    #[cfg(feature = "arrow")]
    pub fn snapshot_since(&self, since: Tick) -> Result<Vec<u8>> {
        let changes = self.storage.changes(since)?;
        crate::snapshot::write_changes(&changes, &self.storage.export()?)
    }

    /// Replaces everything by a snapshot, and the changes behind it in their order. All entities are alive again in
    /// their generations; nothing of what was here before stays. Bytes are checked before they are used.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are no snapshot, or changes do not follow; `Invalid` if a component is in use here with
    /// other fields. Then nothing is changed. Those of the storage.
    #[cfg(feature = "arrow")]
    pub fn restore(&mut self, snapshot: impl Into<bytes::Bytes> + Send, changes: &[bytes::Bytes]) -> Result<()> {
        let state = crate::snapshot::read_unchecked(&snapshot.into(), changes)?;
        self.storage.import(&state)
    }
}
