//! State in memory, shared by clones and gone with the last of them.

mod hash;
mod kept;
mod key;
mod run;
mod trace;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use worldstore_core::{Error, Result};

use super::direct::{Direct, Entries, FoundVisitor};
use super::schema::{self, Stored};
use super::{Change, Head, KeyRange, Keys, Mode, Snapshot, Store, Transaction, ValueVisitor, Visit, Visitor, later};
use crate::table::Table;
use crate::weight::{self, Weight};
use kept::Kept;
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
    tables: HashMap<String, Kept>,
    head: Head,
    given: i64,
}

impl Default for State {
    fn default() -> Self {
        let head = Head { time: -1, generation: 0 };
        Self { signatures: BTreeMap::new(), tables: HashMap::new(), head, given: -1 }
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
        if todo.is_nothing() {
            return Ok(todo.fill);
        }
        for name in &todo.remove {
            state.signatures.remove(name);
            state.tables.remove(name);
        }
        for table in &todo.create {
            let (name, signature) = (table.name.clone(), table.signature.clone());
            let is_filled = !todo.fill.contains(&name);
            state.signatures.insert(name.clone(), Stored { signature, is_filled });
            state.tables.insert(name, Kept::new(table));
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
        state.given = later(state.given, state.head.time)?;
        Ok(state.given)
    }
}

/// The state, held against others, and how to take back what was done to it.
struct Held<'a> {
    state: MutexGuard<'a, State>,
    undo: Vec<Undo>,
}

enum Undo {
    Weights(String, Vec<(Key, Option<Weight>)>),
    Runs(String),
    Values(String, Vec<(Key, Option<Key>)>),
    Head(Head),
    Signatures(BTreeMap<String, Stored>),
}

fn no_table(table: &Table) -> Error {
    Error::not_found("the store has no such table").with("table", &table.name)
}

impl State {
    fn table(&self, table: &Table) -> Result<&Kept> {
        self.tables.get(&table.name).ok_or_else(|| no_table(table))
    }

    fn table_mut(&mut self, table: &Table) -> Result<&mut Kept> {
        self.tables.get_mut(&table.name).ok_or_else(|| no_table(table))
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
        let kept = self.state.table(table)?;
        keys.iter().map(|key| kept.weight(table, key)).collect()
    }

    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let values = self.state.table(table)?.values(table)?;
        Ok(keys.iter().map(|key| values.get(key.as_slice()).map(|value| value.bytes().to_vec())).collect())
    }

    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        self.state.table(table)?.scan(table, ranges, visitor)
    }

    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
        let mut entries: Vec<_> = self.state.table(table)?.values(table)?.iter().collect();
        entries.sort_unstable();
        for (key, value) in entries {
            if visitor(key.bytes(), value.bytes())? == Visit::Enough {
                break;
            }
        }
        Ok(())
    }
}

impl Held<'_> {
    /// Adds to weights one after another; what they were is noted even if one of them fails.
    fn add_each<'e>(
        &mut self,
        table: &Table,
        changes: impl ExactSizeIterator<Item = (&'e [u8], Weight)>,
        mut sum_is: impl FnMut(Weight),
    ) -> Result<()> {
        let kept = self.state.table_mut(table)?;
        let mut undo = Vec::with_capacity(changes.len());
        let mut outcome = Ok(());
        for (key, change) in changes {
            match kept.add(table, key, change) {
                Ok((before, sum)) => {
                    sum_is(sum);
                    undo.push((Key::new(key), before));
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        self.undo.push(Undo::Weights(table.name.clone(), undo));
        outcome
    }

    fn put_each<'e>(
        &mut self,
        table: &Table,
        entries: impl Iterator<Item = (&'e [u8], Option<&'e [u8]>)>,
    ) -> Result<()> {
        let values = self.state.table_mut(table)?.values_mut(table)?;
        let mut undo = Vec::with_capacity(entries.size_hint().0);
        for (key, value) in entries {
            let key = Key::new(key);
            let before = match value {
                Some(value) => values.insert(key.clone(), Key::new(value)),
                None => values.remove(key.bytes()),
            };
            undo.push((key, before));
        }
        self.undo.push(Undo::Values(table.name.clone(), undo));
        Ok(())
    }
}

impl Transaction for Held<'_> {
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        let mut sums = Vec::with_capacity(changes.len());
        if let Kept::Runs(trace) = self.state.table(table)? {
            let mut keys = Keys::with_capacity(changes.len(), 0);
            for Change { key, change, .. } in &changes {
                sums.push(weight::plus(trace.weight(key)?, *change)?);
                keys.push(key);
            }
            self.append(table, keys, changes.iter().map(|change| change.change).collect())?;
            return Ok(sums);
        }
        self.add_each(table, changes.iter().map(|change| (change.key.as_slice(), change.change)), |sum| {
            sums.push(sum)
        })?;
        Ok(sums)
    }

    fn put(&mut self, table: &Table, changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        self.put_each(table, changes.iter().map(|change| (change.key.as_slice(), change.change.as_deref())))
    }

    fn set_time(&mut self, time: i64) -> Result<()> {
        self.undo.push(Undo::Head(self.state.head));
        self.state.head.time = time;
        Ok(())
    }

    fn unfilled(&mut self) -> Result<Vec<String>> {
        let unfilled = self.state.signatures.iter().filter(|(_, stored)| !stored.is_filled);
        Ok(unfilled.map(|(name, _)| name.clone()).collect())
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

    fn direct(&mut self) -> Option<&mut dyn Direct> {
        Some(self)
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        for undo in std::mem::take(&mut self.undo) {
            if let Undo::Runs(name) = undo
                && let Some(Kept::Runs(trace)) = self.state.tables.get_mut(&name)
            {
                trace.settle();
            }
        }
        Ok(())
    }
}

impl Direct for Held<'_> {
    fn append(&mut self, table: &Table, keys: Keys, changes: Vec<Weight>) -> Result<()> {
        if let Kept::Runs(trace) = self.state.table_mut(table)? {
            let is_first = trace.is_settled();
            trace.append(keys, changes)?;
            if is_first {
                self.undo.push(Undo::Runs(table.name.clone()));
            }
            return Ok(());
        }
        let entries: Vec<_> = keys.iter().zip(changes).collect();
        self.add_each(table, entries.into_iter(), drop)
    }

    fn visit_values(&mut self, table: &Table, keys: &[&[u8]], visitor: &mut FoundVisitor<'_>) -> Result<()> {
        let values = self.state.table(table)?.values(table)?;
        // All are found before the first is looked at: the searches need not wait for each other then.
        let found: Vec<_> = keys.iter().map(|key| values.get(*key)).collect();
        found.into_iter().enumerate().try_for_each(|(index, value)| visitor(index, value.map(Key::bytes)))
    }

    fn put_all(&mut self, table: &Table, entries: &mut Entries<'_>) -> Result<()> {
        self.put_each(table, entries)
    }

    fn scan_prefixes(&mut self, table: &Table, prefixes: &[&[u8]], visitor: &mut Visitor<'_>) -> Result<()> {
        self.state.table(table)?.scan_prefixes(table, prefixes, visitor)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Weights(name, entries) => {
                    if let Some(kept) = self.state.tables.get_mut(&name) {
                        entries.into_iter().rev().for_each(|(key, before)| kept.restore(key, before));
                    }
                }
                Undo::Runs(name) => {
                    if let Some(Kept::Runs(trace)) = self.state.tables.get_mut(&name) {
                        trace.undo();
                    }
                }
                Undo::Values(name, entries) => {
                    if let Some(Kept::Values(values)) = self.state.tables.get_mut(&name) {
                        for (key, before) in entries.into_iter().rev() {
                            match before {
                                Some(value) => drop(values.insert(key, value)),
                                None => drop(values.remove(key.bytes())),
                            }
                        }
                    }
                }
                Undo::Head(head) => self.state.head = head,
                Undo::Signatures(signatures) => self.state.signatures = signatures,
            }
        }
    }
}
