//! The tables.
//!
//! A table for each component, with typed columns, and not one for each set of components: giving a component to an
//! entity or taking it away is one row then, no batch makes tables for sets that were not there before, and each
//! component can be read by name in plain SQL. A query over several joins them by their primary key.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;
use worldstore_core::Result;
use worldstore_db_common::sqlite::translate;

use super::cells::column_type;
use crate::batch::check_known;
use crate::component::ComponentType;
use crate::storage::catalog::{Catalog, Known};

/// `store` has one row: the shard, the last tick, the oldest tick since which changes are known, the index that was never
/// used, and the version of the list of components. `entities` are those that are alive, without reserved ones, as 63-bit
/// ids, `guests` those of them whose ids were given out elsewhere; `slots` are the indexes of those that are not: the next generation, and the place in the stack of free ones, none
/// if it is used up. `graves` and `removals` are what changes since a tick are told from.
pub(super) const TABLES: &str = "
    CREATE TABLE store (
        shard INTEGER NOT NULL, tick INTEGER NOT NULL, oldest INTEGER NOT NULL, next_slot INTEGER NOT NULL,
        catalog INTEGER NOT NULL
    ) STRICT;
    INSERT INTO store VALUES (0, 0, 0, 1000, 1);
    CREATE TABLE entities (entity INTEGER PRIMARY KEY, born INTEGER NOT NULL) STRICT;
    CREATE INDEX entities_born ON entities (born);
    CREATE TABLE guests (entity INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE slots (slot INTEGER PRIMARY KEY, generation INTEGER NOT NULL, free INTEGER) STRICT;
    CREATE UNIQUE INDEX slots_free ON slots (free) WHERE free IS NOT NULL;
    CREATE TABLE graves (
        number INTEGER PRIMARY KEY, entity INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX graves_died ON graves (died);
    CREATE TABLE removals (
        entity INTEGER NOT NULL, component INTEGER NOT NULL, tick INTEGER NOT NULL, PRIMARY KEY (entity, component)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX removals_tick ON removals (tick);
    CREATE TABLE components (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fields TEXT NOT NULL, has_shared INTEGER NOT NULL
    ) STRICT;
";

/// The components, unless they are those of a version that is known already.
pub(super) fn catalog(connection: &Connection, known: &Arc<Catalog>) -> Result<Arc<Catalog>> {
    let version = connection.prepare_cached("SELECT catalog FROM store").map_err(translate)?;
    let version: i64 = { version }.query_row([], |row| row.get(0)).map_err(translate)?;
    if version == known.version {
        return Ok(Arc::clone(known));
    }
    let sql = "SELECT id, name, fields, has_shared FROM components ORDER BY id";
    let mut statement = connection.prepare_cached(sql).map_err(translate)?;
    let mut rows = statement.query([]).map_err(translate)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(translate)? {
        let (name, fields): (String, String) = (row.get(1).map_err(translate)?, row.get(2).map_err(translate)?);
        let (id, has_shared) = (row.get(0).map_err(translate)?, row.get(3).map_err(translate)?);
        all.push(Known::new(id, ComponentType::from_text(&name, &fields)?, has_shared));
    }
    Ok(Arc::new(Catalog::new(version, all)))
}

/// Makes tables for components that have none. Tells whether there were such.
pub(super) fn register(connection: &Connection, catalog: &Catalog, components: &[Arc<ComponentType>]) -> Result<bool> {
    let mut new: HashMap<&str, &Arc<ComponentType>> = HashMap::new();
    for component in components {
        match catalog.get(component.name()).map(|known| &known.component).or(new.get(&**component.name()).copied()) {
            Some(known) => check_known(known, component)?,
            None => {
                make(connection, component)?;
                new.insert(component.name(), component);
            }
        }
    }
    if !new.is_empty() {
        touch(connection)?;
    }
    Ok(!new.is_empty())
}

fn make(connection: &Connection, component: &Arc<ComponentType>) -> Result<()> {
    let sql = "INSERT INTO components (name, fields, has_shared) VALUES (?1, ?2, 0)";
    connection.execute(sql, (component.name(), component.fields_text()?)).map_err(translate)?;
    let known = Known::new(connection.last_insert_rowid(), Arc::clone(component), false);
    let table = &known.table;
    let sql = format!(
        "CREATE TABLE {table} (entity INTEGER PRIMARY KEY, changed INTEGER NOT NULL, shared INTEGER{});
         CREATE INDEX {table}_changed ON {table} (changed);
         CREATE INDEX {table}_shared ON {table} (shared) WHERE shared IS NOT NULL;",
        columns(&known)?
    );
    connection.execute_batch(&sql).map_err(translate)
}

/// Makes the table of shared values of a component.
pub(super) fn make_shared(connection: &Connection, known: &Known) -> Result<()> {
    let shared = Known::new(known.id, Arc::clone(&known.component), true);
    let sql = format!(
        "CREATE TABLE {} (id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE{});
         UPDATE components SET has_shared = 1 WHERE id = {};",
        shared.shared.as_deref().unwrap_or_default(),
        columns(known)?,
        known.id
    );
    connection.execute_batch(&sql).map_err(translate)?;
    touch(connection)
}

fn columns(known: &Known) -> Result<String> {
    let fields = known.columns.iter().zip(known.component.fields());
    fields.map(|(name, field)| Ok(format!(", \"{name}\" {}", column_type(field.kind)?))).collect()
}

/// The list of components is another one from now on.
fn touch(connection: &Connection) -> Result<()> {
    connection.execute("UPDATE store SET catalog = catalog + 1", []).map(|_| ()).map_err(translate)
}

/// Removes all components and their tables.
pub(super) fn clear(connection: &Connection, catalog: &Catalog) -> Result<()> {
    for known in catalog.all() {
        for table in [Some(&known.table), known.shared.as_ref()].into_iter().flatten() {
            connection.execute_batch(&format!("DROP TABLE {table}")).map_err(translate)?;
        }
    }
    connection.execute_batch("DELETE FROM components").map_err(translate)?;
    touch(connection)
}
