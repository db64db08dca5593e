//! One attempt to commit: manifest, manifest list, snapshot and metadata file, then compare and swap of the pointer.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::SystemTime;

use iceberg::MetadataLocation;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, FormatVersion, MAIN_BRANCH, ManifestFile, ManifestListWriter, ManifestWriterBuilder, Operation, Snapshot,
    SnapshotSummaryCollector, Summary, TableMetadata,
};
use uuid::Uuid;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use crate::catalog::{Catalog, Swap};
use crate::error::from_iceberg;
use crate::files::manifests;
use crate::state::{State, WATERMARK_KEY};
use crate::storage::Root;

/// A running total in a snapshot's summary, and what one snapshot adds to it.
const TOTALS: [(&str, &str); 6] = [
    ("total-data-files", "added-data-files"),
    ("total-delete-files", "added-delete-files"),
    ("total-records", "added-records"),
    ("total-files-size", "added-files-size"),
    ("total-position-deletes", "added-position-deletes"),
    ("total-equality-deletes", "added-equality-deletes"),
];

/// Where a commit happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'commit> {
    pub root: &'commit Root,
    pub io: &'commit FileIO,
    pub catalog: &'commit Catalog,
    pub table: &'commit TableName,
}

/// What is committed: files on top of a state, and the watermark afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'commit> {
    pub base: &'commit State,
    pub files: &'commit [DataFile],
    pub watermark: u64,
}

/// Checks that a table is one to which this crate can append.
///
/// # Errors
/// `Unsupported` if another program partitioned it or made it of another format version.
pub(crate) fn check_appendable(state: &State) -> Result<()> {
    let metadata = &state.metadata;
    if metadata.format_version() != FormatVersion::V2 {
        return Err(Error::unsupported("only tables of Iceberg's format version 2 can be appended to")
            .with("format_version", metadata.format_version()));
    }
    match metadata.default_partition_spec().is_unpartitioned() {
        true => Ok(()),
        false => Err(Error::unsupported("partitioned tables cannot be appended to")),
    }
}

/// Commits a change on top of its base. None if another commit came first: nothing is left of this one then but its
/// data files.
///
/// # Errors
/// `OutcomeUnknown` if it may have happened; after any other error it did not, and nothing is left but data files.
pub(crate) async fn commit(place: Place<'_>, change: Change<'_>) -> Result<Option<State>> {
    let mut written = Vec::new();
    let prepared = match prepare(place, change, &mut written).await {
        Ok(prepared) => prepared,
        Err(error) => {
            discard(place.root, &written).await;
            return Err(unchanged(error));
        }
    };
    match place.catalog.swap(place.table, &change.base.pointer, &prepared.pointer).await {
        Ok(Swap::Won) => Ok(Some(prepared)),
        Ok(Swap::Lost) => {
            discard(place.root, &written).await;
            Ok(None)
        }
        Err(error) if error.kind() == ErrorKind::OutcomeUnknown => match is_there(place, &prepared).await {
            Some(true) => Ok(Some(prepared)),
            Some(false) => {
                discard(place.root, &written).await;
                Ok(None)
            }
            None => Err(error),
        },
        Err(error) => {
            discard(place.root, &written).await;
            Err(error)
        }
    }
}

/// Whether our snapshot is part of the table's newest state; none if that cannot be read.
async fn is_there(place: Place<'_>, prepared: &State) -> Option<bool> {
    let pointer = place.catalog.pointer(place.table).await.ok()?;
    let metadata = TableMetadata::read_from(place.io, &pointer).await.ok()?;
    let ours = prepared.metadata.current_snapshot_id()?;
    Some(metadata.snapshot_by_id(ours).is_some())
}

/// Writes all but the pointer. `written` tells what to delete if it comes to nothing.
async fn prepare(place: Place<'_>, change: Change<'_>, written: &mut Vec<String>) -> Result<State> {
    let (base, io) = (&change.base.metadata, place.io);
    let (unique, snapshot_id) = (Uuid::now_v7(), new_id(base));
    let (folder, _) = change.base.pointer.rsplit_once('/').unwrap_or_default();
    let mut listed: Vec<ManifestFile> = match base.current_snapshot() {
        Some(parent) => manifests(io, parent, base.format_version()).await?.consume_entries().into_iter().collect(),
        None => Vec::new(),
    };
    if !change.files.is_empty() {
        let path = format!("{folder}/{unique}-m0.avro");
        written.push(path.clone());
        listed.push(write_manifest(io, change, path, snapshot_id).await.map_err(from_iceberg)?);
    }
    let list = format!("{folder}/snap-{snapshot_id}-0-{unique}.avro");
    written.push(list.clone());
    write_list(io, base, &list, snapshot_id, listed).await.map_err(from_iceberg)?;
    let metadata = next_metadata(change, snapshot_id, list).map_err(from_iceberg)?;
    let location = MetadataLocation::from_str(&change.base.pointer).map_err(from_iceberg)?;
    let location = location.with_next_version().with_new_metadata(&metadata);
    written.push(location.to_string());
    metadata.write_to(io, &location).await.map_err(from_iceberg)?;
    State::new(metadata, location.to_string())
}

async fn write_manifest(io: &FileIO, change: Change<'_>, path: String, id: i64) -> iceberg::Result<ManifestFile> {
    let base = &change.base.metadata;
    let (schema, spec) = (base.current_schema().clone(), base.default_partition_spec().as_ref().clone());
    let mut writer = ManifestWriterBuilder::new(io.new_output(path)?, Some(id), schema, spec).build_v2_data();
    for file in change.files {
        // No sequence number: the files inherit that of the commit.
        writer.add_file(file.clone(), -1)?;
    }
    writer.write_manifest_file().await
}

async fn write_list(
    io: &FileIO,
    base: &TableMetadata,
    path: &str,
    id: i64,
    manifests: Vec<ManifestFile>,
) -> iceberg::Result<()> {
    let output = io.new_output(path)?.writer().await?;
    let mut writer = ManifestListWriter::v2(output, id, base.current_snapshot_id(), base.next_sequence_number());
    writer.add_manifests(manifests.into_iter())?;
    writer.close().await
}

fn next_metadata(change: Change<'_>, snapshot_id: i64, list: String) -> iceberg::Result<TableMetadata> {
    let base = &change.base.metadata;
    let snapshot = Snapshot::builder()
        .with_snapshot_id(snapshot_id)
        .with_parent_snapshot_id(base.current_snapshot_id())
        .with_sequence_number(base.next_sequence_number())
        .with_timestamp_ms(now_ms().max(base.last_updated_ms()))
        .with_manifest_list(list)
        .with_schema_id(base.current_schema_id())
        .with_summary(summary(change))
        .build();
    let properties = HashMap::from([(WATERMARK_KEY.to_owned(), change.watermark.to_string())]);
    let builder = base.clone().into_builder(Some(change.base.pointer.clone()));
    Ok(builder.set_branch_snapshot(snapshot, MAIN_BRANCH)?.set_properties(properties)?.build()?.metadata)
}

/// What the snapshot adds, and the totals where the parent has them too.
fn summary(change: Change<'_>) -> Summary {
    let base = &change.base.metadata;
    let mut collector = SnapshotSummaryCollector::default();
    for file in change.files {
        collector.add_file(file, base.current_schema().clone(), base.default_partition_spec().clone());
    }
    let mut properties = collector.build();
    let parent = base.current_snapshot().map(|parent| &parent.summary().additional_properties);
    for (total, added) in TOTALS {
        let before = parent.map_or(Some(0), |parent| parent.get(total)?.parse::<u64>().ok());
        let added = properties.get(added).map_or(Some(0), |added| added.parse::<u64>().ok());
        if let (Some(before), Some(added)) = (before, added) {
            properties.insert(total.to_owned(), (before + added).to_string());
        }
    }
    properties.insert(WATERMARK_KEY.to_owned(), change.watermark.to_string());
    Summary { operation: Operation::Append, additional_properties: properties }
}

/// A snapshot id that the table does not have.
fn new_id(base: &TableMetadata) -> i64 {
    loop {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let id = ((high ^ low) >> 1) as i64;
        if base.snapshot_by_id(id).is_none() {
            return id;
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// An error before the pointer was touched: whatever became of the file, the table is as it was.
pub(crate) fn unchanged(error: Error) -> Error {
    match error.kind() {
        ErrorKind::OutcomeUnknown => {
            Error::new(ErrorKind::Unavailable, "a file was not surely written, the table is unchanged").caused_by(error)
        }
        _ => error,
    }
}

/// Deletes files that no table refers to. A failure leaves them lying: it harms nobody.
pub(crate) async fn discard(root: &Root, paths: &[String]) {
    if paths.is_empty() {
        return;
    }
    if let Err(error) = root.delete(paths).await {
        tracing::warn!(%error, files = paths.len(), "files of a commit that did not happen stay behind");
    }
}
