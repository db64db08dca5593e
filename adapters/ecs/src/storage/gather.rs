//! From values in any order to chunks of entities with the same components.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::batch::{Batch, Write, WriteMode};
use crate::chunk::{Chunk, Column};
use crate::component::ComponentType;
use crate::state::State;
use crate::{ComponentValue, Entity};

/// Which components entities have: their places in a list, and whether their values are shared.
type Signature = Vec<(usize, bool)>;

/// The chunks of a state: all entities that are alive, and the values that they have.
///
/// `values` has a list for each component. Reserved entities need not be among those that are alive.
pub(crate) fn chunks_of(
    alive: impl IntoIterator<Item = Entity>,
    components: &[Arc<ComponentType>],
    values: Vec<Vec<(Entity, ComponentValue)>>,
) -> Result<Vec<Chunk<'static>>> {
    let mut rows: BTreeMap<Entity, Vec<(usize, ComponentValue)>> =
        alive.into_iter().map(|entity| (entity, Vec::new())).collect();
    for (place, values) in values.into_iter().enumerate() {
        for (entity, value) in values {
            rows.entry(entity).or_default().push((place, value));
        }
    }
    let mut groups: HashMap<Signature, Group> = HashMap::new();
    for (entity, values) in rows {
        let signature = values.iter().map(|(place, value)| (*place, value.is_shared())).collect();
        groups.entry(signature).or_default().push(entity, values.into_iter().map(|(_, value)| value));
    }
    groups
        .into_iter()
        .map(|(signature, group)| group.chunk(signature.iter().map(|(place, _)| *place), components))
        .collect()
}

/// The rows of a query as chunks: those whose values are shared in the same columns are together.
pub(crate) fn chunks_of_rows(
    components: &[Arc<ComponentType>],
    rows: impl IntoIterator<Item = (Entity, Vec<ComponentValue>)>,
) -> Result<Vec<Chunk<'static>>> {
    let mut groups: Vec<(Vec<bool>, Group)> = Vec::new();
    for (entity, values) in rows {
        let is_same = |shared: &[bool]| shared.iter().copied().eq(values.iter().map(ComponentValue::is_shared));
        // Nearly always the first: rows are seldom shared here and not there.
        let place = match groups.iter().position(|(shared, _)| is_same(shared)) {
            Some(place) => place,
            None => {
                groups.push((values.iter().map(ComponentValue::is_shared).collect(), Group::default()));
                groups.len() - 1
            }
        };
        if let Some((_, group)) = groups.get_mut(place) {
            group.push(entity, values);
        }
    }
    groups.into_iter().map(|(_, group)| group.chunk(0..components.len(), components)).collect()
}

/// The rows of a state as writes.
pub(crate) fn rows_of(state: &State<'_>) -> Result<Batch> {
    let mut batch = Batch::default();
    for chunk in &state.chunks {
        for column in chunk.columns() {
            for (row, entity) in chunk.entities().iter().enumerate() {
                batch.writes.push(Write { entity: *entity, value: column.value(row)?, mode: WriteMode::Insert });
            }
        }
    }
    Ok(batch)
}

/// Rows with the same components.
#[derive(Default)]
struct Group {
    entities: Vec<Entity>,
    /// A list for each column.
    columns: Vec<Vec<ComponentValue>>,
}

impl Group {
    fn push(&mut self, entity: Entity, values: impl IntoIterator<Item = ComponentValue>) {
        for (place, value) in values.into_iter().enumerate() {
            match self.columns.get_mut(place) {
                Some(column) => column.push(value),
                None => self.columns.push(vec![value]),
            }
        }
        self.entities.push(entity);
    }

    fn chunk(self, places: impl Iterator<Item = usize>, components: &[Arc<ComponentType>]) -> Result<Chunk<'static>> {
        let components = places.filter_map(|place| components.get(place));
        let columns = components.zip(&self.columns).map(|(component, values)| Column::from_values(component, values));
        Chunk::new(self.entities, columns.collect::<Result<_>>()?)
    }
}

/// An id that was given out nowhere, as far as this shard can tell.
pub(crate) fn foreign(entity: Entity) -> Error {
    Error::invalid("the id may still be given out here").with("entity", entity)
}

/// A chunk of its own rows is one of any lifetime.
pub(crate) fn shorter<'a>(chunk: Result<Chunk<'static>>) -> Result<Chunk<'a>> {
    chunk
}
