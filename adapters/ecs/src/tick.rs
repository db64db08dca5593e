//! Ticks: the changes of a storage, numbered.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ComponentValue, Entity};

/// The last tick that a restore takes over: what comes behind it is exact in any number of 64 bits, floating ones too, in
/// which some storages count.
pub(crate) const TICK_MAX: u64 = 1 << 52;

/// The number of a change. Each batch that is applied, and each restore, takes the next one; a new storage is at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What became of a storage since a tick, without what was undone in between. Each list is sorted by entity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Changes {
    /// The tick since which.
    pub since: Tick,
    /// The tick until which, inclusive.
    pub tick: Tick,
    /// Entities that are alive now and were not then.
    pub created: Vec<Entity>,
    /// Entities that were alive then and are not now.
    pub destroyed: Vec<Entity>,
    /// Components that were written since, of entities that are alive: what they are now. One that was written with
    /// the value that it had is among them.
    pub written: Vec<(Entity, ComponentValue)>,
    /// Components that were removed since and are not there now, of entities that were alive then and are now. One that
    /// was not there then either may be among them.
    pub removed: Vec<(Entity, Arc<str>)>,
}

impl Changes {
    /// Nothing changed between the ticks.
    pub fn none(since: Tick, tick: Tick) -> Self {
        Self { since, tick, ..Self::default() }
    }

    /// True if nothing changed.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.destroyed.is_empty() && self.written.is_empty() && self.removed.is_empty()
    }

    /// Sorts the lists by entity, and then by component.
    pub fn sort(&mut self) {
        self.created.sort_unstable();
        self.destroyed.sort_unstable();
        self.written.sort_by(|one, other| (one.0, one.1.name()).cmp(&(other.0, other.1.name())));
        self.removed.sort_unstable();
    }
}
