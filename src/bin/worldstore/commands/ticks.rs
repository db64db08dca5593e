//! `worldstore ticks`.

use std::sync::Arc;

use worldstore::arrow::array::{Int64Array, UInt64Array};
use worldstore::{Registry, Result};

use super::{print_columns, read};
use crate::args::world::TicksArgs;
use crate::progress::shown;

pub async fn run(args: TicksArgs, registry: &Registry) -> Result<()> {
    let world = read(&args.at, registry).await?;
    let view = world.run(&args.run).await?.now();
    let ticks = shown("counting", args.output.json(), view.ticks(&args.table)).await?;
    let tick = Int64Array::from_iter_values(ticks.iter().map(|count| count.tick));
    let rows = UInt64Array::from_iter_values(ticks.iter().map(|count| count.rows));
    print_columns(args.output.format(), vec![("tick", Arc::new(tick)), ("rows", Arc::new(rows))])
}
