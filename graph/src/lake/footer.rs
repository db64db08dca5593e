//! Footers of Parquet files: read once and kept for as long as the file stays as it is, in whole or as a summary.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::async_reader::MetadataFetch;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, ReadRangesOptions, Result, Version};

use super::summary::{Stamp, stamp};
use crate::io_stats::Counters;

/// Footers that one label keeps whole, in bytes as they lie in memory; of more, the summary is kept.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// Bytes that are read from the end of a file whose footer's length is not known.
const TAIL_BYTES_FIRST: usize = 8 << 10;
/// The most that is read so, however long the footers before were.
const TAIL_BYTES_MAX: usize = 1 << 20;

/// The footers of one label.
#[derive(Debug, Default)]
pub(crate) struct Footers {
    kept: Mutex<Kept>,
    /// The longest footer so far: what is read from the end of a file at once.
    longest: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    footers: HashMap<Key, (Stamp, Footer)>,
    bytes: usize,
}

/// A footer, with or without where its pages are.
#[derive(Debug, Clone)]
struct Footer {
    whole: Arc<ParquetMetaData>,
    has_pages: bool,
}

/// What a footer is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Row groups and their statistics.
    RowGroups,
    /// The index of their pages too, which is read if the file has one.
    Pages,
}

impl Footers {
    /// The footer of a file in the state in which it was listed.
    ///
    /// # Errors
    /// `Corrupt` if it is no Parquet file, or its columns lie nowhere; those of the byte store.
    pub async fn load(
        &self,
        backend: &Arc<dyn AsyncBackend>,
        file: &ObjectMeta,
        wanted: Wanted,
        counters: &Counters,
    ) -> Result<Arc<ParquetMetaData>> {
        let known = self.find(file);
        if let Some(footer) = known.as_ref().filter(|footer| footer.has_pages || wanted == Wanted::RowGroups) {
            return Ok(Arc::clone(&footer.whole));
        }
        let mut fetch = Fetch { backend, file, failed: None, counters };
        let loaded = match known {
            Some(footer) => pages(&mut fetch, &footer.whole).await,
            None => self.read(&mut fetch, wanted).await,
        };
        let loaded = loaded.and_then(|footer| check_chunks(&footer).map(|()| footer));
        let footer = match (loaded, fetch.failed) {
            (_, Some(error)) => return Err(error.with("file", &file.key)),
            (Err(source), None) => return Err(corrupt(&file.key, source)),
            (Ok(footer), None) => Arc::new(footer),
        };
        self.keep(file, &footer, wanted == Wanted::Pages);
        Ok(footer)
    }

    async fn read(&self, fetch: &mut Fetch<'_>, wanted: Wanted) -> parquet::errors::Result<ParquetMetaData> {
        let longest = self.longest.load(Ordering::Relaxed);
        let tail = if longest == 0 { TAIL_BYTES_FIRST } else { longest.min(TAIL_BYTES_MAX) };
        let policy = match wanted {
            Wanted::RowGroups => PageIndexPolicy::Skip,
            Wanted::Pages => PageIndexPolicy::Optional,
        };
        let reader = ParquetMetaDataReader::new().with_page_index_policy(policy).with_prefetch_hint(Some(tail));
        let (size, counters) = (fetch.file.size, fetch.counters);
        let mut longest = Longest { fetch, bytes: 0 };
        let footer = reader.load_and_finish(&mut longest, size).await?;
        if wanted == Wanted::RowGroups && longest.bytes > 0 {
            self.longest.fetch_max(longest.bytes, Ordering::Relaxed);
        }
        counters.add_footer();
        Ok(footer)
    }

    fn find(&self, file: &ObjectMeta) -> Option<Footer> {
        let kept = self.kept();
        kept.footers.get(&file.key).filter(|(known, _)| *known == stamp(file)).map(|(_, footer)| footer.clone())
    }

    /// Keeps a footer, as long as there is room.
    fn keep(&self, file: &ObjectMeta, footer: &Arc<ParquetMetaData>, has_pages: bool) {
        let mut kept = self.kept();
        let bytes = footer.memory_size();
        if let Some((_, before)) = kept.footers.remove(&file.key) {
            kept.bytes -= before.whole.memory_size();
        }
        if kept.bytes + bytes <= KEPT_BYTES_MAX {
            kept.bytes += bytes;
            let footer = Footer { whole: Arc::clone(footer), has_pages };
            kept.footers.insert(file.key.clone(), (stamp(file), footer));
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds the page index to a footer that was read without.
async fn pages(fetch: &mut Fetch<'_>, footer: &ParquetMetaData) -> parquet::errors::Result<ParquetMetaData> {
    let reader = ParquetMetaDataReader::new_with_metadata(footer.clone());
    let mut reader = reader.with_page_index_policy(PageIndexPolicy::Optional);
    reader.load_page_index(fetch).await?;
    reader.finish()
}

/// Tests that the columns of all row groups have a place in a file: readers assert it, whatever a damaged footer says.
///
/// # Errors
/// `General`, naming the column.
pub(crate) fn check_chunks(footer: &ParquetMetaData) -> parquet::errors::Result<()> {
    let mut chunks = footer.row_groups().iter().flat_map(RowGroupMetaData::columns);
    match chunks.find(|chunk| !has_place(chunk)) {
        Some(chunk) => Err(ParquetError::General(format!("column {} has no place in a file", chunk.column_path()))),
        None => Ok(()),
    }
}

fn has_place(chunk: &ColumnChunkMetaData) -> bool {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let length = chunk.compressed_size();
    start >= 0 && length >= 0 && start.checked_add(length).is_some()
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
                    self.counters.add_footer_bytes(&self.file.key, bytes.len() as u64);
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

/// A fetch that learns how long the footer is: its length lies before the last four bytes.
struct Longest<'fetch, 'load> {
    fetch: &'fetch mut Fetch<'load>,
    bytes: usize,
}

impl MetadataFetch for &mut Longest<'_, '_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let is_tail = range.end == self.fetch.file.size;
            let mut fetch = &mut *self.fetch;
            let bytes = fetch.fetch(range).await?;
            let tail = bytes.len().checked_sub(8).and_then(|start| bytes.get(start..start + 4));
            if let (true, Some(length)) = (is_tail, tail.and_then(|length| <[u8; 4]>::try_from(length).ok())) {
                self.bytes = (u32::from_le_bytes(length) as usize).saturating_add(8);
            }
            Ok(bytes)
        }
        .boxed()
    }
}
