//! Sorts rows, and keeps no more of them than are asked for.

use std::cmp::Ordering;

use worldstore_cypher::ast::{Nulls, OrderItem};

use super::project::Projected;
use super::query::row_bytes;
use super::{Row, Session};
use crate::error::Result;
use crate::limits::Held;
use crate::value::Value;

/// How many rows may wait beyond those that are asked for, before the last ones are thrown away.
const SLACK: usize = 1_024;

/// Rows on their way into an order. Rows that are equal in it stay as they came.
pub(super) struct Sorted<'q> {
    order: &'q [OrderItem],
    /// How many of the first rows are needed.
    most: Option<usize>,
    rows: Vec<(Row, Projected)>,
    held: Held<'q>,
}

impl<'q> Sorted<'q> {
    pub(super) fn new(session: Session<'q>, order: &'q [OrderItem], most: Option<usize>) -> Self {
        Self { order, most, rows: Vec::new(), held: session.meter.holder() }
    }

    /// Takes a row and what decides its place.
    pub(super) fn add(&mut self, keys: Row, row: Projected) -> Result<()> {
        self.held.add(bytes(&keys, &row))?;
        self.rows.push((keys, row));
        if let Some(most) = self.most
            && self.rows.len() >= most.saturating_mul(2).saturating_add(SLACK)
        {
            self.sort();
            let gone = self.rows.drain(most..).fold(0u64, |sum, (keys, row)| sum.saturating_add(bytes(&keys, &row)));
            self.held.subtract(gone);
        }
        Ok(())
    }

    /// The rows in order.
    pub(super) fn finish(mut self) -> Vec<Projected> {
        self.sort();
        self.rows.truncate(self.most.unwrap_or(usize::MAX));
        self.rows.into_iter().map(|(_, row)| row).collect()
    }

    fn sort(&mut self) {
        let order = self.order;
        self.rows.sort_by(|(left, _), (right, _)| compare(order, left, right));
    }
}

fn bytes(keys: &Row, row: &Projected) -> u64 {
    row_bytes(keys).saturating_add(row_bytes(&row.before)).saturating_add(row_bytes(&row.columns))
}

fn compare(order: &[OrderItem], left: &[Value], right: &[Value]) -> Ordering {
    let each = order.iter().zip(left.iter().zip(right));
    let mut each = each.map(|(item, (left, right))| match (item.nulls, left.is_null(), right.is_null()) {
        (Some(Nulls::First), true, false) | (Some(Nulls::Last), false, true) => Ordering::Less,
        (Some(Nulls::First), false, true) | (Some(Nulls::Last), true, false) => Ordering::Greater,
        _ if item.descending => right.cmp(left),
        _ => left.cmp(right),
    });
    each.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// Items that are made when the first one is asked for.
pub(super) fn later<'q, T: 'q>(make: impl FnOnce() -> Result<Vec<T>> + 'q) -> Box<dyn Iterator<Item = Result<T>> + 'q> {
    let mut make = Some(make);
    let mut items = Vec::new().into_iter();
    Box::new(std::iter::from_fn(move || {
        if let Some(make) = make.take() {
            match make() {
                Ok(made) => items = made.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
        items.next().map(Ok)
    }))
}
