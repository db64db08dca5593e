//! What lies below a template now: files, and the typed values of their paths.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ListOptions, ObjectMeta, Result};

use super::template::{PathValue, Template};

/// Files, in the order of their keys, and one row of path values for each.
#[derive(Debug)]
pub(crate) struct Listing {
    pub files: Vec<ObjectMeta>,
    /// The columns that come from the path.
    pub fields: Fields,
    /// One row per file.
    pub values: RecordBatch,
}

/// Lists the Parquet files that fit. Files whose name begins with `_` or `.` are left out, as everyone does.
pub(crate) async fn list(backend: &Arc<dyn AsyncBackend>, template: &Template) -> Result<Listing> {
    let folder = template.folder()?;
    let (mut files, mut rows) = (Vec::new(), Vec::new());
    let mut options = ListOptions::default();
    loop {
        let page = backend.list(&folder, &options).await?;
        for object in page.objects {
            let name = object.key.name();
            if !name.ends_with(".parquet") || name.starts_with(['_', '.']) {
                continue;
            }
            if let Some(values) = template.values(&object.key)? {
                files.push(object);
                rows.push(values);
            }
        }
        match page.next {
            Some(token) => options = options.with_token(token),
            None => break,
        }
    }
    let names = same_names(&files, &rows)?;
    let columns: Vec<_> = (0..names.len()).map(|index| column(&rows, index)).collect::<Result<_>>()?;
    let fields = names.iter().zip(&columns).map(|(name, column)| Field::new(name, column.data_type().clone(), true));
    let fields: Fields = fields.collect();
    let options = RecordBatchOptions::new().with_row_count(Some(files.len()));
    let schema = Arc::new(Schema::new(fields.clone()));
    let values = RecordBatch::try_new_with_options(schema, columns, &options)
        .map_err(|source| Error::unexpected("path values do not fit together").caused_by(source))?;
    Ok(Listing { files, fields, values })
}

/// Every file must have the same columns in its path, or some rows would miss a property.
fn same_names(files: &[ObjectMeta], rows: &[Vec<(String, PathValue)>]) -> Result<Vec<String>> {
    let names = |row: &[(String, PathValue)]| row.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let first = rows.first().map(|row| names(row)).unwrap_or_default();
    for (file, row) in files.iter().zip(rows) {
        if names(row) != first {
            return Err(Error::invalid("path has other partition columns than the first file")
                .with("file", &file.key)
                .with("expected", first.join(" "))
                .with("got", names(row).join(" ")));
        }
    }
    Ok(first)
}

/// Whole numbers if all are, else dates if all are, else texts.
fn column(rows: &[Vec<(String, PathValue)>], index: usize) -> Result<ArrayRef> {
    let texts: Vec<Option<&str>> = rows.iter().map(|row| row[index].1.as_deref()).collect();
    let present = || texts.iter().flatten();
    if present().next().is_some() && present().all(|text| text.parse::<i64>().is_ok()) {
        return Ok(Arc::new(texts.iter().map(|text| text.and_then(|text| text.parse().ok())).collect::<Int64Array>()));
    }
    let strings: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    let is_date = |text: &&str| text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    if present().next().is_some() && present().all(is_date) {
        let dates = cast(&strings, &DataType::Date32)
            .map_err(|source| Error::unexpected("path values cannot be read").caused_by(source))?;
        if dates.null_count() == strings.null_count() && dates.as_any().is::<Date32Array>() {
            return Ok(dates);
        }
    }
    Ok(strings)
}
