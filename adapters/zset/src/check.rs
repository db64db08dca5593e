//! Checks of a store against itself: the state of each operator is computed again from the collections that flow into it,
//! and compared entry by entry.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use worldstore_core::{Error, ErrorKind, Result};

use crate::circuit::{Circuit, Node, When};
use crate::engine::Engine;
use crate::flush::Journal;
use crate::rebuild::{ReadOnly, Rebuild, alone};
use crate::step::Step;
use crate::store::{KeyRange, Memory, Snapshot, Store, ValueVisitor, Visit};
use crate::table::{Table, TableKind};

/// What a check has found to be right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Checked {
    /// The time of the state that was checked.
    pub time: i64,
    /// How many tables were compared.
    pub tables: usize,
    /// How many entries they have.
    pub entries: u64,
    /// Operators that could not be checked, each with the reason.
    pub skipped: Vec<(String, String)>,
}

/// Checks all operators of a circuit on one state of a store.
pub(crate) fn check(circuit: &Circuit, store: &mut dyn Store, journal: Option<&Journal>) -> Result<Checked> {
    let mut snapshot = ReadOnly(store.snapshot()?);
    if let Some(journal) = journal
        && let Some((time, _)) = journal.under_way(&mut snapshot)?.first()
    {
        let error = Error::new(ErrorKind::Conflict, "a step with flush_every_set is under way");
        return Err(error.with("input_time", time));
    }
    let is_there = circuit.nodes.iter().map(|node| !node.tables.is_empty()).collect();
    let mut rebuild = Rebuild::new(circuit, is_there);
    let mut checked = Checked { time: snapshot.head()?.time, ..Checked::default() };
    for (id, node) in circuit.nodes.iter().enumerate().filter(|(_, node)| !node.tables.is_empty()) {
        if node.when == When::Always {
            let reason = "its state depends on the order of the steps, not on the collections alone";
            checked.skipped.push((node.name.clone(), reason.to_owned()));
            continue;
        }
        let inputs = rebuild.inputs_of(id, &mut Step::new(&mut snapshot, false, None, None));
        let (slots, elsewhere) = match inputs {
            Ok(inputs) => inputs,
            Err(error) if error.kind() == ErrorKind::Invalid => {
                checked.skipped.push((node.name.clone(), error.to_string()));
                continue;
            }
            Err(error) => return Err(error.with("operator", &node.name)),
        };
        if elsewhere == 0 {
            let reason = "nobody else keeps what flows into it; its tables were compared with each other";
            checked.skipped.push((node.name.clone(), reason.to_owned()));
        }
        let (_, expected) = alone(node, &slots).map_err(|error| error.with("operator", &node.name))?;
        compare(node, expected, &mut snapshot, &mut checked).map_err(|error| error.with("operator", &node.name))?;
    }
    Ok(checked)
}

fn compare(node: &Node, mut expected: Memory, stored: &mut dyn Snapshot, checked: &mut Checked) -> Result<()> {
    for table in &node.tables {
        let mut wanted = entries(table, &mut *expected.snapshot()?)?.into_iter();
        let count = &mut checked.entries;
        visit(table, stored, &mut |key, value| match wanted.next() {
            Some((other_key, other)) if other_key == key && other == value => {
                *count += 1;
                Ok(Visit::Next)
            }
            Some((other_key, _)) if other_key == key => Err(mismatch(table, key, "another value")),
            Some((other_key, _)) if other_key.as_slice() < key => Err(mismatch(table, &other_key, "no entry")),
            _ => Err(mismatch(table, key, "an entry that should not be there")),
        })?;
        if let Some((key, _)) = wanted.next() {
            return Err(mismatch(table, &key, "no entry"));
        }
        checked.tables += 1;
    }
    Ok(())
}

fn mismatch(table: &Table, key: &[u8], found: &str) -> Error {
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let error = Error::new(ErrorKind::Corrupt, "the state of an operator is not what follows from its inputs");
    error.with("table", &table.name).with("key", key).with("found", found)
}

fn entries(table: &Table, snapshot: &mut dyn Snapshot) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut entries = Vec::new();
    visit(table, snapshot, &mut |key, value| {
        entries.push((key.to_vec(), value.to_vec()));
        Ok(Visit::Next)
    })?;
    Ok(entries)
}

/// Visits all entries of a table of either kind; a weight is given as its bytes.
fn visit(table: &Table, snapshot: &mut dyn Snapshot, visit: &mut ValueVisitor<'_>) -> Result<()> {
    match table.kind {
        TableKind::Weights => {
            snapshot.scan(table, &[KeyRange::prefix(&[])], &mut |_, key, weight| visit(key, &weight.to_be_bytes()))
        }
        TableKind::Values => snapshot.scan_values(table, visit),
    }
}

/// What a check found. Errors are shared, because they stay.
type Found = std::result::Result<Checked, Arc<Error>>;

/// Checks a store again and again on a thread of its own, until it is dropped, finds a mismatch or panics (in a function that
/// was given to an operator).
///
/// It has an engine of its own, on another handle of the same store: a second connection, or a clone. Stores with snapshots
/// (SQLite, PostgreSQL, redb) let steps go on meanwhile; in memory they wait.
#[derive(Debug)]
pub struct BackgroundCheck {
    last: Arc<Mutex<Option<Found>>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundCheck {
    /// Begins to check, at once and then so long after each check.
    ///
    /// # Errors
    /// `Unexpected` if no thread can be started.
    pub fn start(mut engine: Engine, pause: Duration) -> Result<Self> {
        let last = Arc::new(Mutex::new(None));
        let (stop, stopped) = mpsc::channel();
        let result = Arc::clone(&last);
        let work = move || {
            loop {
                let outcome = catch_unwind(AssertUnwindSafe(|| engine.check()));
                let has_panicked = outcome.is_err();
                let found = outcome.unwrap_or_else(|_| Err(Error::unexpected("a check panicked"))).map_err(Arc::new);
                // A store that is busy is looked at again; what is wrong stays wrong.
                let is_wrong = found.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corrupt);
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                if is_wrong || has_panicked || stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("zset-check".to_owned()).spawn(work);
        let thread = thread.map_err(|error| Error::unexpected("a thread cannot be started").caused_by(error))?;
        Ok(Self { last, stop: Some(stop), thread: Some(thread) })
    }

    /// What the last check found; `None` before the first one has ended.
    ///
    /// # Errors
    /// As [`Engine::check`]; `Unexpected` if it panicked.
    pub fn last(&self) -> Option<Result<Checked, Arc<Error>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the check under way, ends, and gives what was found last.
    ///
    /// # Errors
    /// As [`Engine::check`]; `Unexpected` if a check panicked.
    pub fn stop(mut self) -> Result<Checked, Arc<Error>> {
        self.end();
        self.last().unwrap_or_else(|| Err(Arc::new(Error::unexpected("the check ended without a result"))))
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What panics in a check is caught.
            let _panicked = thread.join().is_err();
        }
    }
}

impl Drop for BackgroundCheck {
    fn drop(&mut self) {
        self.end();
    }
}
