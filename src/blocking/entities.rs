//! The mirror of the storage over the tables of a run.

use std::fmt;
use std::sync::Arc;

use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};
use worldstore_ecs::{
    Applied, Batch, Changes, Chunks, ComponentType, ComponentValue, Entity, Local, Query, State, Storage, StorageInfo,
    Tick,
};

use super::{Bridge, Mirror, Run, View};
use crate::ecs::{EntityTable, Opening, WorldTablesOptions};

/// Entities in the tables of a run: a storage for [`Entities`](worldstore_ecs::Entities). See
/// [`ecs::WorldTables`](crate::ecs::WorldTables).
///
/// Reads are answered from memory, on the caller's thread and also in async code; changes wait, as a [`Bridge`] does.
#[derive(Debug)]
pub struct WorldTables {
    tables: crate::ecs::WorldTables,
    run: Run,
}

impl Mirror for WorldTables {
    type Async = crate::ecs::WorldTables;

    fn over(other: crate::ecs::WorldTables, bridge: &Bridge) -> Self {
        let run = Run::over(other.run().clone(), bridge);
        Self { tables: other, run }
    }

    fn asynchronous(&self) -> &crate::ecs::WorldTables {
        &self.tables
    }

    fn bridge(&self) -> &Bridge {
        self.run.bridge()
    }
}

impl WorldTables {
    /// Opens the entities of a run, to go on with them. A run without entities gets its first tables with its first batch.
    ///
    /// # Errors
    /// Those of [`crate::ecs::WorldTables::open`] and of a [`Bridge`].
    pub fn open(run: &Run) -> Result<Self> {
        Self::open_with(run, &WorldTablesOptions::default())
    }

    /// As [`open`](Self::open), with options.
    ///
    /// # Errors
    /// Those of [`crate::ecs::WorldTables::open_with`] and of a [`Bridge`].
    pub fn open_with(run: &Run, options: &WorldTablesOptions) -> Result<Self> {
        let options = *options;
        let opening = super::call(run, |run| async move { crate::ecs::WorldTables::open_with(&run, &options).await });
        Ok(Self { tables: opening?, run: run.clone() })
    }

    /// The entities as a view has them. Nothing can be changed there.
    ///
    /// # Errors
    /// Those of [`crate::ecs::WorldTables::at`] and of a [`Bridge`].
    pub fn at(view: &View) -> Result<Self> {
        let opening = super::call(view, |view| async move { crate::ecs::WorldTables::at(&view).await });
        Ok(Self { tables: opening?, run: Run::over(view.asynchronous().run().clone(), view.bridge()) })
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The tables of entities, in no order.
    pub fn tables(&self) -> impl Iterator<Item = &EntityTable> {
        self.tables.tables()
    }

    /// The table of the entities that have just these components, none of them shared. None if there were none so far.
    pub fn table_of(&self, components: &[&str]) -> Option<&TableName> {
        self.tables.table_of(components)
    }

    /// What opening took.
    pub fn opening(&self) -> Opening {
        self.tables.opening()
    }

    /// Why the last checkpoint that was due could not be written.
    pub fn trouble(&self) -> Option<&Error> {
        self.tables.trouble()
    }

    fn store(&mut self, prepared: crate::ecs::Prepared) -> Result<()> {
        let crate::ecs::Prepared { commit, effect } = prepared;
        let stored = self.run.bridge().run(commit.run());
        self.tables.settle(effect, stored)
    }
}

impl fmt::Display for WorldTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tables.fmt(f)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for WorldTables {
    fn info(&self) -> StorageInfo {
        self.tables.storage_info()
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.tables.local.components()
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        if let Some(prepared) = self.tables.prepare_components(components)? {
            self.store(prepared)?;
        }
        self.tables.local.register(components)
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let prepared = self.tables.prepare_batch(batch)?;
        self.store(prepared)?;
        let done = self.tables.local.apply(batch);
        let applied = self.tables.follow(done)?;
        if let Some(checkpoint) = self.tables.due_checkpoint() {
            let stored = self.run.bridge().run(checkpoint.run());
            self.tables.settle_checkpoint(stored);
        }
        Ok(applied)
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        self.tables.local.alive(entities)
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.tables.local.types(entity)
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Storage::get(&self.tables.local, entity, component)
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        self.tables.local.get_many(entities, component)
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        self.tables.local.query(query)
    }

    fn tick(&self) -> Result<Tick> {
        self.tables.local.tick()
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.tables.local.changes(since)
    }

    fn export(&self) -> Result<State<'_>> {
        self.tables.local.export()
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        let (prepared, next) = self.tables.prepare_state(state)?;
        self.store(prepared)?;
        self.tables.local = next;
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        Some(&self.tables.local)
    }

    /// None: a change in place would not be in the tables.
    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
