//! Rows by their partition, and partitions by a condition.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, UInt32Array, new_null_array,
};
use arrow::compute::{CastOptions, cast, cast_with_options, take, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use worldstore_core::table::Predicate;
use worldstore_core::{Error, ErrorKind, Result, hive};

use crate::error;
use crate::layout::Layout;
use crate::manifest::DataFile;

/// The values of the partition columns as texts, none where one is missing.
pub(crate) type Values = Vec<Option<String>>;

/// Parts a batch whose columns are in the order of the layout, and takes the partition columns away.
///
/// # Errors
/// `Invalid`, naming the column, for a value that a path cannot hold.
pub(crate) fn split(batch: &RecordBatch, layout: &Layout) -> Result<Vec<(Values, RecordBatch)>> {
    let in_files = batch.project(&layout.in_files_at).map_err(error::arrow)?;
    if layout.partitions_at.is_empty() {
        return Ok(vec![(Vec::new(), in_files)]);
    }
    let texts: Vec<ArrayRef> =
        (0..layout.partitions_at.len()).map(|at| texts(batch, layout, at)).collect::<Result<_>>()?;
    let mut rows: BTreeMap<Vec<Option<&str>>, Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let key = texts.iter().map(|column| value(column, row)).collect();
        rows.entry(key).or_default().push(row as u32);
    }
    let part = |(key, rows): (Vec<Option<&str>>, Vec<u32>)| {
        let rows = take_record_batch(&in_files, &UInt32Array::from(rows)).map_err(error::arrow)?;
        Ok((key.into_iter().map(|value| value.map(str::to_owned)).collect(), rows))
    };
    rows.into_iter().map(part).collect()
}

fn value(column: &ArrayRef, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.as_string::<i32>().value(row))
}

/// A partition column as texts that come back as the same values.
fn texts(batch: &RecordBatch, layout: &Layout, at: usize) -> Result<ArrayRef> {
    let column = batch.column(layout.partitions_at[at]);
    let texts = cast(column, &DataType::Utf8).map_err(error::arrow)?;
    let back = cast(&texts, column.data_type()).map_err(error::arrow)?;
    match *back == **column {
        true => Ok(texts),
        false => Err(Error::invalid("partition value cannot be written as a text")
            .with("column", &layout.partition_by[at])
            .with("type", column.data_type())),
    }
}

/// The folders of a partition, below the folder of data.
///
/// # Errors
/// Those of the path.
pub(crate) fn folders(layout: &Layout, values: &Values) -> Result<String> {
    let segment = |(name, value): (&String, &Option<String>)| hive::segment(name, value.as_deref());
    let segments: Vec<String> = layout.partition_by.iter().zip(values).map(segment).collect::<Result<_>>()?;
    Ok(segments.join("/"))
}

/// A partition column of `rows` rows of one file.
///
/// # Errors
/// `Corrupt` if the manifest has a value that is none of its type.
pub(crate) fn constant(layout: &Layout, at: usize, value: Option<&str>, rows: usize) -> Result<ArrayRef> {
    let data_type = layout.partition_type(at);
    let Some(value) = value else { return Ok(new_null_array(data_type, rows)) };
    let one = typed(layout, at, Arc::new(StringArray::from(vec![value])))?;
    take(&one, &UInt32Array::from(vec![0; rows]), None).map_err(error::arrow)
}

fn typed(layout: &Layout, at: usize, texts: ArrayRef) -> Result<ArrayRef> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&texts, layout.partition_type(at), &strict).map_err(|source| {
        Error::new(ErrorKind::Corrupt, "manifest has a partition value of another type")
            .with("column", &layout.partition_by[at])
            .caused_by(source)
    })
}

/// Which files the condition leaves.
///
/// # Errors
/// `Invalid` for a column that is no partition column, or cannot be compared so.
pub(crate) fn prune(layout: &Layout, files: &[DataFile], predicate: Option<&Predicate>) -> Result<Vec<DataFile>> {
    let Some(predicate) = predicate else { return Ok(files.to_vec()) };
    if let Some(column) =
        predicate.columns().into_iter().find(|column| !layout.partition_by.iter().any(|name| name == column))
    {
        return Err(Error::invalid("files are chosen by partition columns only")
            .with("column", column)
            .with("partition_columns", layout.partition_by.join(", ")));
    }
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (at, name) in layout.partition_by.iter().enumerate() {
        let texts: StringArray = files.iter().map(|file| file.partition.get(at).and_then(Option::as_deref)).collect();
        let column = match layout.partition_type(at) {
            // A day as text sorts as a day, and can be compared with a text.
            DataType::Date32 => Arc::new(texts) as ArrayRef,
            _ => typed(layout, at, Arc::new(texts))?,
        };
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(files.len()));
    let rows =
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows).map_err(error::arrow)?;
    let holds = predicate.evaluate(&rows)?;
    let kept = files.iter().enumerate().filter(|(row, _)| holds.is_valid(*row) && holds.value(*row));
    Ok(kept.map(|(_, file)| file.clone()).collect())
}
