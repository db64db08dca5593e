//! DataFusion in this process, and those in the process of Python.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
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

/// A running interpreter. The way there and back takes about a tenth of a millisecond, which is in the figures.
pub struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    versions: Value,
    /// What it has, and what not.
    pub about: String,
}

impl Python {
    /// Starts it with the peers whose names, with commas between them, are given, and asks which of them it has.
    ///
    /// # Errors
    /// If it does not start, or ends at once.
    pub fn start(interpreter: &Path, wanted: &str) -> Result<Self, Failure> {
        let mut command = Command::new(interpreter);
        let mut child = command.args(["-c", SCRIPT, wanted]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("the interpreter has no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("the interpreter has no output")?);
        let mut python = Self { child, input, output, versions: Value::Null, about: String::new() };
        let hello = python.say(&json!({ "do": "hello" }))?;
        python.versions = hello["versions"].clone();
        python.about = format!("peers {}, missing {}", python.versions, hello["missing"]);
        Ok(python)
    }

    pub fn has(&self, peer: &str) -> bool {
        self.versions.get(peer).is_some()
    }

    pub fn ask(&mut self, peer: &str, question: &Question, folder: &Path, fresh: bool) -> Result<Seen, Failure> {
        let (name, sql) = (question.name, question.sql);
        let asked = json!({ "do": "ask", "peer": peer, "name": name, "sql": sql, "folder": folder, "fresh": fresh });
        answer::of_json(&self.say(&asked)?["rows"])
    }

    /// A pattern over people, in the words that the peer has for it.
    pub fn ask_people(&mut self, peer: &str, words: &str, folder: &Path, fresh: bool) -> Result<Seen, Failure> {
        let asked = json!({ "do": "people", "peer": peer, "words": words, "folder": folder, "fresh": fresh });
        answer::of_json(&self.say(&asked)?["rows"])
    }

    fn say(&mut self, question: &Value) -> Result<Value, Failure> {
        writeln!(self.input, "{question}")?;
        self.input.flush()?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("the interpreter has ended".into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.into()),
            None => Ok(answer),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It ends when its input does; whatever it is at is of no use any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
