//! The commands, one file each.

mod append;
mod compact;
mod components;
mod describe;
mod diff;
mod doctor;
mod drop_run;
mod expire;
mod fork;
mod fs;
mod history;
mod import;
mod init;
mod lake;
mod log;
mod merge;
mod query;
mod repl;
mod scan;
mod snapshot;
mod sql;
mod stats;
mod tables;
mod ticks;
mod verify;
mod wal;
mod watch;

use std::sync::Arc;

use futures::{Stream, TryStreamExt};
use worldstore::arrow::array::{ArrayRef, RecordBatch};
use worldstore::arrow::datatypes::SchemaRef;
use worldstore::registry::masked;
use worldstore::world::{IfOpen, LogState, Unfit};
use worldstore::{Error, ErrorKind, Registry, Result, TableFormat, View, World, WorldOptions};

use crate::args::{Args, At, Command, Format, WriteAt};
use crate::failure::Failure;
use crate::output::{PRINT, Rows, counted, note};
use crate::progress::shown;

/// Runs a command.
pub async fn run(args: Args, registry: &Registry) -> Result<(), Failure> {
    let Args { config, command } = args;
    let world = command.world().map(str::to_owned);
    let done = match command {
        Command::Init(args) => init::run(args, registry).await,
        Command::Import(args) => import::run(args, registry).await,
        Command::Append(args) => append::run(args, registry).await,
        Command::Tables(args) => tables::tables(args, registry).await,
        Command::Runs(args) => tables::runs(args, registry).await,
        Command::Ticks(args) => ticks::run(args, registry).await,
        Command::Scan(args) => scan::run(args, registry).await,
        Command::History(args) => history::run(args, registry).await,
        Command::Diff(args) => diff::run(args, registry).await,
        Command::Log(args) => log::run(args, registry).await,
        Command::Sql(args) => sql::run(args, registry).await,
        Command::Fork(args) => fork::run(args, registry).await,
        Command::Merge(args) => merge::run(args, registry).await,
        Command::DropRun(args) => drop_run::run(args, registry).await,
        Command::Compact(args) => compact::run(args, registry).await,
        Command::Expire(args) => expire::run(args, registry).await,
        Command::Verify(args) => verify::run(args, registry).await,
        Command::Stats(args) => stats::run(args, registry).await,
        Command::Fs(command) => fs::run(command, registry).await,
        Command::Lake(command) => lake::run(command, registry).await,
        Command::Snapshot(command) => snapshot::run(command, registry).await,
        Command::Blocks(command) => snapshot::run_blocks(command, registry).await,
        Command::Wal(command) => wal::run(command, registry).await,
        Command::Doctor(args) => doctor::run(args, registry, config.as_deref()).await,
        Command::Completions(args) => describe::completions(&args),
        Command::Man(args) => describe::man(&args),
        Command::Query(args) => return query::run(*args, registry).await,
        Command::Explain(args) => return query::explain(args, registry).await,
    };
    Ok(done.map_err(|error| in_world(error, world.as_deref()))?)
}

/// Names the world where the error does not: keys are told from its root on. It has no part in what cannot be printed.
fn in_world(error: Error, world: Option<&str>) -> Error {
    match world {
        _ if error.operation() == Some(PRINT) => error,
        Some(world) if !error.context().any(|(key, _)| key == "world") => error.with("world", masked(world)),
        _ => error,
    }
}

impl At {
    fn options(&self, registry: &Registry) -> WorldOptions {
        let mut options = WorldOptions::default().with_registry(registry.clone());
        options.catalog.clone_from(&self.catalog);
        options.log = self.log.clone().unwrap_or_default();
        options
    }

    /// Refuses a catalog where there is none.
    fn check_catalog(&self, format: TableFormat) -> Result<()> {
        match &self.catalog {
            Some(catalog) if format != TableFormat::Iceberg => {
                Err(Error::invalid("only Iceberg tables have a catalog")
                    .with("tables", format)
                    .with("catalog", catalog))
            }
            _ => Ok(()),
        }
    }
}

/// Opens a world for reading, and says so if it has more than what is published.
async fn read(at: &At, registry: &Registry) -> Result<World> {
    let world = read_only(at, registry).await?;
    match world.log_state().await {
        Ok(LogState::Clean) => {}
        Ok(LogState::Waiting) => {
            note(
                "note: the log has rows that are acknowledged and not published yet, `worldstore stats` tells how many",
            );
        }
        Ok(LogState::Large(bytes)) => {
            let mebibytes = bytes >> 20;
            note(&format!(
                "note: the log is large ({mebibytes} MiB), `worldstore stats` tells what of it is not published"
            ));
        }
        Err(error) if error.kind() == ErrorKind::ConditionFailed => {
            note(&format!("note: what waits in the log is not known: {error}"));
        }
        Err(error) => note(&format!("note: the log cannot be read: {error}")),
    }
    Ok(world)
}

/// Opens a world for reading.
async fn read_only(at: &At, registry: &Registry) -> Result<World> {
    let world = World::read(&at.world, &at.options(registry)).await?;
    at.check_catalog(world.format())?;
    Ok(world)
}

/// Opens a world for writing, and says so if a writer before has left something behind.
async fn write(at: &WriteAt, json: bool, registry: &Registry) -> Result<World> {
    let mut options = at.at.options(registry);
    if at.take_over {
        options.if_open = IfOpen::TakeOver;
    }
    if at.set_aside {
        options.unfit = Unfit::SetAside;
    }
    let opened = shown("opening", json, World::open(&at.at.world, &options)).await;
    let world = opened.map_err(|error| match error.kind() {
        ErrorKind::Conflict if !at.take_over => {
            let message = "another process has the world open for writing";
            let error = Error::new(ErrorKind::Conflict, message).with("world", masked(&at.at.world)).caused_by(error);
            error.with("if_it_hangs", "--take-over")
        }
        _ if error.context().any(|(key, _)| key == "record") => error.with("option", "--set-aside"),
        _ => error,
    })?;
    at.at.check_catalog(world.format())?;
    let rows = world.recovery().rows;
    if rows > 0 {
        note(&format!("note: took over {} that a writer before had not published", counted(rows, "row")));
    }
    let aside = world.recovery().tables.iter().filter(|table| table.set_aside > 0);
    for table in aside {
        let rows = counted(table.set_aside, "row");
        note(&format!("note: {rows} that table {} cannot hold went to set-aside/ in the world", table.table));
    }
    for (table, rows) in &world.recovery().withdrawn {
        let rows = counted(*rows, "row");
        note(&format!("note: {rows} of table {table} that were not published were taken back, for their log is gone"));
    }
    Ok(world)
}

/// A run up to a tick, or with everything.
async fn view(world: &World, run: &str, as_of: Option<i64>) -> Result<View> {
    let run = world.run(run).await?;
    Ok(as_of.map_or_else(|| run.now(), |tick| run.as_of(tick)))
}

/// Does work that waits for stores, away from the runtime's threads.
async fn blocking<Value: Send + 'static>(work: impl FnOnce() -> Result<Value> + Send + 'static) -> Result<Value> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|source| Error::unexpected("the work ended early").caused_by(source))?
}

/// Prints rows as they come, and shows that something goes on until the first do.
async fn print_rows<Batches>(format: Format, schema: SchemaRef, mut batches: Batches) -> Result<()>
where
    Batches: Stream<Item = Result<RecordBatch>> + Unpin,
{
    let mut rows = Rows::new(format, schema)?;
    let mut next = shown("reading", format == Format::Json, batches.try_next()).await?;
    while let Some(batch) = next {
        rows.write(&batch)?;
        next = batches.try_next().await?;
    }
    rows.finish()
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
