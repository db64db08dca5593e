//! A Parquet file, read whole: for labels that the graph owns.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ErrorKind, Key, ReadOptions, Result};

use super::footer::corrupt;
use super::label::schema_of;

/// Reads a file into memory.
///
/// # Errors
/// `NotFound`; `Corrupt` if it is no Parquet file.
pub(crate) async fn read_file(backend: &Arc<dyn AsyncBackend>, key: &Key) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let reply = backend.read(key, &ReadOptions::default()).await?;
    let append = |mut all: BytesMut, chunk: Bytes| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    };
    let bytes = reply.body.try_fold(BytesMut::new(), append).await?.freeze();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|source| corrupt(key, source))?;
    let schema = schema_of(builder.metadata(), key)?;
    let reader = builder.build().map_err(|source| corrupt(key, source))?;
    let failed =
        |source| Error::new(ErrorKind::Corrupt, "a row group cannot be read").with("file", key).caused_by(source);
    let plain = |batch: RecordBatch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec());
    let batches = reader.map(|batch| batch.and_then(plain).map_err(failed)).collect::<Result<Vec<_>>>()?;
    Ok((schema, batches))
}
