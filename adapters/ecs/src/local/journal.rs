//! What is no longer there: components that were removed, entities that were destroyed.

use std::collections::VecDeque;

use crate::Entity;

/// Something that is gone.
#[derive(Debug, Clone, Copy)]
pub struct Gone {
    pub tick: u64,
    pub entity: Entity,
    pub what: What,
}

/// What is gone.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// A component, by its number.
    Component(u32),
    /// The entity, which was made in that tick.
    Entity { created: u64 },
}

/// The newest of what is gone.
#[derive(Debug)]
pub struct Journal {
    entries: VecDeque<Gone>,
    entries_max: usize,
    /// Changes since this tick and later ones are known.
    oldest: u64,
}

impl Journal {
    /// A journal that keeps so many entries.
    pub fn new(entries_max: usize) -> Self {
        Self { entries: VecDeque::new(), entries_max, oldest: 0 }
    }

    /// Notes that something is gone. The oldest entry goes if there are too many.
    #[inline]
    pub fn note(&mut self, gone: Gone) {
        self.entries.push_back(gone);
        if self.entries.len() > self.entries_max
            && let Some(dropped) = self.entries.pop_front()
        {
            self.oldest = dropped.tick;
        }
    }

    /// Forgets everything until a tick.
    pub fn restart(&mut self, tick: u64) {
        self.entries.clear();
        self.oldest = tick;
    }

    /// The oldest tick since which changes are known.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// What is gone since a tick, oldest first.
    pub fn since(&self, tick: u64) -> impl Iterator<Item = &Gone> {
        let first = self.entries.partition_point(|gone| gone.tick <= tick);
        self.entries.range(first..)
    }
}
