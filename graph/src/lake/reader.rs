//! Bytes for DataFusion's Parquet reader: footers that are known already, ranges from a backend, all of it counted.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::DataFusionError;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use worldstore_async::AsyncBackend;
use worldstore_core::{Key, Version};

use super::footer::pinned;
use crate::io_stats::Counters;

/// What a `PartitionedFile` carries for us.
#[derive(Debug, Clone)]
pub(crate) struct LakeFile {
    pub key: Key,
    pub version: Option<Version>,
    pub footer: Arc<ParquetMetaData>,
    pub backend: Arc<dyn AsyncBackend>,
    pub counters: Arc<Counters>,
}

impl LakeFile {
    /// Reads parts of the file, and counts them.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn read(&self, ranges: &[Range<u64>]) -> worldstore_core::Result<Vec<Bytes>> {
        let read = self.backend.read_ranges(&self.key, ranges, &pinned(self.version.clone())).await;
        let parts = read.map_err(|error| error.with("file", &self.key))?;
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        self.counters.add_data(&self.key, self.row_groups(ranges), bytes);
        Ok(parts)
    }

    /// The row groups that these ranges are part of.
    fn row_groups(&self, ranges: &[Range<u64>]) -> Vec<usize> {
        let groups = self.footer.row_groups().iter().enumerate();
        let touched = groups.filter(|(_, group)| {
            group.columns().iter().any(|column| {
                let (start, length) = column.byte_range();
                ranges.iter().any(|range| range.start < start + length && start < range.end)
            })
        });
        touched.map(|(index, _)| index).collect()
    }
}

/// Makes a reader for each file.
#[derive(Debug)]
pub(crate) struct Readers;

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        _footer_bytes: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::common::Result<Box<dyn AsyncFileReader + Send>> {
        let lake_file = file.extension::<LakeFile>().cloned();
        let lake_file = lake_file.ok_or_else(|| DataFusionError::Internal("file without a footer".to_owned()))?;
        let metrics = ParquetFileMetrics::new(partition, lake_file.key.as_str(), metrics);
        Ok(Box::new(Reader { metrics, file: lake_file }))
    }
}

struct Reader {
    metrics: ParquetFileMetrics,
    file: LakeFile,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let mut parts = self.get_byte_ranges(vec![range]).await?;
            parts.pop().ok_or_else(|| ParquetError::EOF("nothing was read".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let parts = self.file.read(&ranges).await.map_err(|error| ParquetError::External(Box::new(error)))?;
            let bytes = parts.iter().map(Bytes::len).sum();
            self.metrics.bytes_scanned.add(bytes);
            Ok(parts)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        futures::future::ready(Ok(Arc::clone(&self.file.footer))).boxed()
    }
}
