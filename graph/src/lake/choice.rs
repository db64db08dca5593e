//! Which files and row groups a query needs, as far as paths and footers tell.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::row::OwnedRow;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, Result as FusionResult};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{ColumnarValue, Expr};
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion::physical_expr::create_physical_expr;
use worldstore_core::{ObjectMeta, Result};

use super::filter;
use super::interval::{Condition, Unit, compile};
use super::listing::Listing;
use super::provider::LakeTable;
use crate::error::from_datafusion;
use crate::io_stats::{Kept, Scanned};
use crate::snapshot::Snapshot;

/// The files whose path a query asks for, and what their footers say.
#[derive(Debug)]
pub(super) struct Choice {
    pub listing: Arc<Listing>,
    /// The files that are left; all if none.
    pub kept: Option<Vec<usize>>,
    /// Where the footers of those are summed up.
    pub entries: Arc<[u32]>,
    /// The conditions on data, which paths do not decide.
    pub conditions: Vec<Condition>,
}

impl Choice {
    /// The files that are left.
    pub fn files(&self) -> impl Iterator<Item = (usize, &ObjectMeta, u32)> {
        let at = |position: usize| self.kept.as_ref().map_or(Some(position), |kept| kept.get(position).copied());
        let entries = self.entries.iter().enumerate();
        entries.filter_map(move |(position, entry)| {
            let index = at(position)?;
            Some((index, self.listing.files.get(index)?, *entry))
        })
    }

    /// True if statistics say that no row of a row group fulfils all conditions.
    pub fn rules_out(&self, unit: &Unit<'_>) -> bool {
        self.conditions.iter().any(|condition| condition.rules_out(unit))
    }
}

impl LakeTable {
    /// Lists, leaves out by path, and reads the footers that are not known. Columns in conditions have no qualifier.
    pub(super) async fn choose(&self, filters: &[Expr]) -> Result<Choice> {
        let label = &self.label;
        let told = filter::filter(filters, &label.path_columns);
        let listing = label.list(told, &self.memo, &self.counters).await?;
        self.counters.add_snapshot(Snapshot::of_files(label.address.to_string(), Arc::clone(&listing)));
        let (of_path, of_data): (Vec<&Expr>, Vec<&Expr>) = filters.iter().partition(|filter| self.is_of_path(filter));
        let kept = match conjunction(of_path.into_iter().cloned()) {
            Some(filter) => Some(fitting(&filter, &listing.values).map_err(from_datafusion)?),
            None => None,
        };
        let entries = label.entries(&listing, kept.as_deref(), &self.counters).await?;
        let schema = DFSchema::try_from(Arc::clone(&self.schema)).map_err(from_datafusion)?;
        let conditions = of_data.iter().map(|filter| compile(filter, &schema, label.path_fields.len())).collect();
        Ok(Choice { listing, kept, entries, conditions })
    }

    pub(super) fn is_of_path(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty() && columns.iter().all(|column| self.label.path_fields.find(&column.name).is_some())
    }

    /// Counts what there is and what is left, after statistics have left so many files and row groups.
    pub(super) fn count(&self, choice: &Choice, files_kept: u64, row_groups_kept: u64) -> Result<Scanned> {
        let (partitions, files_total) = self.of_paths(choice)?;
        let summaries = self.label.summaries();
        let row_groups = choice.entries.iter().map(|entry| summaries.units(*entry).len() as u64).sum();
        Ok(Scanned {
            folders_pruned: choice.listing.pruned.len() as u64,
            partitions,
            files: Kept { total: files_total, kept: files_kept },
            row_groups: Kept { total: row_groups, kept: row_groups_kept },
        })
    }

    /// Counts partitions, those there are and those whose path is kept, and files. Of folders that were not listed, it is
    /// what was there when they were.
    fn of_paths(&self, choice: &Choice) -> Result<(Kept, u64)> {
        let listing = &choice.listing;
        let (partitions, files) = (listing.partitions()?, listing.files.len() as u64);
        let kept = match &choice.kept {
            None => Kept { total: partitions.count as u64, kept: partitions.count as u64 },
            Some(kept) => {
                let distinct: HashSet<u32> =
                    kept.iter().filter_map(|file| partitions.of_file.get(*file)).copied().collect();
                Kept { total: partitions.count as u64, kept: distinct.len() as u64 }
            }
        };
        let known = self.label.known();
        if Arc::ptr_eq(&known, listing) {
            return Ok((kept, files));
        }
        let leaves_out = listing.leaves_out();
        let left_out = (0..known.files.len()).filter(|index| leaves_out(&known.files[*index].key));
        let left_out: Vec<usize> = left_out.collect();
        let before = known.partitions()?;
        let mut all: HashSet<&OwnedRow> = partitions.rows.iter().collect();
        let rows = left_out.iter().filter_map(|file| before.rows.get(*before.of_file.get(*file)? as usize));
        all.extend(rows);
        let total = if all.is_empty() { kept.total } else { all.len() as u64 };
        Ok((Kept { total, kept: kept.kept }, files + left_out.len() as u64))
    }
}

/// An expression over the columns of the path, one value per file.
pub(super) fn evaluate(expr: &Expr, values: &RecordBatch) -> FusionResult<ColumnarValue> {
    let schema = DFSchema::try_from(values.schema())?;
    let coerced = expr.clone().rewrite(&mut TypeCoercionRewriter::new(&schema))?.data;
    create_physical_expr(&coerced, &schema, &ExecutionProps::new())?.evaluate(values)
}

/// The files whose path fulfils a condition.
fn fitting(filter: &Expr, values: &RecordBatch) -> FusionResult<Vec<usize>> {
    let mask = evaluate(filter, values)?.into_array(values.num_rows())?;
    let mask = datafusion::common::cast::as_boolean_array(&mask)?;
    Ok((0..values.num_rows()).filter(|index| is_true(mask, *index)).collect())
}

fn is_true(mask: &BooleanArray, index: usize) -> bool {
    mask.is_valid(index) && mask.value(index)
}
