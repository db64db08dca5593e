//! The commands, one file each.

mod fork;
mod fs;
mod import;
mod init;
mod lake;
mod query;
mod scan;
mod snapshot;
mod sql;
mod tables;
mod ticks;
mod wal;

use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, RecordBatch};
use worldstore::registry::masked;
use worldstore::{Error, Registry, Result, World, WorldOptions};

use crate::args::{Command, Format};
use crate::failure::Failure;
use crate::output::Rows;

/// Runs a command.
pub async fn run(command: Command, registry: &Registry) -> Result<(), Failure> {
    let world = command.world().map(str::to_owned);
    let done = match command {
        Command::Init(args) => init::run(args, registry).await,
        Command::Import(args) => import::run(args, registry).await,
        Command::Tables(args) => tables::tables(args, registry).await,
        Command::Runs(args) => tables::runs(args, registry).await,
        Command::Ticks(args) => ticks::run(args, registry).await,
        Command::Scan(args) => scan::run(args, registry).await,
        Command::Sql(args) => sql::run(args, registry).await,
        Command::Fork(args) => fork::run(args, registry).await,
        Command::Fs(command) => fs::run(command, registry).await,
        Command::Lake(command) => lake::run(command, registry).await,
        Command::Snapshot(command) => snapshot::run(command, registry).await,
        Command::Blocks(command) => snapshot::run_blocks(command, registry).await,
        Command::Wal(command) => wal::run(command, registry).await,
        Command::Query(args) => return query::run(args, registry).await,
        Command::Explain(args) => return query::explain(args, registry).await,
    };
    Ok(done.map_err(|error| in_world(error, world.as_deref()))?)
}

/// Names the world where the error does not: keys are told from its root on.
fn in_world(error: Error, world: Option<&str>) -> Error {
    match world {
        Some(world) if !error.context().any(|(key, _)| key == "world") => error.with("world", masked(world)),
        _ => error,
    }
}

async fn open(world: &str, registry: &Registry) -> Result<World> {
    World::open(world, &WorldOptions::default().with_registry(registry.clone())).await
}

/// Prints named columns of equal length.
fn print_columns(format: Format, columns: Vec<(&str, ArrayRef)>) -> Result<()> {
    let failed = |source| Error::unexpected("columns do not fit together").caused_by(source);
    let batch = RecordBatch::try_from_iter(columns).map_err(failed)?;
    let mut rows = Rows::new(format, batch.schema())?;
    rows.write(&batch)?;
    rows.finish()
}

fn texts<Text: AsRef<str>>(values: impl IntoIterator<Item = Text>) -> ArrayRef {
    use worldstore::arrow::array::StringArray;
    Arc::new(StringArray::from_iter_values(values))
}
