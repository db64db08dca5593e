//! The process with the peers that are Python libraries: it is asked over its standard input, and times itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;

const SCRIPT: &str = include_str!("../../python/tables.py");

/// A running interpreter.
pub struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The peers that work, with their versions.
    pub versions: BTreeMap<String, String>,
    /// Those that do not, and why.
    pub missing: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Hello {
    versions: BTreeMap<String, String>,
    missing: BTreeMap<String, String>,
}

impl Python {
    /// Starts it and asks which peers it has.
    pub fn start(interpreter: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(interpreter);
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or("the interpreter has no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("the interpreter has no output")?);
        let (versions, missing) = Default::default();
        let mut python = Self { child, input, output, versions, missing };
        let hello: Hello = serde_json::from_value(python.ask(&json!({ "do": "hello" }))?)?;
        (python.versions, python.missing) = (hello.versions, hello.missing);
        Ok(python)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the peer failed with.
    pub fn ask(&mut self, question: &Value) -> Result<Value, Failure> {
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
