//! One attempt to commit: manifest, manifest list and snapshot, then the step of the catalog.

use iceberg::io::FileIO;
use iceberg::spec::{DataFile, FormatVersion, MAIN_BRANCH, ManifestFile, ManifestListWriter, Snapshot, TableMetadata};
use uuid::Uuid;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use crate::catalog::{Catalog, Prepared};
use crate::clock::{changed, now_ms};
use crate::edit::{self, Desk, Edit};
use crate::error::from_iceberg;
use crate::state::{Marks, State};
use crate::storage::Root;
use crate::summary::summary;

/// Where a commit happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'commit> {
    pub root: &'commit Root,
    pub io: &'commit FileIO,
    pub catalog: &'commit dyn Catalog,
    pub table: &'commit TableName,
    /// The writer's epoch, if it has one: the catalog refuses it if a greater one was claimed.
    pub epoch: Option<u64>,
}

/// What is committed: an edit of a state, and the marks afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'commit> {
    pub base: &'commit State,
    pub edit: Edit<'commit>,
    pub marks: Marks,
}

/// Checks that a table is one that this crate can change.
///
/// # Errors
/// `Unsupported` if another program made it of another format version.
pub(crate) fn check_changeable(state: &State) -> Result<()> {
    match state.format {
        FormatVersion::V2 => Ok(()),
        other => Err(Error::unsupported("only tables of Iceberg's format version 2 can be changed")
            .with("format_version", other)),
    }
}

/// Commits a change on top of its base. None if another commit came first: nothing is left of this one then but its
/// data files.
///
/// # Errors
/// `OutcomeUnknown` if it may have happened; after any other error it did not, and nothing is left but data files.
pub(crate) async fn commit(place: Place<'_>, change: Change<'_>) -> Result<Option<State>> {
    let mut written = Vec::new();
    let prepared = prepare(place, change, &mut written).await;
    settle(place, change.base, prepared, written).await
}

/// Makes what was prepared the newest state, if the base still is it; else nothing is left of it.
async fn settle(
    place: Place<'_>,
    base: &State,
    prepared: Result<Prepared>,
    mut written: Vec<String>,
) -> Result<Option<State>> {
    let done = match check_changeable(base).and(prepared) {
        Ok(prepared) => place.catalog.commit(place, base, prepared, &mut written).await,
        Err(error) => Err(unchanged(error)),
    };
    match &done {
        Ok(Some(_)) => {}
        Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
        _ => discard(place.root, &written).await,
    }
    done
}

/// Writes all but the metadata. `written` tells what to delete if it comes to nothing.
async fn prepare(place: Place<'_>, change: Change<'_>, written: &mut Vec<String>) -> Result<Prepared> {
    let (base, io) = (&change.base.metadata, place.io);
    let (unique, snapshot_id) = (Uuid::now_v7(), new_id(base));
    let (folder, _) = change.base.pointer.rsplit_once('/').unwrap_or_default();
    let desk = Desk { io, base, snapshot_id, path: format!("{folder}/{unique}") };
    let listed = edit::list(&desk, change.edit, written).await?;
    let list = format!("{folder}/snap-{snapshot_id}-0-{unique}.avro");
    written.push(list.clone());
    write_list(io, base, &list, snapshot_id, listed.manifests).await.map_err(from_iceberg)?;
    next_metadata(&change, snapshot_id, list, &listed.removed)
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

fn next_metadata(change: &Change<'_>, snapshot_id: i64, list: String, removed: &[DataFile]) -> Result<Prepared> {
    let base = &change.base.metadata;
    let (builder, schema_id, mut changes) = match change.edit {
        Edit::Columns(columns) => {
            // The snapshot names the new columns, so they come first.
            let (metadata, changes) = changed(change.base, |builder| {
                builder.add_current_schema(columns.schema.clone())?.set_properties(columns.properties.clone())
            })?;
            let schema_id = metadata.current_schema_id();
            (metadata.into_builder(None), schema_id, changes)
        }
        _ => (base.clone().into_builder(Some(change.base.pointer.clone())), base.current_schema_id(), Vec::new()),
    };
    let snapshot = Snapshot::builder()
        .with_snapshot_id(snapshot_id)
        .with_parent_snapshot_id(base.current_snapshot_id())
        .with_sequence_number(base.next_sequence_number())
        .with_timestamp_ms(now_ms().max(base.last_updated_ms()))
        .with_manifest_list(list)
        .with_schema_id(schema_id)
        .with_summary(summary(change, removed))
        .build();
    let properties = change.marks.properties();
    let built = builder
        .set_branch_snapshot(snapshot, MAIN_BRANCH)
        .and_then(|builder| builder.set_properties(properties)?.build())
        .map_err(from_iceberg)?;
    changes.extend(built.changes);
    Ok(Prepared { metadata: built.metadata, changes, marks: change.marks })
}

/// Forgets snapshots. None if another commit came first.
///
/// # Errors
/// As for [`commit`], and `Conflict` if a branch or a tag names one of them by now.
pub(crate) async fn forget(place: Place<'_>, base: &State, snapshots: &[i64]) -> Result<Option<State>> {
    let named = base.named()?;
    if snapshots.iter().any(|snapshot| named.contains(snapshot)) {
        return Err(Error::new(ErrorKind::Conflict, "a version that shall expire has been given a name meanwhile"));
    }
    check_changeable(base)?;
    let (metadata, changes) = changed(base, |builder| Ok(builder.remove_snapshots(snapshots)))?;
    let prepared = Prepared { metadata, changes, marks: base.marks };
    settle(place, base, Ok(prepared), Vec::new()).await
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
        tracing::warn!(target: "worldstore", %error, files = paths.len(), "files of a commit that did not happen stay behind");
    }
}
