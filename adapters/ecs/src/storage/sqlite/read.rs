//! Reads: one component of an entity, the components that it has, and the SQL for values.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use worldstore_core::Result;
use worldstore_db_common::sqlite::translate;

use super::cells::from_sql;
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
    pub fn read(connection: &Connection) -> Result<Self> {
        let sql = "SELECT shard, tick, oldest, next_slot FROM store";
        let mut statement = connection.prepare_cached(sql).map_err(translate)?;
        let head = statement.query_row([], |row| {
            Ok(Self { shard: row.get(0)?, tick: row.get(1)?, oldest: row.get(2)?, next_slot: row.get(3)? })
        });
        head.map_err(translate)
    }

    pub fn write(&self, connection: &Connection) -> Result<()> {
        let sql = "UPDATE store SET shard = ?1, tick = ?2, oldest = ?3, next_slot = ?4";
        let mut statement = connection.prepare_cached(sql).map_err(translate)?;
        statement.execute((self.shard, self.tick, self.oldest, self.next_slot)).map(|_| ()).map_err(translate)
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

/// An entity that was stored.
pub(super) fn of_id(id: i64) -> Result<Entity> {
    let broken = |source: worldstore_core::Error| corrupt("a stored number is no entity").caused_by(source);
    u64::try_from(id)
        .map_err(|_| corrupt("a stored number is no entity"))
        .and_then(|bits| Entity::from_bits(bits).map_err(broken))
}

/// Which of these are alive.
pub(super) fn alive(connection: &Connection, head: Head, entities: &[Entity]) -> Result<HashSet<Entity>> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM entities WHERE entity = ?1").map_err(translate)?;
    let mut alive = HashSet::with_capacity(entities.len());
    for entity in entities {
        if head.reserves(*entity) || statement.exists([to_id(*entity)]).map_err(translate)? {
            alive.insert(*entity);
        }
    }
    Ok(alive)
}

/// Which of these have the component.
pub(super) fn having(connection: &Connection, known: &Known, entities: &[Entity]) -> Result<HashSet<Entity>> {
    let sql = format!("SELECT 1 FROM {} WHERE entity = ?1", known.table);
    let mut statement = connection.prepare_cached(&sql).map_err(translate)?;
    let mut having = HashSet::with_capacity(entities.len());
    for entity in entities {
        if statement.exists([to_id(*entity)]).map_err(translate)? {
            having.insert(*entity);
        }
    }
    Ok(having)
}

/// The names of an entity's components, sorted.
pub(super) fn types(connection: &Connection, catalog: &Catalog, entity: Entity) -> Result<Vec<Arc<str>>> {
    let mut names = Vec::new();
    for known in catalog.all() {
        if !having(connection, known, &[entity])?.is_empty() {
            names.push(Arc::clone(known.name()));
        }
    }
    names.sort();
    Ok(names)
}

/// `SELECT entity, shared, fields FROM …`, behind which a condition on `t` can come.
pub(super) fn select(known: &Known) -> String {
    let fields: String = known.fields_of("t", "s").iter().map(|field| format!(", {field}")).collect();
    let join = known.shared.as_ref().map(|shared| format!(" LEFT JOIN {shared} s ON s.id = t.shared"));
    format!("SELECT t.entity, t.shared{fields} FROM {} t{}", known.table, join.unwrap_or_default())
}

/// The values of many entities, in their order.
pub(super) fn values(
    connection: &Connection,
    known: &Known,
    entities: &[Entity],
) -> Result<Vec<Option<ComponentValue>>> {
    let sql = format!("{} WHERE t.entity = ?1", select(known));
    let mut statement = connection.prepare_cached(&sql).map_err(translate)?;
    let mut values = Vec::with_capacity(entities.len());
    for entity in entities {
        let mut rows = statement.query([to_id(*entity)]).map_err(translate)?;
        values.push(match rows.next().map_err(translate)? {
            Some(row) => Some(value(row, known, 1)?),
            None => None,
        });
    }
    Ok(values)
}

/// All values of a component for which a condition holds, with their entities.
pub(super) fn all(
    connection: &Connection,
    known: &Known,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<(Entity, ComponentValue)>> {
    let mut statement = connection.prepare_cached(&format!("{} {condition}", select(known))).map_err(translate)?;
    let mut rows = statement.query(parameters).map_err(translate)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(translate)? {
        found.push((of_id(row.get(0).map_err(translate)?)?, value(row, known, 1)?));
    }
    Ok(found)
}

/// A value from the columns of a row: at `first` whether it is shared, then its fields.
pub(super) fn value(row: &Row<'_>, known: &Known, first: usize) -> Result<ComponentValue> {
    let fields = known.component.fields().iter().enumerate();
    let fields = fields.map(|(place, field)| from_sql(field, row.get_ref(first + 1 + place).map_err(translate)?));
    let value = ComponentValue::from_fields(&known.component, &fields.collect::<Result<Vec<_>>>()?)?;
    let is_shared = row.get_ref(first).map_err(translate)? != rusqlite::types::ValueRef::Null;
    Ok(if is_shared { value.shared() } else { value })
}

/// Entities that a query finds.
pub(super) fn entities(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Entity>> {
    let mut statement = connection.prepare_cached(sql).map_err(translate)?;
    let mut rows = statement.query(parameters).map_err(translate)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(translate)? {
        found.push(of_id(row.get(0).map_err(translate)?)?);
    }
    Ok(found)
}
