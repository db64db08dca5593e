//! Datasets from outside: what is written is read, by whoever, whatever happens meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clean;
mod race;
mod read;
mod rigged;
mod write;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use worldstore_core::{Error, ErrorKind, Memory, Result, Store};
use worldstore_dataset::{Dataset, DatasetReadOptions, DatasetWriteOptions};

fn store() -> Store {
    Store::new(Arc::new(Memory::new()))
}

fn dataset() -> Dataset {
    Dataset::open(&store(), "sets/one").unwrap()
}

/// Rows of a text and a number.
fn rows(rows: &[(Option<&str>, i64)]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("city", DataType::Utf8, true), Field::new("n", DataType::Int64, false)]);
    let cities: StringArray = rows.iter().map(|(city, _)| *city).collect();
    let numbers: Int64Array = rows.iter().map(|(_, number)| Some(*number)).collect();
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(cities), Arc::new(numbers)]).unwrap()
}

fn by_city() -> DatasetWriteOptions {
    DatasetWriteOptions::default().with_partition_by(["city"])
}

fn plain() -> DatasetWriteOptions {
    DatasetWriteOptions::default()
}

/// All rows, sorted.
fn all(dataset: &Dataset) -> Vec<(Option<String>, i64)> {
    of_batches(dataset.read(&DatasetReadOptions::default()).unwrap())
}

fn of_batches(batches: impl Iterator<Item = Result<RecordBatch>>) -> Vec<(Option<String>, i64)> {
    let mut all = Vec::new();
    for batch in batches {
        let batch = batch.unwrap();
        let cities = batch.column_by_name("city").unwrap().as_string::<i32>().clone();
        let numbers = batch.column_by_name("n").unwrap().as_primitive::<Int64Type>().clone();
        for row in 0..batch.num_rows() {
            all.push((cities.is_valid(row).then(|| cities.value(row).to_owned()), numbers.value(row)));
        }
    }
    all.sort();
    all
}

fn expected(rows: &[(Option<&str>, i64)]) -> Vec<(Option<String>, i64)> {
    let mut rows: Vec<_> = rows.iter().map(|(city, number)| (city.map(str::to_owned), *number)).collect();
    rows.sort();
    rows
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn kind<Value>(result: Result<Value>) -> ErrorKind {
    error(result).kind()
}

fn error<Value>(result: Result<Value>) -> Error {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(error) => error,
    }
}
