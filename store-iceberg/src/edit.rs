//! What a commit does to the files of a table, and the manifests that follow from it.

use std::collections::{HashMap, HashSet};

use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, ManifestContentType, ManifestFile, ManifestStatus, ManifestWriter, ManifestWriterBuilder, Schema,
    TableMetadata,
};
use worldstore_core::{Error, ErrorKind, Result};

use crate::error::from_iceberg;
use crate::files::{Found, entries, is_of_deletes, manifests, with_deletes};

/// So many small manifests are made one with the next commit: planning reads each, and each append brings one.
const MERGE_AT: usize = 16;
/// A manifest is small below this number of files.
const MERGE_FILES: u32 = 1_000;

/// What a commit does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit<'commit> {
    /// Adds files.
    Append(&'commit [DataFile]),
    /// Puts files in the place of others.
    Replace(Replacement<'commit>),
    /// Changes the columns, and no file.
    Columns(&'commit NewColumns),
}

/// Files in the place of others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replacement<'commit> {
    /// The paths of those that go.
    pub removed: &'commit HashSet<String>,
    pub added: &'commit [DataFile],
    /// Whether the new files miss rows of the old ones.
    pub drops_rows: bool,
}

/// Columns that a table gets.
#[derive(Debug, Clone)]
pub(crate) struct NewColumns {
    pub schema: Schema,
    /// What remembers their Arrow types.
    pub properties: HashMap<String, String>,
}

/// Manifests of a new snapshot, and the files that it no longer has.
pub(crate) struct Listed {
    pub manifests: Vec<ManifestFile>,
    pub removed: Vec<DataFile>,
}

/// Where the manifests of a commit are written.
pub(crate) struct Desk<'commit> {
    pub io: &'commit FileIO,
    pub base: &'commit TableMetadata,
    pub snapshot_id: i64,
    /// What the paths of the commit's manifests begin with.
    pub path: String,
}

/// Finds out which manifests the snapshot has, and writes the new one among them. `written` gets its path.
///
/// # Errors
/// `Conflict` if a file that shall be replaced is not there any more.
pub(crate) async fn list(desk: &Desk<'_>, edit: Edit<'_>, written: &mut Vec<String>) -> Result<Listed> {
    let mut before: Vec<ManifestFile> = match desk.base.current_snapshot() {
        Some(parent) => {
            manifests(desk.io, parent, desk.base.format_version()).await?.consume_entries().into_iter().collect()
        }
        None => Vec::new(),
    };
    for manifest in &mut before {
        count(desk.io, manifest).await?;
    }
    match edit {
        Edit::Columns(_) => Ok(Listed { manifests: before, removed: Vec::new() }),
        Edit::Append([]) => Ok(Listed { manifests: before, removed: Vec::new() }),
        Edit::Append(files) => {
            let (small, others): (Vec<_>, Vec<_>) = before.into_iter().partition(|each| desk.is_small(each));
            let (merged, mut manifests) = match small.len() < MERGE_AT {
                true => (Vec::new(), others.into_iter().chain(small).collect()),
                false => (small, others),
            };
            let mut writer = desk.writer(written)?;
            for manifest in merged {
                carry(&mut writer, &entries(desk.io, manifest).await?)?;
            }
            add(&mut writer, files)?;
            manifests.push(writer.write_manifest_file().await.map_err(from_iceberg)?);
            Ok(Listed { manifests, removed: Vec::new() })
        }
        Edit::Replace(replacement) => replace(desk, before, replacement, written).await,
    }
}

/// Counts what a manifest has, where its list does not tell: those of format version 1 may leave it out, ours must not.
async fn count(io: &FileIO, manifest: &mut ManifestFile) -> Result<()> {
    let files = [manifest.added_files_count, manifest.existing_files_count, manifest.deleted_files_count];
    let rows = [manifest.added_rows_count, manifest.existing_rows_count, manifest.deleted_rows_count];
    if files.iter().all(Option::is_some) && rows.iter().all(Option::is_some) {
        return Ok(());
    }
    let (entries, _) = manifest.load_manifest(io).await.map_err(from_iceberg)?.into_parts();
    let of = |status: ManifestStatus| {
        let entries = entries.iter().filter(move |entry| entry.status() == status);
        let too_many = || Error::new(ErrorKind::Corrupt, "a manifest has more rows than can be counted");
        entries.map(|entry| entry.data_file().record_count()).try_fold((0_u32, 0_u64), |(files, rows), more| {
            let sums = files.checked_add(1).zip(rows.checked_add(more));
            sums.ok_or_else(|| too_many().with("path", &manifest.manifest_path))
        })
    };
    let (added, existing, deleted) =
        (of(ManifestStatus::Added)?, of(ManifestStatus::Existing)?, of(ManifestStatus::Deleted)?);
    (manifest.added_files_count, manifest.added_rows_count) = (Some(added.0), Some(added.1));
    (manifest.existing_files_count, manifest.existing_rows_count) = (Some(existing.0), Some(existing.1));
    (manifest.deleted_files_count, manifest.deleted_rows_count) = (Some(deleted.0), Some(deleted.1));
    Ok(())
}

async fn replace(
    desk: &Desk<'_>,
    before: Vec<ManifestFile>,
    replacement: Replacement<'_>,
    written: &mut Vec<String>,
) -> Result<Listed> {
    // They may have come since the files were read: rows that they take away would be there again.
    if let Some(deletes) = before.iter().find(|each| is_of_deletes(each)) {
        return Err(with_deletes().with("path", &deletes.manifest_path));
    }
    let (ours, others): (Vec<_>, Vec<_>) = before.into_iter().partition(|each| desk.is_ours(each));
    let mut writer = desk.writer(written)?;
    let (mut manifests, mut removed) = (Vec::new(), Vec::new());
    for manifest in ours {
        rewrite(&mut writer, &entries(desk.io, manifest).await?, replacement, &mut removed)?;
    }
    for manifest in others {
        let spec = manifest.partition_spec_id;
        // What older partition specs and other programs left is looked at only as long as files are missing.
        if removed.len() == replacement.removed.len() || manifest.content != ManifestContentType::Data {
            manifests.push(manifest);
            continue;
        }
        let files = entries(desk.io, manifest.clone()).await?;
        if !files.iter().any(|file| replacement.removed.contains(file.file_path())) {
            manifests.push(manifest);
            continue;
        }
        let mut writer = desk.writer_of(spec, written)?;
        rewrite(&mut writer, &files, replacement, &mut removed)?;
        manifests.push(writer.write_manifest_file().await.map_err(from_iceberg)?);
    }
    if removed.len() != replacement.removed.len() {
        return Err(Error::new(ErrorKind::Conflict, "another change removed the files that were to be replaced"));
    }
    add(&mut writer, replacement.added)?;
    manifests.push(writer.write_manifest_file().await.map_err(from_iceberg)?);
    Ok(Listed { manifests, removed })
}

/// Carries over what stays, and notes what goes.
fn rewrite(
    writer: &mut ManifestWriter,
    files: &[Found],
    replacement: Replacement<'_>,
    removed: &mut Vec<DataFile>,
) -> Result<()> {
    for found in files {
        if !replacement.removed.contains(found.file_path()) {
            carry(writer, std::slice::from_ref(found))?;
            continue;
        }
        let file = found.data_file().clone();
        let (seq, file_seq) = (sequence(found)?, found.file_sequence_number);
        writer.add_delete_file(file.clone(), seq, file_seq).map_err(from_iceberg)?;
        removed.push(file);
    }
    Ok(())
}

impl Desk<'_> {
    /// True for a manifest whose files can stand in one that we write.
    fn is_ours(&self, manifest: &ManifestFile) -> bool {
        manifest.content == ManifestContentType::Data
            && manifest.partition_spec_id == self.base.default_partition_spec_id()
    }

    fn is_small(&self, manifest: &ManifestFile) -> bool {
        let files = manifest.added_files_count.zip(manifest.existing_files_count);
        self.is_ours(manifest) && files.is_some_and(|(added, existing)| added + existing < MERGE_FILES)
    }

    fn writer(&self, written: &mut Vec<String>) -> Result<ManifestWriter> {
        self.writer_of(self.base.default_partition_spec_id(), written)
    }

    /// A manifest for files of one partition spec.
    fn writer_of(&self, spec: i32, written: &mut Vec<String>) -> Result<ManifestWriter> {
        let unknown = || Error::new(ErrorKind::Corrupt, "a manifest has a partition spec that the table has not");
        let found = self.base.partition_spec_by_id(spec).ok_or_else(|| unknown().with("spec", spec))?;
        // The writer takes it for granted that the columns of the partitions are there.
        let schema = self.base.current_schema().clone();
        found.partition_type(&schema).map_err(from_iceberg)?;
        let path = format!("{}-m{}.avro", self.path, written.len());
        let output = self.io.new_output(&path).map_err(from_iceberg)?;
        written.push(path);
        Ok(ManifestWriterBuilder::new(output, Some(self.snapshot_id), schema, found.as_ref().clone()).build_v2_data())
    }
}

fn add(writer: &mut ManifestWriter, files: &[DataFile]) -> Result<()> {
    // No sequence number: the files inherit that of the commit.
    files.iter().try_for_each(|file| writer.add_file(file.clone(), -1)).map_err(from_iceberg)
}

/// Carries files over as they are.
fn carry(writer: &mut ManifestWriter, entries: &[Found]) -> Result<()> {
    entries.iter().try_for_each(|entry| {
        let snapshot = entry.snapshot_id().ok_or_else(|| incomplete(entry))?;
        let (file, seq) = (entry.data_file().clone(), sequence(entry)?);
        writer.add_existing_file(file, snapshot, seq, entry.file_sequence_number).map_err(from_iceberg)
    })
}

fn sequence(entry: &Found) -> Result<i64> {
    entry.sequence_number().ok_or_else(|| incomplete(entry))
}

fn incomplete(entry: &Found) -> Error {
    Error::new(ErrorKind::Corrupt, "a manifest does not say when its file was added").with("file", entry.file_path())
}
