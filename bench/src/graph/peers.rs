//! DataFusion in this process, and those in the process of Python.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::ListingOptions;
use datafusion::prelude::{SessionConfig, SessionContext};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::answer;
use super::questions::Question;
use crate::Failure;
use crate::interpreter::Interpreter;
use crate::measure::Seen;

const SCRIPT: &str = include_str!("../../python/graph.py");

/// DataFusion with its settings of old, but for filters in the decoder, which it gains most by.
pub struct DataFusion(SessionContext);

impl DataFusion {
    /// Registers the files as a table.
    pub fn open(folder: &Path, runtime: &Runtime) -> Result<Self, Failure> {
        let context = SessionContext::new_with_config(
            SessionConfig::new().set_bool("datafusion.execution.parquet.pushdown_filters", true),
        );
        let partition = if folder.ends_with("large") { "day" } else { "p" };
        let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
            .with_file_extension(".parquet")
            .with_table_partition_cols(vec![(partition.to_owned(), DataType::Int64)]);
        let path = format!("{}/", folder.display());
        runtime.block_on(context.register_listing_table("t", path, options, None, None))?;
        Ok(Self(context))
    }

    pub fn ask(&self, runtime: &Runtime, question: &Question) -> Result<Seen, Failure> {
        let batches = runtime.block_on(async { self.0.sql(question.sql).await?.collect().await })?;
        answer::of_batches(&batches)
    }
}

/// The process of Python. The way there and back takes about a tenth of a millisecond, which is in the figures.
pub struct Python {
    interpreter: Interpreter,
    versions: Value,
    /// What it has, and what not.
    pub about: String,
}

impl Python {
    /// Starts it with the peers whose names, with commas between them, are given, and asks which of them it has.
    ///
    /// # Errors
    /// If it does not start, or ends at once.
    pub fn start(program: &Path, wanted: &str) -> Result<Self, Failure> {
        let mut interpreter = Interpreter::start(program, SCRIPT, &[wanted])?;
        let hello = interpreter.ask(&json!({ "do": "hello" }))?;
        let versions = hello["versions"].clone();
        let about = format!("peers {versions}, missing {}", hello["missing"]);
        Ok(Self { interpreter, versions, about })
    }

    pub fn has(&self, peer: &str) -> bool {
        self.versions.get(peer).is_some()
    }

    pub fn ask(&mut self, peer: &str, question: &Question, folder: &Path, fresh: bool) -> Result<Seen, Failure> {
        let (name, sql) = (question.name, question.sql);
        let asked = json!({ "do": "ask", "peer": peer, "name": name, "sql": sql, "folder": folder, "fresh": fresh });
        answer::of_json(&self.interpreter.ask(&asked)?["rows"])
    }

    /// A pattern over people, in the words that the peer has for it.
    pub fn ask_people(&mut self, peer: &str, words: &str, folder: &Path, fresh: bool) -> Result<Seen, Failure> {
        let asked = json!({ "do": "people", "peer": peer, "words": words, "folder": folder, "fresh": fresh });
        answer::of_json(&self.interpreter.ask(&asked)?["rows"])
    }
}
