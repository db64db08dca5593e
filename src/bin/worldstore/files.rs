//! Reading Parquet, CSV, JSON lines and Arrow IPC as record batches.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;
use worldstore::arrow::array::RecordBatch;
use worldstore::arrow::csv;
use worldstore::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::ipc::reader::{FileReader, StreamReader};
use worldstore::arrow::json;
use worldstore::{Error, ErrorKind, Result};

use crate::args::world::Input;

/// Rows of a file, batch by batch.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

const BATCH_ROWS: usize = 65_536;
const ARROW_FILE_MAGIC: &[u8] = b"ARROW1";

/// Opens a file. What is no such file, or is damaged, is an error that names it, here or on the way.
pub fn open(path: &Path, input: Option<Input>) -> Result<(SchemaRef, Batches)> {
    let input = input.map_or_else(|| by_ending(path), Ok)?;
    let file = File::open(path).map_err(|source| Error::io("open", source).with("file", path.display()))?;
    with_columns(
        path,
        match input {
            Input::Parquet => parquet(path, file),
            Input::Csv => csv(path, file),
            Input::Json => json(path, file),
            Input::Arrow => arrow(path, file),
        }?,
    )
}

/// Reads what was read already; errors call it by this name.
pub fn read(name: &Path, content: Bytes, input: Input) -> Result<(SchemaRef, Batches)> {
    with_columns(
        name,
        match input {
            Input::Parquet => parquet(name, content),
            Input::Csv => csv(name, Cursor::new(content)),
            Input::Json => json(name, Cursor::new(content)),
            Input::Arrow => arrow(name, Cursor::new(content)),
        }?,
    )
}

/// Reads CSV as it is written: every column as text, and the types that the values suggest.
pub fn texts(name: &Path, content: Bytes) -> Result<(SchemaRef, Batches)> {
    let mut file = Cursor::new(content);
    let inferred = inferred(name, &mut file)?;
    let as_text = |field: &FieldRef| Field::new(field.name(), DataType::Utf8, true);
    let schema = Schema::new(inferred.fields().iter().map(as_text).collect::<Vec<_>>());
    with_columns(name, (inferred, rows_of(name, file, Arc::new(schema))?))
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
    let damaged = |source| corrupt(path, source);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?.with_batch_size(BATCH_ROWS);
    let schema = builder.schema().clone();
    Ok((schema, named(path, builder.build().map_err(damaged)?)))
}

fn csv<Source: Read + Seek + 'static>(path: &Path, mut file: Source) -> Result<(SchemaRef, Batches)> {
    let schema = inferred(path, &mut file)?;
    Ok((schema.clone(), rows_of(path, file, schema)?))
}

/// The columns of CSV, with the types that all its values have.
fn inferred(path: &Path, file: &mut (impl Read + Seek)) -> Result<SchemaRef> {
    let format = csv::reader::Format::default().with_header(true);
    let (schema, _) = format.infer_schema(&mut *file, None).map_err(|source| corrupt(path, source))?;
    file.rewind().map_err(|source| Error::io("read", source).with("file", path.display()))?;
    Ok(Arc::new(schema))
}

fn rows_of(path: &Path, file: impl Read + 'static, schema: SchemaRef) -> Result<Batches> {
    let builder = csv::ReaderBuilder::new(schema).with_header(true).with_batch_size(BATCH_ROWS);
    Ok(named(path, builder.build(file).map_err(|source| corrupt(path, source))?))
}

fn json<Source: Read + Seek + 'static>(path: &Path, file: Source) -> Result<(SchemaRef, Batches)> {
    let mut file = BufReader::new(file);
    let (schema, _) = json::reader::infer_json_schema(&mut file, None).map_err(|source| corrupt(path, source))?;
    file.rewind().map_err(|source| Error::io("read", source).with("file", path.display()))?;
    // What is inferred has no order of its own.
    let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    fields.sort_by(|one, other| one.name().cmp(other.name()));
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let builder = json::ReaderBuilder::new(schema.clone()).with_batch_size(BATCH_ROWS);
    let reader = builder.build(file).map_err(|source| corrupt(path, source))?;
    Ok((schema, named(path, reader)))
}

fn arrow<Source: Read + Seek + 'static>(path: &Path, mut file: Source) -> Result<(SchemaRef, Batches)> {
    let failed = |source| Error::io("read", source).with("file", path.display());
    let mut magic = Vec::new();
    file.by_ref().take(ARROW_FILE_MAGIC.len() as u64).read_to_end(&mut magic).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if magic == ARROW_FILE_MAGIC {
        let reader = FileReader::try_new(BufReader::new(file), None).map_err(|source| corrupt(path, source))?;
        return Ok((reader.schema(), named(path, reader)));
    }
    let reader = StreamReader::try_new(BufReader::new(file), None).map_err(|source| corrupt(path, source))?;
    Ok((reader.schema(), named(path, reader)))
}

fn named(path: &Path, batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + 'static) -> Batches {
    let path = path.to_owned();
    Box::new(batches.map(move |batch| batch.map_err(|source| corrupt(&path, source))))
}

fn corrupt(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Corrupt, "the file cannot be read").with("file", path.display()).caused_by(source)
}
