//! The namespace: telling ours from others', making the tables.

use sqlx::{Connection, PgConnection, Row};
use worldstore_core::{Error, Result};

use crate::error::translate;

/// The version of the tables.
const SCHEMA_VERSION: i32 = 1;
/// Serialises the making of namespaces in one database: "wsob".
const LOCK: i64 = 0x7773_6F62;

/// Keys are bytes, so that no collation has a say. A version is a number that is never given twice, behind the
/// namespace's random name; a generation, from the same sequence, is what chunks belong to. `staged` holds the
/// generations of writers under way. Chunks are stored without compression, so that parts of them can be read.
const TABLES: &str = "
    CREATE SCHEMA IF NOT EXISTS {ns};
    CREATE SEQUENCE {ns}.numbers AS bigint;
    CREATE TABLE {ns}.objects (
        key bytea PRIMARY KEY, generation bigint NOT NULL, version bigint NOT NULL, size bigint NOT NULL,
        modified_us bigint NOT NULL, token text
    );
    CREATE TABLE {ns}.chunks (
        generation bigint NOT NULL, at integer NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (generation, at)
    );
    ALTER TABLE {ns}.chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
    CREATE TABLE {ns}.staged (generation bigint PRIMARY KEY, touched timestamptz NOT NULL);
    CREATE TABLE {ns}.store (schema_version integer NOT NULL, name text NOT NULL);
    INSERT INTO {ns}.store VALUES ({version}, substr(md5(gen_random_uuid()::text), 1, 16));
";

/// The random name of the namespace, which is made if there is none.
pub(crate) async fn prepare(connection: &mut PgConnection, namespace: &str) -> Result<String> {
    if let Some(name) = find(connection, namespace).await? {
        return Ok(name);
    }
    let mut transaction = connection.begin().await.map_err(translate)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await.map_err(translate)?;
    // Another process may have been faster.
    if find(&mut transaction, namespace).await?.is_none() {
        let tables = TABLES.replace("{ns}", namespace).replace("{version}", &SCHEMA_VERSION.to_string());
        sqlx::raw_sql(&tables).execute(&mut *transaction).await.map_err(translate)?;
    }
    transaction.commit().await.map_err(translate)?;
    let missing = || Error::unexpected("the namespace is gone again").with("namespace", namespace);
    find(connection, namespace).await?.ok_or_else(missing)
}

/// The random name of the namespace; none if there is no such namespace.
pub(crate) async fn find(connection: &mut PgConnection, namespace: &str) -> Result<Option<String>> {
    // Not `to_regclass`: it may remember that there was nothing before another process made it.
    let sql = "SELECT EXISTS (
        SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'store'
    )";
    let there = sqlx::query_scalar::<_, bool>(sql).bind(namespace.trim_matches('"'));
    if !there.fetch_one(&mut *connection).await.map_err(translate)? {
        return Ok(None);
    }
    let sql = format!("SELECT schema_version, name FROM {namespace}.store");
    let row = sqlx::query(&sql).fetch_one(connection).await.map_err(translate)?;
    let (version, name) = (row.try_get::<i32, _>(0).map_err(translate)?, row.try_get(1).map_err(translate)?);
    match version {
        SCHEMA_VERSION => Ok(Some(name)),
        _ => Err(Error::invalid("the namespace is of another version of this format")
            .with("version", version)
            .with("known", SCHEMA_VERSION)),
    }
}
