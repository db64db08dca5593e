//! Printing rows: as a table, JSON lines, CSV or an Arrow stream.

mod csv;
mod floats;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use worldstore::arrow::array::RecordBatch;
use worldstore::arrow::datatypes::SchemaRef;
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::ipc::writer::StreamWriter;
use worldstore::arrow::json::writer::{LineDelimited, LineDelimitedWriter, WriterBuilder};
use worldstore::arrow::util::display::{ArrayFormatter, FormatOptions};
use worldstore::{Error, Result};

use crate::args::Format;
use floats::Floats;

/// The operation of errors that come from standard output or standard error.
pub const PRINT: &str = "print";

/// Rows of one frame of a table: what is held in memory to align it.
const FRAME_ROWS: usize = 10_000;

/// What says that it is narrower does not know: then nothing is broken.
const WIDTH_MIN: u16 = 20;

/// Prints batches as they come.
pub enum Rows {
    /// Held back until a frame is full, for columns are aligned over all its rows.
    Table {
        schema: SchemaRef,
        frame: Vec<RecordBatch>,
        rows: usize,
    },
    Json(LineDelimitedWriter<io::Stdout>),
    /// The header goes with the first rows.
    Csv {
        schema: SchemaRef,
        is_first: bool,
    },
    Arrow(StreamWriter<io::Stdout>),
}

impl Rows {
    /// Starts printing rows of this schema.
    pub fn new(format: Format, schema: SchemaRef) -> Result<Self> {
        Ok(match format {
            Format::Table => Self::Table { schema, frame: Vec::new(), rows: 0 },
            Format::Json => {
                check_names(&schema)?;
                Self::Json(plain_json().build::<_, LineDelimited>(io::stdout()))
            }
            Format::Csv => Self::Csv { schema, is_first: true },
            Format::Arrow if io::stdout().is_terminal() => {
                return Err(Error::invalid("an Arrow stream does not go to a terminal, redirect it to a file"));
            }
            Format::Arrow => Self::Arrow(StreamWriter::try_new(io::stdout(), &schema).map_err(failed)?),
        })
    }

    /// Prints one batch.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Table { schema, frame, rows } => {
                let mut start = 0;
                while start < batch.num_rows() {
                    let length = (FRAME_ROWS - *rows % FRAME_ROWS).min(batch.num_rows() - start);
                    frame.push(batch.slice(start, length));
                    (start, *rows) = (start + length, *rows + length);
                    if rows.is_multiple_of(FRAME_ROWS) {
                        print_frame(schema, &std::mem::take(frame))?;
                    }
                }
                Ok(())
            }
            Self::Json(writer) => writer.write(batch).map_err(failed),
            Self::Csv { is_first, .. } => print_csv(batch, std::mem::take(is_first)),
            Self::Arrow(writer) => writer.write(batch).map_err(failed),
        }
    }

    /// Prints what is left.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Table { schema, frame, rows } => {
                if rows == 0 || !frame.is_empty() {
                    print_frame(&schema, &frame)?;
                }
                line(&counted(rows as u64, "row"))
            }
            Self::Json(mut writer) => writer.finish().map_err(failed),
            Self::Csv { schema, is_first } => print_csv(&RecordBatch::new_empty(schema), is_first),
            Self::Arrow(mut writer) => writer.finish().map_err(failed),
        }
    }
}

/// Rows as JSON, with their nulls, and with texts for the floats that JSON has no word for.
pub fn plain_json() -> WriterBuilder {
    WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Floats))
}

/// Refuses columns of one name: whoever reads a JSON object gets one of them alone.
fn check_names(schema: &SchemaRef) -> Result<()> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        None => Ok(()),
        Some(field) => Err(Error::invalid("two columns have one name, which JSON cannot tell apart, rename one")
            .with("column", field.name())),
    }
}

fn print_csv(batch: &RecordBatch, with_header: bool) -> Result<()> {
    bytes(csv::lines(batch, with_header).map_err(failed)?.as_bytes())
}

fn print_frame(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    if io::stdout().is_terminal() && table.width().is_some_and(|width| width >= WIDTH_MIN) {
        // As wide as the terminal at most: cells go on in further lines.
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(schema.fields().iter().map(|field| field.name().as_str()));
    let options = FormatOptions::default().with_null("null");
    for batch in batches {
        let columns = batch.columns().iter();
        let cells = columns.map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<Vec<_>, _>>();
        let cells = cells.map_err(failed)?;
        for row in 0..batch.num_rows() {
            let texts = cells.iter().map(|cell| cell.value(row).try_to_string());
            table.add_row(texts.collect::<Result<Vec<_>, _>>().map_err(failed)?);
        }
    }
    for (index, field) in schema.fields().iter().enumerate() {
        if let Some(column) = table.column_mut(index).filter(|_| field.data_type().is_numeric()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    line(&table.to_string())
}

/// A number with what it counts: `1 row`, `2 rows`.
pub fn counted(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Prints a line.
pub fn line(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{text}").map_err(|source| Error::io(PRINT, source))
}

/// Prints bytes as they are.
pub fn bytes(chunk: &[u8]) -> Result<()> {
    io::stdout().write_all(chunk).map_err(|source| Error::io(PRINT, source))
}

/// Hands out what was printed and waits.
pub fn flush() -> Result<()> {
    io::stdout().flush().map_err(|source| Error::io(PRINT, source))
}

/// Prints a line for the person, not for what reads the rows. Where nobody can read it, the work goes on.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn failed(source: ArrowError) -> Error {
    match source {
        ArrowError::IoError(_, source) => Error::io(PRINT, source),
        other => Error::unsupported("rows cannot be printed in this format").caused_by(other),
    }
}
