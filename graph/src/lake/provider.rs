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

use super::label::LakeLabel;
use super::listing::Listing;
use super::reader::{LakeFile, Readers};
use crate::error::to_datafusion;
use crate::io_stats::{Counters, Kept};

/// Footers that are read at once.
const FOOTERS_AT_ONCE: usize = 32;

/// The files of a label as one query sees them.
#[derive(Debug)]
pub(crate) struct LakeTable {
    label: Arc<LakeLabel>,
    listing: Listing,
    schema: SchemaRef,
    counters: Arc<Counters>,
}

impl LakeTable {
    pub fn new(label: Arc<LakeLabel>, listing: Listing, counters: Arc<Counters>) -> Self {
        let fields = label.columns.fields().iter().chain(label.path_columns.iter()).cloned();
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { label, listing, schema, counters }
    }

    /// The name under which DataFusion looks the byte store up; it never reads through it.
    pub fn url(mount: &str) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(format!("lake://{mount}"))
    }

    fn is_of_path(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty() && columns.iter().all(|column| self.listing.fields.find(&column.name).is_some())
    }

    /// The files whose path does not rule them out.
    fn keep(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
        let all = 0..self.listing.files.len();
        let Some(filter) = conjunction(filters.iter().filter(|filter| self.is_of_path(filter)).cloned()) else {
            return Ok(all.collect());
        };
        let values = &self.listing.values;
        let schema = DFSchema::try_from(values.schema())?;
        let mask = state.create_physical_expr(filter, &schema)?.evaluate(values)?.into_array(values.num_rows())?;
        let mask = datafusion::common::cast::as_boolean_array(&mask)?;
        Ok(all.filter(|index| is_true(mask, *index)).collect())
    }

    fn partitions(&self, kept: &[usize]) -> Result<Kept> {
        let row = |index: usize| -> Result<Vec<ScalarValue>> { self.values(index) };
        let distinct = |rows: &mut dyn Iterator<Item = usize>| -> Result<u64> {
            Ok(rows.map(row).collect::<Result<HashSet<_>>>()?.len() as u64)
        };
        Ok(Kept { total: distinct(&mut (0..self.listing.files.len()))?, kept: distinct(&mut kept.iter().copied())? })
    }

    fn values(&self, file: usize) -> Result<Vec<ScalarValue>> {
        let columns = self.listing.values.columns().iter();
        columns.map(|column| ScalarValue::try_from_array(column, file)).collect()
    }

    /// Reads footers and makes of each file what DataFusion scans.
    async fn open(&self, kept: &[usize]) -> Result<Vec<PartitionedFile>> {
        let opened = kept.iter().map(|index| async move {
            let file = &self.listing.files[*index];
            let footer = self.label.footers.load(&self.label.backend, file, &self.counters).await;
            let footer = footer.map_err(to_datafusion)?;
            self.label.check(&footer, &file.key).map_err(to_datafusion)?;
            let statistics = self.statistics(&footer)?;
            let mut opened = PartitionedFile::new(file.key.as_str(), file.size)
                .with_partition_values(self.values(*index)?)
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
        let kept = self.keep(state, filters)?;
        let files = self.open(&kept).await?;
        let groups = files.iter().filter_map(|file| file.extension::<LakeFile>());
        let groups = groups.map(|file| file.footer.num_row_groups() as u64).sum();
        let counted = Kept { total: self.listing.files.len() as u64, kept: kept.len() as u64 };
        self.counters.add_scan(self.partitions(&kept)?, counted, groups);

        let statistics = merge(&files, &self.schema)?;
        let table = TableSchema::new(self.label.columns.clone(), self.label.path_columns.iter().cloned().collect());
        let (backend, counters) = (Arc::clone(&self.label.backend), Arc::clone(&self.counters));
        let options = TableParquetOptions {
            global: state.config().options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(table)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(Readers { backend, counters }));
        let url = Self::url(&self.label.address.mount)?;
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
