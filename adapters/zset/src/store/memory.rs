//! State in memory, shared by clones and gone with the last of them.

mod key;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use worldstore_core::{Error, Result};

use super::schema::{self, Stored};
use super::{Change, Head, KeyRange, Mode, Order, Snapshot, Store, Transaction, ValueVisitor, Visit, Visitor};
use crate::table::{Table, TableKind};
use crate::weight::{self, Weight};
use key::Key;

/// A store in memory. Clones are the same store: dropping an engine and opening another one on a clone is how tests
/// close and reopen it.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    signatures: BTreeMap<String, Stored>,
    weights: HashMap<String, BTreeMap<Key, Weight>>,
    values: HashMap<String, BTreeMap<Key, Vec<u8>>>,
    head: Head,
    given: i64,
}

impl Default for State {
    fn default() -> Self {
        let head = Head { time: -1, generation: 0 };
        Self { signatures: BTreeMap::new(), weights: HashMap::new(), values: HashMap::new(), head, given: -1 }
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A transaction undoes itself while it unwinds, so the state behind a poisoned lock is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        let mut state = self.lock();
        let todo = schema::compare(&state.signatures, tables, mode)?;
        for name in &todo.remove {
            state.signatures.remove(name);
            state.weights.remove(name);
            state.values.remove(name);
        }
        for table in &todo.create {
            let (name, signature) = (table.name.clone(), table.signature.clone());
            let is_filled = !todo.fill.contains(&name);
            state.signatures.insert(name.clone(), Stored { signature, is_filled });
            match table.kind {
                TableKind::Weights => drop(state.weights.insert(name, BTreeMap::new())),
                TableKind::Values => drop(state.values.insert(name, BTreeMap::new())),
            }
        }
        Ok(todo.fill)
    }

    fn wants_columns(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        Ok(Box::new(Held { state: self.lock(), undo: Vec::new() }))
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Held { state: self.lock(), undo: Vec::new() }))
    }

    fn next_time(&mut self) -> Result<i64> {
        let mut state = self.lock();
        state.given = state.given.max(state.head.time) + 1;
        Ok(state.given)
    }
}

/// The state, held against others, and how to take back what was done to it.
struct Held<'a> {
    state: MutexGuard<'a, State>,
    undo: Vec<Undo>,
}

enum Undo {
    Weights(String, Vec<(Vec<u8>, Option<Weight>)>),
    Values(String, Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Head(Head),
    Signatures(BTreeMap<String, Stored>),
}

fn no_table(table: &Table) -> Error {
    Error::not_found("the store has no such table").with("table", &table.name)
}

impl State {
    fn weights_of(&self, table: &Table) -> Result<&BTreeMap<Key, Weight>> {
        self.weights.get(&table.name).ok_or_else(|| no_table(table))
    }
}

impl Snapshot for Held<'_> {
    fn head(&mut self) -> Result<Head> {
        Ok(self.state.head)
    }

    fn signature(&mut self, table: &str) -> Result<Option<String>> {
        Ok(self.state.signatures.get(table).map(|stored| stored.signature.clone()))
    }

    fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
        let map = self.state.weights_of(table)?;
        Ok(keys.iter().map(|key| map.get(key.as_slice()).copied().unwrap_or(0)).collect())
    }

    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let map = self.state.values.get(&table.name).ok_or_else(|| no_table(table))?;
        Ok(keys.iter().map(|key| map.get(key.as_slice()).cloned()).collect())
    }

    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        let map = self.state.weights_of(table)?;
        for (index, range) in ranges.iter().enumerate() {
            let end = match &range.end {
                // An empty range is not one that the map may be asked for.
                Some(end) if *end <= range.start => continue,
                Some(end) => Bound::Excluded(end.as_slice()),
                None => Bound::Unbounded,
            };
            let entries = map.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
            match range.order {
                Order::Ascending => visit(index, entries, visitor)?,
                Order::Descending => visit(index, entries.rev(), visitor)?,
            }
        }
        Ok(())
    }

    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
        for (key, value) in self.state.values.get(&table.name).ok_or_else(|| no_table(table))? {
            if visitor(key.bytes(), value)? == Visit::Enough {
                break;
            }
        }
        Ok(())
    }
}

fn visit<'m>(
    index: usize,
    entries: impl Iterator<Item = (&'m Key, &'m Weight)>,
    visitor: &mut Visitor<'_>,
) -> Result<()> {
    for (key, weight) in entries {
        if visitor(index, key.bytes(), *weight)? == Visit::Enough {
            break;
        }
    }
    Ok(())
}

impl Transaction for Held<'_> {
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        let map = self.state.weights.get_mut(&table.name).ok_or_else(|| no_table(table))?;
        let (mut sums, mut undo) = (Vec::with_capacity(changes.len()), Vec::with_capacity(changes.len()));
        let mut outcome = Ok(());
        for Change { key, change, .. } in changes {
            match add_to(map, &key, change) {
                Ok((before, sum)) => {
                    sums.push(sum);
                    undo.push((key, before));
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        self.undo.push(Undo::Weights(table.name.clone(), undo));
        outcome.map(|()| sums)
    }

    fn put(&mut self, table: &Table, changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        let map = self.state.values.get_mut(&table.name).ok_or_else(|| no_table(table))?;
        let mut undo = Vec::with_capacity(changes.len());
        for Change { key, change, .. } in changes {
            let before = match change {
                Some(value) => map.insert(Key::new(&key), value),
                None => map.remove(key.as_slice()),
            };
            undo.push((key, before));
        }
        self.undo.push(Undo::Values(table.name.clone(), undo));
        Ok(())
    }

    fn set_time(&mut self, time: i64) -> Result<()> {
        self.undo.push(Undo::Head(self.state.head));
        self.state.head.time = time;
        Ok(())
    }

    fn mark_filled(&mut self, tables: &[String]) -> Result<()> {
        self.undo.push(Undo::Head(self.state.head));
        self.undo.push(Undo::Signatures(self.state.signatures.clone()));
        self.state.head.generation += 1;
        for (_, stored) in self.state.signatures.iter_mut().filter(|(name, _)| tables.contains(name)) {
            stored.is_filled = true;
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.undo.clear();
        Ok(())
    }
}

/// Adds to one weight with one search, and gives the weight before and after.
fn add_to(map: &mut BTreeMap<Key, Weight>, key: &[u8], change: Weight) -> Result<(Option<Weight>, Weight)> {
    match map.entry(Key::new(key)) {
        Entry::Vacant(_) if change == 0 => Ok((None, 0)),
        Entry::Vacant(entry) => Ok((None, *entry.insert(change))),
        Entry::Occupied(mut entry) => {
            let before = *entry.get();
            let sum = weight::plus(before, change)?;
            if sum == 0 {
                entry.remove();
            } else {
                entry.insert(sum);
            }
            Ok((Some(before), sum))
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Weights(name, entries) => restore(self.state.weights.get_mut(&name), entries),
                Undo::Values(name, entries) => restore(self.state.values.get_mut(&name), entries),
                Undo::Head(head) => self.state.head = head,
                Undo::Signatures(signatures) => self.state.signatures = signatures,
            }
        }
    }
}

fn restore<V>(map: Option<&mut BTreeMap<Key, V>>, entries: Vec<(Vec<u8>, Option<V>)>) {
    if let Some(map) = map {
        for (key, before) in entries.into_iter().rev() {
            match before {
                Some(value) => map.insert(Key::new(&key), value),
                None => map.remove(key.as_slice()),
            };
        }
    }
}
