//! `worldstore tables` and `worldstore runs`.

use std::sync::Arc;

use worldstore::arrow::array::{Int64Array, StringArray, UInt64Array};
use worldstore::core::table::{DescribeOptions, TableInfo};
use worldstore::{Registry, Result};

use super::{print_columns, read, texts};
use crate::args::{Format, WorldArgs};

pub async fn tables(args: WorldArgs, registry: &Registry) -> Result<()> {
    let world = read(&args.at, registry).await?;
    let backend = world.table_backend();
    let mut infos = Vec::new();
    for table in world.tables().await? {
        infos.push(backend.describe(&table, &DescribeOptions::default()).await?);
    }
    let numbers = |values: Vec<u64>| Arc::new(UInt64Array::from(values));
    let separator = if args.output.format() == Format::Table { "\n" } else { ", " };
    let columns = |info: &TableInfo| {
        let fields = info.schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
        fields.collect::<Vec<_>>().join(separator)
    };
    print_columns(
        args.output.format(),
        vec![
            ("table", texts(infos.iter().map(|info| info.name.to_string()))),
            ("rows", numbers(infos.iter().map(|info| info.rows).collect())),
            ("version", numbers(infos.iter().map(|info| info.version).collect())),
            ("seq", numbers(infos.iter().map(|info| info.watermark).collect())),
            ("columns", texts(infos.iter().map(columns))),
        ],
    )
}

pub async fn runs(args: WorldArgs, registry: &Registry) -> Result<()> {
    let runs = read(&args.at, registry).await?.runs().await?;
    let parents = runs.iter().map(|run| run.parent.as_ref().map(|(parent, _)| parent.as_str()));
    let ticks = runs.iter().map(|run| run.parent.as_ref().map(|(_, tick)| *tick));
    print_columns(
        args.output.format(),
        vec![
            ("run", texts(runs.iter().map(|run| &run.name))),
            ("forked_from", Arc::new(parents.collect::<StringArray>())),
            ("at_tick", Arc::new(ticks.collect::<Int64Array>())),
        ],
    )
}
