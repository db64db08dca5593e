//! From a change of entities to the rows of a tick: whatever differs, and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::{Level, TableName};
use worldstore_core::{Error, Result};
use worldstore_ecs::planted::{Bug, Planted};
use worldstore_ecs::{Batch, ComponentType, ComponentValue, Entity, Local, State, Storage, Tick};

use super::checkpoint;
use super::commit::Commit;
use super::ids::IdChanges;
use super::layout::Layout;
use super::names::{ARCHETYPES, CHECKPOINTS, COMPONENTS, FREE, GUESTS, TICKS};
use super::rows::{self, Row};
use super::shared::{SharedChanges, SharedValues};
use super::world_tables::WorldTables;

/// The components of an entity, sorted by name.
type Values = Vec<ComponentValue>;

/// A change that can be stored.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) commit: Commit,
    pub(crate) effect: Effect,
}

/// What memory takes over of a change that is stored.
#[derive(Debug)]
pub(crate) struct Effect {
    shared: SharedChanges,
    rows: u64,
}

impl WorldTables {
    /// The rows of a batch.
    pub(crate) fn prepare_batch(&mut self, batch: &Batch) -> Result<Prepared> {
        self.check()?;
        if !self.planted.has(Bug::UncheckedBatch) {
            self.local.check_batch(batch)?;
        }
        let drawn = self.draw(|tables, draft| tables.draw_batch(batch, draft));
        self.prepared(drawn, Some(self.local.shard()), self.next_tick()?)
    }

    /// The rows of components that are not known yet; none if all are.
    pub(crate) fn prepare_components(&mut self, components: &[Arc<ComponentType>]) -> Result<Option<Prepared>> {
        let known = self.local.components()?;
        let is_new = |one: &&Arc<ComponentType>| !known.iter().any(|known| known.is_same(one));
        let new: Vec<Arc<ComponentType>> = components.iter().filter(is_new).cloned().collect();
        if new.is_empty() {
            return Ok(None);
        }
        self.check()?;
        // What would be refused gets no rows: all are looked at, for one that is known may come in another Rust type.
        self.local.check_components(&components.iter().collect::<Vec<_>>())?;
        let drawn = self.draw(|tables, _| new.iter().try_for_each(|component| tables.layout.learn(component, false)));
        // It is no tick of its own: it is part of the next one.
        self.prepared(drawn, None, self.next_tick()?).map(Some)
    }

    /// The rows of all that a state has and is not here, or not any more; and the memory that is to follow.
    pub(crate) fn prepare_state(&mut self, state: &State<'_>) -> Result<(Prepared, Local)> {
        self.check()?;
        let mut raised = state.clone();
        raised.tick = self.local.tick()?.max(state.tick);
        let mut next = Local::with_shard(0)?;
        next.register(&self.local.components()?)?;
        next.import(&raised)?;
        let drawn = self.draw(|tables, draft| tables.draw_state(&next, draft));
        let prepared = self.prepared(drawn, Some(next.shard()), world_tick(next.tick()?)?)?;
        Ok((prepared, next))
    }

    /// What a stored change leaves, or one that was not stored.
    pub(crate) fn settle(&mut self, effect: Effect, outcome: Result<()>) -> Result<()> {
        match &outcome {
            Ok(()) => {
                self.layout.all_stored();
                self.shared.settle(effect.shared);
                self.rows_behind += effect.rows;
                self.is_lost = false;
            }
            Err(error) => {
                self.layout.forget_unstored();
                use worldstore_core::ErrorKind::{Fenced, OutcomeUnknown};
                self.is_lost = matches!(error.kind(), Fenced | OutcomeUnknown);
            }
        }
        outcome
    }

    /// The checkpoint that is due behind a batch that is stored, if one is.
    pub(crate) fn due_checkpoint(&mut self) -> Option<Commit> {
        let due = self.checkpoint_rows.max(2 * self.local.count() as u64);
        if self.rows_behind < due {
            return None;
        }
        // One that fails is tried again after as many rows.
        self.rows_behind = 0;
        let drawn = self.draw_checkpoint();
        self.is_lost = drawn.is_ok();
        drawn.map_err(|error| self.trouble = Some(error)).ok()
    }

    fn draw_checkpoint(&self) -> Result<Commit> {
        let (run, lease) = self.writer()?;
        let state = self.local.export()?;
        let parts = vec![(TableName::new(CHECKPOINTS)?, checkpoint::rows(&state, &self.shared)?)];
        Ok(Commit { run, lease, tick: world_tick(state.tick)?, parts, level: Level::Buffered })
    }

    /// What became of a checkpoint. Nothing depends on it: the ticks that it would spare are there.
    pub(crate) fn settle_checkpoint(&mut self, outcome: Result<()>) {
        (self.trouble, self.is_lost) = (outcome.err(), false);
    }

    fn next_tick(&self) -> Result<i64> {
        world_tick(self.local.tick()?.next())
    }

    /// Draws a change, and forgets what it taught if it fails.
    fn draw(&mut self, drawing: impl FnOnce(&mut Self, &mut Draft) -> Result<()>) -> Result<Draft> {
        let mut draft = Draft::new(&self.shared, self.planted);
        let drawn = drawing(self, &mut draft);
        drawn.inspect_err(|_| self.layout.forget_unstored()).map(|()| draft)
    }

    fn prepared(&mut self, drawn: Result<Draft>, shard: Option<u16>, tick: i64) -> Result<Prepared> {
        let parts = drawn.and_then(|draft| {
            let parts = draft.parts(&self.layout, &self.shared, shard)?;
            Ok((parts, draft.shared))
        });
        let (parts, shared) = parts.inspect_err(|_| self.layout.forget_unstored())?;
        let (run, lease) = self.writer()?;
        // Until it is known what became of it: also if nobody waits for that any more.
        self.is_lost = true;
        let rows = parts.iter().map(|(_, rows)| rows.num_rows() as u64).sum();
        Ok(Prepared { commit: Commit { run, lease, tick, parts, level: self.level }, effect: Effect { shared, rows } })
    }

    fn draw_batch(&mut self, batch: &Batch, draft: &mut Draft) -> Result<()> {
        for component in batch.components() {
            self.layout.learn(component, false)?;
        }
        let outlook = self.local.outlook(batch)?;
        let mut touched = Touched::default();
        for write in batch.writes() {
            put(touched.components(&self.local, write.entity)?, &write.value);
        }
        for (entity, name) in batch.removes() {
            touched.components(&self.local, *entity)?.retain(|value| value.name() != name);
        }
        for entity in batch.destroys() {
            touched.entity(&self.local, *entity)?.after = None;
        }
        let spawns = outlook.spawned.iter().copied().zip(batch.spawns());
        let places = batch.places().iter().map(|(entity, values)| (*entity, values));
        for (entity, values) in spawns.chain(places) {
            let mut values = values.clone();
            values.sort_unstable_by(|one, other| one.name().cmp(other.name()));
            touched.list.push(Touch { entity, before: None, after: Some(values) });
        }
        for Touch { entity, before, after } in touched.list {
            draft.change(&mut self.layout, &self.shared, entity, before, after)?;
        }
        draft.ids = IdChanges::of_batch(batch, &outlook);
        Ok(())
    }

    fn draw_state(&mut self, next: &Local, draft: &mut Draft) -> Result<()> {
        for component in next.components()? {
            self.layout.learn(&component, false)?;
        }
        let (before, after) = (self.local.export()?, next.export()?);
        for entity in before.entities() {
            let values = (self.local.values(entity)?, next.values(entity)?);
            draft.change(&mut self.layout, &self.shared, entity, values.0, values.1)?;
        }
        for entity in after.entities() {
            // A reserved entity that has a row only there was drawn as one without a row here.
            let is_new = match entity.is_reserved() {
                true => self.local.values(entity)?.is_none_or(|values| values.is_empty()),
                false => self.local.values(entity)?.is_none(),
            };
            if is_new {
                draft.change(&mut self.layout, &self.shared, entity, None, next.values(entity)?)?;
            }
        }
        draft.ids = IdChanges::between(&before.allocator, &after.allocator)?;
        Ok(())
    }
}

/// A tick of the storage as one of the world.
pub(super) fn world_tick(tick: Tick) -> Result<i64> {
    i64::try_from(tick.0).map_err(|_| Error::invalid("the ticks of worlds are at an end").with("tick", tick))
}

/// The entities of a batch, before it and after.
#[derive(Default)]
struct Touched {
    list: Vec<Touch>,
    places: HashMap<Entity, usize>,
}

struct Touch {
    entity: Entity,
    before: Option<Values>,
    after: Option<Values>,
}

impl Touched {
    fn entity(&mut self, local: &Local, entity: Entity) -> Result<&mut Touch> {
        let place = match self.places.get(&entity) {
            Some(place) => *place,
            None => {
                let before = local.values(entity)?;
                self.places.insert(entity, self.list.len());
                self.list.push(Touch { entity, after: before.clone(), before });
                self.list.len() - 1
            }
        };
        self.list.get_mut(place).ok_or_else(|| Error::unexpected("an entity of a batch has no place"))
    }

    fn components(&mut self, local: &Local, entity: Entity) -> Result<&mut Values> {
        Ok(self.entity(local, entity)?.after.get_or_insert_default())
    }
}

fn put(values: &mut Values, value: &ComponentValue) {
    match values.binary_search_by(|other| other.name().cmp(value.name())) {
        Ok(place) => values[place] = value.clone(),
        Err(place) => values.insert(place, value.clone()),
    }
}

/// The rows of a tick in the making.
struct Draft {
    /// By the place of the table.
    rows: Vec<Vec<Row>>,
    shared: SharedChanges,
    ids: IdChanges,
    planted: Planted,
}

impl Draft {
    fn new(shared: &SharedValues, planted: Planted) -> Self {
        Self { rows: Vec::new(), shared: shared.begin(), ids: IdChanges::default(), planted }
    }

    /// Adds what became of an entity.
    fn change(
        &mut self,
        layout: &mut Layout,
        shared: &SharedValues,
        entity: Entity,
        before: Option<Values>,
        after: Option<Values>,
    ) -> Result<()> {
        let has_row = |values: &Values| !entity.is_reserved() || !values.is_empty();
        let (before, after) = (before.filter(has_row), after.filter(has_row));
        if before == after {
            return Ok(());
        }
        for (values, rows) in [(&before, -1), (&after, 1)] {
            for value in values.iter().flatten().filter(|value| value.is_shared()) {
                self.shared.count(value, rows, shared);
            }
        }
        let old = before.as_ref().map(|values| layout.table_of(values)).transpose()?;
        let new = after.as_ref().map(|values| layout.table_of(values)).transpose()?;
        let stays = self.planted.has(Bug::LeftRowStays);
        if let (Some(place), Some(values)) = (old.filter(|_| old != new && !stays), before) {
            self.push(place, Row { entity, active: false, values });
        }
        if let (Some(place), Some(values)) = (new, after) {
            self.push(place, Row { entity, active: true, values });
        }
        Ok(())
    }

    fn push(&mut self, place: usize, row: Row) {
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, Vec::new);
        }
        self.rows[place].push(row);
    }

    /// The rows of all tables. Without a shard there is no tick, only what the catalog did not have.
    fn parts(
        &self,
        layout: &Layout,
        shared: &SharedValues,
        shard: Option<u16>,
    ) -> Result<Vec<(TableName, RecordBatch)>> {
        let mut parts = Vec::new();
        let mut add = |name: &str, rows: RecordBatch| {
            parts.push((TableName::new(name)?, rows));
            Ok::<(), Error>(())
        };
        if let Some(shard) = shard {
            add(TICKS, rows::tick_row(shard)?)?;
        }
        let components: Vec<_> = layout.components().filter(|known| !known.is_stored).collect();
        if !components.is_empty() && !self.planted.has(Bug::UnloggedComponents) {
            add(COMPONENTS, rows::component_rows(&components)?)?;
        }
        let tables: Vec<_> = layout.tables().iter().filter(|table| !table.is_stored).collect();
        if !tables.is_empty() {
            add(ARCHETYPES, rows::archetype_rows(&tables)?)?;
        }
        if !self.ids.free.is_empty() && !self.planted.has(Bug::FreeUnstored) {
            add(FREE, rows::free_rows(&self.ids.free)?)?;
        }
        if !self.ids.guests.is_empty() && !self.planted.has(Bug::GuestsUnstored) {
            add(GUESTS, rows::guest_rows(&self.ids.guests)?)?;
        }
        let number = |value: &ComponentValue| {
            let number = shared.number(value, &self.shared);
            number.ok_or_else(|| Error::unexpected("a shared value has no number"))
        };
        for (table, rows) in layout.tables().iter().zip(&self.rows).filter(|(_, rows)| !rows.is_empty()) {
            add(table.table.name.as_str(), rows::entity_rows(layout, table, rows, number)?)?;
        }
        let mut values = shared.turnover(&self.shared);
        values.sort_by(|(one, ..), (other, ..)| one.name().cmp(other.name()));
        for values in values.chunk_by(|(one, ..), (other, ..)| one.name() == other.name()) {
            let known = layout.component(values.first().map_or("", |(value, ..)| value.name()))?;
            let (name, schema) = known.shared_table()?;
            add(name.as_str(), rows::shared_rows(known, &schema, values)?)?;
        }
        Ok(parts)
    }
}
