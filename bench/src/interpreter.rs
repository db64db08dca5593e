//! A process of Python that is asked over its standard input, a line of JSON for a line of JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::Failure;

/// A running interpreter.
pub struct Interpreter {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Interpreter {
    /// Runs a script with these arguments.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(program: &Path, script: &str, arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(["-c", script]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or("the interpreter has no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("the interpreter has no output")?);
        Ok(Self { child, input, output })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the script failed with, and if it has ended.
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

impl Drop for Interpreter {
    fn drop(&mut self) {
        // It ends when its input does; whatever it is at is of no use any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
