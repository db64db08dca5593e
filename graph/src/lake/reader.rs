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
}

/// Makes a reader for each file.
#[derive(Debug)]
pub(crate) struct Readers {
    pub backend: Arc<dyn AsyncBackend>,
    pub counters: Arc<Counters>,
}

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
        let (backend, counters) = (Arc::clone(&self.backend), Arc::clone(&self.counters));
        Ok(Box::new(Reader { backend, counters, metrics, file: lake_file }))
    }
}

struct Reader {
    backend: Arc<dyn AsyncBackend>,
    counters: Arc<Counters>,
    metrics: ParquetFileMetrics,
    file: LakeFile,
}

impl Reader {
    /// The row groups that these ranges are part of.
    fn row_groups(&self, ranges: &[Range<u64>]) -> Vec<usize> {
        let groups = self.file.footer.row_groups().iter().enumerate();
        let touched = groups.filter(|(_, group)| {
            group.columns().iter().any(|column| {
                let (start, length) = column.byte_range();
                ranges.iter().any(|range| range.start < start + length && start < range.end)
            })
        });
        touched.map(|(index, _)| index).collect()
    }
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
            let options = pinned(self.file.version.clone());
            let read = self.backend.read_ranges(&self.file.key, &ranges, &options).await;
            let parts = read.map_err(|error| ParquetError::External(Box::new(error.with("file", &self.file.key))))?;
            let bytes = parts.iter().map(|part| part.len() as u64).sum();
            self.metrics.bytes_scanned.add(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.counters.add_data(&self.file.key, self.row_groups(&ranges), bytes);
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
