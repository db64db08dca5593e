//! The SQL of a table. Names are ours or are quoted. All values come as arrays, one element for each key.

use crate::columns::{Column, ColumnKind};
use crate::store::Order;
use crate::table::{Table, TableKind};

/// The schema, and the tables about the tables.
pub(super) fn meta(schema: &str) -> String {
    format!(
        "CREATE SCHEMA IF NOT EXISTS {schema};
        CREATE TABLE IF NOT EXISTS {schema}.\"_signatures\" (\"name\" text PRIMARY KEY, \"operator\" text NOT NULL,
            \"signature\" text NOT NULL, \"filled\" boolean NOT NULL);
        CREATE TABLE IF NOT EXISTS {schema}.\"_time\" (\"id\" integer PRIMARY KEY CHECK (\"id\" = 0), \"input_time\" bigint NOT NULL,
            \"generation\" bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS {schema}.\"_given\" (\"id\" integer PRIMARY KEY CHECK (\"id\" = 0), \"time\" bigint NOT NULL);
        INSERT INTO {schema}.\"_time\" VALUES (0, -1, 0) ON CONFLICT DO NOTHING;
        INSERT INTO {schema}.\"_given\" VALUES (0, -1) ON CONFLICT DO NOTHING;"
    )
}

/// Makes a table, and an index over the columns that readers search by.
pub(super) fn create(schema: &str, table: &Table) -> String {
    let name = named(schema, table);
    let mut sql = format!("CREATE TABLE {name} (\"_key\" bytea PRIMARY KEY");
    for column in &table.columns {
        sql.push_str(&format!(", {} {}", quoted(&column.name), kind(column)));
    }
    sql.push_str(match table.kind {
        TableKind::Weights => ", \"_weight\" bigint NOT NULL);",
        TableKind::Values => ", \"_value\" bytea NOT NULL);",
    });
    // The server cannot sort json.
    let sorted = table.columns.iter().take(table.indexed).filter(|column| column.kind != ColumnKind::Json);
    let indexed: Vec<String> = sorted.map(|column| quoted(&column.name)).collect();
    if !indexed.is_empty() {
        // The server cuts names that are too long, which could make two equal; without a name it finds one.
        sql.push_str(&format!("CREATE INDEX ON {name} ({});", indexed.join(", ")));
    }
    sql
}

/// The tables and columns of 64 bits. Parameter: the schema.
pub(super) const NARROW: &str = "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    WHERE c.relnamespace = to_regnamespace($1) AND a.atttypid = 'bigint'::regtype AND a.attnum > 0";

/// Removes a table and what is said about it.
pub(super) fn remove_table(schema: &str, name: &str) -> String {
    // The names of tables have no quotes.
    format!("DROP TABLE {schema}.{}; DELETE FROM {schema}.\"_signatures\" WHERE \"name\" = '{name}'", quoted(name))
}

/// The type of a column.
fn kind(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Integer => "bigint",
        ColumnKind::Large => "numeric",
        ColumnKind::Real => "double precision",
        ColumnKind::Text => "text",
        ColumnKind::Json => "json",
        ColumnKind::Blob => "bytea",
        ColumnKind::Boolean => "boolean",
    }
}

/// The type in which an array of values for a column is sent.
fn sent(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Large | ColumnKind::Json => "text",
        _ => kind(column),
    }
}

/// Adds to weights and gives keys and sums. Parameters: keys, changes, an array for each column.
pub(super) fn add(schema: &str, table: &Table) -> String {
    let (names, values, given) = sources(table, "bigint");
    format!(
        "INSERT INTO {} AS mine ({names}) SELECT {values} FROM {given} \
         ON CONFLICT (\"_key\") DO UPDATE SET \"_weight\" = mine.\"_weight\" + excluded.\"_weight\" \
         RETURNING \"_key\", \"_weight\"",
        named(schema, table),
    )
}

/// Adds to weights, when nobody needs the sums. Parameters: keys, changes, an array for each column.
pub(super) fn add_only(schema: &str, table: &Table) -> String {
    let sum = "mine.\"_weight\" + given.v";
    merge(schema, table, "bigint", &format!("{sum} = 0"), &format!("\"_weight\" = {sum}"), "given.v <> 0")
}

/// Puts values, and removes the keys whose value is null. Parameters: keys, values, an array for each column.
pub(super) fn put(schema: &str, table: &Table) -> String {
    let columns = table.columns.iter().zip(casts_of(table));
    let sets = columns.map(|(column, value)| format!("{} = {value}", quoted(&column.name)));
    let sets = [String::from("\"_value\" = given.v")].into_iter().chain(sets).collect::<Vec<_>>().join(", ");
    merge(schema, table, "bytea", "given.v IS NULL", &sets, "given.v IS NOT NULL")
}

/// Changes the entries of keys with one search for each: those that are there go under one condition, otherwise get new
/// values; others come under another condition.
fn merge(schema: &str, table: &Table, kind: &str, goes: &str, sets: &str, comes: &str) -> String {
    let (names, values, given) = sources(table, kind);
    format!(
        "MERGE INTO {} AS mine USING {given} ON mine.\"_key\" = given.k WHEN MATCHED AND {goes} THEN DELETE \
         WHEN MATCHED THEN UPDATE SET {sets} WHEN NOT MATCHED AND {comes} THEN INSERT ({names}) VALUES ({values})",
        named(schema, table),
    )
}

/// The names of the columns of a table, the values for them, and where those come from: arrays, whose elements are called
/// `k` (keys), `v` (weights or values) and by the place of their column.
fn sources(table: &Table, kind: &str) -> (String, String, String) {
    let columns = table.columns.iter().map(|column| quoted(&column.name));
    let names = [quoted("_key"), quoted(value_of(table))].into_iter().chain(columns).collect::<Vec<_>>();
    let values = [String::from("given.k"), String::from("given.v")].into_iter().chain(casts_of(table));
    let arrays = table.columns.iter().enumerate().map(|(index, column)| format!("${}::{}[]", index + 3, sent(column)));
    let arrays = [String::from("$1::bytea[]"), format!("$2::{kind}[]")].into_iter().chain(arrays);
    let aliases = (0..table.columns.len()).map(|index| format!("c{index}"));
    let aliases = [String::from("k"), String::from("v")].into_iter().chain(aliases);
    let joined = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join(", ");
    let (arrays, aliases) = (joined(&mut arrays.into_iter()), joined(&mut aliases.into_iter()));
    (names.join(", "), joined(&mut values.into_iter()), format!("unnest({arrays}) AS given({aliases})"))
}

/// The values of the typed columns, from the arrays.
fn casts_of(table: &Table) -> impl Iterator<Item = String> {
    table.columns.iter().enumerate().map(|(index, column)| format!("given.c{index}::{}", kind(column)))
}

/// Removes entries. Parameter: keys.
pub(super) fn remove(schema: &str, table: &Table) -> String {
    format!("DELETE FROM {} WHERE \"_key\" = ANY($1::bytea[])", named(schema, table))
}

/// Reads keys and weights or values. Parameter: keys.
pub(super) fn get(schema: &str, table: &Table) -> String {
    let value = value_of(table);
    format!("SELECT \"_key\", \"{value}\" FROM {} WHERE \"_key\" = ANY($1::bytea[])", named(schema, table))
}

/// Whether ranges have an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Bounded,
    Open,
}

/// Reads ranges: the place of the range, key and weight or value. Parameters: how many entries of each range at most, first
/// keys and, if they are bounded, the keys behind the last ones.
pub(super) fn scan(schema: &str, table: &Table, ends: Ends, order: Order) -> String {
    let (arrays, aliases, end) = match ends {
        Ends::Bounded => ("$2::bytea[], $3::bytea[]", "s, e", " AND \"_key\" < given.e"),
        Ends::Open => ("$2::bytea[]", "s", ""),
    };
    let order = match order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    let (name, value) = (named(schema, table), value_of(table));
    format!(
        "SELECT given.i, found.\"_key\", found.\"{value}\" FROM unnest({arrays}) WITH ORDINALITY AS given({aliases}, i) \
         CROSS JOIN LATERAL (SELECT \"_key\", \"{value}\" FROM {name} WHERE \"_key\" >= given.s{end} \
         ORDER BY \"_key\" {order} LIMIT $1) AS found"
    )
}

fn value_of(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Weights => "_weight",
        TableKind::Values => "_value",
    }
}

fn named(schema: &str, table: &Table) -> String {
    format!("{schema}.{}", quoted(&table.name))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
