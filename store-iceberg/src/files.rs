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

/// The manifests of a snapshot. A table of a later format version may have snapshots from when it was of version 1.
pub(crate) async fn manifests(io: &FileIO, snapshot: &SnapshotRef, format: FormatVersion) -> Result<ManifestList> {
    let input = io.new_input(snapshot.manifest_list()).map_err(from_iceberg)?;
    let bytes = input.read().await.map_err(from_iceberg)?;
    let read = |format| ManifestList::parse_with_version(&bytes, format);
    read(format).or_else(|error| read(FormatVersion::V1).map_err(|_| error)).map_err(from_iceberg)
}

/// What becomes of delete files where data files are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfDeletes {
    /// They are an error.
    Refused,
    /// They are left out: who asks looks at them by itself.
    Passed,
}

/// True if a manifest has delete files.
pub(crate) fn is_of_deletes(manifest: &ManifestFile) -> bool {
    let is_alive = manifest.has_added_files() || manifest.has_existing_files();
    manifest.content == ManifestContentType::Deletes && is_alive
}

/// The delete files of a snapshot.
pub(crate) async fn delete_files(shelf: &Shelf, snapshot: &SnapshotRef, format: FormatVersion) -> Result<Vec<Found>> {
    let list = shelf.manifests(snapshot, format).await?;
    let mut found = Vec::new();
    for manifest in list.iter().filter(|manifest| is_of_deletes(manifest)) {
        found.extend(shelf.entries(manifest.clone()).await?.iter().cloned());
    }
    Ok(found)
}

/// The data files of a snapshot, read as they are asked for, but for those of manifests that are not wanted.
///
/// # Errors
/// `Unsupported` if rows were deleted by delete files and these are refused, or if a file is not Parquet.
pub(crate) fn data_files(
    shelf: Shelf,
    snapshot: SnapshotRef,
    format: FormatVersion,
    deletes: OfDeletes,
    wanted: impl Fn(&ManifestFile) -> bool + Send + 'static,
) -> BoxStream<'static, Result<Found>> {
    let listed = {
        let shelf = shelf.clone();
        async move {
            let list = shelf.manifests(&snapshot, format).await?;
            if let Some(refused) = list.iter().find(|one| deletes == OfDeletes::Refused && is_of_deletes(one)) {
                return Err(with_deletes().with("path", &refused.manifest_path));
            }
            let of_data = list.iter().filter(|manifest| manifest.content == ManifestContentType::Data);
            let wanted = of_data.filter(|manifest| wanted(manifest)).cloned();
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

/// The error for a table of which only the rows that are left can be read.
pub(crate) fn with_deletes() -> Error {
    Error::unsupported("a table with delete files can be read, and not changed")
}

/// The files that a manifest has, without those that it had.
///
/// # Errors
/// `Unsupported` if a data file is not Parquet.
pub(crate) async fn entries(io: &FileIO, manifest: ManifestFile) -> Result<Vec<Found>> {
    if !manifest.has_added_files() && !manifest.has_existing_files() {
        return Ok(Vec::new());
    }
    let (spec, is_data) = (manifest.partition_spec_id, manifest.content == ManifestContentType::Data);
    let (entries, _) = manifest.load_manifest(io).await.map_err(from_iceberg)?.into_parts();
    let alive: Vec<_> =
        entries.into_iter().filter(|entry| entry.is_alive()).map(|entry| Found { entry, spec }).collect();
    match alive.iter().find(|entry| is_data && entry.file_format() != DataFileFormat::Parquet) {
        Some(other) => Err(Error::unsupported("only Parquet files can be read").with("path", other.file_path())),
        None => Ok(alive),
    }
}
