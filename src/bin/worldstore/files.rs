//! Reading Parquet, CSV and Arrow IPC files as record batches.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use worldstore::arrow::array::RecordBatch;
use worldstore::arrow::csv;
use worldstore::arrow::datatypes::SchemaRef;
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::ipc::reader::{FileReader, StreamReader};
use worldstore::{Error, ErrorKind, Result};

use crate::args::Input;

/// Rows of a file, batch by batch.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

const BATCH_ROWS: usize = 65_536;
const ARROW_FILE_MAGIC: &[u8] = b"ARROW1";

/// Opens a file. What is no such file, or is damaged, is an error that names it, here or on the way.
pub fn open(path: &Path, input: Option<Input>) -> Result<(SchemaRef, Batches)> {
    let input = match input {
        Some(input) => input,
        None => by_ending(path)?,
    };
    let file = File::open(path).map_err(|source| Error::io("open", source).with("file", path.display()))?;
    let (schema, batches) = match input {
        Input::Parquet => parquet(path, file),
        Input::Csv => csv(path, file),
        Input::Arrow => arrow(path, file),
    }?;
    match schema.fields().is_empty() {
        true => Err(Error::invalid("the file has no columns").with("file", path.display())),
        false => Ok((schema, batches)),
    }
}

fn by_ending(path: &Path) -> Result<Input> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => Ok(Input::Parquet),
        Some("csv") => Ok(Input::Csv),
        Some("arrow" | "arrows" | "ipc" | "feather") => Ok(Input::Arrow),
        _ => Err(Error::invalid("the file's ending does not tell its format, say it with --input")
            .with("file", path.display())
            .with("known", "parquet csv arrow arrows ipc feather")),
    }
}

fn parquet(path: &Path, file: File) -> Result<(SchemaRef, Batches)> {
    let damaged = |source| corrupt(path, source);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?.with_batch_size(BATCH_ROWS);
    let schema = builder.schema().clone();
    Ok((schema, named(path, builder.build().map_err(damaged)?)))
}

fn csv(path: &Path, mut file: File) -> Result<(SchemaRef, Batches)> {
    let format = csv::reader::Format::default().with_header(true);
    let (schema, _) = format.infer_schema(&mut file, None).map_err(|source| corrupt(path, source))?;
    file.rewind().map_err(|source| Error::io("read", source).with("file", path.display()))?;
    let schema: SchemaRef = Arc::new(schema);
    let builder = csv::ReaderBuilder::new(schema.clone()).with_header(true).with_batch_size(BATCH_ROWS);
    let reader = builder.build(file).map_err(|source| corrupt(path, source))?;
    Ok((schema, named(path, reader)))
}

fn arrow(path: &Path, mut file: File) -> Result<(SchemaRef, Batches)> {
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
