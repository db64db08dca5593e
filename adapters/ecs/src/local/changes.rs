//! What has changed since a tick.

use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::Local;
use super::archetype::{Archetype, Values};
use super::journal::What;
use crate::chunk::Column;
use crate::error::forgotten;
use crate::tick::{Changes, Tick};

impl Local {
    /// Ends the tick in progress, and gives its number.
    pub fn advance(&mut self) -> Tick {
        let ended = Tick(self.now);
        self.now += 1;
        self.is_touched = false;
        ended
    }

    /// The last tick that something has changed in, or that ended without a change.
    pub(super) fn last_tick(&self) -> Tick {
        Tick(if self.is_touched { self.now } else { self.now - 1 })
    }

    pub(super) fn changes_since(&self, since: Tick) -> Result<Changes> {
        let tick = self.last_tick();
        if since > tick {
            return Err(Error::invalid("the tick is not there yet").with("since", since).with("tick", tick));
        }
        if since.0 < self.journal.oldest() {
            return Err(forgotten(since.0, self.journal.oldest()));
        }
        let mut changes = Changes::none(since, tick);
        for archetype in &self.archetypes {
            self.add_written(archetype, since.0, &mut changes)?;
        }
        for gone in self.journal.since(since.0) {
            match gone.what {
                What::Entity { created } if created <= since.0 => changes.destroyed.push(gone.entity),
                What::Entity { .. } => {}
                What::Component(number) => {
                    let Some(known) = self.known.get(number as usize) else { continue };
                    let name = known.component.name();
                    let was_there = self.created(gone.entity).is_some_and(|created| created <= since.0);
                    if was_there && !self.has_component(gone.entity, name) {
                        changes.removed.push((gone.entity, Arc::clone(name)));
                    }
                }
            }
        }
        changes.sort();
        changes.removed.dedup();
        Ok(changes)
    }

    /// The tick in which an entity that is alive was made. Reserved ones were there always, and may have no row.
    fn created(&self, entity: crate::Entity) -> Option<u64> {
        let place = self.allocator.get(entity)?;
        if entity.is_reserved() {
            return Some(0);
        }
        Some(self.archetypes.get(place.archetype as usize)?.created.get(place.row as usize))
    }

    fn add_written(&self, archetype: &Archetype, since: u64, changes: &mut Changes) -> Result<()> {
        if archetype.created.any_since(since) {
            let rows = archetype.entities.iter().enumerate();
            let new = rows.filter(|(row, _)| archetype.created.get(*row) > since).map(|(_, entity)| *entity);
            changes.created.extend(new.filter(|entity| !entity.is_reserved()));
        }
        for (slot, store) in archetype.slots.iter().zip(&archetype.columns) {
            let Some(known) = self.known.get(slot.component as usize) else { continue };
            if !store.written.any_since(since) {
                continue;
            }
            let column = match &store.values {
                Values::Own(column) => Column::erased(&known.component, &**column),
                Values::Shared(places) => Column::erased_shared(&known.component, &*known.pool.values, places),
            };
            for (row, entity) in archetype.entities.iter().enumerate() {
                if store.written.get(row) > since {
                    changes.written.push((*entity, column.value(row)?));
                }
            }
        }
        Ok(())
    }
}
