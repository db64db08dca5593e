//! The storage over the tables of a run.

use std::fmt;

use worldstore_core::table::{Level, TableName};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_ecs::planted::Planted;
use worldstore_ecs::{Durability, Local, StorageInfo};

use super::layout::{EntityTable, Layout};
use super::opening::Opening;
use super::options::WorldTablesOptions;
use super::recover::{Loaded, load};
use super::shared::SharedValues;
use crate::world::entity_leases::Lease;
use crate::{Run, View};

/// Entities in the tables of a run: a storage for [`AsyncEntities`](worldstore_ecs::AsyncEntities).
///
/// All reads are answered from memory. Each batch is one tick of the run, which is there in all tables or in none: the rows
/// of the entities that it changed, and nothing of the others. Now and then a checkpoint of all entities is written behind
/// one, so that opening reads that and the rows behind it, and not the history.
///
/// ```
/// use worldstore::ecs::{AsyncEntities, Component, WorldTables};
/// use worldstore::{World, WorldOptions};
///
/// #[derive(Debug, Clone, PartialEq, Component)]
/// #[component(crate = worldstore::ecs)]
/// struct Health(u32);
///
/// # fn main() -> worldstore::Result<()> { tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let world = World::create("memory:", &WorldOptions::default()).await?;
/// let run = world.run("main").await?;
/// let mut entities = AsyncEntities::new(WorldTables::open(&run).await?);
/// let agent = entities.spawn(Health(90)).await?;
/// entities.set(agent, Health(80)).await?;
///
/// let before = AsyncEntities::new(WorldTables::at(&run.as_of(1)).await?);
/// assert_eq!(before.get::<Health>(agent).await?, Some(Health(90)));
/// # Ok(()) }) }
/// ```
///
/// One at a time writes: opening the entities of a run locks out whoever had them open, who learns that with the next
/// batch, which fails as `Fenced`. After `OutcomeUnknown` or a change whose future was dropped it refuses everything as
/// `Poisoned`, until it is opened again.
///
/// | table | a row for each |
/// |---|---|
/// | `a{n}_{hash}`, as [`archetype`](crate::archetype) names it | entity with just these components: a column `position__x` for each field |
/// | `shared_{component}` | value that is stored once; entities have its number in a column `{component}__shared` |
/// | `ecs_bare` | entity without components |
/// | `ecs_checkpoints` | part of a checkpoint: a [`snapshot`](worldstore_ecs::snapshot), and the numbers of shared values |
/// | `ecs_ticks`, `ecs_components`, `ecs_archetypes`, `ecs_free`, `ecs_guests` | tick; component; table of an archetype; id that is free; guest |
pub struct WorldTables {
    run: Run,
    /// None where nothing may be written.
    lease: Option<Lease>,
    pub(super) level: Level,
    pub(crate) local: Local,
    pub(super) layout: Layout,
    pub(super) shared: SharedValues,
    name: String,
    /// While it is not known what became of a change.
    pub(super) is_lost: bool,
    opening: Opening,
    /// Rows since the last checkpoint, and how many ask for the next.
    pub(super) rows_behind: u64,
    pub(super) checkpoint_rows: u64,
    pub(super) trouble: Option<Error>,
    pub(super) planted: Planted,
}

impl WorldTables {
    /// Opens the entities of a run, to go on with them. A run without entities gets its first tables with its first batch.
    ///
    /// # Errors
    /// `Unsupported` if the world is open for reading only; `Corrupt` if the tables cannot be what this storage wrote;
    /// those of the tables.
    pub async fn open(run: &Run) -> Result<Self> {
        Self::open_with(run, &WorldTablesOptions::default()).await
    }

    /// As [`open`](Self::open), with options.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and `Invalid` if the entities are of another shard.
    pub async fn open_with(run: &Run, options: &WorldTablesOptions) -> Result<Self> {
        if run.world().stats().is_none() {
            return Err(Error::unsupported("the world is open for reading only").with("run", run.name()));
        }
        let lease = run.world().entity_leases().take(run.name()).await;
        // A change whose caller has gone away may be on its way still: its tick must not be written twice.
        run.world().settled().await?;
        // A fork goes on behind the tick that it shares, whether or not that had entities.
        let tick_min = run.first_tick().saturating_sub(1);
        let loaded = load(&run.now(), options.shard, tick_min, options.planted).await?;
        if options.shard != 0 && options.shard != loaded.local.shard() {
            return Err(Error::invalid("the entities of the run are of another shard")
                .with("shard", loaded.local.shard())
                .with("wanted", options.shard));
        }
        let level = options.level.unwrap_or(match run.world().keeps_log() {
            true => Level::Durable,
            false => Level::Buffered,
        });
        let opened = Self::new(run.clone(), Some(lease), level, loaded);
        Ok(Self { checkpoint_rows: options.checkpoint_rows, planted: options.planted, ..opened })
    }

    /// The entities as a view has them, at any tick, of any run, also of a world that is open for reading only. Nothing can
    /// be changed there: fork the run at that tick to go on from it.
    ///
    /// # Errors
    /// `Corrupt` if the tables cannot be what this storage wrote; those of the tables.
    pub async fn at(view: &View) -> Result<Self> {
        let loaded = load(view, 0, 0, Planted::default()).await?;
        Ok(Self::new(view.run().clone(), None, Level::Buffered, loaded))
    }

    fn new(run: Run, lease: Option<Lease>, level: Level, loaded: Loaded) -> Self {
        let name = format!("tables({}, {})", run.world().name(), run.name());
        let Loaded { local, layout, shared, opening } = loaded;
        let (rows_behind, checkpoint_rows, trouble, planted) = (opening.rows, u64::MAX, None, Planted::default());
        let is_lost = false;
        Self {
            run,
            lease,
            level,
            local,
            layout,
            shared,
            name,
            is_lost,
            opening,
            rows_behind,
            checkpoint_rows,
            trouble,
            planted,
        }
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The tables of entities, in no order.
    pub fn tables(&self) -> impl Iterator<Item = &EntityTable> {
        self.layout.tables().iter().map(|table| &table.table)
    }

    /// The table of the entities that have just these components, none of them shared. None if there were none so far.
    pub fn table_of(&self, components: &[&str]) -> Option<&TableName> {
        let has = |table: &&EntityTable| {
            table.components.len() == components.len()
                && table.components.iter().all(|(name, is_shared)| !is_shared && components.contains(&&**name))
        };
        self.tables().find(has).map(|table| &table.name)
    }

    /// What opening took.
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// Why the last checkpoint that was due could not be written. Nothing is lost by it, opening only takes longer; it is
    /// tried again after as many rows.
    pub fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref()
    }

    pub(super) fn writer(&self) -> Result<(Run, Lease)> {
        match &self.lease {
            Some(lease) => Ok((self.run.clone(), lease.clone())),
            None => Err(Error::unsupported("the entities of a view cannot be changed, fork its run to go on")
                .with("run", self.run.name())),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.writer()?;
        match self.is_lost {
            true => Err(Error::new(ErrorKind::Poisoned, "it is not known what is in the tables: open them again")),
            false => Ok(()),
        }
    }

    /// What memory does with a change that is stored; it was looked at before, so that it can be done.
    pub(crate) fn follow<Value>(&mut self, done: Result<Value>) -> Result<Value> {
        done.map_err(|source| {
            self.is_lost = true;
            Error::unexpected("a tick that is stored cannot be applied").caused_by(source)
        })
    }

    pub(crate) fn storage_info(&self) -> StorageInfo {
        let durability = match self.level {
            Level::Buffered => Durability::Volatile,
            _ => Durability::Durable,
        };
        StorageInfo::new("tables", self.local.shard(), durability)
    }
}

impl fmt::Debug for WorldTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorldTables").field(&self.name).finish()
    }
}

impl fmt::Display for WorldTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests;
