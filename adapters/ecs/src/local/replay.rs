//! Recorded changes, behind the state that they follow.

use worldstore_core::Result;

use super::Local;
use super::archetype::Slot;
use super::edit::broken;
use super::known::Place;
use crate::Entity;
use crate::allocator::Allocator;
use crate::error::corrupt;
use crate::small::SmallBytes;
use crate::snapshot::Recorded;

impl Local {
    /// Makes the recorded changes. After an error nothing can be said of what is there.
    pub(crate) fn replay(&mut self, recorded: &Recorded) -> Result<()> {
        for component in &recorded.components {
            self.learn(component)?;
        }
        for entity in &recorded.destroyed {
            self.destroy_entity(*entity).map_err(|source| corrupt("no such entity").caused_by(source))?;
        }
        self.change_allocator(Allocator::from_state(&recorded.allocator)?, &recorded.created)?;
        for (component, entities) in &recorded.removed {
            let Some(number) = self.by_name.get(component.as_str()).copied() else { continue };
            for entity in entities {
                self.remove_number(*entity, number).map_err(|source| corrupt("no such entity").caused_by(source))?;
            }
        }
        for chunk in &recorded.written {
            for column in chunk.columns() {
                let component = self.learn(column.component())?;
                let slot = Slot { component, is_shared: column.is_shared() };
                for (row, entity) in chunk.entities().iter().enumerate() {
                    let mut bytes = SmallBytes::new();
                    column.encode(row, &mut bytes)?;
                    self.write(*entity, slot, bytes.as_slice())
                        .map_err(|source| corrupt("no such entity").caused_by(source))?;
                }
            }
        }
        Ok(())
    }

    /// Takes over which entities are alive: those that have rows, and those that are new.
    fn change_allocator(&mut self, allocator: Allocator<Place>, created: &[Entity]) -> Result<()> {
        self.allocator = allocator;
        let mut rows = 0;
        for (number, archetype) in (0..).zip(&self.archetypes) {
            for (row, entity) in (0..).zip(&archetype.entities) {
                if !self.allocator.is_alive(*entity) {
                    return Err(corrupt("a row is of an entity that is not alive").with("entity", entity));
                }
                self.allocator.set(*entity, Place { archetype: number, row });
                rows += usize::from(!entity.is_reserved());
            }
        }
        let has_row = |local: &Self, entity: Entity| {
            let place = local.allocator.get(entity)?;
            local.archetypes.get(place.archetype as usize)?.entities.get(place.row as usize).copied()
        };
        for entity in created {
            if entity.is_reserved() || !self.allocator.is_alive(*entity) || has_row(self, *entity) == Some(*entity) {
                return Err(corrupt("an entity cannot be new").with("entity", entity));
            }
            let bare = self.archetypes.first_mut().ok_or_else(broken)?;
            let row = bare.entities.len();
            bare.entities.push(*entity);
            bare.created.push(row, self.now);
            self.settle(*entity, 0, row)?;
        }
        match rows + created.len() == self.allocator.count() {
            true => Ok(()),
            false => Err(corrupt("entities have no rows")),
        }
    }
}
