//! Running a circuit on a store, one transaction for each step.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use worldstore_core::{Error, ErrorKind, Result, Retry};

use crate::batch::Slots;
use crate::changes::{Changes, Deltas};
use crate::circuit::{Circuit, Input, When};
use crate::index::{Index, Reading};
use crate::row::Row;
use crate::step::{Step, StepStats};
use crate::store::{Mode, Store};
use crate::table::Table;
use crate::time::Time;

/// The first pause while a step waits for its frontier; each further one is longer by half, up to 50 ms.
const PAUSE_MIN: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// How long an engine waits, and how much a step may do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EngineOptions {
    /// How long a step waits for its frontier. Default: 5 s.
    pub frontier_wait: Duration,
    /// How many entries of tables a step may look up, visit and write before it fails and is undone. A change of a row
    /// that very many others are joined with touches all of them. Default: `None`, no limit.
    pub entries_max: Option<u64>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { frontier_wait: Duration::from_secs(5), entries_max: None }
    }
}

impl EngineOptions {
    /// Sets how long a step waits for its frontier.
    #[must_use]
    pub fn with_frontier_wait(mut self, wait: Duration) -> Self {
        self.frontier_wait = wait;
        self
    }

    /// Sets how many entries a step may look up, visit and write.
    #[must_use]
    pub fn with_entries_max(mut self, entries_max: u64) -> Self {
        self.entries_max = Some(entries_max);
        self
    }
}

/// A circuit that is open on a store.
///
/// All state is in the store; the engine holds none. So a step that fails is undone by its transaction, and another
/// process may step the same store in between.
pub struct Engine {
    circuit: Circuit,
    store: Box<dyn Store>,
    options: EngineOptions,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("store", &self.store).field("circuit", &self.circuit).finish()
    }
}

impl Engine {
    /// Opens a circuit on a store.
    ///
    /// # Errors
    /// `NotFound` if the store has no tables and `mode` does not make them; `Invalid` if they are those of another
    /// circuit, with the operator that differs; otherwise those of the store.
    pub fn open(circuit: Circuit, store: impl Store + 'static, mode: Mode) -> Result<Self> {
        Self::open_with(circuit, store, mode, EngineOptions::default())
    }

    /// Opens a circuit on a store, with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        circuit: Circuit,
        mut store: impl Store + 'static,
        mode: Mode,
        options: EngineOptions,
    ) -> Result<Self> {
        let tables: Vec<&Table> = circuit.tables().collect();
        store.prepare(&tables, mode)?;
        Ok(Self { circuit, store: Box::new(store), options })
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// Inserts rows, each once, in one step.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn insert<T: Row>(&mut self, input: &Input<T>, rows: impl IntoIterator<Item = T>) -> Result<Deltas> {
        self.step(Changes::new().insert(input, rows), Time::none())
    }

    /// Removes rows, each once, in one step.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn remove<T: Row>(&mut self, input: &Input<T>, rows: impl IntoIterator<Item = T>) -> Result<Deltas> {
        self.step(Changes::new().remove(input, rows), Time::none())
    }

    /// Replaces a row in one step.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn replace<T: Row>(&mut self, input: &Input<T>, old: T, new: T) -> Result<Deltas> {
        self.step(Changes::new().replace(input, old, new), Time::none())
    }

    /// Applies changes of any number of inputs as one step: one transaction, committed when this returns.
    ///
    /// If the step fails, nothing of it is in the store. If it had a time and cannot succeed as it is, its time is
    /// released: the store's time becomes the step's, without its changes, so that steps that wait for it go on. A step
    /// that may succeed later ([`Retry::Later`]) keeps its time.
    ///
    /// # Errors
    /// `Unavailable` if the store's time did not reach the frontier before the deadline; `ConditionFailed` if the step's
    /// time is not later than the store's; `Invalid` for an input of another circuit, a weight or sum that leaves its
    /// range, a row that cannot be encoded, too many entries; `Unsupported` for `flush_every_set`; what a `try_` function returned; otherwise
    /// those of the store. Errors of operators carry the operator's name.
    pub fn step(&mut self, changes: Changes, time: Time) -> Result<Deltas> {
        if time.flush_every_set {
            return Err(Error::unsupported("no store commits each table by itself; leave flush_every_set false"));
        }
        if time.input_time < -1 || time.frontier < -1 {
            let error = Error::invalid("a time is -1 (none) or not negative");
            return Err(error.with("input_time", time.input_time).with("frontier", time.frontier));
        }
        let mut slots = Slots::new(self.circuit.nodes.len());
        for (id, batch) in changes.finish(self.circuit.id)? {
            slots.set(id, batch);
        }
        self.wait_for(time.frontier)?;
        match self.run(&mut slots, time) {
            Ok(stats) => Ok(self.deltas(&slots, stats)),
            Err(Failed::Before(error)) => Err(error),
            Err(Failed::Within(error)) => Err(self.release_after(error, time.input_time)),
        }
    }

    /// Gives up a time that no step will use: the store's time becomes at least this, without changes. For a writer that
    /// was abandoned while others wait for it. Waits for the frontier first, as the step would have.
    ///
    /// # Errors
    /// `Unavailable` if the frontier was not reached before the deadline; otherwise those of the store.
    pub fn release(&mut self, time: Time) -> Result<()> {
        self.wait_for(time.frontier)?;
        self.raise_time(time.input_time)
    }

    /// The time up to which all changes are in the store; -1 before the first step that has a time.
    ///
    /// # Errors
    /// Those of the store.
    pub fn time(&mut self) -> Result<i64> {
        self.store.snapshot()?.time()
    }

    /// Reads an index as it is after the last step, by whichever process.
    ///
    /// # Errors
    /// `Invalid` if the index belongs to another circuit; otherwise those of the store.
    pub fn read<K: Row, T: Row>(&mut self, index: &Index<K, T>) -> Result<Reading<'_, K, T>> {
        index.read(&mut *self.store)
    }

    /// Closes the engine and gives back its circuit, to be opened on another store.
    pub fn close(self) -> Circuit {
        self.circuit
    }

    fn run(&mut self, slots: &mut Slots, time: Time) -> Result<StepStats, Failed> {
        let columns = self.store.wants_columns();
        let mut transaction = self.store.begin().map_err(Failed::Before)?;
        let reached = transaction.time().map_err(Failed::Before)?;
        if time.input_time != -1 && time.input_time <= reached {
            let error = Error::new(ErrorKind::ConditionFailed, "the step's time is not later than the store's");
            return Err(Failed::Before(error.with("input_time", time.input_time).with("reached", reached)));
        }
        let given = (time.input_time != -1).then_some(time.input_time);
        let mut step = Step::new(&mut *transaction, columns, self.options.entries_max, given);
        run_nodes(&self.circuit, slots, &mut step).map_err(Failed::Within)?;
        let stats = step.stats;
        if let Some(time) = given {
            transaction.set_time(time).map_err(Failed::Within)?;
        }
        transaction.commit().map_err(Failed::Within)?;
        Ok(stats)
    }

    fn deltas(&self, slots: &Slots, stats: StepStats) -> Deltas {
        let outputs = self.circuit.nodes.iter().enumerate().filter(|(_, node)| node.kind == "output");
        let outputs: HashMap<_, _> = outputs.filter_map(|(id, _)| Some((id, slots.erased(id)?.clone()))).collect();
        Deltas { circuit: self.circuit.id, outputs, stats }
    }

    fn wait_for(&mut self, frontier: i64) -> Result<()> {
        if frontier == -1 {
            return Ok(());
        }
        let started = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            let reached = self.store.snapshot()?.time()?;
            if reached >= frontier {
                return Ok(());
            }
            let left = self.options.frontier_wait.saturating_sub(started.elapsed());
            if left.is_zero() {
                let error = Error::new(ErrorKind::Unavailable, "the store did not reach the frontier in time");
                return Err(error.with("frontier", frontier).with("reached", reached));
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 3 / 2).min(PAUSE_MAX);
        }
    }

    fn release_after(&mut self, error: Error, input_time: i64) -> Error {
        if input_time == -1 || error.retry() != Retry::Never {
            return error;
        }
        match self.raise_time(input_time) {
            Ok(()) => error,
            Err(second) => error.with("time_not_released", second),
        }
    }

    fn raise_time(&mut self, time: i64) -> Result<()> {
        let mut transaction = self.store.begin()?;
        if transaction.time()? < time {
            transaction.set_time(time)?;
            transaction.commit()?;
        }
        Ok(())
    }
}

/// When a step failed.
enum Failed {
    /// Before any operator ran: the same step may be tried again.
    Before(Error),
    /// In an operator or at the commit.
    Within(Error),
}

fn run_nodes(circuit: &Circuit, slots: &mut Slots, step: &mut Step<'_>) -> Result<()> {
    for (id, node) in circuit.nodes.iter().enumerate() {
        if node.kind == "input" || (node.when == When::Changed && !slots.any(&node.inputs)) {
            continue;
        }
        let batch = node.operator.step(slots, step).map_err(|error| error.with("operator", &node.name))?;
        slots.set(id, batch);
    }
    Ok(())
}
