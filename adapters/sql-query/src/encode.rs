//! Results as bytes: the same rows always give the same bytes.

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use worldstore_core::{Error, Result};

use crate::queries::Format;

/// What Parquet files say of their maker: without a version, so that an update changes no bytes by this.
const CREATED_BY: &str = "worldstore-sql-query";

pub(crate) fn encode(batch: &RecordBatch, format: Format) -> Result<Bytes> {
    match format {
        Format::Arrow => arrow(batch).map_err(|error| failed(format, error)),
        Format::Csv => csv(batch).map_err(|error| failed(format, error)),
        Format::Parquet => parquet(batch).map_err(|error| failed(format, error)),
    }
}

fn failed(format: Format, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::unexpected("the result could not be written in this format").with("format", format).caused_by(error)
}

fn arrow(batch: &RecordBatch) -> Result<Bytes, ArrowError> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?.into())
}

fn csv(batch: &RecordBatch) -> Result<Bytes, ArrowError> {
    let mut writer = WriterBuilder::new().with_header(true).build(Vec::new());
    writer.write(batch)?;
    Ok(writer.into_inner().into())
}

fn parquet(batch: &RecordBatch) -> parquet::errors::Result<Bytes> {
    let properties = WriterProperties::builder().set_created_by(CREATED_BY.to_owned()).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(batch)?;
    Ok(writer.into_inner()?.into())
}
