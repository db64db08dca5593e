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
    let indexed: Vec<String> = table.columns.iter().take(table.indexed).map(|column| quoted(&column.name)).collect();
    if !indexed.is_empty() {
        // The server cuts names that are too long, which could make two equal; without a name it finds one.
        sql.push_str(&format!("CREATE INDEX ON {name} ({});", indexed.join(", ")));
    }
    sql
}

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
    let insert = insert(schema, table, "_weight", "bigint");
    format!(
        "{insert} ON CONFLICT (\"_key\") DO UPDATE SET \"_weight\" = mine.\"_weight\" + excluded.\"_weight\" \
         RETURNING \"_key\", \"_weight\""
    )
}

/// Puts values. Parameters: keys, values, an array for each column.
pub(super) fn put(schema: &str, table: &Table) -> String {
    let columns = table.columns.iter().map(|column| quoted(&column.name));
    let sets: Vec<String> = columns.chain([quoted("_value")]).map(|name| format!("{name} = excluded.{name}")).collect();
    let insert = insert(schema, table, "_value", "bytea");
    format!("{insert} ON CONFLICT (\"_key\") DO UPDATE SET {}", sets.join(", "))
}

fn insert(schema: &str, table: &Table, value: &str, value_kind: &str) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let names = ["_key", value].map(quoted).into_iter().chain(columns).collect::<Vec<_>>().join(", ");
    let arrays = table.columns.iter().enumerate().map(|(index, column)| format!("${}::{}[]", index + 3, sent(column)));
    let arrays = arrays.collect::<Vec<_>>();
    let aliases = (0..table.columns.len()).map(|index| format!("c{index}")).collect::<Vec<_>>();
    let values = table.columns.iter().zip(&aliases).map(|(column, alias)| format!("{alias}::{}", kind(column)));
    let join = |first: &[&str], rest: &[String]| {
        first.iter().map(|text| (*text).to_owned()).chain(rest.iter().cloned()).collect::<Vec<_>>().join(", ")
    };
    format!(
        "INSERT INTO {} AS mine ({names}) SELECT {} FROM unnest({}) AS given({})",
        named(schema, table),
        join(&["k", "v"], &values.collect::<Vec<_>>()),
        join(&["$1::bytea[]", &format!("$2::{value_kind}[]")], &arrays),
        join(&["k", "v"], &aliases),
    )
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
