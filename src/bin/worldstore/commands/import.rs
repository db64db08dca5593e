//! `worldstore import`: files become rows of a table, tick by tick.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use worldstore::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use worldstore::arrow::compute::{cast, take_record_batch};
use worldstore::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use worldstore::core::table::{DescribeOptions, TableName, base};
use worldstore::{Error, Registry, Result, Run, World};

use super::fs::show::print_json;
use super::write;
use crate::args::world::ImportArgs;
use crate::output::{counted, line};
use crate::progress::{Progress, shown};
use crate::sources::{self, Source};

pub async fn run(args: ImportArgs, registry: &Registry) -> Result<()> {
    let table = TableName::new(&args.table)?;
    let world = write(&args.at, args.json, registry).await?;
    let run = world.run(&args.run).await?;
    let tick = match (args.tick, &args.tick_column) {
        (Some(tick), _) => tick,
        (None, Some(_)) => run.first_tick(),
        (None, None) => next_tick(&run, std::slice::from_ref(&table)).await?,
    };
    let plan = Plan { args: &args, sources: sources::find(&args.files)?, first_tick: tick };
    let bar = Progress::new("{spinner} {human_pos} rows checked", None, args.json);
    let checked = plan.check(&world, &run, &table, &bar).await;
    drop(bar);
    let rows = checked?;
    let template = "{wide_bar} {human_pos} of {human_len} rows, {per_sec}, {eta} left";
    let bar = Progress::new(template, Some(rows), args.json);
    let mut kept = Kept::default();
    let appended = plan.append(&run, &bar, &mut kept).await;
    drop(bar);
    if let Err(error) = appended {
        // What was appended before is acknowledged; if this fails too, the next writer takes it over from the log.
        let _ = world.shutdown().await;
        return Err(error.with("rows_kept", kept.rows));
    }
    let done = shown("publishing", args.json, world.shutdown()).await;
    done.map_err(|error| error.with("table", &table).with("rows_kept", kept.rows))?;
    let ticks = kept.ticks.len() as u64;
    if args.json {
        return print_json(&json!({
            "run": args.run, "table": table.as_str(), "rows": rows, "ticks": ticks,
            "first_tick": kept.ticks.first(), "last_tick": kept.ticks.last(),
        }));
    }
    let (rows, ticks) = (counted(rows, "row"), counted(ticks, "tick"));
    line(&format!("imported {rows} in {ticks} into {table} of run {}", args.run))
}

/// What was appended.
#[derive(Default)]
struct Kept {
    rows: u64,
    ticks: BTreeSet<i64>,
}

/// The tick after the newest of a run in these tables.
pub(super) async fn next_tick(run: &Run, tables: &[TableName]) -> Result<i64> {
    let mut newest = None;
    for table in tables {
        let ticks = match run.now().ticks(table.as_str()).await {
            Err(error) if error.is_not_found() => continue,
            ticks => ticks?,
        };
        newest = newest.max(ticks.last().map(|last| (last.tick, table)));
    }
    let Some((tick, table)) = newest else { return Ok(run.first_tick().max(1)) };
    let last = || Error::invalid("the newest tick is the last of all, say another with --tick").with("table", table);
    Ok(tick.checked_add(1).ok_or_else(last)?.max(run.first_tick()))
}

/// What goes where.
struct Plan<'args> {
    args: &'args ImportArgs,
    sources: Vec<Source>,
    first_tick: i64,
}

impl Plan<'_> {
    /// Reads every file whole and counts the rows: what cannot be appended is found before anything is.
    async fn check(&self, world: &World, run: &Run, table: &TableName, bar: &Progress) -> Result<u64> {
        let mut first: Option<(&Source, Arc<Schema>)> = None;
        let mut rows = 0;
        for (index, source) in self.sources.iter().enumerate() {
            let in_file = |error: Error| error.with("file", source.path.display());
            let (schema, batches) = source.open(self.args.input)?;
            match &first {
                Some((other, expected)) => same_columns((other, expected), (source, &schema))?,
                None => {
                    self.check_table(world, table, &schema).await.map_err(in_file)?;
                    first = Some((source, schema));
                }
            }
            for batch in batches {
                let parts = self.split(index, rows, &batch?).map_err(in_file)?;
                for (tick, part) in &parts {
                    run.check(*tick, table.as_str(), part).await.map_err(in_file)?;
                }
                rows += parts.iter().map(|(_, rows)| rows.num_rows() as u64).sum::<u64>();
                bar.set(rows);
            }
        }
        Ok(rows)
    }

    /// Refuses columns that do not fit the table, or that no table can have.
    async fn check_table(&self, world: &World, table: &TableName, schema: &Arc<Schema>) -> Result<()> {
        let empty = RecordBatch::new_empty(schema.clone());
        let rows = components(&empty, &self.taken(), self.entities(0, &empty)?)?;
        match world.table_backend().describe(table, &DescribeOptions::default()).await {
            Err(error) if error.is_not_found() => worldstore::world::check_new(rows.schema_ref()),
            found => worldstore::world::check_rows(rows.schema_ref(), &found?.schema),
        }
        .map_err(|error| error.with("table", table))
    }

    /// Appends every file.
    async fn append(&self, run: &Run, bar: &Progress, kept: &mut Kept) -> Result<()> {
        for (index, source) in self.sources.iter().enumerate() {
            let (_, batches) = source.open(self.args.input)?;
            for batch in batches {
                for (tick, part) in self.split(index, kept.rows, &batch?)? {
                    let receipt = run.append(tick, &self.args.table, &part).await?;
                    kept.rows += receipt.rows;
                    kept.ticks.insert(tick);
                }
                bar.set(kept.rows);
            }
        }
        Ok(())
    }

    /// Parts a batch of a file by tick and gives it its entities; `before` rows came before it.
    fn split(&self, file: usize, before: u64, batch: &RecordBatch) -> Result<Vec<(i64, RecordBatch)>> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let rows = components(batch, &self.taken(), self.entities(before, batch)?)?;
        match &self.args.tick_column {
            Some(column) => {
                let ticks = integers(batch, column, &DataType::Int64)?;
                by_tick(&rows, ticks.as_primitive::<Int64Type>().values())
            }
            None => Ok(vec![(self.tick_of(file)?, rows)]),
        }
    }

    fn tick_of(&self, file: usize) -> Result<i64> {
        let offset = if self.args.tick_per_file { file as i64 } else { 0 };
        let tick = self.first_tick.checked_add(offset);
        tick.ok_or_else(|| Error::invalid("there are no more ticks").with("first", self.first_tick))
    }

    fn entities(&self, before: u64, batch: &RecordBatch) -> Result<ArrayRef> {
        match &self.args.entity_column {
            Some(column) => integers(batch, column, &DataType::UInt64),
            None => Ok(Arc::new(UInt64Array::from_iter_values(before..before + batch.num_rows() as u64))),
        }
    }

    /// The columns that become base columns.
    fn taken(&self) -> [Option<&str>; 2] {
        [self.args.tick_column.as_deref(), self.args.entity_column.as_deref()]
    }
}

fn same_columns(one: (&Source, &Schema), other: (&Source, &Schema)) -> Result<()> {
    let told = |field: &Field| (field.name().clone(), field.data_type().clone(), field.is_nullable());
    let of = |schema: &Schema| schema.fields().iter().map(|field| told(field)).collect::<Vec<_>>();
    let (expected, got) = (of(one.1), of(other.1));
    if expected == got {
        return Ok(());
    }
    let mut error = Error::invalid("files have different columns")
        .with("file", other.0.path.display())
        .with("other", one.0.path.display());
    if let Some((expected, got)) = expected.iter().zip(&got).find(|(expected, got)| expected != got) {
        error = error.with("expected", format!("{} {}", expected.0, expected.1));
        error = error.with("got", format!("{} {}", got.0, got.1));
    }
    Err(error)
}

/// Parts rows by tick, in the order of the ticks; within a tick their order stays.
fn by_tick(rows: &RecordBatch, ticks: &[i64]) -> Result<Vec<(i64, RecordBatch)>> {
    let tick = |row: &u32| ticks[*row as usize];
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by_key(tick);
    let part = |chosen: &[u32]| {
        let part = take_record_batch(rows, &UInt32Array::from(chosen.to_vec()));
        let part = part.map_err(|source| Error::unexpected("rows cannot be parted").caused_by(source))?;
        Ok((tick(&chosen[0]), part))
    };
    order.chunk_by(|one, other| tick(one) == tick(other)).map(part).collect()
}

/// The columns of the batch but those that became tick and entity, and the entities.
fn components(batch: &RecordBatch, taken: &[Option<&str>], entities: ArrayRef) -> Result<RecordBatch> {
    let schema = batch.schema();
    let named = schema.fields().iter().zip(batch.columns());
    let kept = named.filter(|(field, _)| !taken.contains(&Some(field.name().as_str())));
    let mut columns = vec![(base::ENTITY, entities, false)];
    for (field, column) in kept {
        if field.name() == base::ENTITY {
            return Err(Error::invalid("the file has a column of that name, say --entity-column entity")
                .with("column", base::ENTITY));
        }
        columns.push((field.name(), column.clone(), field.is_nullable()));
    }
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|source| Error::unexpected("columns do not fit together").caused_by(source))
}

/// A column as integers of one type, without nulls and without overflow. Texts may be integers too: what a file says of large
/// ones is taken for text.
pub(super) fn integers(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let column = batch.column_by_name(name);
    let column = column.ok_or_else(|| Error::invalid("the file has no such column").with("column", name))?;
    let refused = |rule: &str| Err(Error::invalid(rule).with("column", name).with("type", column.data_type()));
    let is_text = *column.data_type() == DataType::Utf8;
    if !is_text && !column.data_type().is_integer() {
        return refused("column is not of integers");
    }
    if column.null_count() > 0 {
        return refused("column has nulls");
    }
    let cast = cast(column, data_type).map_err(|source| Error::unexpected("cast failed").caused_by(source))?;
    match cast.null_count() {
        0 => Ok(cast),
        _ if is_text => refused("column is not of integers"),
        _ => refused("column has numbers that do not fit"),
    }
}
