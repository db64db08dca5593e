//! `worldstore append`: rows of one tick, for several tables in one step.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use worldstore::arrow::array::{ArrayRef, RecordBatch, new_null_array};
use worldstore::arrow::datatypes::{DataType, Schema, SchemaRef};
use worldstore::core::table::{DescribeOptions, TableName, base};
use worldstore::{Error, Registry, Result, World};

use super::fs::show::print_json;
use super::import::{integers, next_tick};
use super::write;
use crate::args::world::{AppendArgs, Input};
use crate::files;
use crate::output::{counted, line, note};
use crate::progress::shown;

/// What stands for standard input.
const STDIN: &str = "-";

pub async fn run(args: AppendArgs, registry: &Registry) -> Result<()> {
    let parts = parts(&args)?;
    let world = write(&args.at, args.json, registry).await?;
    let run = world.run(&args.run).await?;
    let tables: Vec<TableName> = parts.iter().map(|part| part.table.clone()).collect();
    let tick = match args.tick {
        Some(tick) => tick,
        None => next_tick(&run, &tables).await?,
    };
    let mut writer = run.tick(tick);
    for part in &parts {
        for batch in part.fitted(&world, &args.entity_column).await? {
            writer = writer.append(part.table.as_str(), &batch)?;
        }
    }
    let done = async {
        let receipt = writer.commit().await?;
        world.shutdown().await?;
        Ok::<_, Error>(receipt)
    };
    let receipt = shown("appending", args.json, done).await?;
    let seq = receipt.receipts.iter().map(|receipt| receipt.seq).max();
    if args.json {
        let rows: BTreeMap<_, _> =
            receipt.receipts.iter().zip(sorted(tables)).map(|(receipt, table)| (table, receipt.rows)).collect();
        return print_json(&json!({
            "run": args.run, "tick": tick, "seq": seq, "tables": rows, "rows": receipt.rows(),
        }));
    }
    let count = receipt.receipts.len() as u64;
    let (rows, tables) = (counted(receipt.rows(), "row"), counted(count, "table"));
    line(&format!("appended {rows} to {tables} as tick {tick} of run {}, seq {}", args.run, seq.unwrap_or(0)))
}

/// The tables once each, as receipts have them.
fn sorted(mut tables: Vec<TableName>) -> Vec<String> {
    tables.sort();
    tables.dedup();
    tables.iter().map(ToString::to_string).collect()
}

/// Rows for a table, as they were read.
struct Part {
    table: TableName,
    file: PathBuf,
    input: Input,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// CSV and JSON stay as they are written until the columns of the table are known: what they look like may not be
    /// what they are there.
    are_texts: bool,
}

/// Reads everything: what cannot be read is found before the world is opened.
fn parts(args: &AppendArgs) -> Result<Vec<Part>> {
    let mut is_stdin_read = false;
    let mut parts = Vec::with_capacity(args.rows.len());
    for text in &args.rows {
        let (table, file) = match text.split_once('=') {
            Some((table, file)) if !file.is_empty() => (TableName::new(table)?, file),
            _ => return Err(Error::invalid("rows must be like `TABLE=FILE`").with("rows", text)),
        };
        let part = match file {
            STDIN if std::mem::replace(&mut is_stdin_read, true) => {
                return Err(Error::invalid("standard input is read once").with("rows", text));
            }
            STDIN => {
                let known =
                    || Error::invalid("standard input has no ending that tells its format, say it with --input");
                let (name, input) = (PathBuf::from("standard input"), args.input.ok_or_else(known)?);
                Part::read(table, name, input, stdin()?.into())
            }
            path => {
                let path = PathBuf::from(path);
                let input = args.input.map_or_else(|| files::by_ending(&path), Ok)?;
                let content = content(&path)?;
                Part::read(table, path, input, content.into())
            }
        };
        parts.push(part?);
    }
    Ok(parts)
}

fn content(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::io("open", source).with("file", path.display()))
}

fn stdin() -> Result<Vec<u8>> {
    if io::stdin().is_terminal() {
        note("type the rows, and Ctrl-D at their end");
    }
    let mut bytes = Vec::new();
    let read = io::stdin().read_to_end(&mut bytes);
    read.map_err(|source| Error::io("read", source).with("file", "standard input"))?;
    Ok(bytes)
}

impl Part {
    fn read(table: TableName, file: PathBuf, input: Input, content: Bytes) -> Result<Self> {
        let texts = files::texts(&file, Cursor::new(content.clone()), input)?;
        let are_texts = texts.is_some();
        let (schema, batches) = texts.map_or_else(|| files::read(&file, content, input), Ok)?;
        let batches = batches.collect::<Result<_>>()?;
        Ok(Self { table, file, input, schema, batches, are_texts })
    }

    /// The rows as the table takes them.
    async fn fitted(&self, world: &World, entity: &str) -> Result<Vec<RecordBatch>> {
        let about = |error: Error| error.with("file", self.file.display()).with("table", &self.table);
        let table = match world.table_backend().describe(&self.table, &DescribeOptions::default()).await {
            Err(error) if error.is_not_found() => None,
            found => Some(found?.schema),
        };
        let empty = [RecordBatch::new_empty(Arc::clone(&self.schema))];
        let batches = match self.batches.is_empty() {
            true if table.is_none() => {
                return Err(about(Error::invalid("a new table needs rows, and there are none")));
            }
            true => empty.as_slice(),
            false => &self.batches,
        };
        let known = |name: &str| {
            let field = table.as_deref().filter(|_| name != entity)?.field_with_name(name).ok()?;
            Some(field.data_type())
        };
        let fit = |batch: &RecordBatch| match self.are_texts {
            true => {
                let typed = files::exactly(batch, &self.schema, known, self.input)?;
                fit(&typed, entity, table.as_deref(), self.input)
            }
            false => fit(batch, entity, table.as_deref(), self.input),
        };
        batches.iter().map(fit).collect::<Result<_>>().map_err(about)
    }
}

/// Rows with the entity as it is stored; of JSON, with all columns of the table.
fn fit(batch: &RecordBatch, entity: &str, table: Option<&Schema>, input: Input) -> Result<RecordBatch> {
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![(base::ENTITY, entities(batch, entity)?, false)];
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if field.name() == entity {
            continue;
        }
        if field.name() == base::ENTITY {
            return Err(Error::invalid("the file has a column of that name, too").with("column", base::ENTITY));
        }
        let is_flag = field.name() == base::ACTIVE;
        columns.push((field.name(), Arc::clone(column), field.is_nullable() && !is_flag));
    }
    for field in table.filter(|_| input == Input::Json).into_iter().flat_map(|table| table.fields()) {
        let is_there = columns.iter().any(|(name, ..)| *name == field.name());
        if field.is_nullable() && !is_there {
            columns.push((field.name(), new_null_array(field.data_type(), batch.num_rows()), true));
        }
    }
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|source| Error::invalid("columns do not fit together").caused_by(source))
}

fn entities(batch: &RecordBatch, column: &str) -> Result<ArrayRef> {
    match batch.column_by_name(column) {
        None if column == base::ENTITY => {
            Err(Error::invalid("rows have no column entity, say another with --entity-column"))
        }
        // A file with a header alone has no integers.
        Some(_) if batch.num_rows() == 0 => Ok(new_null_array(&DataType::UInt64, 0)),
        _ => integers(batch, column, &DataType::UInt64),
    }
}
