//! The SQL of a table. Names are ours or are quoted.

use crate::columns::ColumnKind;
use crate::table::{Table, TableKind};

/// The tables about the tables.
pub(super) const META: &str = "
    CREATE TABLE IF NOT EXISTS _signatures (name TEXT PRIMARY KEY, operator TEXT NOT NULL, signature TEXT NOT NULL,
        filled BOOLEAN NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _time (id INTEGER PRIMARY KEY CHECK (id = 0), input_time INTEGER NOT NULL, generation INTEGER NOT NULL,
        given INTEGER NOT NULL);
    INSERT OR IGNORE INTO _time VALUES (0, -1, 0, -1);
";

/// Makes a table, and an index over the columns that readers search by.
pub(super) fn create(table: &Table) -> String {
    let mut sql = format!("CREATE TABLE {} (\"_key\" BLOB PRIMARY KEY", quoted(&table.name));
    for column in &table.columns {
        let kind = match column.kind {
            ColumnKind::Integer | ColumnKind::Large => "INTEGER",
            ColumnKind::Real => "REAL",
            ColumnKind::Text | ColumnKind::Json => "TEXT",
            ColumnKind::Blob => "BLOB",
            ColumnKind::Boolean => "BOOLEAN",
        };
        sql.push_str(&format!(", {} {kind}", quoted(&column.name)));
    }
    sql.push_str(match table.kind {
        TableKind::Weights => ", \"_weight\" INTEGER NOT NULL) WITHOUT ROWID;",
        TableKind::Values => ", \"_value\" BLOB NOT NULL) WITHOUT ROWID;",
    });
    let indexed: Vec<String> = table.columns.iter().take(table.indexed).map(|column| quoted(&column.name)).collect();
    if !indexed.is_empty() {
        let name = quoted(&format!("{}__key", table.name));
        sql.push_str(&format!("CREATE INDEX {name} ON {} ({});", quoted(&table.name), indexed.join(", ")));
    }
    sql
}

/// Removes a table with its index.
pub(super) fn remove_table(name: &str) -> String {
    format!("DROP TABLE {}", quoted(name))
}

/// Inserts a weight if its key is new. Parameters: key, weight, columns.
pub(super) fn insert_new_weight(table: &Table) -> String {
    format!("{} ON CONFLICT (\"_key\") DO NOTHING", insert(table, "_weight"))
}

/// Removes an entry if it has this weight. Parameters: key, weight.
pub(super) fn remove_weight(table: &Table) -> String {
    format!("DELETE FROM {} WHERE \"_key\" = ? AND \"_weight\" = ?", quoted(&table.name))
}

/// Changes the weight of a key. Parameters: weight, key.
pub(super) fn update_weight(table: &Table) -> String {
    format!("UPDATE {} SET \"_weight\" = ? WHERE \"_key\" = ?", quoted(&table.name))
}

/// Puts a value. Parameters: key, value, columns.
pub(super) fn put(table: &Table) -> String {
    let columns = table.columns.iter().map(|column| quoted(&column.name));
    let sets: Vec<String> = columns.chain([quoted("_value")]).map(|name| format!("{name} = excluded.{name}")).collect();
    format!("{} ON CONFLICT (\"_key\") DO UPDATE SET {}", insert(table, "_value"), sets.join(", "))
}

fn insert(table: &Table, value: &str) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let names = ["_key", value].map(quoted).into_iter().chain(columns).collect::<Vec<_>>();
    let marks = vec!["?"; names.len()];
    format!("INSERT INTO {} ({}) VALUES ({})", quoted(&table.name), names.join(", "), marks.join(", "))
}

/// Removes an entry. Parameter: key.
pub(super) fn remove(table: &Table) -> String {
    format!("DELETE FROM {} WHERE \"_key\" = ?", quoted(&table.name))
}

/// Reads the weight or value of a key. Parameter: key.
pub(super) fn get(table: &Table) -> String {
    let value = match table.kind {
        TableKind::Weights => "_weight",
        TableKind::Values => "_value",
    };
    format!("SELECT \"{value}\" FROM {} WHERE \"_key\" = ?", quoted(&table.name))
}

/// Reads all values.
pub(super) fn scan_values(table: &Table) -> String {
    format!("SELECT \"_key\", \"_value\" FROM {} ORDER BY \"_key\"", quoted(&table.name))
}

/// Reads a range. Parameters: first key and, if it is bounded, the key behind the last one.
pub(super) fn scan(table: &Table, is_bounded: bool, is_descending: bool) -> String {
    let end = if is_bounded { " AND \"_key\" < ?" } else { "" };
    let order = if is_descending { "DESC" } else { "ASC" };
    let table = quoted(&table.name);
    format!("SELECT \"_key\", \"_weight\" FROM {table} WHERE \"_key\" >= ?{end} ORDER BY \"_key\" {order}")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
