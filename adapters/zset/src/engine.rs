//! Running a circuit on a store, one transaction for each step.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use worldstore_core::{Error, ErrorKind, Result, Retry};

use crate::batch::Slots;
use crate::changes::{Changes, Deltas};
use crate::check::{self, Checked};
use crate::circuit::{Circuit, Input, When};
use crate::flush::Journal;
use crate::index::{Index, Reading};
use crate::migrate;
use crate::row::Row;
use crate::step::{Step, StepStats};
use crate::store::{Head, Mode, Snapshot, Store};
use crate::table::Table;
use crate::time::{Time, follows, not_reached};

/// The first pause while a step waits for its frontier; each further one is longer by half, up to 50 ms.
const PAUSE_MIN: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// How long an engine waits, and how much a step may do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EngineOptions {
    /// How long a step waits for its frontier. Default: 5 s.
    pub frontier_wait: Duration,
    /// How long the store's time may stand still while a step waits for its frontier, before the next time counts as
    /// abandoned and is released. Its writer, should it come back, is told. Less than `frontier_wait`, as each step waits
    /// anew. Default: `None`, never.
    pub abandoned_after: Option<Duration>,
    /// How many entries of tables a step may look up, visit and write before it fails and is undone. A change of a row
    /// that very many others are joined with touches all of them. Default: `None`, no limit.
    pub entries_max: Option<u64>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { frontier_wait: Duration::from_secs(5), abandoned_after: None, entries_max: None }
    }
}

impl EngineOptions {
    /// Sets how long a step waits for its frontier.
    #[must_use]
    pub fn with_frontier_wait(mut self, wait: Duration) -> Self {
        self.frontier_wait = wait;
        self
    }

    /// Sets for how long the store's time may stand still before the next time is released.
    #[must_use]
    pub fn with_abandoned_after(mut self, silence: Duration) -> Self {
        self.abandoned_after = Some(silence);
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
    pub(crate) circuit: Circuit,
    pub(crate) store: Box<dyn Store>,
    pub(crate) options: EngineOptions,
    /// How often tables had been added to the store when it was opened.
    pub(crate) generation: i64,
    /// The tables about steps under way; `None` if the store has none.
    pub(crate) journal: Option<Journal>,
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
    /// circuit, with the operator that differs, or if an operator cannot be added, with the reason; `Conflict` if another
    /// process migrates the store to yet another circuit meanwhile; otherwise those of the store.
    pub fn open(circuit: Circuit, store: impl Store + 'static, mode: Mode) -> Result<Self> {
        Self::open_with(circuit, store, mode, EngineOptions::default())
    }

    /// Opens a circuit on a store, with options.
    ///
    /// # Errors
    /// As [`open`](Self::open); `Invalid` if `abandoned_after` is not less than `frontier_wait`.
    pub fn open_with(
        circuit: Circuit,
        mut store: impl Store + 'static,
        mode: Mode,
        options: EngineOptions,
    ) -> Result<Self> {
        if let Some(silence) = options.abandoned_after.filter(|silence| *silence >= options.frontier_wait) {
            // The wait for the frontier would always end first.
            let error = Error::invalid("abandoned_after must be less than frontier_wait");
            let error = error.with("abandoned_after", format!("{silence:?}"));
            return Err(error.with("frontier_wait", format!("{:?}", options.frontier_wait)));
        }
        let journal = Journal::new()?;
        let mut tables: Vec<&Table> = circuit.tables().collect();
        let has_tables = !tables.is_empty();
        tables.extend(journal.tables().into_iter().filter(|_| has_tables));
        let added = store.prepare(&tables, mode)?;
        if !added.is_empty() {
            migrate::fill(&circuit, &mut store, &added, &journal).map_err(|error| error.during("migrate"))?;
        }
        let (mut generation, mut is_there) = (0, false);
        if has_tables {
            let mut snapshot = store.snapshot()?;
            generation = snapshot.head()?.generation;
            is_there = journal.is_there(&mut *snapshot)?;
            drop(snapshot);
            // The generation counts from here on; operators that another process has added before it are noticed now.
            store.prepare(&tables, Mode::Open)?;
        }
        Ok(Self { circuit, store: Box::new(store), options, generation, journal: is_there.then_some(journal) })
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
    /// If the step fails, nothing of it is in the store. If it had a time and the fault is its own (`Invalid`,
    /// `Unsupported`), its time is released: the store's time becomes the step's, without its changes, so that steps that
    /// wait for it go on. After any other failure (a full disk, a server that is away, damage) the step keeps its time, to be
    /// applied again when the cause is gone, or [released](Self::release). Should the release fail, or the frontier not be
    /// reached before it, the error says so (`time_not_released`), and it is left to the caller.
    ///
    /// With [`flush_every_set`](Time::flush_every_set) it is not one transaction: what each operator keeps is committed as
    /// soon as the operator is through, with what it gave to others. Workers that step one store so follow each other from
    /// operator to operator; others see halves of steps. A step that was cut short is gone on with when it is applied again,
    /// with the same changes at the same time. One that cannot succeed, or is [released](Self::release), or abandoned, is
    /// taken back in one transaction, if no operator in it remembers the step before.
    ///
    /// # Errors
    /// `Unavailable` if the store's time did not reach the frontier before the deadline; `ConditionFailed` if the step's
    /// time is not later than the store's, if the store's is not the one of [`Time::after`], or if a circuit with other
    /// operators, or the same in another order, began the step, or the one before, with `flush_every_set`; `Poisoned` if
    /// operators were added to the store meanwhile; `Invalid` for an input of another circuit, a weight or sum that leaves
    /// its range, a row that cannot be encoded, too many entries, `flush_every_set` without a time or with one to follow;
    /// `Unsupported` for `flush_every_set` in a store that was made without it; what a `try_` function returned; otherwise
    /// those of the store. Errors of operators carry the operator's name.
    pub fn step(&mut self, changes: Changes, time: Time) -> Result<Deltas> {
        self.step_then(changes, time, |_| Ok(()))
    }

    /// As [`step`](Self::step), with an action between the last operator and the commit: it gets what the step changes, and
    /// if it fails, the step is undone. So what is passed on outside is passed on at least once; the store's time tells
    /// after a crash whether the step came to its commit.
    ///
    /// # Errors
    /// As [`step`](Self::step), and those of the action.
    pub fn step_then(
        &mut self,
        changes: Changes,
        time: Time,
        before_commit: impl FnOnce(&Deltas) -> Result<()>,
    ) -> Result<Deltas> {
        if time.input_time < -1 || time.frontier < -1 {
            let error = Error::invalid("a time is -1 (none) or not negative");
            return Err(error.with("input_time", time.input_time).with("frontier", time.frontier));
        }
        if time.after.is_some() && time.flush_every_set {
            // Its parts are commits of their own, and others may come between them.
            return Err(Error::invalid("a step with flush_every_set follows no exact time"));
        }
        let mut slots = Slots::new(self.circuit.nodes.len());
        for (id, batch) in changes.finish(self.circuit.id).map_err(|error| self.release_after(error, time))? {
            slots.set(id, batch);
        }
        // A circuit that keeps nothing has nothing to commit in between.
        if time.flush_every_set && self.circuit.tables().next().is_some() {
            return self.step_set_by_set(&mut slots, time, before_commit);
        }
        self.wait_for(time.frontier)?;
        match self.run(&mut slots, time, before_commit) {
            Ok(deltas) => Ok(deltas),
            Err(Failed::Before(error)) => Err(error),
            Err(Failed::Within(error)) => Err(self.release_after(error, time)),
        }
    }

    /// Gives up a time that no step will use: the store's time becomes at least this, without changes. For a writer that
    /// was abandoned while others wait for it. Waits for the frontier first, as the step would have.
    ///
    /// # Errors
    /// `Unavailable` if the frontier was not reached before the deadline; `ConditionFailed` if the circuit is not the one that
    /// began a step that is to be taken back, or the store's time is not the one of [`Time::after`]; otherwise those of the
    /// store.
    pub fn release(&mut self, time: Time) -> Result<()> {
        self.wait_for(time.frontier)?;
        self.raise_time(time.input_time, time.after)
    }

    /// Gives out the next time, to be used by one step: later by one than the last that was given out by any worker on the
    /// store, with the time before it as frontier. Steps then come in the order in which their times were given out, and
    /// each time must be used or [released](Self::release), or those behind it wait.
    ///
    /// # Errors
    /// `Invalid` if the last of all times was given out or used; otherwise those of the store.
    pub fn next_time(&mut self) -> Result<Time> {
        let next = self.store.next_time()?;
        Ok(Time::at(next).with_frontier(next - 1))
    }

    /// The time up to which all changes are in the store; -1 before the first step that has a time.
    ///
    /// # Errors
    /// Those of the store.
    pub fn time(&mut self) -> Result<i64> {
        Ok(self.store.snapshot()?.head()?.time)
    }

    /// Computes the state of each operator again from what flows into it, on one state of the store, and compares. Costs
    /// time and memory for the whole state. [`BackgroundCheck`](crate::BackgroundCheck) does it beside other work.
    ///
    /// # Errors
    /// `Corrupt`, with the operator, the table and the key, for the first entry that is not as it should be; `Conflict` while a
    /// step with `flush_every_set` is under way; `Poisoned` if operators were added to the store meanwhile; otherwise those of
    /// the store.
    pub fn check(&mut self) -> Result<Checked> {
        let head = self.store.snapshot()?.head()?;
        same_generation(self.generation, head)?;
        check::check(&self.circuit, &mut *self.store, self.journal.as_ref())
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

    fn run(
        &mut self,
        slots: &mut Slots,
        time: Time,
        before_commit: impl FnOnce(&Deltas) -> Result<()>,
    ) -> Result<Deltas, Failed> {
        let (columns, generation) = (self.store.wants_columns(), self.generation);
        let mut transaction = self.store.begin().map_err(Failed::Before)?;
        let head = transaction.head().map_err(Failed::Before)?;
        same_generation(generation, head).map_err(Failed::Before)?;
        not_reached(head.time, time.input_time).map_err(Failed::Before)?;
        follows(head.time, time.after).map_err(Failed::Before)?;
        let given = (time.input_time != -1).then_some(time.input_time);
        if let (Some(time), Some(journal)) = (given, &self.journal)
            && journal.progress(&mut *transaction, time).map_err(Failed::Before)?.is_some()
        {
            let message = "the step was begun with flush_every_set: apply it again so, or release it";
            let error = Error::new(ErrorKind::ConditionFailed, message);
            return Err(Failed::Before(error.with("input_time", time)));
        }
        let mut step = Step::new(&mut *transaction, columns, self.options.entries_max, given);
        run_nodes(&self.circuit, 0..self.circuit.nodes.len(), slots, &mut step).map_err(Failed::Within)?;
        let deltas = deltas(&self.circuit, slots, step.stats);
        before_commit(&deltas).map_err(Failed::Within)?;
        if let Some(time) = given {
            transaction.set_time(time).map_err(Failed::Within)?;
        }
        transaction.commit().map_err(Failed::Within)?;
        Ok(deltas)
    }

    fn wait_for(&mut self, frontier: i64) -> Result<()> {
        self.wait_until(frontier, |_, _, head, _| Ok(head >= frontier))
    }

    /// Waits until a snapshot says that the frontier is reached; the function gets the circuit and the store's time with it.
    pub(crate) fn wait_until(
        &mut self,
        frontier: i64,
        mut is_reached: impl FnMut(&Circuit, &mut dyn Snapshot, i64, Option<&Journal>) -> Result<bool>,
    ) -> Result<()> {
        if frontier == -1 {
            return Ok(());
        }
        let started = Instant::now();
        let mut pause = PAUSE_MIN;
        let mut moved = (None, started);
        loop {
            let mut snapshot = self.store.snapshot()?;
            let reached = snapshot.head()?.time;
            if is_reached(&self.circuit, &mut *snapshot, reached, self.journal.as_ref())? {
                return Ok(());
            }
            // A step that goes on from operator to operator is not abandoned.
            let under_way = match &self.journal {
                Some(journal) if self.options.abandoned_after.is_some() => journal.under_way(&mut *snapshot)?,
                _ => Vec::new(),
            };
            drop(snapshot);
            let now = Some((reached, under_way));
            if moved.0 != now {
                moved = (now, Instant::now());
            }
            if self.options.abandoned_after.is_some_and(|silence| moved.1.elapsed() >= silence) {
                self.raise_time(reached + 1, None)?;
                continue;
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

    /// Gives up the time of a step that failed, if it cannot succeed. Steps before it may be under way in sets, and are not
    /// to be taken back with it: they come to their end first.
    pub(crate) fn release_after(&mut self, error: Error, time: Time) -> Error {
        if time.input_time == -1 || time.after.is_some() || !is_hopeless(&error) {
            return error;
        }
        match self.release(time) {
            Ok(()) => error,
            Err(second) => error.with("time_not_released", second),
        }
    }

    fn raise_time(&mut self, time: i64, after: Option<i64>) -> Result<()> {
        let columns = self.store.wants_columns();
        let mut transaction = self.store.begin()?;
        let head = transaction.head()?;
        follows(head.time, after)?;
        let taken_back = match &self.journal {
            Some(journal) => {
                // An outdated engine would take back only a part.
                same_generation(self.generation, head)?;
                journal.take_back(&self.circuit, &mut *transaction, columns, time)?
            }
            None => 0,
        };
        if head.time < time {
            transaction.set_time(time)?;
        }
        if head.time < time || taken_back > 0 { transaction.commit() } else { Ok(()) }
    }
}

pub(crate) fn deltas(circuit: &Circuit, slots: &Slots, stats: StepStats) -> Deltas {
    let outputs = circuit.nodes.iter().enumerate().filter(|(_, node)| node.kind == "output");
    let outputs: HashMap<_, _> = outputs.filter_map(|(id, _)| Some((id, slots.erased(id)?.clone()))).collect();
    Deltas { circuit: circuit.id, outputs, stats }
}

/// True if a step that failed so fails again, whatever becomes of the store and of what is around it.
fn is_hopeless(error: &Error) -> bool {
    error.retry() == Retry::Never && matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported)
}

/// An engine whose circuit lacks operators of the store would let their state go stale.
pub(crate) fn same_generation(generation: i64, head: Head) -> Result<()> {
    match head.generation == generation {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::Poisoned, "operators were added to the store: open it with the new circuit"))
        }
    }
}

/// When a step failed.
pub(crate) enum Failed {
    /// Before any operator ran: the same step may be tried again.
    Before(Error),
    /// In an operator or at the commit.
    Within(Error),
}

/// Runs some of the operators, in their order.
pub(crate) fn run_nodes(circuit: &Circuit, ids: Range<usize>, slots: &mut Slots, step: &mut Step<'_>) -> Result<()> {
    for (id, node) in circuit.nodes.iter().enumerate().take(ids.end).skip(ids.start) {
        if node.kind == "input" || (node.when == When::Changed && !slots.any(&node.inputs)) {
            continue;
        }
        let batch = node.operator.step(slots, step).map_err(|error| error.with("operator", &node.name))?;
        slots.set(id, batch);
    }
    Ok(())
}
