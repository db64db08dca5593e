//! A peer in the process of Python.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Failure;

use super::data::Seen;
use super::python::Python;
use super::subject::{Appends, Read, Step, Subject};

/// Peers, and what an append of theirs is when it returns.
pub const PEERS: [(&str, &str); 6] = [
    ("archetype, Lance", "archetype, Lance (unsynced)"),
    ("archetype, Lance, cached", "archetype, Lance, cached (in memory)"),
    ("archetype, Iceberg", "archetype, Iceberg (catalog synced)"),
    ("LanceDB", "LanceDB (unsynced)"),
    ("PyIceberg", "PyIceberg (catalog synced)"),
    ("Daft", "Daft, Iceberg (catalog synced)"),
];

/// One of them.
pub struct Peer {
    python: Rc<RefCell<Python>>,
    key: &'static str,
    name: &'static str,
}

impl Peer {
    /// The peer of this name, if it works.
    pub fn find(python: &Rc<RefCell<Python>>, key: &str) -> Option<Self> {
        let (key, name) = PEERS.into_iter().find(|(peer, _)| *peer == key)?;
        python.borrow().versions.contains_key(key).then(|| Self { python: Rc::clone(python), key, name })
    }

    fn ask<Answer: DeserializeOwned>(&self, action: &str, mut question: Value) -> Result<Answer, Failure> {
        question["do"] = action.into();
        question["peer"] = self.key.into();
        let answer = self.python.borrow_mut().ask(&question);
        Ok(serde_json::from_value(answer.map_err(|failure| format!("{}, {action}: {failure}", self.name))?)?)
    }
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Seconds {
    seconds: f64,
}

#[derive(Deserialize)]
struct EachSeconds {
    seconds: Vec<f64>,
}

#[derive(Deserialize)]
struct ReadAnswer {
    seconds: f64,
    rows: u64,
    sum: u64,
}

#[derive(Deserialize)]
struct StepAnswer {
    append: f64,
    read: f64,
    rows: u64,
    sum: u64,
}

impl Subject for Peer {
    fn name(&self) -> &str {
        self.name
    }

    fn start(&mut self, folder: &Path) -> Result<(), Failure> {
        let Nothing {} = self.ask("start", json!({ "folder": folder }))?;
        Ok(())
    }

    fn step(&mut self, entities: u64, tick: i64) -> Result<Step, Failure> {
        let StepAnswer { append, read, rows, sum } = self.ask("step", json!({ "entities": entities, "tick": tick }))?;
        Ok(Step { append, read, seen: Seen { rows, sum } })
    }

    fn append(&mut self, work: &Appends) -> Result<Vec<f64>, Failure> {
        let Appends { entities, first, ticks, parts, limit } = work;
        let limit = limit.as_secs_f64();
        let question = json!({ "entities": entities, "first": first, "ticks": ticks, "parts": parts, "limit": limit });
        Ok(self.ask::<EachSeconds>("append", question)?.seconds)
    }

    fn read(&mut self, tick: Option<i64>) -> Result<Read, Failure> {
        let ReadAnswer { seconds, rows, sum } = self.ask("read", json!({ "tick": tick }))?;
        Ok(Read { seconds, seen: Seen { rows, sum } })
    }

    fn flush(&mut self) -> Result<f64, Failure> {
        Ok(self.ask::<Seconds>("flush", json!({}))?.seconds)
    }

    fn compact(&mut self) -> Result<f64, Failure> {
        Ok(self.ask::<Seconds>("compact", json!({}))?.seconds)
    }

    fn stop(&mut self) -> Result<(), Failure> {
        let Nothing {} = self.ask("stop", json!({}))?;
        Ok(())
    }
}
