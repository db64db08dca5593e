//! What a commit does to the files of a table, and the manifests that follow from it.

use std::collections::{HashMap, HashSet};

use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, ManifestContentType, ManifestEntryRef, ManifestFile, ManifestWriter, ManifestWriterBuilder, Schema,
    TableMetadata,
};
use worldstore_core::{Error, ErrorKind, Result};

use crate::error::from_iceberg;
use crate::files::{entries, manifests};

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
    /// The path of the one manifest that a commit writes at most.
    pub path: String,
}

/// Finds out which manifests the snapshot has, and writes the new one among them. `written` gets its path.
///
/// # Errors
/// `Conflict` if a file that shall be replaced is not there any more.
pub(crate) async fn list(desk: &Desk<'_>, edit: Edit<'_>, written: &mut Vec<String>) -> Result<Listed> {
    let before: Vec<ManifestFile> = match desk.base.current_snapshot() {
        Some(parent) => {
            manifests(desk.io, parent, desk.base.format_version()).await?.consume_entries().into_iter().collect()
        }
        None => Vec::new(),
    };
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

async fn replace(
    desk: &Desk<'_>,
    before: Vec<ManifestFile>,
    replacement: Replacement<'_>,
    written: &mut Vec<String>,
) -> Result<Listed> {
    let (ours, mut manifests): (Vec<_>, Vec<_>) = before.into_iter().partition(|each| desk.is_ours(each));
    let mut writer = desk.writer(written)?;
    let mut removed = Vec::new();
    for manifest in ours {
        let (gone, stay): (Vec<_>, Vec<_>) = entries(desk.io, manifest)
            .await?
            .into_iter()
            .partition(|entry| replacement.removed.contains(entry.file_path()));
        carry(&mut writer, &stay)?;
        for entry in gone {
            let file = entry.data_file().clone();
            let (seq, file_seq) = (sequence(&entry)?, entry.file_sequence_number);
            writer.add_delete_file(file.clone(), seq, file_seq).map_err(from_iceberg)?;
            removed.push(file);
        }
    }
    if removed.len() != replacement.removed.len() {
        return Err(Error::new(ErrorKind::Conflict, "another change removed the files that were to be replaced"));
    }
    add(&mut writer, replacement.added)?;
    manifests.push(writer.write_manifest_file().await.map_err(from_iceberg)?);
    Ok(Listed { manifests, removed })
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
        let (schema, spec) = (self.base.current_schema().clone(), self.base.default_partition_spec().as_ref().clone());
        let output = self.io.new_output(&self.path).map_err(from_iceberg)?;
        written.push(self.path.clone());
        Ok(ManifestWriterBuilder::new(output, Some(self.snapshot_id), schema, spec).build_v2_data())
    }
}

fn add(writer: &mut ManifestWriter, files: &[DataFile]) -> Result<()> {
    // No sequence number: the files inherit that of the commit.
    files.iter().try_for_each(|file| writer.add_file(file.clone(), -1)).map_err(from_iceberg)
}

/// Carries files over as they are.
fn carry(writer: &mut ManifestWriter, entries: &[ManifestEntryRef]) -> Result<()> {
    entries.iter().try_for_each(|entry| {
        let snapshot = entry.snapshot_id().ok_or_else(|| incomplete(entry))?;
        let (file, seq) = (entry.data_file().clone(), sequence(entry)?);
        writer.add_existing_file(file, snapshot, seq, entry.file_sequence_number).map_err(from_iceberg)
    })
}

fn sequence(entry: &ManifestEntryRef) -> Result<i64> {
    entry.sequence_number().ok_or_else(|| incomplete(entry))
}

fn incomplete(entry: &ManifestEntryRef) -> Error {
    Error::new(ErrorKind::Corrupt, "a manifest does not say when its file was added").with("file", entry.file_path())
}
