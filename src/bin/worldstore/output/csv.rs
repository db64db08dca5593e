//! Rows as CSV: what is null is nothing, and an empty text is in quotes, as it is read.

use worldstore::arrow::array::{Array, RecordBatch};
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::util::display::{ArrayFormatter, FormatOptions};

/// The lines of a batch.
pub fn lines(batch: &RecordBatch, with_header: bool) -> Result<String, ArrowError> {
    let (schema, options) = (batch.schema(), FormatOptions::default());
    if let Some(nested) = schema.fields().iter().find(|field| field.data_type().is_nested()) {
        let text = format!("Nested type {} is not supported in CSV", nested.data_type());
        return Err(ArrowError::CsvError(text));
    }
    let mut lines = String::new();
    if with_header {
        line(&mut lines, schema.fields().iter().map(|field| Ok(Some(field.name().clone()))))?;
    }
    let columns = batch.columns().iter();
    let columns = columns.map(|column| Ok((ArrayFormatter::try_new(column, &options)?, column.logical_nulls())));
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    for row in 0..batch.num_rows() {
        let values = columns.iter().map(|(values, nulls)| match nulls {
            Some(nulls) if nulls.is_null(row) => Ok(None),
            _ => values.value(row).try_to_string().map(Some),
        });
        line(&mut lines, values)?;
    }
    Ok(lines)
}

fn line(
    lines: &mut String,
    values: impl Iterator<Item = Result<Option<String>, ArrowError>>,
) -> Result<(), ArrowError> {
    for (index, value) in values.enumerate() {
        if index > 0 {
            lines.push(',');
        }
        let Some(value) = value? else { continue };
        match value.is_empty() || value.contains([',', '"', '\n', '\r']) {
            true => lines.push_str(&format!("\"{}\"", value.replace('"', "\"\""))),
            false => lines.push_str(&value),
        }
    }
    lines.push('\n');
    Ok(())
}
