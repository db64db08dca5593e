//! Groups rows, and aggregates over each group.

use std::collections::HashMap;
use std::rc::Rc;

use worldstore_cypher::ast::{Expr, Projection};

use super::project::{Columns, Projected, Window, order_keys};
use super::query::{distinct, row_bytes};
use super::sort::{Sorted, later};
use super::{Row, Rows, Session};
use crate::aggregate::{Accumulator, aggregates_of};
use crate::error::Result;
use crate::eval::eval;
use crate::value::Value;

/// About what an accumulator takes before it holds anything.
const ACCUMULATOR_BYTES: u64 = 128;

/// A group, in the order in which they came.
struct Group<'q> {
    /// The values that go on as they are, and those of items without aggregates.
    keys: Row,
    /// The first row: what stands beside aggregates is the same in all rows of the group.
    first: Row,
    accumulators: Vec<Accumulator<'q>>,
}

/// A row for each group.
pub(super) fn group<'q>(
    session: Session<'q>,
    projection: &'q Projection,
    columns: &Rc<Columns<'q>>,
    window: Window,
    rows: Rows<'q>,
) -> Rows<'q> {
    let columns = Rc::clone(columns);
    let is_sorted = !projection.order_by.is_empty();
    let most = window.end().filter(|_| !projection.distinct);
    let grouped = move || -> Result<Vec<Projected>> {
        let grouping = Grouping::new(session, projection, &columns);
        let groups = grouping.collect(rows)?;
        let mut sorted = Sorted::new(session, &projection.order_by, if is_sorted { most } else { None });
        for group in groups {
            session.meter.tick()?;
            let (keys, row) = grouping.finish(group)?;
            sorted.add(keys, row)?;
        }
        Ok(sorted.finish())
    };
    let rows: Rows<'q> = Box::new(later(grouped).map(|row| Ok(row?.columns)));
    window.apply(if projection.distinct { distinct(session, rows) } else { rows })
}

struct Grouping<'c, 'q> {
    session: Session<'q>,
    projection: &'q Projection,
    columns: &'c Columns<'q>,
    /// Items by which rows are grouped, with none for those that have aggregates.
    keys: Vec<Option<&'q Expr>>,
    aggregates: Vec<&'q Expr>,
}

impl<'c, 'q> Grouping<'c, 'q> {
    fn new(session: Session<'q>, projection: &'q Projection, columns: &'c Columns<'q>) -> Self {
        let mut aggregates: Vec<&'q Expr> = Vec::new();
        let mut keys = Vec::new();
        for item in &columns.items {
            let own = aggregates_of(item);
            keys.push(own.is_empty().then_some(*item));
            aggregates.extend(own);
        }
        // An order may have aggregates that are no columns.
        let orders = projection.order_by.iter().flat_map(|item| aggregates_of(&item.value));
        aggregates.extend(orders.filter(|one| !columns.known.iter().any(|(known, _)| std::ptr::eq(*known, *one))));
        Self { session, projection, columns, keys, aggregates }
    }

    fn accumulators(&self) -> Result<Vec<Accumulator<'q>>> {
        self.aggregates.iter().map(|aggregate| Accumulator::new(aggregate)).collect()
    }

    fn collect(&self, rows: Rows<'q>) -> Result<Vec<Group<'q>>> {
        let mut held = self.session.meter.holder();
        let mut places: HashMap<Row, usize> = HashMap::new();
        let mut groups: Vec<Group<'q>> = Vec::new();
        for row in rows {
            self.session.meter.tick()?;
            let row = row?;
            let env = self.session.env(&self.columns.before, &row);
            let mut keys = self.columns.stars(&row);
            for key in self.keys.iter().flatten() {
                keys.push(eval(key, &env)?);
            }
            let place = match places.get(&keys) {
                Some(place) => *place,
                None => {
                    let accumulators = self.accumulators()?;
                    let size = row_bytes(&keys).saturating_mul(2).saturating_add(row_bytes(&row));
                    held.add(size.saturating_add(ACCUMULATOR_BYTES * accumulators.len() as u64))?;
                    places.insert(keys.clone(), groups.len());
                    groups.push(Group { keys, first: row.clone(), accumulators });
                    groups.len() - 1
                }
            };
            for accumulator in groups.get_mut(place).into_iter().flat_map(|group| &mut group.accumulators) {
                let before = accumulator.bytes();
                accumulator.add(&env)?;
                held.add(accumulator.bytes().saturating_sub(before))?;
            }
        }
        // Without anything to group by, no rows are a group too.
        if groups.is_empty() && self.columns.stars.is_empty() && self.keys.iter().all(Option::is_none) {
            let first = vec![Value::Null; self.columns.before.len()];
            groups.push(Group { keys: Vec::new(), first, accumulators: self.accumulators()? });
        }
        Ok(groups)
    }

    /// The columns of a group, and what decides its place in the order.
    fn finish(&self, group: Group<'q>) -> Result<(Row, Projected)> {
        let Group { keys, first, accumulators } = group;
        let env = self.session.env(&self.columns.before, &first);
        let mut known = Vec::with_capacity(accumulators.len());
        for (expr, accumulator) in self.aggregates.iter().zip(accumulators) {
            known.push((*expr, accumulator.finish(&env)?));
        }
        let mut keys = keys.into_iter();
        let mut row: Row = keys.by_ref().take(self.columns.stars.len()).collect();
        for (item, key) in self.columns.items.iter().zip(&self.keys) {
            row.push(match key {
                Some(_) => keys.next().unwrap_or_default(),
                None => eval(item, &env.with_known(&known))?,
            });
        }
        known.extend(self.columns.known_values(&row));
        let order = {
            let env = env.with_row(&self.columns.names, &row);
            order_keys(self.projection, &env.with_known(&known))?
        };
        Ok((order, Projected { before: Vec::new(), columns: row }))
    }
}
