//! A table as the catalog has it: metadata, columns, snapshots as versions, and the watermark with its check.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use iceberg::io::FileIO;
use iceberg::spec::{FormatVersion, Schema as IcebergSchema, Snapshot, SnapshotRef, TableMetadata};
use worldstore_core::table::{TableName, TableVersion};
use worldstore_core::{Error, ErrorKind, Result};

use crate::dated::dated;
use crate::error::from_iceberg;
use crate::types::{Column, columns, to_iceberg_schema};

/// The key, in the table's properties and in the summary of its snapshots, that holds the watermark: the last sequence
/// number of the table's rows.
pub const WATERMARK_KEY: &str = "worldstore.watermark";

/// The key, in the same places, that holds the epoch of the last writer that gave one.
pub const EPOCH_KEY: &str = "worldstore.epoch";

/// What a table remembers of its writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub watermark: u64,
    pub epoch: u64,
}

impl Marks {
    fn of(properties: &HashMap<String, String>) -> Result<Self> {
        let watermark = mark_in(properties, WATERMARK_KEY)?.unwrap_or(0);
        Ok(Self { watermark, epoch: mark_in(properties, EPOCH_KEY)?.unwrap_or(0) })
    }

    /// The marks as properties of a table.
    pub fn properties(self) -> HashMap<String, String> {
        let mut properties = HashMap::from([(WATERMARK_KEY.to_owned(), self.watermark.to_string())]);
        if self.epoch > 0 {
            properties.insert(EPOCH_KEY.to_owned(), self.epoch.to_string());
        }
        properties
    }
}

/// The columns of a table at one version.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub columns: Vec<Column>,
    pub schema: SchemaRef,
}

impl Columns {
    /// Whether a name is that of the same column here and there.
    pub fn has_as(&self, other: &Self, name: &str) -> bool {
        let id = |all: &Self| all.columns.iter().find(|column| column.field.name() == name).map(|column| column.id);
        id(self) == id(other)
    }

    /// Those that a new table of this Arrow schema would have.
    ///
    /// # Errors
    /// `Unsupported` for a type that cannot be stored unchanged; `Invalid` for names that occur twice.
    pub fn of_arrow(schema: &Schema) -> Result<Self> {
        let (made, properties) = to_iceberg_schema(schema)?;
        Self::new(&made, &properties)
    }

    /// The newest ones of a table.
    pub fn of_metadata(metadata: &TableMetadata) -> Result<Self> {
        Self::new(metadata.current_schema(), metadata.properties())
    }

    fn new(schema: &IcebergSchema, properties: &HashMap<String, String>) -> Result<Self> {
        let columns = columns(schema, properties)?;
        let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
        Ok(Self { columns, schema: Arc::new(Schema::new(fields)) })
    }
}

/// One state of a table: what one metadata file says.
#[derive(Debug)]
pub(crate) struct State {
    /// Where the metadata file is.
    pub pointer: String,
    /// The version of Iceberg's format that it says.
    pub format: FormatVersion,
    pub metadata: TableMetadata,
    pub columns: Vec<Column>,
    pub schema: SchemaRef,
    pub marks: Marks,
}

impl State {
    /// Reads a metadata file and checks it.
    ///
    /// # Errors
    /// `Corrupt` if it is missing or damaged, or if the table was rolled back.
    pub async fn load(io: &FileIO, table: &TableName, pointer: String) -> Result<Self> {
        let metadata = TableMetadata::read_from(io, &pointer).await.map_err(from_iceberg)?;
        let state = Self::new(metadata, pointer)?;
        state.check(table)?;
        Ok(state)
    }

    /// A state that was just written, or read.
    pub fn new(metadata: TableMetadata, pointer: String) -> Result<Self> {
        let (format, metadata) = (metadata.format_version(), dated(metadata)?);
        let Columns { columns, schema } = Columns::of_metadata(&metadata)?;
        let marks = Marks::of(metadata.properties())?;
        Ok(Self { pointer, format, metadata, columns, schema, marks })
    }

    /// The property lives through a rollback, the current snapshot does not: a difference betrays it. Where no snapshot has
    /// a mark any more, a current one that is not the last that was made does.
    ///
    /// # Errors
    /// `Corrupt` if the table was rolled back.
    pub fn check(&self, table: &TableName) -> Result<()> {
        let nearest = self.nearest_watermark(self.metadata.current_snapshot())?;
        if nearest.unwrap_or(0) != self.marks.watermark {
            return Err(rolled_back(table)
                .with("property", self.marks.watermark)
                .with("snapshot", nearest.map_or_else(|| "none".to_owned(), |nearest| nearest.to_string())));
        }
        if let Some(current) = self.metadata.current_snapshot()
            && mark_in(&current.summary().additional_properties, WATERMARK_KEY)?.is_none()
        {
            tracing::warn!(target: "worldstore", %table, snapshot = current.snapshot_id(), "another program changed the table");
        }
        Ok(())
    }

    /// The watermark of the nearest snapshot, from this one back, that has one, or had one before it was let go.
    fn nearest_watermark(&self, from: Option<&SnapshotRef>) -> Result<Option<u64>> {
        for snapshot in self.lineage(from) {
            if let Some(watermark) = mark_in(&snapshot.summary().additional_properties, WATERMARK_KEY)? {
                return Ok(Some(watermark));
            }
        }
        Ok(self.outlives_marks(from)?.then_some(self.marks.watermark))
    }

    /// Whether a snapshot continues those of ours that another program let expire, so that the properties alone have their
    /// marks: no snapshot has any, those that the current one begins with are gone, and none was made after it that a
    /// rollback would have left behind.
    fn outlives_marks(&self, from: Option<&SnapshotRef>) -> Result<bool> {
        let current = self.metadata.current_snapshot();
        let newest = current.map(|current| current.sequence_number());
        if newest != Some(self.metadata.last_sequence_number()) {
            return Ok(false);
        }
        for snapshot in self.metadata.snapshots() {
            if mark_in(&snapshot.summary().additional_properties, WATERMARK_KEY)?.is_some() {
                return Ok(false);
            }
        }
        // Some programs take out the parent's id with the parent.
        let is_continued = |oldest: &SnapshotRef| oldest.parent_snapshot_id().is_some() || number(oldest) > 1;
        let from = from.map(|from| from.snapshot_id());
        let is_later = self.lineage(current).any(|snapshot| Some(snapshot.snapshot_id()) == from);
        Ok(is_later && self.lineage(current).last().is_some_and(is_continued))
    }

    /// A snapshot and those before it, newest first, as far as they are kept.
    fn lineage<'state>(&'state self, from: Option<&'state SnapshotRef>) -> impl Iterator<Item = &'state SnapshotRef> {
        let parent = |snapshot: &&SnapshotRef| self.metadata.snapshot_by_id(snapshot.parent_snapshot_id()?);
        // Damaged metadata could go round in circles.
        std::iter::successors(from, parent).take(self.metadata.snapshots().len())
    }

    /// The snapshots that the current one continues, oldest first, as far as they are kept: its lineage, and behind a
    /// gap that expiry has made those that are older than it.
    pub fn kept(&self) -> Vec<&SnapshotRef> {
        let mut kept: Vec<&SnapshotRef> = self.lineage(self.metadata.current_snapshot()).collect();
        let oldest = kept.last().copied();
        // Some programs take out the parent's id with the parent.
        if let Some(oldest) = oldest {
            let before: Vec<_> = self.metadata.snapshots().filter(|each| number(each) < number(oldest)).collect();
            kept.extend(before);
        }
        kept.sort_by_key(|snapshot| number(snapshot));
        kept
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.metadata.current_snapshot().map_or(0, |snapshot| number(snapshot))
    }

    /// The snapshot of a version, the latest by default; none for the empty table.
    ///
    /// # Errors
    /// `NotFound` if the table never had this version, or no longer has it.
    pub fn snapshot(&self, version: Option<u64>) -> Result<Option<SnapshotRef>> {
        let current = self.metadata.current_snapshot();
        match version {
            None => Ok(current.cloned()),
            // The newest first: one from before a table was of format version 2 has no number.
            Some(version) if version == self.version() => Ok(current.cloned()),
            Some(0) => Ok(None),
            Some(version) => match self.kept().into_iter().find(|snapshot| number(snapshot) == version) {
                Some(snapshot) => Ok(Some(Arc::clone(snapshot))),
                None => Err(Error::not_found("no such version").with("version", version)),
            },
        }
    }

    /// The columns in which a version is read. Those of the newest version are the newest ones, even if another program
    /// changed them without a snapshot.
    pub fn columns_at(&self, snapshot: Option<&SnapshotRef>) -> Result<Columns> {
        match snapshot.map(|snapshot| snapshot.snapshot_id()) == self.metadata.current_snapshot_id() {
            true => Ok(self.newest_columns()),
            false => self.own_columns(snapshot),
        }
    }

    /// The columns that a version was made with; the newest where it does not say.
    pub fn own_columns(&self, snapshot: Option<&SnapshotRef>) -> Result<Columns> {
        let schema = match snapshot {
            None => self.metadata.schemas_iter().min_by_key(|schema| schema.schema_id()).cloned(),
            Some(snapshot) => snapshot.schema_id().and_then(|id| self.metadata.schema_by_id(id)).cloned(),
        };
        match schema {
            Some(schema) => Columns::new(&schema, self.metadata.properties()),
            None => Ok(self.newest_columns()),
        }
    }

    fn newest_columns(&self) -> Columns {
        Columns { columns: self.columns.clone(), schema: Arc::clone(&self.schema) }
    }

    /// The watermark at a snapshot.
    pub fn watermark_at(&self, snapshot: Option<&SnapshotRef>) -> Result<u64> {
        Ok(self.nearest_watermark(snapshot)?.unwrap_or(0))
    }

    /// The epoch at a snapshot: that of the nearest one, from this one back, that has one, or had one before it was let go.
    pub fn epoch_at(&self, snapshot: Option<&SnapshotRef>) -> Result<u64> {
        for snapshot in self.lineage(snapshot) {
            if let Some(epoch) = mark_in(&snapshot.summary().additional_properties, EPOCH_KEY)? {
                return Ok(epoch);
            }
        }
        Ok(if self.outlives_marks(snapshot)? { self.marks.epoch } else { 0 })
    }

    /// The snapshot that the watermark is taken from: it must be kept as long as it is the nearest.
    pub fn marked(&self) -> Result<Option<&SnapshotRef>> {
        for snapshot in self.lineage(self.metadata.current_snapshot()) {
            if mark_in(&snapshot.summary().additional_properties, WATERMARK_KEY)?.is_some() {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    /// The ids of the snapshots that branches and tags name.
    ///
    /// # Errors
    /// `Unexpected` if the metadata cannot be written down.
    pub fn named(&self) -> Result<HashSet<i64>> {
        // Iceberg's own types tell what a name stands for, and not which names there are.
        let written = serde_json::to_value(&self.metadata)
            .map_err(|source| Error::unexpected("metadata cannot be written").caused_by(source))?;
        let names = written.get("refs").and_then(serde_json::Value::as_object);
        let id = |name: &serde_json::Value| name.get("snapshot-id").and_then(serde_json::Value::as_i64);
        Ok(names.into_iter().flat_map(|names| names.values()).filter_map(id).collect())
    }

    /// The versions that are kept, oldest first. Version 0 is the empty table, at the earliest time that is known.
    pub fn history(&self) -> Result<Vec<TableVersion>> {
        let snapshots = self.kept();
        let logged = self.metadata.metadata_log().iter().map(|entry| entry.timestamp_ms);
        let committed = snapshots.iter().map(|snapshot| snapshot.timestamp_ms());
        let created_ms = logged.chain(committed).chain([self.metadata.last_updated_ms()]).min().unwrap_or(0);
        let mut history = vec![TableVersion::new(0, 0, created_ms)];
        // Those from before a table was of format version 2 have no number.
        for snapshot in snapshots.into_iter().filter(|snapshot| number(snapshot) > 0) {
            let watermark = self.watermark_at(Some(snapshot))?;
            history.push(TableVersion::new(number(snapshot), watermark, snapshot.timestamp_ms()));
        }
        Ok(history)
    }

    /// Whether `later` can follow this state: the same table, and not gone back. In format version 1 nothing tells.
    pub fn precedes(&self, later: &Self) -> bool {
        self.format == FormatVersion::V1
            || self.metadata.uuid() != later.metadata.uuid()
            || self.metadata.last_sequence_number() <= later.metadata.last_sequence_number()
    }
}

/// The error for a table that another program changed under its watermark.
pub(crate) fn rolled_back(table: &TableName) -> Error {
    Error::new(ErrorKind::Corrupt, "the table was rolled back or changed by another program").with("table", table)
}

/// A snapshot's version.
pub(crate) fn number(snapshot: &Snapshot) -> u64 {
    snapshot.sequence_number().unsigned_abs()
}

fn mark_in(properties: &HashMap<String, String>, key: &'static str) -> Result<Option<u64>> {
    let parse = |text: &String| {
        text.parse().map_err(|source| {
            Error::new(ErrorKind::Corrupt, "mark of the table is no number")
                .with("property", key)
                .with("value", text)
                .caused_by(source)
        })
    };
    properties.get(key).map(parse).transpose()
}
