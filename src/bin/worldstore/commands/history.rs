//! `worldstore history`: all that was ever written about an entity.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use worldstore::arrow::array::{BooleanArray, Int64Array, UInt64Array};
use worldstore::{Error, Registry, Result};

use super::components::{lines, print, value};
use super::{print_columns, read, texts, view};
use crate::args::Format;
use crate::args::world::HistoryArgs;
use crate::progress::shown;

/// A row as JSON.
#[derive(Serialize)]
struct Line<'row> {
    active: bool,
    components: &'row RawValue,
    run: &'row str,
    seq: u64,
    table: &'row str,
    tick: i64,
}

pub async fn run(args: HistoryArgs, registry: &Registry) -> Result<()> {
    let world = read(&args.at, registry).await?;
    let view = view(&world, &args.run, args.as_of).await?;
    let rows = shown("looking", args.output.json(), view.history(args.entity)).await?;
    if rows.is_empty() {
        let missing = Error::not_found("no table has a row of this entity in this run").with("entity", args.entity);
        return Err(missing.with("run", &args.run));
    }
    let components = rows.iter().map(|row| Ok(lines(&row.row)?.concat())).collect::<Result<Vec<String>>>()?;
    if args.output.format() == Format::Json {
        for (row, components) in rows.iter().zip(&components) {
            print(&Line {
                active: row.active,
                components: value(components)?,
                run: &row.run,
                seq: row.seq,
                table: row.table.as_str(),
                tick: row.tick,
            })?;
        }
        return Ok(());
    }
    print_columns(
        args.output.format(),
        vec![
            ("tick", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.tick)))),
            ("seq", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.seq)))),
            ("run", texts(rows.iter().map(|row| &row.run))),
            ("table", texts(rows.iter().map(|row| row.table.as_str()))),
            ("active", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.active))))),
            ("components", texts(components)),
        ],
    )
}
