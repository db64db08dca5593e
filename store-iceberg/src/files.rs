//! The files of a snapshot: its manifest list, the manifests in it, and the data files in those.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFileFormat, FormatVersion, ManifestContentType, ManifestEntryRef, ManifestFile, ManifestList, SnapshotRef,
};
use worldstore_core::{Error, Result};

use crate::error::from_iceberg;

/// Manifests read at once.
const MANIFESTS_AT_ONCE: usize = 8;

/// The manifests of a snapshot.
pub(crate) async fn manifests(io: &FileIO, snapshot: &SnapshotRef, format: FormatVersion) -> Result<ManifestList> {
    let input = io.new_input(snapshot.manifest_list()).map_err(from_iceberg)?;
    let bytes = input.read().await.map_err(from_iceberg)?;
    ManifestList::parse_with_version(&bytes, format).map_err(from_iceberg)
}

/// The data files of a snapshot, read as they are asked for.
///
/// # Errors
/// `Unsupported` if rows were deleted by delete files, or if a file is not Parquet.
pub(crate) fn data_files(
    io: FileIO,
    snapshot: SnapshotRef,
    format: FormatVersion,
) -> BoxStream<'static, Result<ManifestEntryRef>> {
    let listed = {
        let io = io.clone();
        async move {
            let list = manifests(&io, &snapshot, format).await?;
            Ok(stream::iter(list.consume_entries().into_iter().map(Ok).collect::<Vec<_>>()))
        }
    };
    let read = move |manifest| {
        let io = io.clone();
        async move { entries(&io, manifest).await }
    };
    let entries = stream::once(listed).try_flatten().map_ok(read).try_buffered(MANIFESTS_AT_ONCE);
    entries.map_ok(|entries| stream::iter(entries.into_iter().map(Ok))).try_flatten().boxed()
}

pub(crate) async fn entries(io: &FileIO, manifest: ManifestFile) -> Result<Vec<ManifestEntryRef>> {
    let alive = manifest.has_added_files() || manifest.has_existing_files();
    if manifest.content == ManifestContentType::Deletes && alive {
        return Err(Error::unsupported("tables with delete files cannot be read").with("path", &manifest.manifest_path));
    }
    if !alive {
        return Ok(Vec::new());
    }
    let (entries, _) = manifest.load_manifest(io).await.map_err(from_iceberg)?.into_parts();
    let alive: Vec<_> = entries.into_iter().filter(|entry| entry.is_alive()).collect();
    match alive.iter().find(|entry| entry.file_format() != DataFileFormat::Parquet) {
        Some(other) => Err(Error::unsupported("only Parquet files can be read").with("path", other.file_path())),
        None => Ok(alive),
    }
}

/// The number of rows of a snapshot, from its manifests.
pub(crate) async fn count(io: FileIO, snapshot: SnapshotRef, format: FormatVersion) -> Result<u64> {
    let files = data_files(io, snapshot, format);
    files.try_fold(0, |rows: u64, entry| async move { Ok(rows + entry.record_count()) }).await
}
