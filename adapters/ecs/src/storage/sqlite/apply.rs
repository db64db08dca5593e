//! A batch, in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, OptionalExtension};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::sqlite::translate;

use super::cells::to_sql;
use super::read::{Head, alive, having, to_id};
use super::schema;
use crate::batch::{Applied, Batch, WriteMode};
use crate::error::corrupt;
use crate::planted::{Bug, Planted};
use crate::storage::catalog::{Catalog, Known};
use crate::storage::gather::foreign;
use crate::{ComponentValue, Entity, Tick};

/// So many destroyed entities and removed components are remembered; when there are twice as many, the older half goes.
const REMEMBERED: i64 = 1 << 20;

/// Applies a batch in a transaction, and gives the catalog that is right then.
pub(super) fn apply(
    connection: &Connection,
    catalog: Arc<Catalog>,
    batch: &Batch,
    planted: Planted,
) -> Result<(Applied, Arc<Catalog>)> {
    let catalog = prepare(connection, catalog, batch)?;
    let mut head = Head::read(connection)?;
    if !planted.has(Bug::UncheckedBatch) && !planted.has(Bug::CommitDespiteError) {
        check(connection, head, &catalog, batch)?;
    }
    head.tick += 1;
    let mut step = Step { connection, catalog: &catalog, head, loosened: HashSet::new(), planted };
    step.writes(batch)?;
    if planted.has(Bug::CommitDespiteError) {
        check(connection, step.head, &catalog, batch)?;
    }
    let removed = step.removes(batch)?;
    batch.destroys().iter().try_for_each(|entity| step.destroy(*entity))?;
    let spawned = step.spawns(batch)?;
    step.places(batch)?;
    step.drop_unshared()?;
    step.forget()?;
    let head = step.head;
    head.write(connection)?;
    Ok((Applied::new(Tick(head.tick), spawned, removed), catalog))
}

/// Makes the tables that the batch needs.
fn prepare(connection: &Connection, mut catalog: Arc<Catalog>, batch: &Batch) -> Result<Arc<Catalog>> {
    let components: Vec<_> = batch.components().into_iter().cloned().collect();
    if schema::register(connection, &catalog, &components)? {
        catalog = schema::catalog(connection, &catalog)?;
    }
    let shared: HashSet<&str> = batch.values().filter(|value| value.is_shared()).map(|value| &**value.name()).collect();
    for known in shared.iter().filter_map(|name| catalog.get(name)).filter(|known| known.shared.is_none()) {
        schema::make_shared(connection, known)?;
    }
    schema::catalog(connection, &catalog)
}

fn check(connection: &Connection, head: Head, catalog: &Catalog, batch: &Batch) -> Result<()> {
    let placed = batch.places().iter().map(|(entity, _)| *entity);
    let alive = alive(connection, head, &batch.entities().into_iter().chain(placed).collect::<Vec<_>>())?;
    let mut updated: HashMap<&str, Vec<Entity>> = HashMap::new();
    for write in batch.writes().iter().filter(|write| write.mode == WriteMode::Update) {
        updated.entry(write.value.name()).or_default().push(write.entity);
    }
    let mut present = HashMap::new();
    for (name, entities) in updated {
        if let Some(known) = catalog.get(name) {
            present.insert(name, having(connection, known, &entities)?);
        }
    }
    batch.check(
        |entity| alive.contains(&entity),
        |entity, component| present.get(&**component.name()).is_some_and(|entities| entities.contains(&entity)),
    )?;
    batch.places().iter().try_for_each(|(entity, _)| check_guest(connection, head, *entity))
}

/// Looks whether an id can be placed here: one of another shard, or one that was given out here and taken back.
fn check_guest(connection: &Connection, head: Head, entity: Entity) -> Result<()> {
    let sql = "SELECT max(generation) FROM (
        SELECT generation + (free IS NULL) AS generation FROM slots WHERE slot = ?1
        UNION ALL SELECT (entity >> 32) & ?2 FROM entities
        WHERE entity & 4294967295 = ?1 AND entity >> 52 = ?3 AND entity NOT IN (SELECT entity FROM guests)
    )";
    let given_out = || -> Result<Option<u32>> {
        let mut statement = connection.prepare_cached(sql).map_err(translate)?;
        let parameters = (entity.index(), Entity::GENERATION_MAX, head.shard);
        statement.query_row(parameters, |row| row.get(0)).map_err(translate)
    };
    let is_free = match entity.shard() == head.shard {
        true => given_out()?.is_none_or(|generation| entity.generation() >= generation),
        false => false,
    };
    match entity.is_reserved() || is_free {
        true => Err(foreign(entity)),
        false => Ok(()),
    }
}

/// A batch on its way.
struct Step<'step> {
    connection: &'step Connection,
    catalog: &'step Catalog,
    head: Head,
    /// Components whose shared values may have lost an entity.
    loosened: HashSet<i64>,
    planted: Planted,
}

impl Step<'_> {
    fn known(&self, component: &str) -> Result<&Known> {
        let missing = || Error::unexpected("the component has no table").with("component", component);
        self.catalog.get(component).ok_or_else(missing)
    }

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<usize> {
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        statement.execute(parameters).map_err(translate)
    }

    fn writes(&mut self, batch: &Batch) -> Result<()> {
        for write in batch.writes() {
            self.write(write.entity, &write.value)?;
        }
        Ok(())
    }

    fn write(&mut self, entity: Entity, value: &ComponentValue) -> Result<()> {
        let known = self.known(value.name())?;
        let shared = match value.is_shared() && !self.planted.has(Bug::SharedIsOwn) {
            true => Some(self.share(known, value)?),
            false => None,
        };
        let columns: String = known.columns.iter().map(|name| format!(", \"{name}\"")).collect();
        let marks: String = (0..known.columns.len()).map(|place| format!(", ?{}", place + 4)).collect();
        let update: String = known.columns.iter().map(|name| format!(", \"{name}\" = excluded.\"{name}\"")).collect();
        let changed = if self.planted.has(Bug::WriteUnstamped) { "changed" } else { "excluded.changed" };
        let sql = format!(
            "INSERT INTO {} (entity, changed, shared{columns}) VALUES (?1, ?2, ?3{marks})
             ON CONFLICT (entity) DO UPDATE SET changed = {changed}, shared = excluded.shared{update}",
            known.table
        );
        let own = [
            Value::Integer(to_id(entity)),
            Value::Integer(self.head.tick as i64),
            shared.map_or(Value::Null, Value::Integer),
        ];
        let own = own.into_iter().map(ToSqlOutput::Owned);
        let fields: Vec<ToSqlOutput<'_>> = match shared {
            Some(_) => known.columns.iter().map(|_| ToSqlOutput::Owned(Value::Null)).collect(),
            None => value.fields()?.into_iter().map(to_sql).collect(),
        };
        self.execute(&sql, rusqlite::params_from_iter(own.chain(fields)))?;
        let loosens = known.shared.is_some().then_some(known.id);
        self.loosened.extend(loosens);
        Ok(())
    }

    /// The number of a value that is stored once.
    fn share(&self, known: &Known, value: &ComponentValue) -> Result<i64> {
        let table = known.shared.as_ref().ok_or_else(|| Error::unexpected("there is no table of shared values"))?;
        let sql = format!("SELECT id FROM {table} WHERE value = ?1");
        let mut statement = self.connection.prepare_cached(&sql).map_err(translate)?;
        let found = statement.query_row([value.bytes()], |row| row.get(0)).optional().map_err(translate)?;
        if let Some(id) = found {
            return Ok(id);
        }
        let columns: String = known.columns.iter().map(|name| format!(", \"{name}\"")).collect();
        let marks: String = (0..known.columns.len()).map(|place| format!(", ?{}", place + 2)).collect();
        let bytes = [ToSqlOutput::Owned(Value::Blob(value.bytes().to_vec()))];
        let fields = bytes.into_iter().chain(value.fields()?.into_iter().map(to_sql));
        let sql = format!("INSERT INTO {table} (value{columns}) VALUES (?1{marks})");
        self.execute(&sql, rusqlite::params_from_iter(fields))?;
        Ok(self.connection.last_insert_rowid())
    }

    fn removes(&mut self, batch: &Batch) -> Result<u64> {
        let mut removed = 0;
        for (entity, name) in batch.removes() {
            let Some(known) = self.catalog.get(name) else { continue };
            let sql = format!("DELETE FROM {} WHERE entity = ?1", known.table);
            if self.execute(&sql, [to_id(*entity)])? > 0 {
                removed += 1;
                if !self.planted.has(Bug::RemovalUnnoted) {
                    let sql = "INSERT OR REPLACE INTO removals (entity, component, tick) VALUES (?1, ?2, ?3)";
                    self.execute(sql, (to_id(*entity), known.id, self.head.tick))?;
                }
                self.loosened.extend(known.shared.is_some().then_some(known.id));
            }
        }
        Ok(removed)
    }

    fn destroy(&mut self, entity: Entity) -> Result<()> {
        let id = to_id(entity);
        for known in self.catalog.all() {
            let gone = self.execute(&format!("DELETE FROM {} WHERE entity = ?1", known.table), [id])?;
            if gone > 0 && known.shared.is_some() {
                self.loosened.insert(known.id);
            }
        }
        let sql = "INSERT INTO graves (entity, born, died) SELECT entity, born, ?2 FROM entities WHERE entity = ?1";
        if !self.planted.has(Bug::DestroyUnnoted) {
            self.execute(sql, (id, self.head.tick))?;
        }
        self.execute("DELETE FROM entities WHERE entity = ?1", [id])?;
        self.execute("DELETE FROM removals WHERE entity = ?1", [id])?;
        if self.execute("DELETE FROM guests WHERE entity = ?1", [id])? > 0 {
            return Ok(());
        }
        let generation = entity.generation();
        // An index whose generations are used up is never free.
        let sql = match generation < Entity::GENERATION_MAX {
            true => {
                "INSERT INTO slots VALUES (?1, ?2, (SELECT ifnull(max(free), 0) + 1 FROM slots WHERE free IS NOT NULL))"
            }
            false => "INSERT INTO slots VALUES (?1, ?2, NULL)",
        };
        self.execute(sql, (entity.index(), (generation + 1).min(Entity::GENERATION_MAX))).map(|_| ())
    }

    fn spawns(&mut self, batch: &Batch) -> Result<Vec<Entity>> {
        let mut spawned = Vec::with_capacity(batch.spawns().len());
        for values in batch.spawns() {
            let entity = self.allocate()?;
            self.execute("INSERT INTO entities VALUES (?1, ?2)", (to_id(entity), self.head.tick))?;
            for value in values {
                self.write(entity, value)?;
            }
            spawned.push(entity);
        }
        Ok(spawned)
    }

    fn places(&mut self, batch: &Batch) -> Result<()> {
        for (entity, values) in batch.places() {
            self.execute("INSERT INTO entities VALUES (?1, ?2)", (to_id(*entity), self.head.tick))?;
            self.execute("INSERT INTO guests VALUES (?1)", [to_id(*entity)])?;
            values.iter().try_for_each(|value| self.write(*entity, value))?;
        }
        Ok(())
    }

    /// The index that became free last, or else the first that was never used.
    fn allocate(&mut self) -> Result<Entity> {
        let sql = match self.planted.has(Bug::OldestFreeFirst) {
            true => "SELECT slot, generation FROM slots WHERE free IS NOT NULL ORDER BY free LIMIT 1",
            false => "SELECT slot, generation FROM slots WHERE free IS NOT NULL ORDER BY free DESC LIMIT 1",
        };
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        let free = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(translate)?;
        let (index, generation) = match free {
            Some((index, generation)) => {
                self.execute("DELETE FROM slots WHERE slot = ?1", [index])?;
                (index, generation)
            }
            None => {
                let index = self.head.next_slot;
                self.head.next_slot = index.checked_add(1).ok_or_else(full)?;
                (index, 0)
            }
        };
        let broken = |source| corrupt("a stored slot is none").caused_by(source);
        Entity::new(self.head.shard, index, generation).map_err(broken)
    }

    /// Removes shared values that no entity has any more.
    fn drop_unshared(&self) -> Result<()> {
        for known in self.catalog.all().iter().filter(|known| self.loosened.contains(&known.id)) {
            let Some(shared) = &known.shared else { continue };
            let sql = format!(
                "DELETE FROM {shared} WHERE NOT EXISTS (SELECT 1 FROM {} c WHERE c.shared = {shared}.id)",
                known.table
            );
            self.execute(&sql, [])?;
        }
        Ok(())
    }

    /// Forgets the older half of what is remembered for changes, when that is too much.
    fn forget(&mut self) -> Result<()> {
        let one = |sql: &str| -> Result<i64> {
            let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
            statement.query_row([], |row| row.get(0)).map_err(translate)
        };
        let graves = one("SELECT ifnull(max(number) - min(number), 0) FROM graves")?;
        if graves < 2 * REMEMBERED {
            return Ok(());
        }
        let sql = format!("SELECT died FROM graves ORDER BY number LIMIT 1 OFFSET {REMEMBERED}");
        let oldest = one(&sql)?;
        self.execute("DELETE FROM graves WHERE died <= ?1", [oldest])?;
        self.execute("DELETE FROM removals WHERE tick <= ?1", [oldest])?;
        self.head.oldest = self.head.oldest.max(oldest as u64);
        Ok(())
    }
}

fn full() -> Error {
    Error::new(ErrorKind::StorageFull, "all indexes of entities are in use")
}
