//! Parquet.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use worldstore_core::{Key, Result};

use crate::lake::{check_chunks, corrupt, schema_of};

pub(super) fn read(bytes: Bytes, key: &Key) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    super::guarded("this is no readable Parquet file", || whole(bytes, key))
}

fn whole(bytes: Bytes, key: &Key) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|source| corrupt(key, source))?;
    check_chunks(builder.metadata()).map_err(|source| corrupt(key, source))?;
    let schema = schema_of(builder.metadata(), key)?;
    let reader = builder.build().map_err(|source| corrupt(key, source))?;
    let batches = super::batches(reader, &schema)?;
    Ok((schema, batches))
}
