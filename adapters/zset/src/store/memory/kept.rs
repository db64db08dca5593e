//! What a table is in memory, by how its operator reads it.

use std::collections::BTreeMap;
use std::collections::{btree_map, hash_map};
use std::ops::Bound;

use worldstore_core::{Error, Result};

use super::hash::Points;
use super::key::Key;
use super::trace::{Part, Seeker, Trace};
use crate::store::{KeyRange, Order, Visit, Visitor};
use crate::table::{Access, Table, TableKind};
use crate::weight::{self, Weight};

/// The entries of one table.
#[derive(Debug)]
pub(super) enum Kept {
    /// Weights that are read from the ends of ranges.
    Ordered(BTreeMap<Key, Weight>),
    /// Weights that are read in whole ranges.
    Runs(Trace),
    /// Weights that are read key by key.
    Points(Points<Weight>),
    /// Values.
    Values(Points<Key>),
}

pub(super) fn of_another_kind(table: &Table) -> Error {
    Error::not_found("the store has no such table of this kind").with("table", &table.name)
}

impl Kept {
    /// An empty table.
    pub(super) fn new(table: &Table) -> Self {
        match (table.kind, table.access) {
            (TableKind::Values, _) => Self::Values(Points::default()),
            (TableKind::Weights, Access::Ends) => Self::Ordered(BTreeMap::new()),
            (TableKind::Weights, Access::Ranges) => Self::Runs(Trace::default()),
            (TableKind::Weights, Access::Keys) => Self::Points(Points::default()),
        }
    }

    /// The values of a table of values.
    pub(super) fn values(&self, table: &Table) -> Result<&Points<Key>> {
        match self {
            Self::Values(values) => Ok(values),
            _ => Err(of_another_kind(table)),
        }
    }

    /// The values of a table of values, to be changed.
    pub(super) fn values_mut(&mut self, table: &Table) -> Result<&mut Points<Key>> {
        match self {
            Self::Values(values) => Ok(values),
            _ => Err(of_another_kind(table)),
        }
    }

    /// The weight of a key; 0 if it is not there.
    pub(super) fn weight(&self, table: &Table, key: &[u8]) -> Result<Weight> {
        match self {
            Self::Ordered(map) => Ok(map.get(key).copied().unwrap_or(0)),
            Self::Points(map) => Ok(map.get(key).copied().unwrap_or(0)),
            Self::Runs(trace) => trace.weight(key),
            Self::Values(_) => Err(of_another_kind(table)),
        }
    }

    /// Adds to one weight with one search, and gives the weight before and after. Not for runs.
    pub(super) fn add(&mut self, table: &Table, key: &[u8], change: Weight) -> Result<(Option<Weight>, Weight)> {
        let key = Key::new(key);
        match self {
            Self::Ordered(map) => match map.entry(key) {
                btree_map::Entry::Vacant(_) if change == 0 => Ok((None, 0)),
                btree_map::Entry::Vacant(entry) => Ok((None, *entry.insert(change))),
                btree_map::Entry::Occupied(mut entry) => {
                    let (before, sum) = (*entry.get(), weight::plus(*entry.get(), change)?);
                    if sum == 0 {
                        entry.remove();
                    } else {
                        entry.insert(sum);
                    }
                    Ok((Some(before), sum))
                }
            },
            Self::Points(map) => match map.entry(key) {
                hash_map::Entry::Vacant(_) if change == 0 => Ok((None, 0)),
                hash_map::Entry::Vacant(entry) => Ok((None, *entry.insert(change))),
                hash_map::Entry::Occupied(mut entry) => {
                    let (before, sum) = (*entry.get(), weight::plus(*entry.get(), change)?);
                    if sum == 0 {
                        entry.remove();
                    } else {
                        entry.insert(sum);
                    }
                    Ok((Some(before), sum))
                }
            },
            Self::Runs(_) | Self::Values(_) => Err(of_another_kind(table)),
        }
    }

    /// Puts an entry back as it was.
    pub(super) fn restore(&mut self, key: Key, before: Option<Weight>) {
        match (self, before) {
            (Self::Ordered(map), Some(weight)) => drop(map.insert(key, weight)),
            (Self::Ordered(map), None) => drop(map.remove(key.bytes())),
            (Self::Points(map), Some(weight)) => drop(map.insert(key, weight)),
            (Self::Points(map), None) => drop(map.remove(key.bytes())),
            (Self::Runs(_) | Self::Values(_), _) => {}
        }
    }

    /// Visits the entries of ranges.
    pub(super) fn scan(&self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        let mut seeker = Seeker::default();
        for (index, range) in ranges.iter().enumerate() {
            let end = range.end.as_deref();
            // An empty range is not one that a map may be asked for.
            if end.is_some_and(|end| end <= range.start.as_slice()) {
                continue;
            }
            let start = range.start.as_slice();
            match self {
                Self::Ordered(map) => {
                    let bounds = (Bound::Included(start), end.map_or(Bound::Unbounded, Bound::Excluded));
                    visit(index, map.range::<[u8], _>(bounds), range.order, visitor)?;
                }
                Self::Points(map) => {
                    let is_in = |key: &Key| key.bytes() >= start && end.is_none_or(|end| key.bytes() < end);
                    let mut entries: Vec<_> = map.iter().filter(|(key, _)| is_in(key)).collect();
                    entries.sort_unstable();
                    visit(index, entries.into_iter(), range.order, visitor)?;
                }
                Self::Runs(trace) => {
                    let part = Part::Range(start, end);
                    trace.visit(&mut seeker, part, range.order, &mut |key, weight| visitor(index, key, weight))?;
                }
                Self::Values(_) => return Err(of_another_kind(table)),
            }
        }
        Ok(())
    }

    /// Visits the entries whose keys begin with each of these.
    pub(super) fn scan_prefixes(&self, table: &Table, prefixes: &[&[u8]], visitor: &mut Visitor<'_>) -> Result<()> {
        let Self::Runs(trace) = self else {
            let ranges: Vec<_> = prefixes.iter().map(|prefix| KeyRange::prefix(prefix)).collect();
            return self.scan(table, &ranges, visitor);
        };
        let mut seeker = Seeker::default();
        for (index, prefix) in prefixes.iter().enumerate() {
            let visit: &mut dyn FnMut(&[u8], Weight) -> Result<Visit> = &mut |key, weight| visitor(index, key, weight);
            trace.visit(&mut seeker, Part::Prefix(prefix), Order::Ascending, visit)?;
        }
        Ok(())
    }
}

fn visit<'m>(
    index: usize,
    mut entries: impl DoubleEndedIterator<Item = (&'m Key, &'m Weight)>,
    order: Order,
    visitor: &mut Visitor<'_>,
) -> Result<()> {
    loop {
        let next = match order {
            Order::Ascending => entries.next(),
            Order::Descending => entries.next_back(),
        };
        let Some((key, weight)) = next else { return Ok(()) };
        if visitor(index, key.bytes(), *weight)? == Visit::Enough {
            return Ok(());
        }
    }
}
