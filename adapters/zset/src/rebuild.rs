//! Collections of a circuit found again from what its operators keep: for operators that are added later, and for checks.
//!
//! The collection between two operators is known if one behind it keeps it (a join keeps both its sides), if the one before
//! it can tell from its own state (a sum keeps the sums), or if it can be computed from collections that are known.

use std::collections::HashMap;

use worldstore_core::{Error, ErrorKind, Result};

use crate::batch::{Erased, Slots};
use crate::circuit::{Circuit, Node, Part, When};
use crate::step::Step;
use crate::store::{Change, Head, KeyRange, Memory, Mode, Snapshot, Store as _, Transaction, ValueVisitor, Visitor};
use crate::table::Table;
use crate::weight::Weight;

/// Where a collection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// An operator that reads it keeps it.
    Reader(usize),
    /// The operator that gives it can tell it from its state.
    Giver,
    /// It is computed from the collections before it.
    Computed,
}

/// The collections of a circuit, each found once. An empty one is `None`.
pub(crate) struct Rebuild<'c> {
    circuit: &'c Circuit,
    /// Whether the tables of an operator are there and filled.
    is_there: Vec<bool>,
    found: HashMap<usize, Option<Erased>>,
}

impl<'c> Rebuild<'c> {
    pub(crate) fn new(circuit: &'c Circuit, is_there: Vec<bool>) -> Self {
        Self { circuit, is_there, found: HashMap::new() }
    }

    /// Notes a collection that became known otherwise.
    pub(crate) fn note(&mut self, id: usize, collection: Option<Erased>) {
        self.found.insert(id, collection);
    }

    /// Makes sure that a collection can be found.
    ///
    /// # Errors
    /// `Invalid` with the operator whose collection nobody keeps.
    pub(crate) fn ensure(&self, id: usize) -> Result<()> {
        self.source(id, None).map(drop)
    }

    /// The collection that an operator gives.
    pub(crate) fn collection(&mut self, id: usize, step: &mut Step<'_>) -> Result<Option<Erased>> {
        if let Some(found) = self.found.get(&id) {
            return Ok(found.clone());
        }
        let source = self.source(id, None)?;
        let collection = self.read(id, source, step)?;
        self.found.insert(id, collection.clone());
        Ok(collection)
    }

    /// The collections that flow into an operator, not taken from its own tables if they can be had elsewhere. The second
    /// value counts those that can.
    pub(crate) fn inputs_of(&mut self, id: usize, step: &mut Step<'_>) -> Result<(Slots, usize)> {
        let mut slots = Slots::new(self.circuit.nodes.len());
        let mut elsewhere = 0;
        let mut inputs = self.node(id)?.inputs.clone();
        inputs.sort_unstable();
        inputs.dedup();
        for input in inputs {
            let other = self.source(input, Some(id)).ok();
            elsewhere += usize::from(other.is_some());
            let collection = match other {
                Some(other) if self.source(input, None)? != other => self.read(input, other, step)?,
                _ => self.collection(input, step)?,
            };
            slots.set(input, collection);
        }
        Ok((slots, elsewhere))
    }

    fn node(&self, id: usize) -> Result<&'c Node> {
        self.circuit.nodes.get(id).ok_or_else(|| Error::unexpected("an operator reads one that is not there"))
    }

    /// Where a collection comes from, if the tables of one operator are left aside.
    fn source(&self, id: usize, aside: Option<usize>) -> Result<Source> {
        let node = self.node(id)?;
        let usable = |other: usize| Some(other) != aside && self.is_there.get(other) == Some(&true);
        let keeps = |(other, reader): &(usize, &Node)| {
            usable(*other) && reader.inputs.contains(&id) && reader.operator.recall(Part::Input(id)).is_some()
        };
        if let Some((reader, _)) = self.circuit.nodes.iter().enumerate().find(keeps) {
            return Ok(Source::Reader(reader));
        }
        if usable(id) && node.operator.recall(Part::Output).is_some() {
            return Ok(Source::Giver);
        }
        if node.kind == "input" || node.when == When::Always {
            let error = Error::invalid("no operator keeps this collection, and it cannot be computed from others");
            return Err(error.with("collection", &node.name));
        }
        node.inputs.iter().try_for_each(|input| self.source(*input, aside).map(drop))?;
        Ok(Source::Computed)
    }

    fn read(&mut self, id: usize, source: Source, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let node = self.node(id)?;
        let recall = match source {
            Source::Reader(reader) => self.node(reader)?.operator.recall(Part::Input(id)),
            Source::Giver => node.operator.recall(Part::Output),
            Source::Computed => None,
        };
        if let Some(recall) = recall {
            return recall(step).map_err(|error| error.with("collection", &node.name));
        }
        let mut slots = Slots::new(self.circuit.nodes.len());
        for input in &node.inputs {
            slots.set(*input, self.collection(*input, step)?);
        }
        let given = alone(node, &slots).map_err(|error| error.with("collection", &node.name))?;
        Ok(given.0)
    }
}

/// Runs an operator by itself from nothing, with whole collections as its changes: what it gives, and what it then keeps.
pub(crate) fn alone(node: &Node, slots: &Slots) -> Result<(Option<Erased>, Memory)> {
    let mut memory = Memory::new();
    let tables: Vec<&Table> = node.tables.iter().map(|table| &**table).collect();
    memory.prepare(&tables, Mode::CreateTables)?;
    let given = {
        let mut transaction = memory.begin()?;
        let mut step = Step::new(&mut *transaction, false, None, None);
        let given = if slots.any(&node.inputs) { node.operator.step(slots, &mut step)? } else { None };
        transaction.commit()?;
        given
    };
    Ok((given, memory))
}

/// A snapshot where a transaction is asked for.
pub(crate) struct ReadOnly<'s>(pub(crate) Box<dyn Snapshot + 's>);

fn read_only() -> Error {
    Error::new(ErrorKind::Unexpected, "an operator wrote while it was only to be read")
}

impl Snapshot for ReadOnly<'_> {
    fn head(&mut self) -> Result<Head> {
        self.0.head()
    }

    fn signature(&mut self, table: &str) -> Result<Option<String>> {
        self.0.signature(table)
    }

    fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
        self.0.weights(table, keys)
    }

    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.0.values(table, keys)
    }

    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        self.0.scan(table, ranges, visitor)
    }

    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
        self.0.scan_values(table, visitor)
    }
}

impl Transaction for ReadOnly<'_> {
    fn add(&mut self, _: &Table, _: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        Err(read_only())
    }

    fn put(&mut self, _: &Table, _: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        Err(read_only())
    }

    fn set_time(&mut self, _: i64) -> Result<()> {
        Err(read_only())
    }

    fn unfilled(&mut self) -> Result<Vec<String>> {
        Err(read_only())
    }

    fn mark_filled(&mut self, _: &[String]) -> Result<()> {
        Err(read_only())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        Err(read_only())
    }
}
