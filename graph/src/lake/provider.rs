//! The table provider over Parquet files in place: prunes by path, answers counts from footers, reads through us.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, utils::conjunction};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt, stream};
use parquet::file::metadata::ParquetMetaData;

use super::filter;
use super::label::LakeLabel;
use super::listing::Listing;
use super::memo::Memo;
use super::reader::{LakeFile, Readers};
use crate::error::to_datafusion;
use crate::io_stats::{Counters, Kept};

/// Footers that are read at once.
const FOOTERS_AT_ONCE: usize = 32;

/// The files of a label as one query sees them.
#[derive(Debug)]
pub(crate) struct LakeTable {
    label: Arc<LakeLabel>,
    schema: SchemaRef,
    counters: Arc<Counters>,
    memo: Memo,
}

impl LakeTable {
    pub fn new(label: Arc<LakeLabel>, counters: Arc<Counters>) -> Self {
        let fields = label.columns.fields().iter().chain(label.path_fields.iter()).cloned();
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { label, schema, counters, memo: Memo::default() }
    }

    /// The name under which DataFusion looks the byte store up; it never reads through it.
    pub fn url(mount: &str) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(format!("lake://{mount}"))
    }

    fn is_of_path(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty() && columns.iter().all(|column| self.label.path_fields.find(&column.name).is_some())
    }

    /// The files that are left after folders were, whose path does not rule them out.
    fn keep(&self, listing: &Listing, state: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
        let all = 0..listing.files.len();
        let Some(filter) = conjunction(filters.iter().filter(|filter| self.is_of_path(filter)).cloned()) else {
            return Ok(all.collect());
        };
        let values = &listing.values;
        let schema = DFSchema::try_from(values.schema())?;
        let mask = state.create_physical_expr(filter, &schema)?.evaluate(values)?.into_array(values.num_rows())?;
        let mask = datafusion::common::cast::as_boolean_array(&mask)?;
        Ok(all.filter(|index| is_true(mask, *index)).collect())
    }

    /// Counts what is kept and what is there. Of folders that were not listed, it is what was there when they were.
    fn count(&self, listing: &Listing, kept: &[usize]) -> Result<(Kept, Kept)> {
        let (known, leaves_out) = (self.label.known(), listing.leaves_out());
        let left_out = (0..known.files.len()).filter(|index| leaves_out(&known.files[*index].key));
        let left_out: Vec<usize> = left_out.collect();
        let mut rows: HashSet<Vec<ScalarValue>> =
            kept.iter().map(|index| row(listing, *index)).collect::<Result<_>>()?;
        let partitions_kept = rows.len() as u64;
        for index in 0..listing.files.len() {
            rows.insert(row(listing, index)?);
        }
        for index in &left_out {
            rows.insert(row(&known, *index)?);
        }
        let partitions = Kept { total: rows.len() as u64, kept: partitions_kept };
        Ok((partitions, Kept { total: (listing.files.len() + left_out.len()) as u64, kept: kept.len() as u64 }))
    }

    /// Reads footers and makes of each file what DataFusion scans.
    async fn open(&self, listing: &Listing, kept: &[usize]) -> Result<Vec<PartitionedFile>> {
        let opened = kept.iter().map(|index| async move {
            let file = &listing.files[*index];
            let footer = self.label.footers.load(&self.label.backend, file, &self.counters).await;
            let footer = footer.map_err(to_datafusion)?;
            self.label.check(&footer, &file.key).map_err(to_datafusion)?;
            let statistics = self.statistics(&footer)?;
            let mut opened = PartitionedFile::new(file.key.as_str(), file.size)
                .with_partition_values(row(listing, *index)?)
                .with_statistics(Arc::new(statistics));
            let (key, version) = (file.key.clone(), file.version.clone());
            opened.extensions.insert(LakeFile { key, version, footer });
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
        }
        Ok(statistics)
    }
}

/// The path values of a file.
fn row(listing: &Listing, file: usize) -> Result<Vec<ScalarValue>> {
    let columns = listing.values.columns().iter();
    columns.map(|column| ScalarValue::try_from_array(column, file)).collect()
}

fn is_true(mask: &BooleanArray, index: usize) -> bool {
    mask.is_valid(index) && mask.value(index)
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
        let told = filter::filter(filters, &self.label.path_columns);
        let listing = self.label.list(told, &self.memo, &self.counters).await.map_err(to_datafusion)?;
        let kept = self.keep(&listing, state, filters)?;
        let files = self.open(&listing, &kept).await?;
        let groups = files.iter().filter_map(|file| file.extension::<LakeFile>());
        let groups = groups.map(|file| file.footer.num_row_groups() as u64).sum();
        let (partitions, counted) = self.count(&listing, &kept)?;
        self.counters.add_scan(partitions, counted, groups);

        let statistics = merge(&files, &self.schema)?;
        let table = TableSchema::new(self.label.columns.clone(), self.label.path_fields.iter().cloned().collect());
        let (backend, counters) = (Arc::clone(&self.label.backend), Arc::clone(&self.counters));
        let options = TableParquetOptions {
            global: state.config().options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(table)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(Readers { backend, counters }));
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
