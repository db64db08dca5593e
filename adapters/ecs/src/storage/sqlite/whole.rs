//! Everything at once: states out and in, and what changed since a tick.

use std::sync::Arc;

use rusqlite::Connection;
use worldstore_core::{Error, Result};
use worldstore_db_common::sqlite::translate;

use super::apply;
use super::read::{self, Head, to_id};
use super::schema;
use crate::Entity;
use crate::allocator::AllocatorState;
use crate::error::{corrupt, forgotten};
use crate::planted::{Bug, Planted};
use crate::state::State;
use crate::storage::catalog::Catalog;
use crate::storage::gather::{chunks_of, rows_of};
use crate::tick::{Changes, Tick};

/// Everything that the file holds.
pub(super) fn export(connection: &Connection, catalog: &Catalog) -> Result<State<'static>> {
    let head = Head::read(connection)?;
    let alive = read::entities(connection, "SELECT entity FROM entities", [])?;
    let allocator = allocator(connection, head, &alive)?;
    let components: Vec<_> = catalog.all().iter().map(|known| Arc::clone(&known.component)).collect();
    let values = catalog.all().iter().map(|known| read::all(connection, known, "", []));
    let chunks = chunks_of(alive, &components, values.collect::<Result<_>>()?)?;
    Ok(State::new(Tick(head.tick), allocator, components, chunks))
}

fn allocator(connection: &Connection, head: Head, alive: &[Entity]) -> Result<AllocatorState> {
    let place = |index: u32| index.checked_sub(Entity::RESERVED).map(|place| place as usize);
    let count = place(head.next_slot).ok_or_else(|| corrupt("the next index is a reserved one"))?;
    let mut slots = vec![0; count];
    let mut set = |index: u32, word: u32| match place(index).and_then(|place| slots.get_mut(place)) {
        Some(slot) => {
            *slot = word;
            Ok(())
        }
        None => Err(corrupt("an index was never given out").with("index", index)),
    };
    let mut guests = read::entities(connection, "SELECT entity FROM guests", [])?;
    guests.sort_unstable();
    for entity in alive.iter().filter(|entity| guests.binary_search(entity).is_err()) {
        set(entity.index(), AllocatorState::slot(entity.generation(), true))?;
    }
    let mut statement =
        connection.prepare_cached("SELECT slot, generation, free FROM slots ORDER BY free").map_err(translate)?;
    let mut rows = statement.query([]).map_err(translate)?;
    let mut free = Vec::new();
    while let Some(row) = rows.next().map_err(translate)? {
        let (index, generation): (u32, u32) = (row.get(0).map_err(translate)?, row.get(1).map_err(translate)?);
        set(index, AllocatorState::slot(generation, false))?;
        let is_free = row.get::<_, Option<i64>>(2).map_err(translate)?.is_some();
        free.extend(is_free.then_some(index));
    }
    Ok(AllocatorState::new(head.shard, slots, free).with_guests(guests))
}

/// Replaces everything, in a transaction. Components that are known stay known.
pub(super) fn import(
    connection: &Connection,
    catalog: &Arc<Catalog>,
    state: &State<'_>,
    planted: Planted,
) -> Result<Arc<Catalog>> {
    let before = Head::read(connection)?;
    let kept = catalog.all().iter().map(|known| &known.component);
    let kept: Vec<_> =
        kept.filter(|kept| state.components.iter().all(|one| one.name() != kept.name())).cloned().collect();
    schema::clear(connection, catalog)?;
    connection
        .execute_batch(
            "DELETE FROM entities; DELETE FROM guests; DELETE FROM slots; DELETE FROM graves; DELETE FROM removals",
        )
        .map_err(translate)?;
    let all: Vec<_> = state.components.iter().chain(&kept).cloned().collect();
    schema::register(connection, &Catalog::default(), &all)?;
    let catalog = schema::catalog(connection, &Arc::default())?;
    // The rows are those of the tick before the restore's own, which the batch takes.
    let last = if planted.has(Bug::RestoreRewindsTicks) { 0 } else { before.tick };
    let tick = last.max(state.tick.0);
    let count =
        u32::try_from(state.allocator.slots.len()).map_err(|_| corrupt("there are more indexes than can be"))?;
    let next_slot = Entity::RESERVED.saturating_add(count);
    Head { shard: state.allocator.shard, tick, oldest: tick + 1, next_slot }.write(connection)?;
    slots(connection, &planted.restored(&state.allocator))?;
    let mut statement = connection.prepare_cached("INSERT INTO entities VALUES (?1, ?2)").map_err(translate)?;
    for entity in state.allocator.alive() {
        statement.execute((to_id(entity), tick + 1)).map_err(translate)?;
    }
    let (_, catalog) = apply::apply(connection, catalog, &rows_of(state)?, Planted::default())?;
    Ok(catalog)
}

fn slots(connection: &Connection, state: &AllocatorState) -> Result<()> {
    let mut statement = connection.prepare_cached("INSERT INTO guests VALUES (?1)").map_err(translate)?;
    for guest in &state.guests {
        statement.execute([to_id(*guest)]).map_err(translate)?;
    }
    let mut statement = connection.prepare_cached("INSERT INTO slots VALUES (?1, ?2, NULL)").map_err(translate)?;
    for (word, index) in state.slots.iter().zip(Entity::RESERVED..) {
        if word & AllocatorState::slot(0, true) == 0 {
            statement.execute((index, word)).map_err(translate)?;
        }
    }
    let mut statement = connection.prepare_cached("UPDATE slots SET free = ?2 WHERE slot = ?1").map_err(translate)?;
    for (place, index) in state.free.iter().enumerate() {
        statement.execute((index, place as i64 + 1)).map_err(translate)?;
    }
    Ok(())
}

/// What has changed since a tick.
pub(super) fn changes(connection: &Connection, catalog: &Catalog, since: Tick) -> Result<Changes> {
    let head = Head::read(connection)?;
    if since.0 > head.tick {
        return Err(Error::invalid("the tick is not there yet").with("since", since).with("tick", head.tick));
    }
    if since.0 < head.oldest {
        return Err(forgotten(since.0, head.oldest));
    }
    let mut changes = Changes::none(since, Tick(head.tick));
    changes.created = read::entities(connection, "SELECT entity FROM entities WHERE born > ?1", [since.0])?;
    let sql = "SELECT entity FROM graves WHERE died > ?1 AND born <= ?1";
    changes.destroyed = read::entities(connection, sql, [since.0])?;
    for known in catalog.all() {
        changes.written.extend(read::all(connection, known, "WHERE t.changed > ?1", [since.0])?);
        let sql = format!(
            "SELECT r.entity FROM removals r LEFT JOIN entities e ON e.entity = r.entity
             WHERE r.component = {} AND r.tick > ?1 AND ifnull(e.born, 0) <= ?1
             AND NOT EXISTS (SELECT 1 FROM {} c WHERE c.entity = r.entity)",
            known.id, known.table
        );
        let removed = read::entities(connection, &sql, [since.0])?;
        changes.removed.extend(removed.into_iter().map(|entity| (entity, Arc::clone(known.name()))));
    }
    changes.sort();
    Ok(changes)
}
