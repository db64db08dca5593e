//! Running a recursion: iterations in order, but only those in which something changes.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{Operator, Part, Recall};
use crate::encode::decode_prefix;
use crate::row::Row;
use crate::step::Step;
use crate::store::{KeyRange, Visit};
use crate::table::Table;
use crate::weight::{self, Weight};

/// The iterations that have still to be run in this step.
#[derive(Default)]
pub(super) struct Agenda(BTreeSet<u32>);

impl Agenda {
    /// Something changes in this iteration.
    pub(super) fn add(&mut self, iteration: u32) {
        self.0.insert(iteration);
    }
}

/// An operator inside a recursion. Within a step it may keep notes; from step to step only the store keeps anything.
pub(super) trait Inside: Send + Sync {
    /// The notes.
    type Notes: Default + 'static;

    /// Runs one iteration. Iterations of a step come in ascending order; changes for later ones go into the notes, and
    /// the iteration into the agenda.
    fn iterate(
        &self,
        at: u32,
        slots: &Slots,
        notes: &mut Self::Notes,
        agenda: &mut Agenda,
        step: &mut Step<'_>,
    ) -> Result<Option<Erased>>;

    /// Writes what is to be kept, after the last iteration.
    fn finish(&self, _: &mut Self::Notes, _: &mut Step<'_>) -> Result<()> {
        Ok(())
    }
}

/// An operator whose notes are hidden.
pub(super) struct Boxed<O>(pub(super) O);

pub(super) trait InsideBoxed: Send + Sync {
    fn notes(&self) -> Box<dyn Any>;
    fn iterate(
        &self,
        at: u32,
        slots: &Slots,
        notes: &mut dyn Any,
        agenda: &mut Agenda,
        step: &mut Step<'_>,
    ) -> Result<Option<Erased>>;
    fn finish(&self, notes: &mut dyn Any, step: &mut Step<'_>) -> Result<()>;
}

impl<O: Inside> InsideBoxed for Boxed<O> {
    fn notes(&self) -> Box<dyn Any> {
        Box::new(O::Notes::default())
    }

    fn iterate(
        &self,
        at: u32,
        slots: &Slots,
        notes: &mut dyn Any,
        agenda: &mut Agenda,
        step: &mut Step<'_>,
    ) -> Result<Option<Erased>> {
        self.0.iterate(at, slots, notes.downcast_mut().ok_or_else(wrong_notes)?, agenda, step)
    }

    fn finish(&self, notes: &mut dyn Any, step: &mut Step<'_>) -> Result<()> {
        self.0.finish(notes.downcast_mut().ok_or_else(wrong_notes)?, step)
    }
}

fn wrong_notes() -> Error {
    Error::unexpected("the notes of an operator are of another type")
}

/// An operator inside, in its place.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) inputs: Vec<usize>,
    pub(super) lineage: u64,
    pub(super) operator: Box<dyn InsideBoxed>,
}

/// The recursion as an operator of the circuit outside.
pub(super) struct Fixpoint<T> {
    pub(super) nodes: Vec<Node>,
    pub(super) imports: Vec<(usize, usize)>,
    pub(super) variable: usize,
    pub(super) result: usize,
    /// The table of the set that closes the loop, which was added last.
    pub(super) table: Option<Arc<Table>>,
    pub(super) iterations_max: u32,
    pub(super) marker: PhantomData<fn() -> T>,
}

impl<T: Row> Operator for Fixpoint<T> {
    fn step(&self, outside: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let mut notes: Vec<Box<dyn Any>> = self.nodes.iter().map(|node| node.operator.notes()).collect();
        let mut slots = Slots::new(self.nodes.len());
        let mut agenda = Agenda::default();
        agenda.add(0);
        let mut variable: BTreeMap<u32, Erased> = BTreeMap::new();
        let mut out = Batch::new();
        while let Some(at) = agenda.0.pop_first() {
            if at >= self.iterations_max {
                let error = Error::invalid("a recursion does not come to an end");
                return Err(error.with("iterations", self.iterations_max));
            }
            slots.clear();
            if at == 0 {
                self.imports.iter().for_each(|(from, to)| slots.set(*to, outside.erased(*from).cloned()));
            }
            slots.set(self.variable, variable.remove(&at));
            self.iterate(at, &mut slots, &mut notes, &mut agenda, step)?;
            if let Some(batch) = slots.erased(self.result) {
                out.extend_from_slice(slots.get::<T>(self.result)?);
                variable.insert(at + 1, batch.clone());
                agenda.add(at + 1);
            }
        }
        for (node, notes) in self.nodes.iter().zip(&mut notes) {
            node.operator.finish(&mut **notes, step).map_err(|error| error.with("inside", &node.name))?;
        }
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        let table = self.table.as_deref()?;
        let recall = move |step: &mut Step<'_>| {
            let mut weights: BTreeMap<T, Weight> = BTreeMap::new();
            step.scan(table, &[KeyRange::prefix(&[])], |_, entry, weight| {
                let sum = weights.entry(decode_prefix::<T>(entry)?.0).or_default();
                *sum = weight::plus(*sum, weight)?;
                Ok(Visit::Next)
            })?;
            emit(weights.into_iter().filter(|(_, weight)| *weight > 0).map(|(row, _)| (row, 1)).collect())
        };
        if part == Part::Output { Some(Box::new(recall)) } else { None }
    }
}

impl<T> Fixpoint<T> {
    fn iterate(
        &self,
        at: u32,
        slots: &mut Slots,
        notes: &mut [Box<dyn Any>],
        agenda: &mut Agenda,
        step: &mut Step<'_>,
    ) -> Result<()> {
        for (id, (node, notes)) in self.nodes.iter().zip(notes).enumerate() {
            if matches!(node.kind, "variable" | "import") {
                continue;
            }
            let batch = node.operator.iterate(at, slots, &mut **notes, agenda, step);
            slots.set(id, batch.map_err(|error| error.with("inside", &node.name))?);
        }
        Ok(())
    }
}
