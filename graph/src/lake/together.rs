//! Conditions on the same columns, decided in one pass over them.
//!
//! A filter in the decoder decompresses and decodes its columns for each part of an `AND` anew. What is asked of a float is
//! mostly two parts, the comparison and that it is not NaN.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;

/// The plan with conditions in decoders put together.
pub(crate) fn together(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let scan = |node: Arc<dyn ExecutionPlan>| {
        Ok(match node.downcast_ref::<DataSourceExec>().and_then(grouped) {
            Some(scan) => Transformed::yes(scan),
            None => Transformed::no(node),
        })
    };
    Ok(plan.transform_up(scan)?.data)
}

/// The columns that conditions read, if they can be put together, and the conditions.
type Group = (Option<BTreeSet<usize>>, Vec<Arc<dyn PhysicalExpr>>);

/// The scan, if it decides in the decoder and has conditions that can be put together.
fn grouped(scan: &DataSourceExec) -> Option<Arc<dyn ExecutionPlan>> {
    let (config, source) = scan.downcast_to_file_source::<ParquetSource>()?;
    let predicate = source.filter().filter(|_| source.table_parquet_options().global.pushdown_filters)?;
    let mut groups: Vec<Group> = Vec::new();
    for part in split_conjunction(&predicate) {
        let columns = || collect_columns(part).iter().map(|column| column.index()).collect();
        // What changes while the query runs stays as it is.
        let columns = part.downcast_ref::<DynamicFilterPhysicalExpr>().is_none().then(columns);
        match groups.iter_mut().find(|(known, _)| known.is_some() && *known == columns) {
            Some((_, parts)) => parts.push(Arc::clone(part)),
            None => groups.push((columns, vec![Arc::clone(part)])),
        }
    }
    if groups.iter().all(|(_, parts)| parts.len() == 1) {
        return None;
    }
    let parts = groups.into_iter().map(|(_, mut parts)| match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => Arc::new(Together(parts.into_iter().chain(last).collect())),
    });
    let source = source.with_predicate(conjunction(parts));
    let config = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source)).build();
    Some(DataSourceExec::from_data_source(config))
}

/// An `AND` that is not taken apart. What prunes sees its snapshot, which is a plain one.
#[derive(Debug, PartialEq, Eq)]
struct Together(Vec<Arc<dyn PhysicalExpr>>);

impl Together {
    fn plain(&self) -> Arc<dyn PhysicalExpr> {
        conjunction(self.0.iter().cloned())
    }
}

impl fmt::Display for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.plain())
    }
}

impl Hash for Together {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PhysicalExpr for Together {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, input_schema: &Schema) -> Result<bool> {
        self.plain().nullable(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.plain().evaluate(batch)
    }

    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.plain().return_field(input_schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.0.iter().collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match children.len() == self.0.len() {
            true => Ok(Arc::new(Self(children))),
            false => {
                Err(DataFusionError::Internal("conditions that were put together are as many as before".to_owned()))
            }
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plain().fmt_sql(f)
    }

    fn snapshot(&self) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        Ok(Some(self.plain()))
    }
}
