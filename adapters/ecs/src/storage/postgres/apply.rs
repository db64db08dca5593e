//! A batch, in one transaction: a few statements for each component, however many rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use sqlx::{PgConnection, Row};
use worldstore_core::{Error, ErrorKind, Result};

use super::cells::{Cells, array_type, column_type};
use super::error::translate;
use super::read::{Head, alive, among, to_id, to_ids};
use super::schema;
use crate::batch::{Applied, Batch, WriteMode};
use crate::error::corrupt;
use crate::planted::{Bug, Planted};
use crate::storage::catalog::{Catalog, Known};
use crate::storage::gather::foreign;
use crate::{ComponentValue, Entity, Tick};

/// So many destroyed entities are remembered; when there are twice as many, the older half goes.
const REMEMBERED: i64 = 1 << 20;

/// Applies a batch in a transaction that has locked everything, and gives the catalog that is right then.
pub(super) async fn apply(
    connection: &mut PgConnection,
    (namespace, planted): (&str, Planted),
    mut head: Head,
    catalog: Arc<Catalog>,
    batch: &Batch,
) -> Result<(Applied, Arc<Catalog>)> {
    let catalog = prepare(connection, namespace, catalog, batch).await?;
    if !planted.has(Bug::UncheckedBatch) && !planted.has(Bug::CommitDespiteError) {
        check(connection, namespace, head, &catalog, batch).await?;
    }
    head.tick += 1;
    let loosened = HashSet::new();
    let mut step = Step { connection, namespace, catalog: &catalog, head, loosened, planted };
    let writes: Vec<_> = batch.writes().iter().map(|write| (write.entity, &write.value)).collect();
    step.write(&writes).await?;
    if planted.has(Bug::CommitDespiteError) {
        check(step.connection, namespace, step.head, &catalog, batch).await?;
    }
    let removed = step.removes(batch).await?;
    step.destroys(batch.destroys()).await?;
    let spawned = step.allocate(batch.spawns().len()).await?;
    let values = spawned.iter().zip(batch.spawns());
    let values: Vec<_> = values.flat_map(|(entity, values)| values.iter().map(|value| (*entity, value))).collect();
    step.write(&values).await?;
    step.places(batch).await?;
    step.drop_unshared().await?;
    step.forget().await?;
    let head = step.head;
    head.write(connection, namespace).await?;
    Ok((Applied::new(Tick(head.tick), spawned, removed), catalog))
}

/// Makes the tables that the batch needs.
async fn prepare(
    connection: &mut PgConnection,
    namespace: &str,
    mut catalog: Arc<Catalog>,
    batch: &Batch,
) -> Result<Arc<Catalog>> {
    let components: Vec<_> = batch.components().into_iter().cloned().collect();
    if schema::register(connection, namespace, &catalog, &components).await? {
        catalog = schema::catalog(connection, namespace, &catalog).await?;
    }
    let shared: HashSet<&str> = batch.values().filter(|value| value.is_shared()).map(|value| &**value.name()).collect();
    for known in shared.iter().filter_map(|name| catalog.get(name)).filter(|known| known.shared.is_none()) {
        schema::make_shared(connection, namespace, known).await?;
    }
    schema::catalog(connection, namespace, &catalog).await
}

async fn check(
    connection: &mut PgConnection,
    namespace: &str,
    head: Head,
    catalog: &Catalog,
    batch: &Batch,
) -> Result<()> {
    let placed: Vec<Entity> = batch.places().iter().map(|(entity, _)| *entity).collect();
    let named = [batch.entities(), placed].concat();
    let alive = alive(connection, namespace, head, &named).await?;
    let mut updated: HashMap<&str, Vec<Entity>> = HashMap::new();
    for write in batch.writes().iter().filter(|write| write.mode == WriteMode::Update) {
        updated.entry(write.value.name()).or_default().push(write.entity);
    }
    let mut present = HashMap::new();
    for (name, entities) in updated {
        if let Some(known) = catalog.get(name) {
            let table = format!("{namespace}.{}", known.table);
            present.insert(name, among(connection, &table, &entities).await?);
        }
    }
    batch.check(
        |entity| alive.contains(&entity),
        |entity, component| present.get(&**component.name()).is_some_and(|entities| entities.contains(&entity)),
    )?;
    for (entity, _) in batch.places() {
        check_guest(connection, namespace, head, *entity).await?;
    }
    Ok(())
}

/// Looks whether an id can be placed here: one of another shard, or one that was given out here and taken back.
async fn check_guest(connection: &mut PgConnection, namespace: &str, head: Head, entity: Entity) -> Result<()> {
    if entity.is_reserved() {
        return Err(foreign(entity));
    }
    if entity.shard() != head.shard {
        return Ok(());
    }
    let sql = format!(
        "SELECT max(generation) FROM (
            SELECT generation + CASE WHEN free IS NULL THEN 1 ELSE 0 END AS generation
            FROM {namespace}.slots WHERE slot = $1
            UNION ALL SELECT (entity >> 32) & {most} FROM {namespace}.entities
            WHERE entity & 4294967295 = $1 AND entity >> 52 = {shard}
            AND entity NOT IN (SELECT entity FROM {namespace}.guests)
        ) every",
        most = Entity::GENERATION_MAX,
        shard = head.shard
    );
    let query = sqlx::query_scalar::<_, Option<i64>>(&sql).bind(i64::from(entity.index()));
    match query.fetch_one(connection).await.map_err(translate)? {
        Some(generation) if i64::from(entity.generation()) < generation => Ok(()),
        _ => Err(foreign(entity)),
    }
}

/// A batch on its way.
struct Step<'step> {
    connection: &'step mut PgConnection,
    namespace: &'step str,
    catalog: &'step Catalog,
    head: Head,
    /// Components whose shared values may have lost an entity.
    loosened: HashSet<i64>,
    planted: Planted,
}

impl Step<'_> {
    fn tick(&self) -> i64 {
        self.head.tick as i64
    }

    /// Writes values, each for another entity or component.
    async fn write(&mut self, values: &[(Entity, &ComponentValue)]) -> Result<()> {
        let mut by_component: BTreeMap<&str, Vec<(Entity, &ComponentValue)>> = BTreeMap::new();
        for (entity, value) in values {
            by_component.entry(value.name()).or_default().push((*entity, *value));
        }
        for (name, values) in by_component {
            let missing = || Error::unexpected("the component has no table").with("component", name);
            let known = self.catalog.get(name).ok_or_else(missing)?;
            self.write_component(known, &values).await?;
        }
        Ok(())
    }

    async fn write_component(&mut self, known: &Known, values: &[(Entity, &ComponentValue)]) -> Result<()> {
        let shared = self.share(known, values).await?;
        let ids: Vec<i64> = values.iter().map(|(entity, _)| to_id(*entity)).collect();
        let shares: Vec<Option<i64>> = values
            .iter()
            .map(|(_, value)| if value.is_shared() { shared.get(value.bytes()).copied() } else { None })
            .collect();
        let cells = cells(known, values.iter().map(|(_, value)| (!value.is_shared()).then_some(*value)))?;
        let own = ["entity", "changed", "shared"].into_iter().map(str::to_owned);
        let names: Vec<String> = own.chain(known.columns.iter().map(|name| format!("\"{name}\""))).collect();
        let kept = if self.planted.has(Bug::WriteUnstamped) { 2 } else { 1 };
        let update = names.iter().skip(kept).map(|name| format!("{name} = excluded.{name}"));
        let sql = format!(
            "INSERT INTO {}.{} ({}) SELECT u.e, $2, u.s{} FROM UNNEST($1::bigint[], $3::bigint[]{}) AS u(e, s{})
             ON CONFLICT (entity) DO UPDATE SET {}",
            self.namespace,
            known.table,
            names.join(", "),
            picked(known),
            arrays(known, 4),
            named(known),
            update.collect::<Vec<_>>().join(", "),
        );
        let mut query = sqlx::query(&sql).bind(ids).bind(self.tick()).bind(shares);
        for cells in cells {
            query = cells.bind(query);
        }
        query.execute(&mut *self.connection).await.map_err(translate)?;
        self.loosened.extend(known.shared.is_some().then_some(known.id));
        Ok(())
    }

    /// The numbers of values that are stored once, by their bytes.
    async fn share(&mut self, known: &Known, values: &[(Entity, &ComponentValue)]) -> Result<HashMap<Vec<u8>, i64>> {
        let shared = values.iter().filter(|(_, value)| value.is_shared());
        let distinct: BTreeMap<&[u8], &ComponentValue> = shared.map(|(_, value)| (value.bytes(), *value)).collect();
        if distinct.is_empty() {
            return Ok(HashMap::new());
        }
        let table = known.shared.as_ref().ok_or_else(|| Error::unexpected("there is no table of shared values"))?;
        let bytes: Vec<Vec<u8>> = distinct.keys().map(|bytes| bytes.to_vec()).collect();
        let columns: String = known.columns.iter().map(|name| format!(", \"{name}\"")).collect();
        let sql = format!(
            "INSERT INTO {}.{table} (value{columns}) SELECT u.v{} FROM UNNEST($1::bytea[]{}) AS u(v{})
             ON CONFLICT (hash) DO NOTHING",
            self.namespace,
            picked(known),
            arrays(known, 2),
            named(known),
        );
        let mut query = sqlx::query(&sql).bind(bytes.clone());
        for cells in cells(known, distinct.values().map(|value| Some(*value)))? {
            query = cells.bind(query);
        }
        query.execute(&mut *self.connection).await.map_err(translate)?;
        let sql = format!(
            "SELECT value, id FROM {}.{table} WHERE hash IN (SELECT sha256(v) FROM UNNEST($1::bytea[]) AS u(v))",
            self.namespace
        );
        let rows = sqlx::query(&sql).bind(bytes).fetch_all(&mut *self.connection).await.map_err(translate)?;
        let found = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        found.collect::<Result<_, sqlx::Error>>().map_err(translate)
    }

    async fn removes(&mut self, batch: &Batch) -> Result<u64> {
        let mut by_component: BTreeMap<&str, Vec<Entity>> = BTreeMap::new();
        for (entity, name) in batch.removes() {
            by_component.entry(name).or_default().push(*entity);
        }
        let mut removed = 0;
        for (name, entities) in by_component {
            let Some(known) = self.catalog.get(name) else { continue };
            let sql = format!(
                "WITH gone AS (DELETE FROM {ns}.{} WHERE entity = ANY($1) RETURNING entity)
                 INSERT INTO {ns}.removals SELECT entity, {}, $2 FROM gone
                 ON CONFLICT (entity, component) DO UPDATE SET tick = excluded.tick",
                known.table,
                known.id,
                ns = self.namespace
            );
            let noted = if self.planted.has(Bug::RemovalUnnoted) { 0 } else { self.tick() };
            let query = sqlx::query(&sql).bind(to_ids(&entities)).bind(noted);
            removed += query.execute(&mut *self.connection).await.map_err(translate)?.rows_affected();
            self.loosened.extend(known.shared.is_some().then_some(known.id));
        }
        Ok(removed)
    }

    async fn execute(&mut self, sql: &str, ids: &[i64]) -> Result<()> {
        let sql = sql.replace("{ns}", self.namespace).replace("{tick}", &self.tick().to_string());
        sqlx::query(&sql).bind(ids).execute(&mut *self.connection).await.map(|_| ()).map_err(translate)
    }

    async fn destroys(&mut self, entities: &[Entity]) -> Result<()> {
        if entities.is_empty() {
            return Ok(());
        }
        let ids = to_ids(entities);
        for known in self.catalog.all() {
            self.execute(&format!("DELETE FROM {{ns}}.{} WHERE entity = ANY($1)", known.table), &ids).await?;
            self.loosened.extend(known.shared.is_some().then_some(known.id));
        }
        let sql = "WITH gone AS (DELETE FROM {ns}.entities WHERE entity = ANY($1) RETURNING entity, born)
                   INSERT INTO {ns}.graves (entity, born, died) SELECT entity, born, {tick} FROM gone";
        self.execute(sql, &ids).await?;
        if self.planted.has(Bug::DestroyUnnoted) {
            self.execute("DELETE FROM {ns}.graves WHERE entity = ANY($1)", &ids).await?;
        }
        self.execute("DELETE FROM {ns}.removals WHERE entity = ANY($1)", &ids).await?;
        let sql = format!("DELETE FROM {}.guests WHERE entity = ANY($1) RETURNING entity", self.namespace);
        let query = sqlx::query_scalar::<_, i64>(&sql).bind(&ids);
        let guests: HashSet<i64> =
            query.fetch_all(&mut *self.connection).await.map_err(translate)?.into_iter().collect();
        let ids: Vec<i64> = ids.into_iter().filter(|id| !guests.contains(id)).collect();
        // An index whose generations are used up is never free.
        let (most, mask) = (Entity::GENERATION_MAX, u64::from(u32::MAX));
        let sql = format!(
            "INSERT INTO {{ns}}.slots
             SELECT e & {mask}, least(((e >> 32) & {most}) + 1, {most}),
                    CASE WHEN (e >> 32) & {most} < {most} THEN place + (SELECT coalesce(max(free), 0) FROM {{ns}}.slots) END
             FROM UNNEST($1) WITH ORDINALITY AS u(e, place)"
        );
        self.execute(&sql, &ids).await
    }

    async fn places(&mut self, batch: &Batch) -> Result<()> {
        if batch.places().is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = batch.places().iter().map(|(entity, _)| to_id(*entity)).collect();
        self.execute("INSERT INTO {ns}.entities SELECT e, {tick} FROM UNNEST($1) AS u(e)", &ids).await?;
        self.execute("INSERT INTO {ns}.guests SELECT e FROM UNNEST($1) AS u(e)", &ids).await?;
        let places = batch.places().iter();
        let values: Vec<_> = places.flat_map(|(entity, values)| values.iter().map(|value| (*entity, value))).collect();
        self.write(&values).await
    }

    /// The indexes that became free last, or else those that were never used.
    async fn allocate(&mut self, count: usize) -> Result<Vec<Entity>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let order = if self.planted.has(Bug::OldestFreeFirst) { "" } else { "DESC" };
        let sql = format!(
            "DELETE FROM {ns}.slots WHERE slot IN (
                 SELECT slot FROM {ns}.slots WHERE free IS NOT NULL ORDER BY free {order} LIMIT $1
             ) RETURNING free, slot, generation",
            ns = self.namespace
        );
        let rows = sqlx::query(&sql).bind(count as i64).fetch_all(&mut *self.connection).await.map_err(translate)?;
        let free = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)));
        let mut free: Vec<(i64, i64, i64)> = free.collect::<Result<_, sqlx::Error>>().map_err(translate)?;
        free.sort_unstable_by_key(|(place, _, _)| std::cmp::Reverse(*place));
        let mut spawned = Vec::with_capacity(count);
        for (_, index, generation) in free {
            let broken = || corrupt("a stored slot is none").with("index", index).with("generation", generation);
            let (index, generation) = (u32::try_from(index).map_err(|_| broken())?, u32::try_from(generation));
            let generation = generation.map_err(|_| broken())?;
            spawned.push(Entity::new(self.head.shard, index, generation).map_err(|_| broken())?);
        }
        while spawned.len() < count {
            let index = self.head.next_slot;
            self.head.next_slot = index.checked_add(1).ok_or_else(full)?;
            spawned.push(Entity::pack(self.head.shard, index, 0));
        }
        self.execute("INSERT INTO {ns}.entities SELECT e, {tick} FROM UNNEST($1) AS u(e)", &to_ids(&spawned)).await?;
        Ok(spawned)
    }

    /// Removes shared values that no entity has any more.
    async fn drop_unshared(&mut self) -> Result<()> {
        for known in self.catalog.all().iter().filter(|known| self.loosened.contains(&known.id)) {
            let Some(shared) = &known.shared else { continue };
            let sql = format!(
                "DELETE FROM {ns}.{shared} s WHERE NOT EXISTS (SELECT 1 FROM {ns}.{} c WHERE c.shared = s.id)",
                known.table,
                ns = self.namespace
            );
            schema::run(self.connection, &sql).await?;
        }
        Ok(())
    }

    /// Forgets the older half of what is remembered for changes, when that is too much.
    async fn forget(&mut self) -> Result<()> {
        let ns = self.namespace;
        let sql = format!("SELECT coalesce(max(number) - min(number), 0) FROM {ns}.graves");
        let graves: i64 = sqlx::query_scalar(&sql).fetch_one(&mut *self.connection).await.map_err(translate)?;
        if graves < 2 * REMEMBERED {
            return Ok(());
        }
        let sql = format!("SELECT died FROM {ns}.graves ORDER BY number LIMIT 1 OFFSET {REMEMBERED}");
        let oldest: i64 = sqlx::query_scalar(&sql).fetch_one(&mut *self.connection).await.map_err(translate)?;
        let sql =
            format!("DELETE FROM {ns}.graves WHERE died <= {oldest}; DELETE FROM {ns}.removals WHERE tick <= {oldest}");
        schema::run(self.connection, &sql).await?;
        self.head.oldest = self.head.oldest.max(oldest as u64);
        Ok(())
    }
}

/// The fields of values, column by column; those of no value are null.
fn cells<'a>(known: &Known, values: impl Iterator<Item = Option<&'a ComponentValue>>) -> Result<Vec<Cells>> {
    let fields = known.component.fields();
    let mut cells: Vec<Cells> = fields.iter().map(|field| Cells::new(field.kind)).collect();
    for value in values {
        match value {
            Some(value) => {
                for (cells, field) in cells.iter_mut().zip(value.fields()?) {
                    cells.push(field)?;
                }
            }
            None => cells.iter_mut().try_for_each(|cells| cells.push(crate::field::FieldValue::Null))?,
        }
    }
    Ok(cells)
}

/// The arrays of the fields as parameters from a number on.
fn arrays(known: &Known, first: usize) -> String {
    let fields = known.component.fields().iter().enumerate();
    fields.map(|(place, field)| format!(", ${}::{}", first + place, array_type(field.kind))).collect()
}

fn named(known: &Known) -> String {
    (0..known.columns.len()).map(|place| format!(", f{place}")).collect()
}

fn picked(known: &Known) -> String {
    let fields = known.component.fields().iter().enumerate();
    fields.map(|(place, field)| format!(", u.f{place}::{}", column_type(field.kind))).collect()
}

fn full() -> Error {
    Error::new(ErrorKind::StorageFull, "all indexes of entities are in use")
}
