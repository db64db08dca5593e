//! The table provider over Parquet files in place: leaves out files and row groups, reads through us.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, TryStreamExt, stream};
use parquet::file::metadata::ParquetMetaData;
use worldstore_core::ObjectMeta;

use super::choice::Choice;
use super::footer::Wanted;
use super::interval::Unit;
use super::label::{FOOTERS_AT_ONCE, LakeLabel};
use super::listing::Listing;
use super::memo::Memo;
use super::reader::{LakeFile, Readers};
use crate::error::to_datafusion;
use crate::io_stats::Counters;
use crate::window::Window;

/// Filters are decided while decoding if at most this part of the rows is expected to be left.
const SELECTIVE_SHARE: f64 = 0.2;

/// The files of a label as one query sees them.
#[derive(Debug)]
pub(crate) struct LakeTable {
    pub(super) label: Arc<LakeLabel>,
    pub(super) schema: SchemaRef,
    pub(super) counters: Arc<Counters>,
    pub(super) memo: Memo,
    window: Arc<Window>,
}

/// A file to be read, and which of its row groups.
#[derive(Debug)]
struct Opened<'listing> {
    index: usize,
    file: &'listing ObjectMeta,
    /// For each row group, whether statistics rule it out.
    ruled_out: Vec<bool>,
}

impl LakeTable {
    pub fn new(label: Arc<LakeLabel>, counters: Arc<Counters>, window: Arc<Window>) -> Self {
        let fields = label.columns.fields().iter().chain(label.path_fields.iter()).cloned();
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { label, schema, counters, memo: Memo::default(), window }
    }

    /// Holds a scan to the window: the row groups that are left, one after the other in the order of the files, have
    /// numbers.
    fn cut(&self, needed: &mut Vec<Opened<'_>>) -> bool {
        let window = self.window.range();
        let mut number = 0;
        for opened in needed.iter_mut() {
            for is_out in opened.ruled_out.iter_mut().filter(|is_out| !**is_out) {
                *is_out = window.as_ref().is_some_and(|range| !range.contains(&number));
                number += 1;
            }
        }
        self.window.note_total(number);
        needed.retain(|opened| opened.ruled_out.contains(&false));
        window.is_some()
    }

    /// All files, as this query sees them: the same listing as long as they are the same.
    ///
    /// # Errors
    /// Those of listing.
    pub async fn listing(&self) -> worldstore_core::Result<Arc<Listing>> {
        self.label.list(None, &self.memo, &self.counters).await
    }

    /// The name under which DataFusion looks the byte store up; it never reads through it.
    pub fn url(mount: &str) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(format!("lake://{mount}"))
    }

    /// The files in which statistics leave some row group, and whether few of their rows are expected to be left.
    fn needed<'choice>(&self, choice: &'choice Choice) -> (Vec<Opened<'choice>>, bool) {
        let summaries = self.label.summaries();
        let (mut opened, mut rows, mut expected) = (Vec::new(), 0.0, 0.0);
        for (index, file, entry) in choice.files() {
            let values = &choice.listing.values;
            let units = summaries.units(entry).map(|unit| Unit { summaries: &summaries, unit, values, file: index });
            let mut ruled_out = Vec::new();
            for unit in units {
                let is_out = choice.rules_out(&unit);
                if !is_out {
                    let all = summaries.rows.get(unit.unit).copied().unwrap_or(0) as f64;
                    rows += all;
                    expected +=
                        all * choice.conditions.iter().map(|one| one.share(&unit).unwrap_or(1.0)).product::<f64>();
                }
                ruled_out.push(is_out);
            }
            if ruled_out.iter().any(|is_out| !is_out) {
                opened.push(Opened { index, file, ruled_out });
            }
        }
        (opened, rows > 0.0 && expected / rows <= SELECTIVE_SHARE)
    }

    /// Makes of each file what DataFusion scans.
    async fn open(&self, listing: &Listing, needed: Vec<Opened<'_>>, wanted: Wanted) -> Result<Vec<PartitionedFile>> {
        let opened = needed.into_iter().map(|opened| async move {
            let Opened { index, file, ruled_out } = opened;
            let footer = self.label.footers.load(&self.label.backend, file, wanted, &self.counters).await;
            let footer = footer.map_err(to_datafusion)?;
            let statistics = self.statistics(&footer)?;
            let mut opened = PartitionedFile::new(file.key.as_str(), file.size)
                .with_partition_values(row(listing, index)?)
                .with_statistics(Arc::new(statistics));
            if ruled_out.len() == footer.num_row_groups() && ruled_out.contains(&true) {
                let mut access = ParquetAccessPlan::new_all(ruled_out.len());
                let out = ruled_out.iter().enumerate().filter(|(_, is_out)| **is_out);
                out.for_each(|(group, _)| access.skip(group));
                opened.extensions.insert(access);
            }
            let (key, version) = (file.key.clone(), file.version.clone());
            let (backend, counters) = (Arc::clone(&self.label.backend), Arc::clone(&self.counters));
            opened.extensions.insert(LakeFile { key, version, footer, backend, counters });
            Ok(opened)
        });
        stream::iter(opened.collect::<Vec<_>>()).buffered(FOOTERS_AT_ONCE).try_collect().await
    }

    /// Statistics of a file's own columns. Minimum and maximum of floats are not exact: NaN is outside of them.
    fn statistics(&self, footer: &ParquetMetaData) -> Result<Statistics> {
        let mut statistics = DFParquetMetadata::statistics_from_parquet_metadata(footer, &self.label.columns)?;
        let rows: i64 = footer.row_groups().iter().map(|group| group.num_rows()).sum();
        statistics.num_rows = Precision::Exact(usize::try_from(rows).unwrap_or(0));
        for (field, column) in self.label.columns.fields().iter().zip(&mut statistics.column_statistics) {
            let is_exact = field.data_type().is_integer() || field.data_type().is_temporal();
            if !is_exact {
                column.min_value = std::mem::take(&mut column.min_value).to_inexact();
                column.max_value = std::mem::take(&mut column.max_value).to_inexact();
            }
            if !has_width(&column.min_value) || !has_width(&column.max_value) {
                (column.min_value, column.max_value) = (Precision::Absent, Precision::Absent);
            }
        }
        Ok(statistics)
    }
}

/// False for a float that is infinite, or nearly: DataFusion divides by the width of what columns hold.
fn has_width(bound: &Precision<ScalarValue>) -> bool {
    let float = match bound.get_value() {
        Some(ScalarValue::Float64(Some(value))) => *value,
        Some(ScalarValue::Float32(Some(value))) => f64::from(*value),
        Some(ScalarValue::Float16(Some(value))) => f64::from(*value),
        _ => return true,
    };
    float.abs() < f64::MAX / 4.0
}

/// The path values of a file.
fn row(listing: &Listing, file: usize) -> Result<Vec<ScalarValue>> {
    let columns = listing.values.columns().iter();
    columns.map(|column| ScalarValue::try_from_array(column, file)).collect()
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match self.is_of_path(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let choice = self.choose(filters).await.map_err(to_datafusion)?;
        let (mut needed, is_selective) = self.needed(&choice);
        let kept = needed.iter().map(|opened| opened.ruled_out.iter().filter(|is_out| !**is_out).count() as u64);
        let scanned = self.count(&choice, needed.len() as u64, kept.sum()).map_err(to_datafusion)?;
        if self.window.is_to_count() {
            self.counters.add_scan(&scanned);
        }
        let is_part = self.cut(&mut needed);

        let has_conditions = !choice.conditions.is_empty();
        let wanted = if has_conditions { Wanted::Pages } else { Wanted::RowGroups };
        let files = self.open(&choice.listing, needed, wanted).await?;
        if files.is_empty() {
            // A scan of no files has no partitions, of which a join needs one.
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let statistics = merge(&files, &self.schema)?;
        // What is left out below a condition is left out of the count.
        let statistics = if has_conditions || is_part { statistics.to_inexact() } else { statistics };
        let table = TableSchema::new(self.label.columns.clone(), self.label.path_fields.iter().cloned().collect());
        let mut options = TableParquetOptions {
            global: state.config().options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        if has_conditions && is_selective {
            options.global.pushdown_filters = true;
            options.global.force_filter_selections = true;
        }
        let source = ParquetSource::new(table)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(Readers));
        let url = Self::url(&self.label.address.bucket)?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The statistics of all files together.
fn merge(files: &[PartitionedFile], schema: &Schema) -> Result<Statistics> {
    let known = files.iter().filter_map(|file| file.statistics.as_deref());
    match files.is_empty() {
        false => Statistics::try_merge_iter(known, schema),
        true => Ok(Statistics {
            num_rows: Precision::Exact(0),
            total_byte_size: Precision::Exact(0),
            column_statistics: vec![ColumnStatistics::new_unknown(); schema.fields().len()],
        }),
    }
}
