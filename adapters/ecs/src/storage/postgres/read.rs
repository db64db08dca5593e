//! Reads, and the SQL for values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::{PgConnection, Row};
use worldstore_core::Result;

use super::cells::{selected, value};
use super::error::translate;
use crate::error::corrupt;
use crate::storage::catalog::{Catalog, Known};
use crate::{ComponentValue, Entity};

/// The one row about everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub shard: u16,
    pub tick: u64,
    pub oldest: u64,
    pub next_slot: u32,
}

impl Head {
    pub async fn read(connection: &mut PgConnection, namespace: &str) -> Result<Self> {
        Self::of(connection, &format!("SELECT shard, tick, oldest, next_slot FROM {namespace}.store")).await
    }

    /// Reads it and keeps all others from changing anything until the transaction ends.
    pub async fn lock(connection: &mut PgConnection, namespace: &str) -> Result<Self> {
        Self::of(connection, &format!("SELECT shard, tick, oldest, next_slot FROM {namespace}.store FOR UPDATE")).await
    }

    async fn of(connection: &mut PgConnection, sql: &str) -> Result<Self> {
        let row = sqlx::query(sql).fetch_one(connection).await.map_err(translate)?;
        let number = |at: usize| row.try_get::<i64, _>(at).map_err(translate);
        let broken = || corrupt("the row about everything holds what cannot be");
        Ok(Self {
            shard: u16::try_from(row.try_get::<i32, _>(0).map_err(translate)?).map_err(|_| broken())?,
            tick: u64::try_from(number(1)?).map_err(|_| broken())?,
            oldest: u64::try_from(number(2)?).map_err(|_| broken())?,
            next_slot: u32::try_from(number(3)?).map_err(|_| broken())?,
        })
    }

    pub async fn write(&self, connection: &mut PgConnection, namespace: &str) -> Result<()> {
        let sql = format!("UPDATE {namespace}.store SET shard = $1, tick = $2, oldest = $3, next_slot = $4");
        let query = sqlx::query(&sql).bind(i32::from(self.shard)).bind(self.tick as i64).bind(self.oldest as i64);
        query.bind(i64::from(self.next_slot)).execute(connection).await.map(|_| ()).map_err(translate)
    }

    /// True for a reserved entity of the shard.
    pub fn reserves(&self, entity: Entity) -> bool {
        entity.is_reserved() && entity.shard() == self.shard && entity.generation() == 0
    }

    /// The ids of the reserved entities: the first, and the last.
    pub fn reserved(&self) -> (i64, i64) {
        let id = |index| to_id(Entity::pack(self.shard, index, 0));
        (id(0), id(Entity::RESERVED - 1))
    }
}

/// An entity as it is stored: 63 bits, so it is never negative.
pub(super) fn to_id(entity: Entity) -> i64 {
    entity.to_bits() as i64
}

pub(super) fn to_ids(entities: &[Entity]) -> Vec<i64> {
    entities.iter().copied().map(to_id).collect()
}

/// An entity that was stored.
pub(super) fn of_id(id: i64) -> Result<Entity> {
    let broken = || corrupt("a stored number is no entity").with("number", id);
    u64::try_from(id).ok().and_then(|bits| Entity::from_bits(bits).ok()).ok_or_else(broken)
}

/// Which of these are alive.
pub(super) async fn alive(
    connection: &mut PgConnection,
    namespace: &str,
    head: Head,
    entities: &[Entity],
) -> Result<HashSet<Entity>> {
    let mut alive = among(connection, &format!("{namespace}.entities"), entities).await?;
    alive.extend(entities.iter().filter(|entity| head.reserves(**entity)));
    Ok(alive)
}

/// Which of these are in a table.
pub(super) async fn among(connection: &mut PgConnection, table: &str, entities: &[Entity]) -> Result<HashSet<Entity>> {
    let sql = format!("SELECT entity FROM {table} WHERE entity = ANY($1)");
    let ids: Vec<i64> =
        sqlx::query_scalar(&sql).bind(to_ids(entities)).fetch_all(connection).await.map_err(translate)?;
    ids.into_iter().map(of_id).collect()
}

/// The names of an entity's components, sorted.
pub(super) async fn types(
    connection: &mut PgConnection,
    namespace: &str,
    catalog: &Catalog,
    entity: Entity,
) -> Result<Vec<Arc<str>>> {
    let one = |known: &Known| format!("SELECT {} AS id FROM {namespace}.{} WHERE entity = $1", known.id, known.table);
    let all: Vec<String> = catalog.all().iter().map(one).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT id::bigint FROM ({}) every", all.join(" UNION ALL "));
    let ids: Vec<i64> = sqlx::query_scalar(&sql).bind(to_id(entity)).fetch_all(connection).await.map_err(translate)?;
    let known = catalog.all().iter().filter(|known| ids.contains(&known.id));
    let mut names: Vec<_> = known.map(|known| Arc::clone(known.name())).collect();
    names.sort();
    Ok(names)
}

/// The fields of a row of `table`, and of its shared value.
pub(super) fn fields(known: &Known, table: &str, shared: &str) -> String {
    let fields = known.fields_of(table, shared);
    let fields = fields.iter().zip(known.component.fields());
    fields.map(|(column, field)| format!(", {}", selected(field.kind, column))).collect()
}

/// `SELECT entity, shared, fields FROM …`, behind which a condition on `t` can come.
pub(super) fn select(namespace: &str, known: &Known) -> String {
    let join = known.shared.as_ref().map(|shared| format!(" LEFT JOIN {namespace}.{shared} s ON s.id = t.shared"));
    let (fields, table) = (fields(known, "t", "s"), &known.table);
    format!("SELECT t.entity, t.shared{fields} FROM {namespace}.{table} t{}", join.unwrap_or_default())
}

/// The values of many entities.
pub(super) async fn values(
    connection: &mut PgConnection,
    namespace: &str,
    known: &Known,
    entities: &[Entity],
) -> Result<HashMap<Entity, ComponentValue>> {
    let sql = format!("{} WHERE t.entity = ANY($1)", select(namespace, known));
    let rows = sqlx::query(&sql).bind(to_ids(entities)).fetch_all(connection).await.map_err(translate)?;
    rows.iter().map(|row| Ok((of_id(row.try_get(0).map_err(translate)?)?, value(row, known, 1)?))).collect()
}

/// All values of a component that changed after a tick, with their entities.
pub(super) async fn since(
    connection: &mut PgConnection,
    namespace: &str,
    known: &Known,
    tick: i64,
) -> Result<Vec<(Entity, ComponentValue)>> {
    let sql = format!("{} WHERE t.changed > $1", select(namespace, known));
    let rows = sqlx::query(&sql).bind(tick).fetch_all(connection).await.map_err(translate)?;
    rows.iter().map(|row| Ok((of_id(row.try_get(0).map_err(translate)?)?, value(row, known, 1)?))).collect()
}

/// Entities that a query with one number finds.
pub(super) async fn entities(connection: &mut PgConnection, sql: &str, number: i64) -> Result<Vec<Entity>> {
    let ids: Vec<i64> = sqlx::query_scalar(sql).bind(number).fetch_all(connection).await.map_err(translate)?;
    ids.into_iter().map(of_id).collect()
}
