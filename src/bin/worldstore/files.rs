//! Reading Parquet, CSV, JSON lines and Arrow IPC as record batches.

mod csv;
mod exact;
mod infer;
mod json;
mod number;
mod unharmed;

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;
use worldstore::arrow::array::{AsArray, RecordBatch};
use worldstore::arrow::datatypes::{Field, Schema, SchemaRef};
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::ipc::reader::{FileReader, StreamReader};
use worldstore::{Error, ErrorKind, Result};

use crate::args::world::Input;
use infer::Guess;
use unharmed::{Unharmed, unharmed};

pub use exact::typed as exactly;

/// Rows of a file, batch by batch.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

const BATCH_ROWS: usize = 65_536;
const ARROW_FILE_MAGIC: &[u8] = b"ARROW1";

/// Opens a file. What is no such file, or is damaged, is an error that names it, here or on the way.
pub fn open(path: &Path, input: Option<Input>) -> Result<(SchemaRef, Batches)> {
    let input = input.map_or_else(|| by_ending(path), Ok)?;
    let written = texts(path, opened(path)?, input)?;
    let Some((schema, texts)) = written else {
        let read = match input {
            Input::Parquet => parquet(path, opened(path)?),
            _ => arrow(path, opened(path)?),
        };
        return with_columns(path, read?);
    };
    let (types, path) = (Arc::clone(&schema), path.to_owned());
    let exact = move |texts: RecordBatch| {
        exact::typed(&texts, &types, |_| None, input).map_err(|error| error.with("file", path.display()))
    };
    Ok((schema, Box::new(texts.map(move |texts| texts.and_then(&exact)))))
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| Error::io("open", source).with("file", path.display()))
}

/// Reads what was read already, of a format that has types of its own; errors call it by this name.
pub fn read(name: &Path, content: Bytes, input: Input) -> Result<(SchemaRef, Batches)> {
    let read = match input {
        Input::Parquet => parquet(name, content),
        _ => arrow(name, Cursor::new(content)),
    };
    with_columns(name, read?)
}

/// Reads a format that has texts alone, as they are written, and the types that the values suggest; none for others.
pub fn texts<Source: Read + Seek + 'static>(
    name: &Path,
    mut source: Source,
    input: Input,
) -> Result<Option<(SchemaRef, Batches)>> {
    let damaged = |source| refused(name, source);
    let read = match input {
        Input::Csv => {
            let schema = guessed(&mut source).map_err(damaged)?;
            (schema, named(name, csv::Texts::new(source).map_err(damaged)?))
        }
        Input::Json => {
            let (schema, texts) = json::schemas(&mut source).map_err(damaged)?;
            (schema, named(name, json::rows(source, &texts).map_err(damaged)?))
        }
        Input::Parquet | Input::Arrow => return Ok(None),
    };
    with_columns(name, read).map(Some)
}

/// The columns of CSV, with the types that hold all their values as they are written.
fn guessed(file: &mut (impl Read + Seek)) -> Result<SchemaRef, ArrowError> {
    let texts = csv::Texts::new(&mut *file)?;
    let schema = texts.schema();
    let mut guesses = vec![Guess::default(); schema.fields().len()];
    for batch in texts {
        for (guess, column) in guesses.iter_mut().zip(batch?.columns()) {
            column.as_string::<i32>().iter().flatten().for_each(|text| guess.look(text));
        }
    }
    file.rewind()?;
    let fields = schema.fields().iter().zip(&guesses);
    let fields = fields.map(|(field, guess)| Field::new(field.name(), guess.data_type(), true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn with_columns(path: &Path, (schema, batches): (SchemaRef, Batches)) -> Result<(SchemaRef, Batches)> {
    match schema.fields().is_empty() {
        true => Err(Error::invalid("the file has no columns").with("file", path.display())),
        false => Ok((schema, batches)),
    }
}

/// The format that the ending of a file tells.
pub fn by_ending(path: &Path) -> Result<Input> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => Ok(Input::Parquet),
        Some("csv") => Ok(Input::Csv),
        Some("json" | "jsonl" | "ndjson") => Ok(Input::Json),
        Some("arrow" | "arrows" | "ipc" | "feather") => Ok(Input::Arrow),
        _ => Err(Error::invalid("the file's ending does not tell its format, say it with --input")
            .with("file", path.display())
            .with("known", "parquet csv json jsonl ndjson arrow arrows ipc feather")),
    }
}

fn parquet<Source: ChunkReader + 'static>(path: &Path, file: Source) -> Result<(SchemaRef, Batches)> {
    let opened = || {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS);
        Ok::<_, ParquetError>((builder.schema().clone(), builder.build()?))
    };
    let opened = unharmed(|| Ok(opened())).map_err(|source| corrupt(path, source))?;
    let (schema, reader) = opened.map_err(|source| corrupt(path, source))?;
    Ok((schema, named(path, Unharmed(Some(reader)))))
}

fn arrow<Source: Read + Seek + 'static>(path: &Path, mut file: Source) -> Result<(SchemaRef, Batches)> {
    let failed = |source| Error::io("read", source).with("file", path.display());
    let mut magic = Vec::new();
    file.by_ref().take(ARROW_FILE_MAGIC.len() as u64).read_to_end(&mut magic).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if magic == ARROW_FILE_MAGIC {
        let reader =
            unharmed(|| FileReader::try_new(BufReader::new(file), None)).map_err(|source| corrupt(path, source))?;
        return Ok((reader.schema(), named(path, Unharmed(Some(reader)))));
    }
    let reader =
        unharmed(|| StreamReader::try_new(BufReader::new(file), None)).map_err(|source| corrupt(path, source))?;
    Ok((reader.schema(), named(path, Unharmed(Some(reader)))))
}

fn named(path: &Path, batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + 'static) -> Batches {
    let path = path.to_owned();
    Box::new(batches.map(move |batch| batch.map_err(|source| corrupt(&path, source))))
}

/// What is no damage but wrong in itself is told as it is.
fn refused(path: &Path, source: ArrowError) -> Error {
    match source {
        ArrowError::ExternalError(source) => match source.downcast::<Error>() {
            Ok(error) => error.with("file", path.display()),
            Err(source) => corrupt(path, ArrowError::ExternalError(source)),
        },
        source => corrupt(path, source),
    }
}

fn corrupt(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Corrupt, "the file cannot be read").with("file", path.display()).caused_by(source)
}
