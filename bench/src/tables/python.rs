//! The process with the peers that are Python libraries, which times itself.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;
use crate::interpreter::Interpreter;

const SCRIPT: &str = include_str!("../../python/tables.py");

/// A running interpreter.
pub struct Python {
    interpreter: Interpreter,
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
    pub fn start(program: &Path) -> Result<Self, Failure> {
        let mut interpreter = Interpreter::start(program, SCRIPT, &[])?;
        let Hello { versions, missing } = serde_json::from_value(interpreter.ask(&json!({ "do": "hello" }))?)?;
        Ok(Self { interpreter, versions, missing })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the peer failed with.
    pub fn ask(&mut self, question: &Value) -> Result<Value, Failure> {
        self.interpreter.ask(question)
    }
}
