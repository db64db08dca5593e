//! Merging one run into another: a three-way comparison of states, written as one tick.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use arrow::record_batch::RecordBatch;
use worldstore_core::table::{Receipt, TableName, base};
use worldstore_core::{Error, ErrorKind, Result};

use super::canon::Cells;
use super::commit::{Meaning, Staged};
use super::diff::cells;
use super::fold::Sorted;
use super::rows::unstamped;
use super::{Run, StateOptions, View};

/// An entity that both runs changed since they parted, each in its own way. Rows have all columns; none is for an
/// entity that is not active there.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MergeConflict {
    /// The table.
    pub table: TableName,
    /// The entity.
    pub entity: u64,
    /// As it was where the runs part.
    pub base: Option<RecordBatch>,
    /// As it is in the run that is merged into.
    pub ours: Option<RecordBatch>,
    /// As it is in the run that is merged.
    pub theirs: Option<RecordBatch>,
}

/// What becomes of an entity that both runs changed.
#[derive(Debug, Clone)]
pub enum Resolution {
    /// It stays as it is.
    Ours,
    /// It becomes what it is in the other run; it ends where it ended there.
    Theirs,
    /// It becomes what it was where the runs part.
    Base,
    /// It ends.
    End,
    /// It becomes this row: a column `entity` with its number, and the components.
    Row(RecordBatch),
}

/// What a merge achieved.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Merge {
    /// Entities that were written.
    pub written: u64,
    /// Entities that were ended.
    pub ended: u64,
    /// Entities that the rule decided on.
    pub conflicts: u64,
    /// One receipt per table that was written to, sorted by its name.
    pub receipts: Vec<Receipt>,
}

impl Run {
    /// Brings what the runs of `theirs` changed since the two parted into this run, as one tick. An entity that both
    /// changed, each in its own way, is refused: [`merge_with`](Self::merge_with) takes a rule for it.
    ///
    /// # Errors
    /// `ConditionFailed` for such an entity, and as for [`merge_with`](Self::merge_with).
    pub async fn merge(&self, theirs: &View, tick: i64) -> Result<Merge> {
        let refuse = |conflict: &MergeConflict| {
            let message = "both runs changed an entity, each in its own way: merge with a rule";
            Err(Error::new(ErrorKind::ConditionFailed, message)
                .with("table", &conflict.table)
                .with("entity", conflict.entity))
        };
        self.merge_with(theirs, tick, refuse).await
    }

    /// As [`merge`](Self::merge), with a rule for entities that both changed. Changes are told by comparing states with
    /// that of the common ancestor, where the runs part, also if they were merged since.
    ///
    /// What is written is decided on states that are read first: nobody else should write to this run meanwhile.
    ///
    /// # Errors
    /// `Invalid` without common ancestor, for a tick before the newest of this run, or for a row of the rule that is not of
    /// its entity; those of the rule and of the append. Nothing is written then.
    pub async fn merge_with(
        &self,
        theirs: &View,
        tick: i64,
        mut rule: impl FnMut(&MergeConflict) -> Result<Resolution>,
    ) -> Result<Merge> {
        let theirs = theirs.pinned().await?;
        let (base, ours) = (self.common_ancestor(&theirs)?, self.now());
        let mut merge = Merge::default();
        let mut staged = BTreeMap::new();
        for info in self.world().world_tables().await? {
            let options = StateOptions::default();
            let states = States {
                table: &info.name,
                base: Side::new(base.sorted(&info.name, &options).await?)?,
                ours: Side::new(ours.sorted(&info.name, &options).await?)?,
                theirs: Side::new(theirs.sorted(&info.name, &options).await?)?,
            };
            if let Some(newest) = states.ours.sorted.tick_max.filter(|newest| tick < *newest) {
                return Err(Error::invalid("a merge needs a tick that is not before the newest of the run")
                    .with("tick", tick)
                    .with("newest", newest));
            }
            let steps = states.merge(&mut merge, &mut rule)?;
            staged.extend((!steps.is_empty()).then_some((info.name, steps)));
        }
        merge.receipts = self.commit(tick, &staged, Meaning::Changes).await?;
        Ok(merge)
    }
}

/// A state that is compared.
struct Side {
    sorted: Sorted,
    cells: Vec<Cells>,
}

impl Side {
    fn new(sorted: Sorted) -> Result<Self> {
        Ok(Self { cells: cells(&sorted)?, sorted })
    }

    /// The position of an entity.
    fn find(&self, entity: u64) -> Option<usize> {
        self.sorted.order.binary_search_by_key(&entity, |(entity, ..)| *entity).ok()
    }

    /// Whether an entity is the same at two places, or at neither of them.
    fn same(&self, at: Option<usize>, other: &Self, other_at: Option<usize>) -> Result<bool> {
        let (Some(at), Some(other_at)) = (at, other_at) else { return Ok(at.is_none() && other_at.is_none()) };
        let ((_, chunk, row), (_, other_chunk, other_row)) = (self.sorted.order[at], other.sorted.order[other_at]);
        self.cells[chunk].same_row(row, &other.cells[other_chunk], other_row)
    }

    fn row(&self, at: Option<usize>) -> Result<Option<RecordBatch>> {
        at.map(|at| self.sorted.rows([at])).transpose()
    }
}

/// The three states of a table.
struct States<'table> {
    table: &'table TableName,
    base: Side,
    ours: Side,
    theirs: Side,
}

impl States<'_> {
    /// What has to be written. What only the other run changed is taken over; what it did not change stays.
    fn merge(
        &self,
        merge: &mut Merge,
        rule: &mut impl FnMut(&MergeConflict) -> Result<Resolution>,
    ) -> Result<Vec<Staged>> {
        let all = [&self.base, &self.theirs].into_iter().flat_map(|side| &side.sorted.order);
        let mut entities: Vec<u64> = all.map(|(entity, ..)| *entity).collect();
        entities.sort_unstable();
        entities.dedup();
        let (mut taken, mut rows, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for entity in entities {
            let (base, ours, theirs) = (self.base.find(entity), self.ours.find(entity), self.theirs.find(entity));
            if self.theirs.same(theirs, &self.base, base)? || self.theirs.same(theirs, &self.ours, ours)? {
                continue;
            }
            let resolution = match self.ours.same(ours, &self.base, base)? {
                true => Resolution::Theirs,
                false => {
                    merge.conflicts += 1;
                    rule(&self.conflict(entity, [base, ours, theirs])?)?
                }
            };
            match (resolution, theirs) {
                (Resolution::Ours, _) => {}
                (Resolution::Theirs, Some(theirs)) => taken.push(theirs),
                (Resolution::Theirs | Resolution::End, _) => ends.extend(ours.map(|_| entity)),
                (Resolution::Base, _) => match self.base.row(base)? {
                    Some(row) => rows.push(unstamped(&row)?),
                    None => ends.extend(ours.map(|_| entity)),
                },
                (Resolution::Row(row), _) => rows.push(self.checked(entity, row)?),
            }
        }
        merge.written += (taken.len() + rows.len()) as u64;
        merge.ended += ends.len() as u64;
        let taken = unstamped(&self.theirs.sorted.rows(taken)?)?;
        let mut steps: Vec<Staged> =
            [taken].into_iter().chain(rows).filter(|rows| rows.num_rows() > 0).map(Staged::Rows).collect();
        steps.extend((!ends.is_empty()).then_some(Staged::End(ends)));
        Ok(steps)
    }

    fn conflict(&self, entity: u64, [base, ours, theirs]: [Option<usize>; 3]) -> Result<MergeConflict> {
        let (base, ours, theirs) = (self.base.row(base)?, self.ours.row(ours)?, self.theirs.row(theirs)?);
        Ok(MergeConflict { table: self.table.clone(), entity, base, ours, theirs })
    }

    /// The row of a rule, if it is one of the entity.
    fn checked(&self, entity: u64, row: RecordBatch) -> Result<RecordBatch> {
        let entities =
            row.column_by_name(base::ENTITY).and_then(|column| column.as_primitive_opt::<UInt64Type>().cloned());
        match entities {
            Some(entities) if entities.len() == 1 && entities.value(0) == entity => unstamped(&row),
            _ => Err(Error::invalid("the rule's row is not one of its entity")
                .with("table", self.table)
                .with("entity", entity)),
        }
    }
}

#[cfg(test)]
mod tests;
