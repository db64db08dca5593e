//! Entities spread over several storages.

mod merge;
mod open;
mod plan;
mod rebalance;
mod routing;
mod storage;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Result};

use crate::allocator::Allocator;
use crate::component::{Component, ComponentType};
use crate::planted::{Bug, Planted};
use crate::storage::Storage;
use crate::tick::Tick;
use crate::{ComponentValue, Entity};

pub use routing::{Locate, Routing};

/// Changes are known since so many ticks.
const TICKS_REMEMBERED: usize = 65_536;
/// The reserved entity of each shard on which the router keeps what it needs to be opened again.
const NOTE_INDEX: u32 = Entity::RESERVED - 1;

/// What the router notes in a shard, with each batch that changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, crate::Component)]
#[component(name = "worldstore.router", crate = crate)]
struct Note {
    /// The router's tick.
    tick: u64,
    /// Indexes below were given out.
    next: u32,
}

/// Several storages as one, each with a part of the entities.
///
/// The router gives out the ids, and places entities under them in the shards, so an entity keeps its id wherever it is
/// moved. Reserved entities are those of shard 0. Which shards an entity is in is kept in memory, and read from the shards
/// when the router is opened. Indexes of entities that were destroyed before it was opened are not used again.
///
/// # Batches
/// A batch that changes one shard is as atomic and durable as that shard. One that changes several is applied, all or
/// nothing, if all of them are in memory, and else refused as `Unsupported`, with nothing changed.
///
/// If it is not known whether a shard has applied its part, as after `OutcomeUnknown`, the router only reads: its changes
/// are `Poisoned` until it is opened again, which reads from the shards which ids were given out.
pub struct Router {
    shards: Vec<Box<dyn Storage>>,
    routing: Routing,
    allocator: Allocator,
    /// Indexes below were given out.
    next: u32,
    /// The shard of each entity that is alive, reserved ones apart.
    homes: HashMap<Entity, usize>,
    /// With routing by component: which other shards an entity is in, as bits.
    spread: HashMap<Entity, u64>,
    components: HashMap<Arc<str>, Arc<ComponentType>>,
    tick: Tick,
    /// The ticks of the shards at ticks of the router, the newest last.
    history: VecDeque<(Tick, Vec<Tick>)>,
    /// Set once a move failed, so that entities may be in two shards, or it is not known what a shard has applied.
    is_cut_off: bool,
    planted: Planted,
}

impl Router {
    /// Opens a router over storages, whose ids begin with `shard`: a number that none of the storages has. Entities that
    /// are in the storages already are its own if a router of that number has placed them.
    ///
    /// # Errors
    /// `Invalid` if there is no storage, or more than 64, if two have one number or one has the router's, or the routing names one that is not
    /// there; `Corrupt` if an entity is in shards in which it cannot be; those of the storages.
    pub fn open(shard: u16, shards: Vec<Box<dyn Storage>>, routing: Routing) -> Result<Self> {
        open::open(shard, shards, routing)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// How entities are routed.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// How many entities each shard has, reserved ones apart; with routing by component shard 0 has all.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.shards.len()];
        for home in self.homes.values() {
            if let Some(count) = counts.get_mut(*home) {
                *count += 1;
            }
        }
        for bits in self.spread.values() {
            for (shard, count) in counts.iter_mut().enumerate() {
                *count += usize::from(bits & (1 << shard) != 0);
            }
        }
        counts
    }

    /// The shard that an entity is in; none if it is not alive.
    pub fn shard_of(&self, entity: Entity) -> Option<usize> {
        match self.is_own_reserved(entity) {
            true => Some(0),
            false => self.homes.get(&entity).copied(),
        }
    }

    /// The storages.
    pub fn shards(&self) -> &[Box<dyn Storage>] {
        &self.shards
    }

    /// True for a reserved entity of the router.
    fn is_own_reserved(&self, entity: Entity) -> bool {
        entity.is_reserved() && entity.shard() == self.allocator.shard() && entity.generation() == 0
    }

    /// The id under which a shard knows an entity: its own, but for reserved ones.
    fn inside(&self, shard: usize, entity: Entity) -> Entity {
        match (self.is_own_reserved(entity), self.shards.get(shard)) {
            (true, Some(storage)) => Entity::pack(storage.info().shard, entity.index(), 0),
            _ => entity,
        }
    }

    /// The id under which callers know an entity of a shard; none if it is the router's own note.
    fn outside(&self, shard: usize, entity: Entity) -> Option<Entity> {
        match entity.is_reserved() {
            true => (shard == 0).then(|| Entity::pack(self.allocator.shard(), entity.index(), 0)),
            false => Some(entity),
        }
    }

    /// The shard that has a component of an entity that is alive.
    fn place_of(&self, entity: Entity, component: &str) -> Option<usize> {
        let home = self.shard_of(entity)?;
        let shard = self.shard_for(component).unwrap_or(home);
        let is_there = shard == home || self.spread.get(&entity).is_some_and(|bits| bits & (1 << shard) != 0);
        (is_there || (self.is_own_reserved(entity) && shard == 0)).then_some(shard)
    }

    /// The shard of a component, with routing by component.
    fn shard_for(&self, component: &str) -> Option<usize> {
        match &self.routing {
            Routing::Component(shards) => Some(shards.get(component).copied().unwrap_or_default()),
            _ => None,
        }
    }

    fn storage(&self, shard: usize) -> Result<&dyn Storage> {
        self.shards.get(shard).map(|storage| &**storage).ok_or_else(|| gone(shard))
    }

    fn storage_mut(&mut self, shard: usize) -> Result<&mut Box<dyn Storage>> {
        self.shards.get_mut(shard).ok_or_else(|| gone(shard))
    }

    /// What is noted in a shard from this tick on.
    fn note(&self, tick: Tick, next: u32) -> Result<ComponentValue> {
        let next = if self.planted.has(Bug::IdsUnnoted) { Entity::RESERVED } else { next };
        ComponentValue::of(&Note { tick: tick.0, next })
    }

    /// Looks whether it is known what is in the shards.
    fn check_whole(&self) -> Result<()> {
        match self.is_cut_off {
            true => {
                Err(Error::new(ErrorKind::Poisoned, "it is not known what is in the shards: open the router again"))
            }
            false => Ok(()),
        }
    }

    /// Notes the ticks of the shards at the router's tick. What was changed stays so if a shard does not tell its tick:
    /// then changes since this tick and those before are not known later.
    fn remember(&mut self) {
        match self.shards.iter().map(|storage| storage.tick()).collect::<Result<_>>() {
            Ok(ticks) => self.history.push_back((self.tick, ticks)),
            Err(_) => self.history.clear(),
        }
        if self.history.len() > TICKS_REMEMBERED {
            self.history.pop_front();
        }
    }
}

fn gone(shard: usize) -> Error {
    Error::unexpected("there is no such shard").with("shard", shard)
}

/// False if a storage that fails in this way has changed nothing.
fn is_unclear(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::Fenced | ErrorKind::Unexpected)
}

/// The component of the router's notes.
fn is_note(component: &str) -> bool {
    component == Note::NAME
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("shards", &self.shards).field("routing", &self.routing).finish_non_exhaustive()
    }
}

impl fmt::Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("router(")?;
        for (place, shard) in self.shards.iter().enumerate() {
            write!(f, "{}{shard}", if place == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}
