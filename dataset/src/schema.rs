//! Schemas: kept in the manifest, compared with what comes in.

use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use worldstore_core::{Error, ErrorKind, Result};

use crate::error;

/// A schema as it is stored: readable, and as the Arrow IPC stream of no batches, in hexadecimal digits, which counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredSchema {
    columns: Vec<StoredColumn>,
    arrow: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredColumn {
    name: String,
    r#type: String,
    nullable: bool,
}

impl StoredSchema {
    pub fn of(schema: &Schema) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, schema).map_err(error::arrow)?;
        writer.finish().map_err(error::arrow)?;
        drop(writer);
        let columns = schema.fields().iter().map(|field| StoredColumn {
            name: field.name().clone(),
            r#type: field.data_type().to_string(),
            nullable: field.is_nullable(),
        });
        Ok(Self { columns: columns.collect(), arrow: bytes.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    pub fn read(&self) -> Result<SchemaRef> {
        let damaged = || Error::new(ErrorKind::Corrupt, "schema of the dataset cannot be read");
        let digits = self.arrow.as_bytes();
        let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        let bytes = bytes.filter(|_| digits.len().is_multiple_of(2)).ok_or_else(damaged)?;
        let reader = StreamReader::try_new(Cursor::new(bytes), None);
        Ok(reader.map_err(|source| damaged().caused_by(source))?.schema())
    }
}

/// The schema without its own metadata, which means nothing here.
///
/// # Errors
/// `Invalid` for two columns of one name.
pub(crate) fn plain(schema: &Schema) -> Result<SchemaRef> {
    for (index, field) in schema.fields().iter().enumerate() {
        if schema.fields()[..index].iter().any(|other| other.name() == field.name()) {
            return Err(Error::invalid("two columns have one name").with("column", field.name()));
        }
    }
    Ok(Arc::new(Schema::new(schema.fields().clone())))
}

/// Checks that rows of one schema fit into a dataset of another, in whatever order their columns are. That no value is
/// missing where it must not is left to [`arrange`].
///
/// # Errors
/// `Invalid`, naming the column.
pub(crate) fn expect_fit(expected: &Schema, got: &Schema) -> Result<()> {
    for field in expected.fields() {
        match got.field_with_name(field.name()) {
            Ok(other) if other.data_type() == field.data_type() => {}
            Ok(other) => return Err(differs("column has another type than in the dataset", field, other)),
            Err(_) => return Err(Error::invalid("column of the dataset is missing").with("column", field.name())),
        }
    }
    match got.fields().iter().find(|field| expected.index_of(field.name()).is_err()) {
        Some(field) => Err(Error::invalid("dataset has no such column").with("column", field.name())),
        None => Ok(()),
    }
}

/// Checks that two schemas are one: names, types, order, and whether values may be missing.
///
/// # Errors
/// `Invalid`, naming the column.
pub(crate) fn expect_same(expected: &Schema, got: &Schema) -> Result<()> {
    expect_fit(expected, got)?;
    for (field, other) in expected.fields().iter().zip(got.fields()) {
        if field.name() != other.name() {
            return Err(Error::invalid("columns have another order than in the dataset").with("column", field.name()));
        }
        if field.is_nullable() != other.is_nullable() {
            return Err(Error::invalid("column of the dataset differs in whether values may be missing")
                .with("column", field.name()));
        }
    }
    Ok(())
}

/// Puts the columns of a batch into the order of the dataset.
///
/// # Errors
/// `Invalid`, naming the column, for a missing value where there must be one; as for [`expect_fit`].
pub(crate) fn arrange(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    expect_fit(schema, batch.schema_ref())?;
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let index = batch.schema_ref().index_of(field.name()).map_err(error::arrow)?;
        let column = batch.column(index);
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(Error::invalid("column of the dataset has no missing values").with("column", field.name()));
        }
        columns.push(Arc::clone(column));
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(error::arrow)
}

fn differs(message: &str, expected: &Field, got: &Field) -> Error {
    Error::invalid(message)
        .with("column", expected.name())
        .with("expected", expected.data_type())
        .with("got", got.data_type())
}
