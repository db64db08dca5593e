//! The namespace: telling ours from others', making the tables. A table for each component, with typed columns, and not
//! one for each set of components: giving a component to an entity or taking it away is one row then, and no batch makes
//! tables for sets that were not there before.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{Connection, Executor, PgConnection, Row};
use worldstore_core::{Error, Result};

use super::cells::column_type;
use super::error::translate;
use crate::batch::check_known;
use crate::component::ComponentType;
use crate::storage::catalog::{Catalog, Known};

/// The version of the tables.
const SCHEMA_VERSION: i32 = 1;
/// Serialises the making of namespaces in one database: "wsec".
const LOCK: i64 = 0x7773_6563;

/// `store` has one row: the shard, the last tick, the oldest tick since which changes are known, the index that was never
/// used, and the version of the list of components; a batch locks it. `entities` are those that are alive, without
/// reserved ones, as 63-bit ids, `guests` those of them whose ids were given out elsewhere; `slots` are the indexes of those that are not: the next generation, and the place in the
/// stack of free ones, none if it is used up. `graves` and `removals` are what changes since a tick are told from.
const TABLES: &str = "
    CREATE SCHEMA IF NOT EXISTS {ns};
    CREATE TABLE {ns}.store (
        schema_version integer NOT NULL, shard integer NOT NULL, tick bigint NOT NULL, oldest bigint NOT NULL,
        next_slot bigint NOT NULL, catalog bigint NOT NULL
    );
    INSERT INTO {ns}.store VALUES ({version}, {shard}, 0, 0, 1000, 1);
    CREATE TABLE {ns}.entities (entity bigint PRIMARY KEY, born bigint NOT NULL);
    CREATE INDEX ON {ns}.entities (born);
    CREATE TABLE {ns}.guests (entity bigint PRIMARY KEY);
    CREATE TABLE {ns}.slots (slot bigint PRIMARY KEY, generation bigint NOT NULL, free bigint UNIQUE);
    CREATE TABLE {ns}.graves (number bigserial PRIMARY KEY, entity bigint NOT NULL, born bigint NOT NULL, died bigint NOT NULL);
    CREATE INDEX ON {ns}.graves (died);
    CREATE TABLE {ns}.removals (
        entity bigint NOT NULL, component bigint NOT NULL, tick bigint NOT NULL, PRIMARY KEY (entity, component)
    );
    CREATE INDEX ON {ns}.removals (tick);
    CREATE TABLE {ns}.components (
        id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, fields text NOT NULL, has_shared boolean NOT NULL
    );
";

/// Makes the tables if there are none.
pub(super) async fn prepare(connection: &mut PgConnection, namespace: &str, shard: u16) -> Result<()> {
    if is_there(connection, namespace).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(translate)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await.map_err(translate)?;
    // Another process may have been faster.
    if !is_there(&mut transaction, namespace).await? {
        let tables = TABLES.replace("{ns}", namespace).replace("{version}", &SCHEMA_VERSION.to_string());
        run(&mut transaction, &tables.replace("{shard}", &shard.to_string())).await?;
    }
    transaction.commit().await.map_err(translate)
}

async fn is_there(connection: &mut PgConnection, namespace: &str) -> Result<bool> {
    // Not `to_regclass`: it may remember that there was nothing before another process made it.
    let sql = "SELECT EXISTS (
        SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'store'
    )";
    let there = sqlx::query_scalar::<_, bool>(sql).bind(namespace);
    if !there.fetch_one(&mut *connection).await.map_err(translate)? {
        return Ok(false);
    }
    let sql = format!("SELECT schema_version FROM {namespace}.store");
    let version: i32 = sqlx::query_scalar(&sql).fetch_one(connection).await.map_err(translate)?;
    match version {
        SCHEMA_VERSION => Ok(true),
        _ => Err(Error::invalid("the namespace is of another version of this format")
            .with("version", version)
            .with("known", SCHEMA_VERSION)),
    }
}

/// The components, unless they are those of a version that is known already.
pub(super) async fn catalog(
    connection: &mut PgConnection,
    namespace: &str,
    known: &Arc<Catalog>,
) -> Result<Arc<Catalog>> {
    let sql = format!("SELECT catalog FROM {namespace}.store");
    let version: i64 = sqlx::query_scalar(&sql).fetch_one(&mut *connection).await.map_err(translate)?;
    if version == known.version {
        return Ok(Arc::clone(known));
    }
    let sql = format!("SELECT id, name, fields, has_shared FROM {namespace}.components ORDER BY id");
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(translate)?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let (name, fields): (&str, &str) = (row.try_get(1).map_err(translate)?, row.try_get(2).map_err(translate)?);
        let (id, has_shared) = (row.try_get(0).map_err(translate)?, row.try_get(3).map_err(translate)?);
        all.push(Known::new(id, ComponentType::from_text(name, fields)?, has_shared));
    }
    Ok(Arc::new(Catalog::new(version, all)))
}

/// Makes tables for components that have none. Tells whether there were such.
pub(super) async fn register(
    connection: &mut PgConnection,
    namespace: &str,
    catalog: &Catalog,
    components: &[Arc<ComponentType>],
) -> Result<bool> {
    let mut new: HashMap<&str, &Arc<ComponentType>> = HashMap::new();
    for component in components {
        match catalog.get(component.name()).map(|known| &known.component).or(new.get(&**component.name()).copied()) {
            Some(known) => check_known(known, component)?,
            None => {
                make(connection, namespace, component).await?;
                new.insert(component.name(), component);
            }
        }
    }
    if !new.is_empty() {
        touch(connection, namespace).await?;
    }
    Ok(!new.is_empty())
}

async fn make(connection: &mut PgConnection, namespace: &str, component: &Arc<ComponentType>) -> Result<()> {
    let sql =
        format!("INSERT INTO {namespace}.components (name, fields, has_shared) VALUES ($1, $2, false) RETURNING id");
    let query = sqlx::query_scalar(&sql).bind(&**component.name()).bind(component.fields_text()?);
    let id: i64 = query.fetch_one(&mut *connection).await.map_err(translate)?;
    let known = Known::new(id, Arc::clone(component), false);
    let table = &known.table;
    run(
        connection,
        &format!(
            "CREATE TABLE {namespace}.{table} (entity bigint PRIMARY KEY, changed bigint NOT NULL, shared bigint{});
             CREATE INDEX ON {namespace}.{table} (changed);
             CREATE INDEX ON {namespace}.{table} (shared) WHERE shared IS NOT NULL;",
            columns(&known)
        ),
    )
    .await
}

/// Makes the table of shared values of a component.
pub(super) async fn make_shared(connection: &mut PgConnection, namespace: &str, known: &Known) -> Result<()> {
    let shared = Known::new(known.id, Arc::clone(&known.component), true);
    let table = shared.shared.as_deref().unwrap_or_default();
    run(
        connection,
        &format!(
            "CREATE TABLE {namespace}.{table} (
                 id bigserial PRIMARY KEY, value bytea NOT NULL,
                 hash bytea NOT NULL UNIQUE GENERATED ALWAYS AS (sha256(value)) STORED{}
             );
             UPDATE {namespace}.components SET has_shared = true WHERE id = {};",
            columns(known),
            known.id
        ),
    )
    .await?;
    touch(connection, namespace).await
}

fn columns(known: &Known) -> String {
    let fields = known.columns.iter().zip(known.component.fields());
    fields.map(|(name, field)| format!(", \"{name}\" {}", column_type(field.kind))).collect()
}

/// The list of components is another one from now on.
async fn touch(connection: &mut PgConnection, namespace: &str) -> Result<()> {
    run(connection, &format!("UPDATE {namespace}.store SET catalog = catalog + 1")).await
}

/// Removes all components and their tables.
pub(super) async fn clear(connection: &mut PgConnection, namespace: &str, catalog: &Catalog) -> Result<()> {
    for known in catalog.all() {
        for table in [Some(&known.table), known.shared.as_ref()].into_iter().flatten() {
            run(connection, &format!("DROP TABLE {namespace}.{table}")).await?;
        }
    }
    run(connection, &format!("DELETE FROM {namespace}.components")).await?;
    touch(connection, namespace).await
}

/// Runs statements without parameters.
pub(super) async fn run(connection: &mut PgConnection, sql: &str) -> Result<()> {
    // Not `raw_sql`, whose future cannot be sent between threads here.
    connection.execute(sql).await.map(|_| ()).map_err(translate)
}
