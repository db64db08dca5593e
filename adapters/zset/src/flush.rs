//! Steps that commit what each operator keeps by itself: how far they are, and what they have given so far.
//!
//! Two tables beside those of the operators remember each step that is under way: how many operators it is through, and the
//! batches that later ones still want. So a step that was cut short can be gone on with, by whoever applies it again; and
//! one that cannot succeed can be taken back: what went in goes through the operators again with its sign turned around.

use worldstore_core::{Error, ErrorKind, Result};

use crate::batch::{Erased, Slots};
use crate::changes::Deltas;
use crate::circuit::{Circuit, Node, When};
use crate::encode;
use crate::engine::{Engine, Failed, deltas, run_nodes, same_generation};
use crate::shape::Shape;
use crate::step::{Step, StepStats};
use crate::store::{Snapshot, Transaction, Visit};
use crate::table::Table;
use crate::time::{Time, not_reached};

/// The tables about steps under way.
pub(crate) struct Journal {
    /// How far each step is, by the step's time.
    progress: Table,
    /// What operators gave, by the step's time and the operator's number.
    given: Table,
}

impl Journal {
    pub(crate) fn new() -> Result<Self> {
        let time = ("input_time", Shape::Integer);
        let progress = Table::values("_flushed".to_owned(), time, ("", Shape::of::<Progress>()));
        let at = ("", Shape::of::<At>());
        let given = Table::values("_flushed_rows".to_owned(), at, ("", Shape::Unit));
        let about = |table: Table| table.about_steps("flush_every_set");
        Ok(Self { progress: about(progress)?, given: about(given)? })
    }

    pub(crate) fn tables(&self) -> [&Table; 2] {
        [&self.progress, &self.given]
    }

    /// True if a store has the tables.
    pub(crate) fn is_there(&self, snapshot: &mut dyn Snapshot) -> Result<bool> {
        Ok(snapshot.signature(&self.given.name)?.is_some())
    }

    /// The times of the steps under way, and how far each is.
    pub(crate) fn under_way(&self, snapshot: &mut dyn Snapshot) -> Result<Vec<(i64, Progress)>> {
        let mut steps = Vec::new();
        snapshot.scan_values(&self.progress, &mut |key, value| {
            steps.push((encode::decode(key)?, encode::decode(value)?));
            Ok(Visit::Next)
        })?;
        Ok(steps)
    }

    /// How far a step is; `None` if it is not under way.
    pub(crate) fn progress(&self, snapshot: &mut dyn Snapshot, time: i64) -> Result<Option<Progress>> {
        let value = snapshot.values(&self.progress, &[encode::encode(&time)?])?.pop().flatten();
        value.map(|value| encode::decode(&value)).transpose()
    }

    /// How many operators of the circuit a step is through; `None` if it is not under way.
    fn through(&self, snapshot: &mut dyn Snapshot, circuit: &Circuit, time: i64) -> Result<Option<usize>> {
        self.progress(snapshot, time)?.map(|progress| progress.of(circuit, time)).transpose()
    }

    /// Notes that a step is through more operators, and what those gave that others want; the first time also all inputs,
    /// by which the step is known again.
    fn note(
        &self,
        step: &mut Step<'_>,
        circuit: &Circuit,
        slots: &Slots,
        time: i64,
        ids: std::ops::Range<usize>,
    ) -> Result<()> {
        let operators = u32::try_from(ids.end).map_err(|_| Error::invalid("a circuit has too many operators"))?;
        let progress = Progress { operators, circuit: circuit.order() };
        step.put(&self.progress, [(encode::encode(&time)?, time, Some(progress))])?;
        let mut given = Vec::new();
        for (id, node) in circuit.nodes.iter().enumerate() {
            let is_wanted = match node.kind {
                "input" => ids.start == 0,
                _ => ids.contains(&id) && circuit.nodes.iter().skip(ids.end).any(|other| other.inputs.contains(&id)),
            };
            if let (Some(batch), true) = (slots.erased(id), is_wanted) {
                if !node.codec.is_readable {
                    let message = "what an operator gives cannot be read again, so a step cannot be committed in sets";
                    return Err(Error::invalid(message).with("operator", &node.name));
                }
                given.push((At::new(time, id)?, (node.codec.encode)(batch)?));
            }
        }
        let changes = given.into_iter().map(|(at, rows)| Ok((encode::encode(&at)?, at, Some(rows))));
        step.put_bytes(&self.given, changes.collect::<Result<Vec<_>>>()?)
    }

    /// What the operators of a step gave so far.
    fn recall(&self, snapshot: &mut dyn Snapshot, circuit: &Circuit, time: i64) -> Result<Slots> {
        let keys =
            (0..circuit.nodes.len()).map(|id| encode::encode(&At::new(time, id)?)).collect::<Result<Vec<_>>>()?;
        let mut slots = Slots::new(circuit.nodes.len());
        for ((id, node), bytes) in circuit.nodes.iter().enumerate().zip(snapshot.values(&self.given, &keys)?) {
            slots.set(id, bytes.map(|bytes| (node.codec.decode)(&bytes)).transpose()?);
        }
        Ok(slots)
    }

    /// Forgets a step that is complete or was taken back.
    fn forget(&self, step: &mut Step<'_>, circuit: &Circuit, time: i64) -> Result<()> {
        step.put::<_, Progress>(&self.progress, [(encode::encode(&time)?, time, None)])?;
        let keys = (0..circuit.nodes.len()).map(|id| {
            let at = At::new(time, id)?;
            Ok((encode::encode(&at)?, at, None))
        });
        step.put_bytes(&self.given, keys.collect::<Result<Vec<_>>>()?)
    }

    /// Takes back the steps under way up to a time, and says how many they were.
    pub(crate) fn take_back(
        &self,
        circuit: &Circuit,
        transaction: &mut dyn Transaction,
        columns: bool,
        until: i64,
    ) -> Result<usize> {
        let steps = self.under_way(transaction)?;
        let steps: Vec<_> = steps.into_iter().filter(|(time, _)| *time <= until).collect();
        for (time, progress) in &steps {
            let through = progress.of(circuit, *time)?;
            let given = self.recall(transaction, circuit, *time)?;
            let mut step = Step::new(transaction, columns, None, Some(*time));
            undo(circuit, &mut step, &given, through).map_err(|error| error.during("take a step back"))?;
            self.forget(&mut step, circuit, *time)?;
        }
        Ok(steps.len())
    }
}

/// How far a step is that is under way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Progress {
    /// How many operators it is through, in the order of the circuit that it was begun with.
    operators: u32,
    /// That order, as a hash. Operators that keep nothing come and go between deployments, and move the numbers of others.
    circuit: i64,
}

impl Progress {
    /// How many operators of the circuit it is through.
    fn of(&self, circuit: &Circuit, time: i64) -> Result<usize> {
        if self.circuit == circuit.order() {
            return Ok(self.operators as usize);
        }
        let message = "the step was begun by another circuit: open with that one to go on or release";
        Err(Error::new(ErrorKind::ConditionFailed, message).with("input_time", time))
    }
}

/// The operators that the step is through get its rows again, taken away; the others get what is left of both, which is
/// nothing unless another step has followed this one meanwhile.
fn undo(circuit: &Circuit, step: &mut Step<'_>, given: &Slots, through: usize) -> Result<()> {
    let mut again = Slots::new(circuit.nodes.len());
    let mut left = Slots::new(circuit.nodes.len());
    for (id, node) in circuit.nodes.iter().enumerate() {
        if id < through && node.when == When::Always {
            let message =
                "a step that was committed in part cannot be taken back: an operator remembers the step before";
            return Err(Error::unsupported(message).with("operator", &node.name));
        }
        let batch = match (node.kind, id < through) {
            ("input", true) => (node.codec.combine)(None, given.erased(id), -1)?,
            // What comes in behind has not come to any operator.
            ("input", false) => None,
            (_, true) => run(node, &again, step)?,
            (_, false) => run(node, &left, step)?,
        };
        if id < through {
            left.set(id, (node.codec.combine)(given.erased(id), batch.as_ref(), 1)?);
            again.set(id, batch);
        } else {
            left.set(id, batch);
        }
    }
    Ok(())
}

fn run(node: &Node, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
    if node.when == When::Changed && !slots.any(&node.inputs) {
        return Ok(None);
    }
    node.operator.step(slots, step).map_err(|error| error.with("operator", &node.name))
}

impl Engine {
    /// A step with a commit behind each operator that keeps something.
    pub(crate) fn step_set_by_set(
        &mut self,
        slots: &mut Slots,
        time: Time,
        before_commit: impl FnOnce(&Deltas) -> Result<()>,
    ) -> Result<Deltas> {
        if time.input_time == -1 {
            let message = "flush_every_set needs an input_time, by which a step that was cut short is known again";
            return Err(Error::invalid(message));
        }
        if self.journal.is_none() {
            let message = "the store was made without flush_every_set; open it once with create tables or migrate";
            return Err(self.release_after(Error::unsupported(message), time));
        }
        let (mut through, mut stats) = (self.resume(slots, time.input_time)?, StepStats::default());
        let mut before_commit = Some(before_commit);
        loop {
            let end = self.circuit.next_set(through);
            let is_last = end == self.circuit.nodes.len();
            let action = before_commit.take_if(|_| is_last);
            match self.run_set(slots, through..end, time, &mut stats, action) {
                Ok(Some(deltas)) => return Ok(deltas),
                Ok(None) => through = end,
                Err(Failed::Before(error)) => return Err(error),
                // What was committed is taken back when the time is released.
                Err(Failed::Within(error)) => return Err(self.release_after(error, time)),
            }
        }
    }

    /// Finds out how far the step has come in an earlier attempt, and takes up what its operators gave.
    fn resume(&mut self, slots: &mut Slots, time: i64) -> Result<usize> {
        let Some(journal) = &self.journal else { return Ok(0) };
        let mut snapshot = self.store.snapshot()?;
        let head = snapshot.head()?;
        same_generation(self.generation, head)?;
        let Some(through) = journal.through(&mut *snapshot, &self.circuit, time)? else {
            return not_reached(head.time, time).map(|()| 0);
        };
        let given = journal.recall(&mut *snapshot, &self.circuit, time)?;
        for (id, node) in self.circuit.nodes.iter().enumerate().filter(|(_, node)| node.kind == "input") {
            if (node.codec.combine)(slots.erased(id), given.erased(id), -1)?.is_some() {
                let error = Error::invalid("the step was begun with other changes");
                return Err(error.with("input_time", time).with("input", &node.name));
            }
        }
        *slots = given;
        Ok(through)
    }

    /// Waits until the frontier is reached, or the step before is through as many operators.
    fn wait_for_set(&mut self, time: Time, end: usize) -> Result<()> {
        let Time { input_time, frontier, .. } = time;
        self.wait_until(frontier, |circuit, snapshot, head, journal| {
            let steps = journal.filter(|_| head < frontier).map(|journal| journal.under_way(snapshot)).transpose()?;
            for (other, progress) in steps.unwrap_or_default() {
                if (frontier..input_time).contains(&other) && progress.of(circuit, other)? >= end {
                    return Ok(true);
                }
            }
            Ok(head >= frontier)
        })
    }

    /// Runs operators up to the first that keeps something, in one transaction. Gives the deltas if they are the last ones.
    fn run_set(
        &mut self,
        slots: &mut Slots,
        ids: std::ops::Range<usize>,
        time: Time,
        stats: &mut StepStats,
        before_commit: Option<impl FnOnce(&Deltas) -> Result<()>>,
    ) -> Result<Option<Deltas>, Failed> {
        let (input_time, end) = (time.input_time, ids.end);
        self.wait_for_set(time, end).map_err(Failed::Before)?;
        let Some(journal) = &self.journal else { return Err(Failed::Before(Error::unexpected("the journal is gone"))) };
        let columns = self.store.wants_columns();
        let mut transaction = self.store.begin().map_err(Failed::Before)?;
        let head = transaction.head().map_err(Failed::Before)?;
        same_generation(self.generation, head).map_err(Failed::Before)?;
        let through = journal.through(&mut *transaction, &self.circuit, input_time).map_err(Failed::Before)?;
        if through.unwrap_or(0) != ids.start || (through.is_none() && head.time >= input_time) {
            let message = "another worker has gone on with the step, or released it";
            let error = Error::new(ErrorKind::ConditionFailed, message);
            return Err(Failed::Before(error.with("input_time", input_time)));
        }
        let mut step = Step::new(&mut *transaction, columns, self.options.entries_max, Some(input_time));
        step.stats = *stats;
        run_nodes(&self.circuit, ids.clone(), slots, &mut step).map_err(Failed::Within)?;
        *stats = step.stats;
        let Some(before_commit) = before_commit else {
            journal.note(&mut step, &self.circuit, slots, input_time, ids).map_err(Failed::Within)?;
            return transaction.commit().map(|()| None).map_err(Failed::Within);
        };
        let deltas = deltas(&self.circuit, slots, *stats);
        before_commit(&deltas).map_err(Failed::Within)?;
        if through.is_some() {
            journal.forget(&mut step, &self.circuit, input_time).map_err(Failed::Within)?;
        }
        if head.time < input_time {
            transaction.set_time(input_time).map_err(Failed::Within)?;
        }
        transaction.commit().map_err(Failed::Within)?;
        Ok(Some(deltas))
    }
}

impl Circuit {
    /// The number behind the next operator that keeps something; behind the last one come those that keep nothing.
    fn next_set(&self, from: usize) -> usize {
        let keeps = |(_, node): &(usize, &Node)| !node.tables.is_empty();
        let mut sets = self.nodes.iter().enumerate().skip(from).filter(keeps).map(|(id, _)| id + 1);
        let next = sets.next();
        if sets.next().is_some() { next.unwrap_or(self.nodes.len()) } else { self.nodes.len() }
    }
}

/// Where a batch belongs: its columns are for readers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
struct At {
    input_time: i64,
    operator: u32,
}

impl At {
    fn new(input_time: i64, id: usize) -> Result<Self> {
        let operator = u32::try_from(id).map_err(|_| Error::invalid("a circuit has too many operators"))?;
        Ok(Self { input_time, operator })
    }
}
