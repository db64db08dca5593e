//! Footers of Parquet files, read once and kept for as long as the file stays as it is.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::async_reader::MetadataFetch;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, ReadRangesOptions, Result, Version};

use crate::io_stats::Counters;

/// What tells one state of a file from another.
type Stamp = (u64, Option<Version>, Option<SystemTime>);

/// The footers of one label.
#[derive(Debug, Default)]
pub(crate) struct Footers {
    kept: Mutex<HashMap<Key, (Stamp, Arc<ParquetMetaData>)>>,
}

impl Footers {
    /// The footer of a file in the state in which it was listed.
    ///
    /// # Errors
    /// `Corrupt` if it is no Parquet file; those of the byte store.
    pub async fn load(
        &self,
        backend: &Arc<dyn AsyncBackend>,
        file: &ObjectMeta,
        counters: &Counters,
    ) -> Result<Arc<ParquetMetaData>> {
        let stamp = (file.size, file.version.clone(), file.modified);
        if let Some((kept, footer)) = self.kept().get(&file.key)
            && *kept == stamp
        {
            return Ok(Arc::clone(footer));
        }
        let mut fetch = Fetch { backend, file, failed: None, counters };
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        let loaded = reader.load_and_finish(&mut fetch, file.size).await;
        let footer = match (loaded, fetch.failed) {
            (_, Some(error)) => return Err(error.with("file", &file.key)),
            (Err(source), None) => return Err(corrupt(&file.key, source)),
            (Ok(footer), None) => Arc::new(footer),
        };
        counters.add_footer();
        self.kept().insert(file.key.clone(), (stamp, Arc::clone(&footer)));
        Ok(footer)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Key, (Stamp, Arc<ParquetMetaData>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn corrupt(key: &Key, source: ParquetError) -> Error {
    Error::new(ErrorKind::Corrupt, "this is no readable Parquet file").with("file", key).caused_by(source)
}

/// Options that pin a file to the state in which it was listed.
pub(crate) fn pinned(version: Option<Version>) -> ReadRangesOptions {
    let options = ReadRangesOptions::default();
    match version {
        Some(version) => options.with_version(version),
        None => options,
    }
}

/// Reads parts of a footer; keeps the error of the byte store, which would lose its kind on the way.
struct Fetch<'load> {
    backend: &'load Arc<dyn AsyncBackend>,
    file: &'load ObjectMeta,
    failed: Option<Error>,
    counters: &'load Counters,
}

impl MetadataFetch for &mut Fetch<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let options = pinned(self.file.version.clone());
            let read = self.backend.read_ranges(&self.file.key, std::slice::from_ref(&range), &options).await;
            match read.map(|mut parts| parts.pop()) {
                Ok(Some(bytes)) => {
                    self.counters.add_footer_bytes(bytes.len() as u64);
                    Ok(bytes)
                }
                Ok(None) => Err(ParquetError::EOF("nothing was read".to_owned())),
                Err(error) => {
                    self.failed = Some(error);
                    Err(ParquetError::General("the byte store failed".to_owned()))
                }
            }
        }
        .boxed()
    }
}
