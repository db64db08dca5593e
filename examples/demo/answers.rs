//! What the demo answered, as JSON, each with the SQL over the same files that must give the same.

use std::path::Path;

use serde_json::{Value, json};
use worldstore::arrow::json::{WriterBuilder, writer::JsonArray};
use worldstore::graph::QueryResult;
use worldstore::{Error, Result};

/// The tick of a flight: the day of the year, in DuckDB's SQL.
pub const TICK: &str = "dayofyear(make_date(2013, month, day))";

/// All answers.
pub struct Answers {
    document: Value,
    answers: Vec<Value>,
}

impl Answers {
    pub fn new(data: &Path, folder: &Path) -> Self {
        let document = json!({ "data": data, "lance": folder.join("lance"), "iceberg": folder.join("iceberg") });
        Self { document, answers: Vec::new() }
    }

    pub fn add_count(&mut self, name: &str, count: u64, sql: &str) {
        self.answers.push(json!({ "name": name, "duckdb": sql, "rows": [[count]] }));
    }

    pub fn add(&mut self, name: &str, result: &QueryResult, sql: &str) -> Result<()> {
        let rows = rows(result)?;
        self.answers.push(json!({ "name": name, "duckdb": sql, "rows": rows }));
        Ok(())
    }

    pub fn write(mut self, file: &Path) -> Result<()> {
        self.document["answers"] = Value::Array(self.answers);
        std::fs::write(file, format!("{:#}\n", self.document))
            .map_err(|source| Error::io("write the answers", source).with("file", file.display()))
    }
}

/// The rows as lists of cells, in the order of the columns.
fn rows(result: &QueryResult) -> Result<Vec<Vec<Value>>> {
    let failed = |source| Error::unexpected("rows cannot be written as JSON").caused_by(source);
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    for batch in &result.batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    let objects: Vec<Value> = serde_json::from_slice(&writer.into_inner())
        .map_err(|source| Error::unexpected("rows cannot be read as JSON").caused_by(source))?;
    let names: Vec<&str> = result.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let cells = |row: &Value| names.iter().map(|name| row[*name].clone()).collect();
    Ok(objects.iter().map(cells).collect())
}
