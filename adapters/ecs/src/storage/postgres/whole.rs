//! Everything at once: states out and in, and what changed since a tick.

use std::sync::Arc;

use sqlx::{PgConnection, Row};
use worldstore_core::{Error, Result};

use super::apply;
use super::error::translate;
use super::read::{self, Head, to_ids};
use super::schema;
use crate::Entity;
use crate::allocator::AllocatorState;
use crate::batch::Batch;
use crate::component::ComponentType;
use crate::error::{corrupt, forgotten};
use crate::planted::{Bug, Planted};
use crate::state::State;
use crate::storage::catalog::Catalog;
use crate::storage::gather::{chunks_of, rows_of};
use crate::tick::{Changes, Tick};

/// Everything that the namespace holds.
pub(super) async fn export(connection: &mut PgConnection, ns: &str, catalog: &Catalog) -> Result<State<'static>> {
    let head = Head::read(connection, ns).await?;
    let sql = format!("SELECT entity FROM {ns}.entities WHERE entity > $1");
    let alive = read::entities(connection, &sql, -1).await?;
    let allocator = allocator(connection, ns, head, &alive).await?;
    let components: Vec<_> = catalog.all().iter().map(|known| Arc::clone(&known.component)).collect();
    let mut values = Vec::with_capacity(components.len());
    for known in catalog.all() {
        values.push(read::since(connection, ns, known, -1).await?);
    }
    let chunks = chunks_of(alive, &components, values)?;
    Ok(State::new(Tick(head.tick), allocator, components, chunks))
}

async fn allocator(connection: &mut PgConnection, ns: &str, head: Head, alive: &[Entity]) -> Result<AllocatorState> {
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
    let mut guests =
        read::entities(connection, &format!("SELECT entity FROM {ns}.guests WHERE entity > $1"), -1).await?;
    guests.sort_unstable();
    for entity in alive.iter().filter(|entity| guests.binary_search(entity).is_err()) {
        set(entity.index(), AllocatorState::slot(entity.generation(), true))?;
    }
    let sql = format!("SELECT slot, generation, free FROM {ns}.slots ORDER BY free");
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(translate)?;
    let mut free = Vec::new();
    for row in rows {
        let number = |at: usize| row.try_get::<i64, _>(at).map_err(translate);
        let small =
            |number: i64| u32::try_from(number).map_err(|_| corrupt("a stored slot is none").with("number", number));
        let (index, generation) = (small(number(0)?)?, small(number(1)?)?);
        set(index, AllocatorState::slot(generation, false))?;
        let is_free = row.try_get::<Option<i64>, _>(2).map_err(translate)?.is_some();
        free.extend(is_free.then_some(index));
    }
    Ok(AllocatorState::new(head.shard, slots, free).with_guests(guests))
}

/// What a restore needs of a state: everything but its rows, which are a batch.
#[derive(Debug)]
pub(super) struct Incoming {
    tick: Tick,
    allocator: AllocatorState,
    components: Vec<Arc<ComponentType>>,
    rows: Batch,
}

impl Incoming {
    pub fn of(state: &State<'_>) -> Result<Self> {
        let (components, rows) = (state.components.clone(), rows_of(state)?);
        Ok(Self { tick: state.tick, allocator: state.allocator.clone(), components, rows })
    }
}

/// Replaces everything, in a transaction that has locked it. Components that are known stay known.
pub(super) async fn import(
    connection: &mut PgConnection,
    (ns, planted): (&str, Planted),
    before: Head,
    catalog: &Arc<Catalog>,
    state: &Incoming,
) -> Result<Arc<Catalog>> {
    let kept = catalog.all().iter().map(|known| &known.component);
    let kept = kept.filter(|kept| state.components.iter().all(|one| one.name() != kept.name()));
    let all: Vec<_> = state.components.iter().chain(kept).cloned().collect();
    // Whoever looks again waits here, and not at one table after the other.
    schema::run(connection, &format!("LOCK TABLE {ns}.components IN ACCESS EXCLUSIVE MODE")).await?;
    schema::clear(connection, ns, catalog).await?;
    // Not `TRUNCATE`, which empties the tables for those too that see the state before.
    for table in ["entities", "guests", "slots", "graves", "removals"] {
        schema::run(connection, &format!("DELETE FROM {ns}.{table}")).await?;
    }
    schema::register(connection, ns, &Catalog::default(), &all).await?;
    let catalog = schema::catalog(connection, ns, &Arc::default()).await?;
    // The rows are those of the tick before the restore's own, which the batch takes.
    let last = if planted.has(Bug::RestoreRewindsTicks) { 0 } else { before.tick };
    let tick = last.max(state.tick.0);
    let count =
        u32::try_from(state.allocator.slots.len()).map_err(|_| corrupt("there are more indexes than can be"))?;
    let next_slot = Entity::RESERVED.saturating_add(count);
    let head = Head { shard: state.allocator.shard, tick, oldest: tick + 1, next_slot };
    slots(connection, ns, &planted.restored(&state.allocator)).await?;
    let alive: Vec<Entity> = state.allocator.alive().collect();
    let sql = format!("INSERT INTO {ns}.entities SELECT e, $2 FROM UNNEST($1::bigint[]) AS u(e)");
    let query = sqlx::query(&sql).bind(to_ids(&alive)).bind(tick as i64 + 1);
    query.execute(&mut *connection).await.map_err(translate)?;
    let (_, catalog) = apply::apply(connection, (ns, Planted::default()), head, catalog, &state.rows).await?;
    Ok(catalog)
}

async fn slots(connection: &mut PgConnection, ns: &str, state: &AllocatorState) -> Result<()> {
    let sql = format!("INSERT INTO {ns}.guests SELECT e FROM UNNEST($1::bigint[]) AS u(e)");
    sqlx::query(&sql).bind(to_ids(&state.guests)).execute(&mut *connection).await.map_err(translate)?;
    let is_dead = |word: &u32| word & AllocatorState::slot(0, true) == 0;
    let dead = state.slots.iter().zip(Entity::RESERVED..).filter(|(word, _)| is_dead(word));
    let (generations, indexes): (Vec<i64>, Vec<i64>) =
        dead.map(|(word, index)| (i64::from(*word), i64::from(index))).unzip();
    let free: Vec<i64> = state.free.iter().map(|index| i64::from(*index)).collect();
    let sql = format!(
        "INSERT INTO {ns}.slots SELECT u.slot, u.generation, f.place
         FROM UNNEST($1::bigint[], $2::bigint[]) AS u(slot, generation)
         LEFT JOIN UNNEST($3::bigint[]) WITH ORDINALITY AS f(slot, place) ON f.slot = u.slot"
    );
    let query = sqlx::query(&sql).bind(indexes).bind(generations).bind(free);
    query.execute(connection).await.map(|_| ()).map_err(translate)
}

/// What has changed since a tick.
pub(super) async fn changes(
    connection: &mut PgConnection,
    ns: &str,
    catalog: &Catalog,
    since: Tick,
) -> Result<Changes> {
    let head = Head::read(connection, ns).await?;
    if since.0 > head.tick {
        return Err(Error::invalid("the tick is not there yet").with("since", since).with("tick", head.tick));
    }
    if since.0 < head.oldest {
        return Err(forgotten(since.0, head.oldest));
    }
    let number = since.0 as i64;
    let mut changes = Changes::none(since, Tick(head.tick));
    let sql = format!("SELECT entity FROM {ns}.entities WHERE born > $1");
    changes.created = read::entities(connection, &sql, number).await?;
    let sql = format!("SELECT entity FROM {ns}.graves WHERE died > $1 AND born <= $1");
    changes.destroyed = read::entities(connection, &sql, number).await?;
    for known in catalog.all() {
        changes.written.extend(read::since(connection, ns, known, number).await?);
        let sql = format!(
            "SELECT r.entity FROM {ns}.removals r LEFT JOIN {ns}.entities e ON e.entity = r.entity
             WHERE r.component = {} AND r.tick > $1 AND coalesce(e.born, 0) <= $1
             AND NOT EXISTS (SELECT 1 FROM {ns}.{} c WHERE c.entity = r.entity)",
            known.id, known.table
        );
        let removed = read::entities(connection, &sql, number).await?;
        changes.removed.extend(removed.into_iter().map(|entity| (entity, Arc::clone(known.name()))));
    }
    changes.sort();
    Ok(changes)
}
