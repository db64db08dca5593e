//! Circuits: graphs of operators with names, built by plain Rust functions.
//!
//! A [`Builder`] hands out [`Stream`]s; every method of a stream adds an operator with a name. The names are the
//! operators' identity: tables are named after them, so they stay when code moves. Mistakes (a name twice, no name) are
//! kept and reported by [`Builder::build`], so that query functions need no error handling.

mod builder;
mod explain;
mod plan;

pub use builder::{Builder, Input, Output, Stream};
pub(crate) use plan::{Hash, Kind, Plan, Spec};

use worldstore_core::Result;

use crate::batch::{Batch, Codec, Erased, Slots, emit};
use crate::encode;
use crate::row::Row;
use crate::step::Step;
use crate::store::{KeyRange, Visit};
use crate::table::Table;

/// A finished graph of operators, ready to be opened on a store.
pub struct Circuit {
    pub(crate) id: u64,
    pub(crate) nodes: Vec<Node>,
}

/// One operator in its place.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) inputs: Vec<usize>,
    pub(crate) tables: Vec<std::sync::Arc<Table>>,
    /// The shape of its rows, as text.
    pub(crate) row: String,
    /// How to write what it gives, and to read it again.
    pub(crate) codec: Codec,
    pub(crate) when: When,
    pub(crate) operator: Box<dyn Operator>,
    /// A hash over this operator and all that flows into it.
    pub(crate) lineage: u64,
    /// The operators inside, of a recursion: name, kind, and the names of what flows into it.
    pub(crate) inside: Vec<(String, &'static str, Vec<String>)>,
}

/// When an operator has to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// If something flows into it.
    Changed,
    /// In every step: it has a clock of its own.
    Always,
}

/// What an operator does in a step: reads its inputs from the slots, keeps its state in the store, gives its changes.
///
/// It keeps nothing else from step to step, so undoing the transaction undoes the operator.
pub(crate) trait Operator: Send + Sync {
    /// Runs one step. `None` means that nothing changes.
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>>;

    /// How to read a collection back from its tables; `None` (the default) if it does not keep it whole.
    fn recall(&self, _part: Part) -> Option<Recall<'_>> {
        None
    }
}

/// A collection beside an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What has come in from the operator with this number.
    Input(usize),
    /// What has gone out.
    Output,
}

/// Reads a collection from the tables of an operator.
pub(crate) type Recall<'o> = Box<dyn Fn(&mut Step<'_>) -> Result<Option<Erased>> + 'o>;

/// A way to read a collection from a whole table of weights: each entry is a row, or more than one make one.
pub(crate) fn recalled<'o, T: Row>(table: &'o Table, row: impl Fn(&[u8]) -> Result<T> + 'o) -> Option<Recall<'o>> {
    Some(Box::new(move |step| {
        let mut rows = Batch::new();
        step.scan(table, &[KeyRange::prefix(&[])], |_, entry, weight| {
            rows.push((row(entry)?, weight));
            Ok(Visit::Next)
        })?;
        emit(rows)
    }))
}

/// Reads a row that stands behind a key.
pub(crate) fn behind_key<K: Row, T: Row>(entry: &[u8]) -> Result<T> {
    encode::decode(encode::decode_prefix::<K>(entry)?.1)
}

impl Circuit {
    /// The tables that the circuit's operators keep, in the order of the operators.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.nodes.iter().flat_map(|node| node.tables.iter().map(|table| &**table))
    }

    /// A hash over the operators in their order: what their numbers mean.
    pub(crate) fn order(&self) -> i64 {
        let mut hash = Hash::new();
        for node in &self.nodes {
            hash.text(&node.name);
            hash.bytes(&node.lineage.to_be_bytes());
        }
        hash.0.cast_signed()
    }

    /// The names and kinds of the operators, each after those that it reads.
    pub fn operators(&self) -> impl Iterator<Item = (&str, &str)> {
        self.nodes.iter().map(|node| (node.name.as_str(), node.kind))
    }
}
