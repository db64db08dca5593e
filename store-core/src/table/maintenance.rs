//! Arguments and results of what keeps tables in shape: columns, compaction, expiry, removal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::predicate::Predicate;
use crate::error::{Error, Result};
use crate::key::Key;

/// A change of a table's columns. Rows that are there stay readable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnChange {
    /// New columns at the end, all of them nullable: rows that are there have null in them.
    Add(Vec<Field>),
    /// Another name for a column, at all rows.
    Rename {
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
}

impl ColumnChange {
    /// The columns after the change.
    ///
    /// # Errors
    /// `Invalid` for no column or one that is not nullable, a name that is taken, or one that is not there.
    pub fn apply(&self, schema: &Schema) -> Result<SchemaRef> {
        let taken = |name: &str| Error::invalid("there is a column of that name").with("column", name);
        let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        match self {
            Self::Add(added) if added.is_empty() => return Err(Error::invalid("no column to add")),
            Self::Add(added) => {
                for field in added {
                    if !field.is_nullable() {
                        let message = "a new column must be nullable, for rows that are there have no value in it";
                        return Err(Error::invalid(message).with("column", field.name()));
                    }
                    if fields.iter().any(|existing| existing.name() == field.name()) {
                        return Err(taken(field.name()));
                    }
                    fields.push(field.clone());
                }
            }
            Self::Rename { from, to } => {
                if fields.iter().any(|field| field.name() == to) {
                    return Err(taken(to));
                }
                let field = fields.iter_mut().find(|field| field.name() == from);
                field.ok_or_else(|| Error::invalid("unknown column").with("column", from))?.set_name(to);
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}

/// Options of [`evolve`](super::TableBackend::evolve).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EvolveOptions {
    /// What changes.
    pub change: ColumnChange,
}

impl EvolveOptions {
    /// Adds columns at the end. They must be nullable.
    pub fn add(fields: Vec<Field>) -> Self {
        Self { change: ColumnChange::Add(fields) }
    }

    /// Gives a column another name.
    pub fn rename(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { change: ColumnChange::Rename { from: from.into(), to: to.into() } }
    }
}

impl From<ColumnChange> for EvolveOptions {
    fn from(change: ColumnChange) -> Self {
        Self { change }
    }
}

/// Options of [`compact`](super::TableBackend::compact).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CompactOptions {
    /// Rows that a file shall have. Default 1,000,000.
    pub file_rows: usize,
    /// Rows for which this is true are left out of the new version. None by default.
    pub drop: Option<Predicate>,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self { file_rows: 1_000_000, drop: None }
    }
}

impl CompactOptions {
    /// Sets the rows that a file shall have.
    #[must_use]
    pub fn with_file_rows(mut self, rows: usize) -> Self {
        self.file_rows = rows;
        self
    }

    /// Leaves out rows for which the predicate is true.
    #[must_use]
    pub fn with_drop(mut self, predicate: Predicate) -> Self {
        self.drop = Some(predicate);
        self
    }
}

impl CompactOptions {
    /// Checks what can be checked without a table.
    ///
    /// # Errors
    /// `Invalid` for files of no rows.
    pub fn check(&self) -> Result<()> {
        match self.file_rows {
            0 => Err(Error::invalid("a file must have rows")),
            _ => Ok(()),
        }
    }

    /// Checks that a table has the columns of the predicate.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there, or a type that cannot be compared.
    pub fn check_columns(&self, schema: &SchemaRef) -> Result<()> {
        self.kept(&RecordBatch::new_empty(schema.clone())).map(|_| ())
    }

    /// The rows of a batch that stay: all for which the predicate is not true.
    ///
    /// # Errors
    /// As for [`Predicate::evaluate`].
    pub fn kept(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let Some(drop) = &self.drop else { return Ok(batch.clone()) };
        let goes = drop.evaluate(batch)?;
        let stays: BooleanArray = goes.iter().map(|goes| Some(goes != Some(true))).collect();
        filter_record_batch(batch, &stays)
            .map_err(|source| Error::unexpected("rows could not be filtered").caused_by(source))
    }
}

/// What a compaction achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// The newest version afterwards: a new one, or the one before if there was nothing to do.
    pub version: u64,
    /// Data files that the version before had.
    pub files_before: u64,
    /// Data files that the version has.
    pub files_after: u64,
    /// Rows that were left out.
    pub dropped_rows: u64,
}

impl Compaction {
    /// Puts the parts together.
    pub fn new(version: u64, files_before: u64, files_after: u64, dropped_rows: u64) -> Self {
        Self { version, files_before, files_after, dropped_rows }
    }
}

/// Options of [`expire`](super::TableBackend::expire).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpireOptions {
    /// So many of the newest versions stay, 1 at least. Default 1.
    pub keep: usize,
    /// Versions that were committed at this time or later stay too.
    pub since: Option<SystemTime>,
    /// These versions stay too: those that someone has pinned.
    pub retain: Vec<u64>,
    /// These objects stay, whichever version had them: those that a published state names. What a version is made of may be
    /// told differently later, as with Iceberg's metadata files, of which each has all versions before it.
    pub retain_files: BTreeSet<Key>,
    /// Tells what would go, and changes nothing.
    pub dry_run: bool,
}

impl Default for ExpireOptions {
    fn default() -> Self {
        Self { keep: 1, since: None, retain: Vec::new(), retain_files: BTreeSet::new(), dry_run: false }
    }
}

impl ExpireOptions {
    /// Keeps so many of the newest versions.
    #[must_use]
    pub fn with_keep(mut self, versions: usize) -> Self {
        self.keep = versions;
        self
    }

    /// Keeps versions that were committed at this time or later.
    #[must_use]
    pub fn with_since(mut self, time: SystemTime) -> Self {
        self.since = Some(time);
        self
    }

    /// Keeps these versions.
    #[must_use]
    pub fn with_retain(mut self, versions: impl IntoIterator<Item = u64>) -> Self {
        self.retain = versions.into_iter().collect();
        self
    }

    /// Keeps these objects.
    #[must_use]
    pub fn with_retain_files(mut self, files: impl IntoIterator<Item = Key>) -> Self {
        self.retain_files = files.into_iter().collect();
        self
    }

    /// Changes nothing.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Which of these versions go: number and time of commit in milliseconds since 1970, oldest first.
    ///
    /// # Errors
    /// `Invalid` if no version would stay.
    pub fn expired(&self, versions: &[(u64, i64)]) -> Result<Vec<u64>> {
        if self.keep == 0 {
            return Err(Error::invalid("the newest version cannot expire, keep 1 at least"));
        }
        let since = self.since.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis());
        let is_late = |committed_ms: i64| since.is_some_and(|since| i128::from(committed_ms) >= since as i128);
        let old = &versions[..versions.len().saturating_sub(self.keep)];
        let goes = |(version, ms): &&(u64, i64)| !self.retain.contains(version) && !is_late(*ms);
        Ok(old.iter().filter(goes).map(|(version, _)| *version).collect())
    }
}

/// What an expiry achieved, or would.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Expiry {
    /// Versions that cannot be read any more, oldest first.
    pub versions: Vec<u64>,
    /// Objects that were deleted.
    pub files: u64,
    /// Their bytes, as far as known.
    pub bytes: u64,
}

impl Expiry {
    /// Puts the parts together.
    pub fn new(versions: Vec<u64>, files: u64, bytes: u64) -> Self {
        Self { versions, files, bytes }
    }
}

/// Options of [`files`](super::TableBackend::files).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FilesOptions {
    /// The version; the latest by default.
    pub version: Option<u64>,
}

impl FilesOptions {
    /// The files of this version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

/// An object that a version is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TableFile {
    /// Its key in the byte store under the tables.
    pub key: Key,
    /// What is in it.
    pub role: FileRole,
}

/// What a file of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRole {
    /// Rows.
    Data,
    /// What says which rows and columns there are.
    Metadata,
}

impl TableFile {
    /// Puts the parts together.
    pub fn new(key: Key, role: FileRole) -> Self {
        Self { key, role }
    }
}

/// Options of [`remove`](super::TableBackend::remove).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RemoveTableOptions {}
