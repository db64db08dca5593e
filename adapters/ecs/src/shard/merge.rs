//! Reads over several shards.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::{Router, Routing, gone, is_note};
use crate::chunk::{Chunk, Chunks};
use crate::component::ComponentType;
use crate::error::forgotten;
use crate::planted::Bug;
use crate::query::Query;
use crate::state::State;
use crate::storage::gather::{chunks_of, chunks_of_rows};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

impl Router {
    /// All values that a shard has of an entity.
    pub(super) fn values_in(&self, shard: usize, entity: Entity) -> Result<Vec<ComponentValue>> {
        let storage = self.storage(shard)?;
        let names = storage.types(entity)?.unwrap_or_default();
        let values = names.iter().filter(|name| !is_note(name)).map(|name| storage.get(entity, name));
        Ok(values.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// False for what a move that was cut off has left in the shard that the entity came from, or has brought to the other.
    fn is_here(&self, shard: usize, entity: Entity) -> bool {
        !self.is_cut_off || entity.is_reserved() || self.homes.get(&entity) == Some(&shard)
    }

    /// The chunk as callers know it: with their ids, and without the router's notes.
    fn shown<'a>(&self, shard: usize, chunk: Chunk<'a>) -> Result<Option<Chunk<'a>>> {
        if self.planted.has(Bug::NoteShown) {
            return Ok(Some(chunk));
        }
        let has_note = chunk.columns().iter().any(|column| is_note(column.component().name()));
        if !chunk.entities().iter().all(|entity| self.is_here(shard, *entity)) {
            return self.shown_rows(shard, &chunk);
        }
        if !has_note && !chunk.entities().iter().any(|entity| entity.is_reserved()) {
            return Ok(Some(chunk));
        }
        let columns: Vec<_> =
            chunk.columns().iter().filter(|column| !is_note(column.component().name())).cloned().collect();
        let outside: Option<Vec<Entity>> = chunk.entities().iter().map(|entity| self.outside(shard, *entity)).collect();
        match outside {
            Some(entities) => Ok(Some(Chunk::new(entities, columns)?)),
            // Notes of other shards than the first; reserved entities have nothing else there.
            None => self.shown_rows(shard, &chunk),
        }
    }

    /// A chunk of which some rows are not shown.
    fn shown_rows<'a>(&self, shard: usize, chunk: &Chunk<'_>) -> Result<Option<Chunk<'a>>> {
        let kept = chunk.columns().iter().filter(|column| !is_note(column.component().name()));
        let components: Vec<Arc<ComponentType>> = kept.clone().map(|column| Arc::clone(column.component())).collect();
        let mut rows = Vec::new();
        for (row, entity) in chunk.entities().iter().enumerate() {
            if let Some(entity) = self.outside(shard, *entity).filter(|entity| self.is_here(shard, *entity)) {
                rows.push((entity, kept.clone().map(|column| column.value(row)).collect::<Result<Vec<_>>>()?));
            }
        }
        Ok(chunks_of_rows(&components, rows)?.pop())
    }

    /// A query without components finds the router's note as well, where nothing else is.
    fn is_bare_note(&self, shard: usize, entity: Entity) -> Result<bool> {
        Ok(entity.index() == super::NOTE_INDEX
            && self.storage(shard)?.types(entity)?.is_some_and(|names| names.iter().all(|name| is_note(name))))
    }

    pub(super) fn find(&self, query: &Query) -> Result<Chunks<'_>> {
        if query.components().iter().chain(query.required()).any(|name| is_note(name)) {
            return Ok(Box::new(std::iter::empty()));
        }
        if let Routing::Component(_) = self.routing {
            return self.join(query);
        }
        let query = query.clone();
        let unread = usize::from(self.planted.has(Bug::ShardUnread));
        let each = (0..self.shards.len() - unread).flat_map(move |shard| match self.find_in(shard, &query) {
            Ok(chunks) => chunks,
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        Ok(Box::new(each))
    }

    /// What a query finds in a shard that has its entities whole.
    fn find_in(&self, shard: usize, query: &Query) -> Result<Chunks<'_>> {
        let is_bare = query.components().is_empty() && query.required().is_empty();
        let found = self.storage(shard)?.query(query)?;
        let shown = found.filter_map(move |chunk| {
            let chunk = chunk.and_then(|chunk| match is_bare {
                true => self.without_note(shard, chunk),
                false => Ok(Some(chunk)),
            });
            let shown = chunk.and_then(|chunk| chunk.map_or(Ok(None), |chunk| self.shown(shard, chunk)));
            shown.transpose()
        });
        Ok(Box::new(shown))
    }

    fn without_note<'a>(&self, shard: usize, chunk: Chunk<'a>) -> Result<Option<Chunk<'a>>> {
        let note =
            chunk.entities().iter().position(|entity| entity.is_reserved() && entity.index() == super::NOTE_INDEX);
        let Some(note) = note else { return Ok(Some(chunk)) };
        if !self.is_bare_note(shard, chunk.entities().get(note).copied().unwrap_or(Entity::WORLD))? {
            return Ok(Some(chunk));
        }
        let entities: Vec<Entity> = chunk
            .entities()
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != note)
            .map(|(_, entity)| *entity)
            .collect();
        if entities.is_empty() { Ok(None) } else { Chunk::new(entities, Vec::new()).map(Some) }
    }

    /// With routing by component: what each shard finds of a query, put together by entity.
    fn join(&self, query: &Query) -> Result<Chunks<'_>> {
        let mut names: BTreeMap<usize, Vec<&Arc<str>>> = BTreeMap::new();
        for name in query.components().iter().chain(query.required()) {
            names.entry(self.shard_for(name).unwrap_or_default()).or_default().push(name);
        }
        let mut rows: Option<BTreeMap<Entity, Vec<ComponentValue>>> = None;
        for (shard, names) in names {
            let found = self.rows_in(shard, &Query::new(names.into_iter().map(Arc::clone)))?;
            rows = Some(match rows {
                None => found,
                Some(mut rows) => {
                    rows.retain(|entity, _| found.contains_key(entity));
                    for (entity, values) in found {
                        if let Some(row) = rows.get_mut(&entity) {
                            row.extend(values);
                        }
                    }
                    rows
                }
            });
        }
        let mut rows = match rows {
            Some(rows) => rows,
            None => self.everyone()?,
        };
        for name in query.excluded() {
            let shard = self.shard_for(name).unwrap_or_default();
            for entity in self.rows_in(shard, &Query::new([Arc::clone(name)]))?.into_keys() {
                rows.remove(&entity);
            }
        }
        let known: Option<Vec<_>> = query.components().iter().map(|name| self.components.get(name).cloned()).collect();
        let Some(components) = known else { return Ok(Box::new(std::iter::empty())) };
        let ordered = rows.into_iter().filter_map(|(entity, values)| {
            let pick = |name: &Arc<str>| values.iter().find(|value| value.name() == name).cloned();
            Some((entity, query.components().iter().map(pick).collect::<Option<Vec<_>>>()?))
        });
        Ok(Box::new(chunks_of_rows(&components, ordered)?.into_iter().map(Ok)))
    }

    fn rows_in(&self, shard: usize, query: &Query) -> Result<BTreeMap<Entity, Vec<ComponentValue>>> {
        let mut rows = BTreeMap::new();
        for chunk in self.find_in(shard, query)? {
            let chunk = chunk?;
            for (row, entity) in chunk.entities().iter().enumerate() {
                rows.insert(*entity, chunk.columns().iter().map(|column| column.value(row)).collect::<Result<_>>()?);
            }
        }
        Ok(rows)
    }

    /// All that are alive, and of the reserved ones those that have a component.
    fn everyone(&self) -> Result<BTreeMap<Entity, Vec<ComponentValue>>> {
        self.rows_in(0, &Query::default())
    }

    pub(super) fn whole(&self) -> Result<State<'_>> {
        let components: Vec<_> = self.components.values().cloned().collect();
        let chunks = match self.routing {
            Routing::Component(_) => self.gathered(&components)?,
            _ => {
                let mut chunks = Vec::new();
                for (place, storage) in self.shards.iter().enumerate() {
                    for chunk in storage.export()?.chunks {
                        let bare = chunk.columns().iter().all(|column| is_note(column.component().name()));
                        let notes = bare && chunk.entities().iter().all(|entity| entity.is_reserved());
                        if !notes {
                            chunks.extend(self.shown(place, chunk)?);
                        }
                    }
                }
                chunks
            }
        };
        Ok(State::new(self.tick, self.allocator.state(), components, chunks))
    }

    fn gathered(&self, components: &[Arc<ComponentType>]) -> Result<Vec<Chunk<'static>>> {
        let mut values = Vec::with_capacity(components.len());
        for component in components {
            let shard = self.shard_for(component.name()).unwrap_or_default();
            let rows = self.rows_in(shard, &Query::new([Arc::clone(component.name())]))?;
            values.push(
                rows.into_iter()
                    .flat_map(|(entity, values)| values.into_iter().map(move |value| (entity, value)))
                    .collect(),
            );
        }
        chunks_of(self.homes.keys().copied(), components, values)
    }

    pub(super) fn changed(&self, since: Tick) -> Result<Changes> {
        if since > self.tick {
            return Err(Error::invalid("the tick is not there yet").with("since", since).with("tick", self.tick));
        }
        self.check_whole()?;
        let oldest = self.history.front().map_or(self.tick, |(tick, _)| *tick);
        let place = self.history.partition_point(|(tick, _)| *tick < since);
        let Some((_, ticks)) = self.history.get(place).filter(|(tick, _)| *tick == since) else {
            return Err(forgotten(since.0, oldest.0));
        };
        let mut changes = Changes::none(since, self.tick);
        let is_by_component = matches!(self.routing, Routing::Component(_));
        let shards = if self.planted.has(Bug::ShardUnchanged) { 1 } else { ticks.len() };
        for (shard, since) in ticks.iter().enumerate().take(shards) {
            let found = self.shards.get(shard).ok_or_else(|| gone(shard))?.changes(*since)?;
            // Shard 0 knows all entities; in the others one may be new that was there before.
            if shard == 0 || !is_by_component {
                changes.created.extend(found.created);
                changes.destroyed.extend(found.destroyed);
            }
            let written = found.written.into_iter().filter(|(_, value)| !is_note(value.name()));
            changes.written.extend(written.filter_map(|(entity, value)| Some((self.outside(shard, entity)?, value))));
            changes.removed.extend(
                found.removed.into_iter().filter_map(|(entity, name)| Some((self.outside(shard, entity)?, name))),
            );
        }
        let created: HashSet<Entity> = changes.created.iter().copied().collect();
        changes.removed.retain(|(entity, _)| !created.contains(entity));
        changes.sort();
        Ok(changes)
    }
}
