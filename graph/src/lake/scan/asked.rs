//! What a scan asks of every row group.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::parquet::PagePruningAccessPlanFilter;
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_expr::projection::Projector;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{PhysicalExpr, conjunction, conjunction_opt, split_conjunction};
use datafusion::physical_optimizer::pruning::PruningPredicate;

use super::condition::{Condition, is_of_one_column};

/// See the module.
#[derive(Debug)]
pub(super) struct Asked {
    /// The columns of files, those of paths excepted.
    pub file_schema: SchemaRef,
    /// The columns that are read, by their numbers in `file_schema`; first those whose values are wanted, in the order of
    /// `schema`.
    pub columns: Vec<usize>,
    /// How many of them are wanted; the others are in conditions only.
    pub wanted: usize,
    /// The columns of the path that are wanted, by their numbers among those.
    pub paths: Vec<usize>,
    /// Conditions, each with its place in `columns`.
    pub conditions: Vec<(usize, Condition)>,
    /// What else rows have to fulfil, over `schema`.
    pub rest: Option<Arc<dyn PhysicalExpr>>,
    /// The columns whose values are wanted, then those of the path.
    pub schema: SchemaRef,
    /// Makes of those what comes out.
    pub projector: Projector,
    /// The columns in conditions, of which files must have no bloom filters.
    pub in_conditions: BTreeSet<usize>,
    /// Leaves out row groups.
    pub group_pruning: Option<PruningPredicate>,
    /// Leaves out pages.
    pub page_pruning: Option<PagePruningAccessPlanFilter>,
}

impl Asked {
    /// What a scan asks; none if that depends on what is found while the query runs, or if no column is read.
    pub fn of(config: &FileScanConfig, source: &ParquetSource) -> Result<Option<Self>> {
        let file_schema = Arc::clone(config.file_schema());
        let Some(projection) = source.projection() else { return Ok(None) };
        let parts: Vec<_> = source.filter().iter().flat_map(split_conjunction).cloned().collect();
        if parts.iter().any(changes) {
            return Ok(None);
        }
        let of_files: Vec<_> = parts.iter().filter(|part| is_of_files(part, &file_schema)).cloned().collect();
        // Otherwise they are decided above, and here they only leave out.
        let is_decided = source.table_parquet_options().global.pushdown_filters;
        let decided = if is_decided { parts } else { Vec::new() };
        let is_single = |part: &Arc<dyn PhysicalExpr>| is_of_files(part, &file_schema) && is_of_one_column(part);
        let (single, rest): (Vec<_>, Vec<_>) = decided.into_iter().partition(is_single);

        let in_rest = rest.iter().flat_map(collect_columns).map(|column| column.index());
        let read: BTreeSet<usize> = projection.column_indices().into_iter().chain(in_rest).collect();
        let schema = Arc::new(source.table_schema().table_schema().project(&Vec::from_iter(read.iter().copied()))?);
        let (mut columns, of_path): (Vec<_>, Vec<_>) =
            read.into_iter().partition(|column| *column < file_schema.fields().len());
        let wanted = columns.len();
        let conditions = conditions(single, &mut columns, &file_schema)?;
        if columns.is_empty() {
            return Ok(None);
        }
        let rest = conjunction_opt(rest).map(|rest| reassign_expr_columns(rest, &schema)).transpose()?;
        let projection = projection.clone().try_map_exprs(|expr| reassign_expr_columns(expr, &schema))?;
        let in_conditions = of_files.iter().flat_map(collect_columns).map(|column| column.index()).collect();
        let prunes = conjunction_opt(of_files);
        let group_pruning =
            prunes.as_ref().and_then(|all| PruningPredicate::try_new(Arc::clone(all), Arc::clone(&file_schema)).ok());
        let page_pruning = prunes.map(|all| PagePruningAccessPlanFilter::new(&all, Arc::clone(&file_schema)));
        Ok(Some(Self {
            wanted,
            paths: of_path.into_iter().map(|column| column - file_schema.fields().len()).collect(),
            conditions,
            rest,
            projector: projection.make_projector(&schema)?,
            schema,
            in_conditions,
            group_pruning: group_pruning.filter(|pruning| !pruning.always_true()),
            page_pruning,
            columns,
            file_schema,
        }))
    }
}

/// Conditions on single columns, those on one put together. Columns that are read for them alone are added.
fn conditions(
    single: Vec<Arc<dyn PhysicalExpr>>,
    columns: &mut Vec<usize>,
    file_schema: &Schema,
) -> Result<Vec<(usize, Condition)>> {
    let mut placed: Vec<(usize, Vec<Arc<dyn PhysicalExpr>>)> = Vec::new();
    for part in single {
        for column in collect_columns(&part) {
            let place = columns.iter().position(|known| *known == column.index()).unwrap_or_else(|| {
                columns.push(column.index());
                columns.len() - 1
            });
            match placed.iter_mut().find(|(known, _)| *known == place) {
                Some((_, parts)) => parts.push(Arc::clone(&part)),
                None => placed.push((place, vec![Arc::clone(&part)])),
            }
        }
    }
    let condition = |(place, parts): (usize, Vec<Arc<dyn PhysicalExpr>>)| {
        let schema = Arc::new(file_schema.project(columns.get(place..=place).unwrap_or_default())?);
        Ok((place, Condition::new(conjunction(parts), schema)?))
    };
    placed.into_iter().map(condition).collect()
}

fn is_of_files(part: &Arc<dyn PhysicalExpr>, file_schema: &Schema) -> bool {
    collect_columns(part).iter().all(|column| column.index() < file_schema.fields().len())
}

/// True if a condition says something else while the query runs.
fn changes(part: &Arc<dyn PhysicalExpr>) -> bool {
    let mut is_found = false;
    let looked = part.apply(|node| {
        is_found |= node.downcast_ref::<DynamicFilterPhysicalExpr>().is_some();
        Ok(if is_found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    looked.is_err() || is_found
}
