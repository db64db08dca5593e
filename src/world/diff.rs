//! What differs between two views: entities that are only in one of them, and those whose components differ.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};

use super::canon::Cells;
use super::fold::Sorted;
use super::{StateOptions, View};

/// What differs between the states of two views.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Diff {
    /// The tables that differ, sorted by name.
    pub tables: Vec<TableDiff>,
}

/// What differs between the states of a table. All rows are in the order of their entities, with all columns.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TableDiff {
    /// The table.
    pub table: TableName,
    /// Entities that are active only afterwards.
    pub added: RecordBatch,
    /// Entities that are active only before.
    pub removed: RecordBatch,
    /// Entities that are active in both, with other components: as they are before.
    pub before: RecordBatch,
    /// The same entities as they are afterwards, row by row.
    pub after: RecordBatch,
    /// The components that differ, sorted by name, for each row of `before` and `after`.
    pub changed: Vec<Vec<String>>,
}

impl Diff {
    /// Whether the states are equal.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// What differs in a table, if anything does.
    pub fn table(&self, name: &str) -> Option<&TableDiff> {
        self.tables.iter().find(|diff| diff.table.as_str() == name)
    }
}

impl TableDiff {
    fn is_empty(&self) -> bool {
        [&self.added, &self.removed, &self.before].iter().all(|rows| rows.num_rows() == 0)
    }
}

impl View {
    /// What differs between this view and `after`: two ticks of a run, two runs, or views of two worlds. Components are
    /// compared, not the tick or the append that wrote them; floats by their bits. A column that only one side has
    /// counts as null on the other, and values of two types differ.
    ///
    /// Memory holds the two states of one table at a time, and the differences.
    ///
    /// # Errors
    /// `Unsupported` for a column of a type without canonical encoding; those of the byte store.
    pub async fn diff(&self, after: &View) -> Result<Diff> {
        let (before, after) = (self.pinned().await?, after.pinned().await?);
        let mut names = BTreeSet::new();
        for view in [&before, &after] {
            names.extend(view.run().world().world_tables().await?.into_iter().map(|info| info.name));
        }
        let mut diff = Diff::default();
        for name in names {
            let (old, new) = (before.sorted_if_any(&name).await?, after.sorted_if_any(&name).await?);
            let (Some(old), Some(new)) = or_empty(old, new) else { continue };
            let table = diff_table(&name, &old, &new).map_err(|error| error.with("table", &name))?;
            diff.tables.extend(Some(table).filter(|table| !table.is_empty()));
        }
        Ok(diff)
    }

    /// The state of a table, or none where there is no such table.
    pub(super) async fn sorted_if_any(&self, table: &TableName) -> Result<Option<Sorted>> {
        match self.sorted(table, &StateOptions::default()).await {
            Err(error) if error.is_not_found() => Ok(None),
            found => found.map(Some),
        }
    }
}

/// An empty state for the side that does not have the table.
fn or_empty(old: Option<Sorted>, new: Option<Sorted>) -> (Option<Sorted>, Option<Sorted>) {
    let empty = |like: &Option<Sorted>| {
        like.as_ref().map(|sorted| Sorted {
            schema: sorted.schema.clone(),
            chunks: Vec::new(),
            order: Vec::new(),
            folded_rows: 0,
            tick_max: None,
        })
    };
    let (no_old, no_new) = (empty(&new), empty(&old));
    (old.or(no_old), new.or(no_new))
}

fn diff_table(table: &TableName, old: &Sorted, new: &Sorted) -> Result<TableDiff> {
    let (old_cells, new_cells) = (cells(old)?, cells(new)?);
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    let (mut before, mut after, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut at_old, mut at_new) = (0, 0);
    while let Some(step) = next(old.order.get(at_old), new.order.get(at_new)) {
        match step {
            Ordering::Less => removed.push(at_old),
            Ordering::Greater => added.push(at_new),
            Ordering::Equal => {
                let ((_, chunk, row), (_, new_chunk, new_row)) = (old.order[at_old], new.order[at_new]);
                let columns = old_cells[chunk].changed_columns(row, &new_cells[new_chunk], new_row)?;
                if !columns.is_empty() {
                    before.push(at_old);
                    after.push(at_new);
                    changed.push(columns);
                }
            }
        }
        at_old += usize::from(step != Ordering::Greater);
        at_new += usize::from(step != Ordering::Less);
    }
    let (added, removed) = (new.rows(added)?, old.rows(removed)?);
    let (before, after) = (old.rows(before)?, new.rows(after)?);
    Ok(TableDiff { table: table.clone(), added, removed, before, after, changed })
}

type Position = (u64, usize, usize);

/// Which side has the next entity: the old one (less), the new one (greater) or both.
fn next(old: Option<&Position>, new: Option<&Position>) -> Option<Ordering> {
    match (old, new) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some((old, ..)), Some((new, ..))) => Some(old.cmp(new)),
    }
}

/// The components of all chunks of a state.
pub(super) fn cells(sorted: &Sorted) -> Result<Vec<Cells>> {
    sorted.chunks.iter().map(Cells::new).collect::<Result<_, Error>>()
}
