//! Changes that lie over a tree until they are committed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Range;

use worldstore_core::Result;

use super::failed;
use crate::store::{Order, ValueVisitor, Visit};

/// New values by key; `None` for a key that goes.
#[derive(Default)]
pub(super) struct Overlay {
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// An entry of the tree, or of the overlay.
type Entry = (sled::IVec, sled::IVec);

impl Overlay {
    /// The change of a key, if it has one.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.changes.get(key).map(Option::as_deref)
    }

    /// Changes a key.
    pub(super) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.changes.insert(key, value);
    }

    /// The changes as one batch.
    pub(super) fn into_batch(self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }

    /// Visits the entries of a range as they are with the changes.
    pub(super) fn scan(
        &self,
        tree: &sled::Tree,
        range: Range<Vec<u8>>,
        order: Order,
        visit: &mut ValueVisitor<'_>,
    ) -> Result<()> {
        let stored = tree.range(range.clone());
        let changes = self.changes.range(range);
        match order {
            Order::Ascending => merge(stored.peekable(), changes.peekable(), |left, right| left.cmp(right), visit),
            Order::Descending => {
                merge(stored.rev().peekable(), changes.rev().peekable(), |left, right| right.cmp(left), visit)
            }
        }
    }
}

/// Visits both sides in order; where both have a key, the change counts.
fn merge<'c>(
    mut stored: Peekable<impl Iterator<Item = sled::Result<Entry>>>,
    mut changes: Peekable<impl Iterator<Item = (&'c Vec<u8>, &'c Option<Vec<u8>>)>>,
    compare: impl Fn(&[u8], &[u8]) -> Ordering,
    visit: &mut ValueVisitor<'_>,
) -> Result<()> {
    loop {
        let first = match (stored.peek(), changes.peek()) {
            (None, None) => return Ok(()),
            (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Ok((left, _))), Some((right, _))) => compare(left, right),
        };
        let seen = if first == Ordering::Less {
            let Some(entry) = stored.next() else { return Ok(()) };
            let (key, value) = entry.map_err(failed)?;
            visit(&key, &value)?
        } else {
            if first == Ordering::Equal {
                stored.next();
            }
            let Some((key, value)) = changes.next() else { return Ok(()) };
            value.as_deref().map_or(Ok(Visit::Next), |value| visit(key, value))?
        };
        if seen == Visit::Enough {
            return Ok(());
        }
    }
}
