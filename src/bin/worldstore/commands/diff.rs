//! `worldstore diff`: what differs between two ticks or two runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use worldstore::arrow::array::{AsArray, RecordBatch, StringArray, UInt64Array};
use worldstore::arrow::datatypes::UInt64Type;
use worldstore::core::table::{TableName, base};
use worldstore::world::TableDiff;
use worldstore::{Error, Registry, Result, View, World};

use super::components::{self, is_component, lines, only, value};
use super::{print_columns, read, texts, view};
use crate::args::Format;
use crate::args::world::DiffArgs;
use crate::progress::shown;

pub async fn run(args: DiffArgs, registry: &Registry) -> Result<()> {
    let world = read(&args.at, registry).await?;
    let (from, to) = (side(&world, &args.from, &args.run).await?, side(&world, &args.to, &args.run).await?);
    let there = world.tables().await?;
    for table in &args.tables {
        if !there.contains(&TableName::new(table)?) {
            return Err(Error::not_found("no such table").with("table", table));
        }
    }
    let mut tables = shown("comparing", args.output.json(), from.diff(&to)).await?.tables;
    tables.retain(|diff| args.tables.is_empty() || args.tables.iter().any(|table| diff.table.as_str() == table));
    match args.summary {
        true => summary(args.output.format(), &tables),
        false => print(args.output.format(), &tables),
    }
}

/// `TICK`, `RUN@TICK`, `RUN` or `RUN@`.
async fn side(world: &World, text: &str, default_run: &str) -> Result<View> {
    let wrong = || Error::invalid("a side must be like `7`, `main@7` or `main`").with("side", text);
    let (run, tick) = match (text.rsplit_once('@'), text.parse::<i64>()) {
        (Some((run, "")), _) if !run.is_empty() => (run, None),
        (Some(("", _)), _) => return Err(wrong()),
        (Some((run, tick)), _) => (run, Some(tick.parse().map_err(|_| wrong())?)),
        (None, Ok(tick)) => (default_run, Some(tick)),
        (None, Err(_)) => (text, None),
    };
    view(world, run, tick).await
}

fn summary(format: Format, tables: &[TableDiff]) -> Result<()> {
    let count = |of: fn(&TableDiff) -> usize| {
        Arc::new(UInt64Array::from_iter_values(tables.iter().map(|diff| of(diff) as u64)))
    };
    let columns = tables.iter().map(|diff| {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        diff.changed.iter().flatten().for_each(|column| *counts.entry(column).or_default() += 1);
        counts.iter().map(|(column, count)| format!("{column} {count}")).collect::<Vec<_>>().join(", ")
    });
    print_columns(
        format,
        vec![
            ("table", texts(tables.iter().map(|diff| diff.table.as_str()))),
            ("added", count(|diff| diff.added.num_rows())),
            ("removed", count(|diff| diff.removed.num_rows())),
            ("changed", count(|diff| diff.before.num_rows())),
            ("columns", texts(columns)),
        ],
    )
}

/// An entity that differs.
struct Line<'diff> {
    table: &'diff str,
    change: &'static str,
    entity: u64,
    columns: &'diff [String],
    before: Option<String>,
    after: Option<String>,
}

/// The same as JSON.
#[derive(Serialize)]
struct JsonLine<'diff> {
    after: Option<&'diff RawValue>,
    before: Option<&'diff RawValue>,
    change: &'diff str,
    columns: &'diff [String],
    entity: u64,
    table: &'diff str,
}

fn print(format: Format, tables: &[TableDiff]) -> Result<()> {
    let mut found = Vec::new();
    for diff in tables {
        of_table(diff, &mut found)?;
    }
    if format == Format::Json {
        return found.iter().try_for_each(|line| {
            components::print(&JsonLine {
                after: line.after.as_deref().map(value).transpose()?,
                before: line.before.as_deref().map(value).transpose()?,
                change: line.change,
                columns: line.columns,
                entity: line.entity,
                table: line.table,
            })
        });
    }
    print_columns(
        format,
        vec![
            ("table", texts(found.iter().map(|line| line.table))),
            ("change", texts(found.iter().map(|line| line.change))),
            ("entity", Arc::new(UInt64Array::from_iter_values(found.iter().map(|line| line.entity)))),
            ("columns", texts(found.iter().map(|line| line.columns.join(", ")))),
            ("before", Arc::new(found.iter().map(|line| line.before.as_deref()).collect::<StringArray>())),
            ("after", Arc::new(found.iter().map(|line| line.after.as_deref()).collect::<StringArray>())),
        ],
    )
}

/// Added and removed entities with all components, changed ones with those that changed. In the order of the entities.
fn of_table<'diff>(diff: &'diff TableDiff, found: &mut Vec<Line<'diff>>) -> Result<()> {
    let table = diff.table.as_str();
    let start = found.len();
    for (entity, after) in whole(&diff.added)? {
        found.push(Line { table, change: "added", entity, columns: &[], before: None, after: Some(after) });
    }
    for (entity, before) in whole(&diff.removed)? {
        found.push(Line { table, change: "removed", entity, columns: &[], before: Some(before), after: None });
    }
    let entities = entities(&diff.before)?;
    for (row, columns) in diff.changed.iter().enumerate() {
        let part = |rows: &RecordBatch| {
            let changed = |name: &str| columns.iter().any(|column| column == name);
            Ok::<_, Error>(lines(&only(&rows.slice(row, 1), changed)?)?.concat())
        };
        let (before, after) = (Some(part(&diff.before)?), Some(part(&diff.after)?));
        found.push(Line { table, change: "changed", entity: entities[row], columns, before, after });
    }
    found[start..].sort_by_key(|line| line.entity);
    Ok(())
}

fn whole(rows: &RecordBatch) -> Result<Vec<(u64, String)>> {
    Ok(entities(rows)?.into_iter().zip(lines(&only(rows, is_component)?)?).collect())
}

fn entities(rows: &RecordBatch) -> Result<Vec<u64>> {
    let column = rows.column_by_name(base::ENTITY).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let column = column.ok_or_else(|| Error::unexpected("column entity is not u64"))?;
    Ok(column.values().to_vec())
}
