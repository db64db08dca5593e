//! What the tests share: results read back with the readers of their formats.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::datatypes::Schema;
use arrow::ipc::reader::FileReader;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use worldstore_core::Key;

pub fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub fn from_arrow(bytes: Vec<u8>) -> RecordBatch {
    let batches: Vec<_> = FileReader::try_new(Cursor::new(bytes), None).unwrap().map(|batch| batch.unwrap()).collect();
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    batch.clone()
}

pub fn from_parquet(bytes: Vec<u8>) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

pub fn from_csv(bytes: Vec<u8>, schema: Arc<Schema>) -> RecordBatch {
    let reader = ReaderBuilder::new(Arc::clone(&schema)).with_header(true).build(Cursor::new(bytes)).unwrap();
    let batches: Vec<_> = reader.map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}
