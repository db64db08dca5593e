//! Scans that are read page by page in place of DataFusion's: those of numbers, as far as footers say that they can be.
//!
//! Which it is, is decided when the plan is made, for all files of a scan together. What depends on what other operators
//! find while the query runs (the best rows so far, the keys of a join) stays with DataFusion, as do scans that end after
//! so many rows, and files with bloom filters for columns in conditions.

mod asked;
mod condition;
mod fetch;
mod group;
mod operator;
mod work;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;

use asked::Asked;
pub(crate) use operator::PageScanExec;
use work::Work;

/// The plan, with the scans read page by page that can be.
pub(crate) fn by_pages(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let scan = |node: Arc<dyn ExecutionPlan>| {
        let taken = match node.downcast_ref::<DataSourceExec>() {
            Some(scan) => taken(scan)?,
            None => None,
        };
        Ok(match taken {
            Some(scan) => Transformed::yes(scan),
            None => Transformed::no(node),
        })
    };
    Ok(plan.transform_up(scan)?.data)
}

fn taken(scan: &DataSourceExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some((config, source)) = scan.downcast_to_file_source::<ParquetSource>() else { return Ok(None) };
    if config.limit.is_some() || !config.output_ordering.is_empty() {
        return Ok(None);
    }
    let Some(asked) = Asked::of(config, source)? else { return Ok(None) };
    let partitions = scan.properties().partitioning.partition_count();
    let files = config.file_groups.iter().flat_map(|group| group.files());
    let Some(work) = Work::of(files, &asked, partitions) else { return Ok(None) };
    Ok(Some(Arc::new(PageScanExec::new(scan, asked, work))))
}
