//! The files of a snapshot: its manifest list, the manifests in it, and the data files in those.

use std::ops::Deref;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFileFormat, FormatVersion, ManifestContentType, ManifestEntry, ManifestEntryRef, ManifestFile, ManifestList,
    SnapshotRef,
};
use worldstore_core::{Error, Result};

use crate::error::from_iceberg;
use crate::shelf::Shelf;

/// Manifests read at once.
const MANIFESTS_AT_ONCE: usize = 8;

/// A data file of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub entry: ManifestEntryRef,
    /// The partition spec that its partition is one of.
    pub spec: i32,
}

impl Deref for Found {
    type Target = ManifestEntry;

    fn deref(&self) -> &ManifestEntry {
        &self.entry
    }
}

/// The manifests of a snapshot.
pub(crate) async fn manifests(io: &FileIO, snapshot: &SnapshotRef, format: FormatVersion) -> Result<ManifestList> {
    let input = io.new_input(snapshot.manifest_list()).map_err(from_iceberg)?;
    let bytes = input.read().await.map_err(from_iceberg)?;
    ManifestList::parse_with_version(&bytes, format).map_err(from_iceberg)
}

/// The data files of a snapshot, read as they are asked for, but for those of manifests that are not wanted.
///
/// # Errors
/// `Unsupported` if rows were deleted by delete files, or if a file is not Parquet.
pub(crate) fn data_files(
    shelf: Shelf,
    snapshot: SnapshotRef,
    format: FormatVersion,
    wanted: impl Fn(&ManifestFile) -> bool + Send + 'static,
) -> BoxStream<'static, Result<Found>> {
    let listed = {
        let shelf = shelf.clone();
        async move {
            let list = shelf.manifests(&snapshot, format).await?;
            let wanted = list.iter().filter(|manifest| wanted(manifest)).cloned();
            Ok(stream::iter(wanted.map(Ok).collect::<Vec<_>>()))
        }
    };
    let read = move |manifest| {
        let shelf = shelf.clone();
        async move { shelf.entries(manifest).await }
    };
    let entries = stream::once(listed).try_flatten().map_ok(read).try_buffered(MANIFESTS_AT_ONCE);
    let each = |entries: Arc<[Found]>| {
        let found = (0..entries.len()).filter_map(move |place| entries.get(place).cloned());
        stream::iter(found.map(Ok))
    };
    entries.map_ok(each).try_flatten().boxed()
}

/// The data files that a manifest has, without those that it had.
///
/// # Errors
/// As for [`data_files`].
pub(crate) async fn entries(io: &FileIO, manifest: ManifestFile) -> Result<Vec<Found>> {
    let alive = manifest.has_added_files() || manifest.has_existing_files();
    if manifest.content == ManifestContentType::Deletes && alive {
        return Err(Error::unsupported("tables with delete files cannot be read").with("path", &manifest.manifest_path));
    }
    if !alive {
        return Ok(Vec::new());
    }
    let spec = manifest.partition_spec_id;
    let (entries, _) = manifest.load_manifest(io).await.map_err(from_iceberg)?.into_parts();
    let alive: Vec<_> =
        entries.into_iter().filter(|entry| entry.is_alive()).map(|entry| Found { entry, spec }).collect();
    match alive.iter().find(|entry| entry.file_format() != DataFileFormat::Parquet) {
        Some(other) => Err(Error::unsupported("only Parquet files can be read").with("path", other.file_path())),
        None => Ok(alive),
    }
}

/// The number of rows of a snapshot, from its manifests.
pub(crate) async fn count(shelf: Shelf, snapshot: SnapshotRef, format: FormatVersion) -> Result<u64> {
    let files = data_files(shelf, snapshot, format, |_| true);
    files.try_fold(0, |rows: u64, entry| async move { Ok(rows + entry.record_count()) }).await
}
