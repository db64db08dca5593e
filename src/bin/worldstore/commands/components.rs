//! Rows as JSON, where their columns differ from table to table.

use serde::Serialize;
use serde_json::value::RawValue;
use worldstore::arrow::array::RecordBatch;
use worldstore::arrow::json::writer::LineDelimited;
use worldstore::core::table::base;
use worldstore::{Error, Result};

use crate::output::{line, plain_json};

/// Each row as a JSON object on a line, with its nulls.
pub fn lines(rows: &RecordBatch) -> Result<Vec<String>> {
    let failed = |source| Error::unsupported("rows cannot be printed as JSON").caused_by(source);
    if rows.num_columns() == 0 {
        return Ok(vec!["{}".to_owned(); rows.num_rows()]);
    }
    let mut writer = plain_json().build::<_, LineDelimited>(Vec::new());
    writer.write(rows).map_err(failed)?;
    writer.finish().map_err(failed)?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

/// The rows with these columns alone.
pub fn only(rows: &RecordBatch, columns: impl Fn(&str) -> bool) -> Result<RecordBatch> {
    let fields = rows.schema_ref().fields().iter().enumerate();
    let chosen: Vec<usize> = fields.filter(|(_, field)| columns(field.name())).map(|(index, _)| index).collect();
    rows.project(&chosen).map_err(|source| Error::unexpected("columns cannot be chosen").caused_by(source))
}

/// Whether a column holds a component.
pub fn is_component(column: &str) -> bool {
    !base::fields().iter().any(|field| field.name() == column)
}

/// JSON that was printed before, as a part of more: its numbers stay as they were printed.
pub fn value(line: &str) -> Result<&RawValue> {
    serde_json::from_str(line).map_err(|source| Error::unexpected("printed JSON is none").caused_by(source))
}

/// Prints what holds such parts on a line.
pub fn print(object: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(object);
    line(&text.map_err(|source| Error::unexpected("what is printed is no JSON").caused_by(source))?)
}
