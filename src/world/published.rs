//! The published states of a world, as its chain of manifests tells them.

use std::collections::BTreeMap;

use worldstore_cache::{manifest_seq, manifest_tables};
use worldstore_core::blocks::Hash;
use worldstore_core::manifest::{Manifest, Stored};
use worldstore_core::table::{DescribeOptions, TableInfo, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use super::World;
use super::open::blocking;

/// A state that was published: all tables at one sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedState {
    /// Its number in the chain, from 1.
    pub number: u64,
    /// When it was published: milliseconds since 1970 by its writer's clock.
    pub created_ms: u64,
    /// Everything up to this sequence number is in it.
    pub seq: u64,
    /// How often a writer had taken the world over.
    pub epoch: u64,
    /// Rows of all tables; none if nobody has said so.
    pub rows: Option<u64>,
    /// The tables, with what became of each since the state before; none where that is expired.
    pub tables: BTreeMap<TableName, PublishedTable>,
    /// Tables that the state before had, and this one does not.
    pub removed: Vec<TableName>,
    /// Names of the snapshots and leases that keep it.
    pub pins: Vec<String>,
}

/// A table in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedTable {
    /// Its version.
    pub version: u64,
    /// The last sequence number in it.
    pub watermark: u64,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What became of it since the state before; none where that is expired.
    pub change: Option<TableChange>,
    content: Hash,
}

/// What became of a table from one state to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableChange {
    /// Nothing.
    Same,
    /// It is new.
    Added,
    /// It has other rows or columns.
    Changed,
    /// It has the same rows in other files.
    Compacted,
}

impl World {
    /// The states that are kept, oldest first: the newest ones, and those that snapshots and leases keep.
    ///
    /// # Errors
    /// `Corrupt` if a manifest is damaged; those of the byte store.
    pub async fn states(&self) -> Result<Vec<PublishedState>> {
        let manifests = self.manifests().clone();
        blocking(move || {
            let newest = manifests.latest()?;
            let mut states: Vec<PublishedState> = Vec::new();
            for number in newest.retained() {
                let stored = match manifests.at(number) {
                    // Expired meanwhile.
                    Err(error) if error.is_not_found() => continue,
                    found => found?,
                };
                let before = states.last().filter(|before| before.number + 1 == number);
                states.push(PublishedState::new(&stored, before, &newest)?);
            }
            Ok(states)
        })
        .await
    }

    /// A table at a version that a state names, which may be newer than what this world reads.
    ///
    /// # Errors
    /// `NotFound` for the table or the version; those of the byte store.
    pub async fn table_at(&self, table: &TableName, version: u64) -> Result<TableInfo> {
        self.inner.versions.describe(table, &DescribeOptions::default().with_version(version)).await
    }

    /// The newest state as it is published now, which may be newer than what this world reads.
    ///
    /// # Errors
    /// As for [`states`](Self::states).
    pub async fn newest_published(&self) -> Result<PublishedState> {
        let manifests = self.manifests().clone();
        blocking(move || {
            let newest = manifests.latest()?;
            PublishedState::new(&newest, None, &newest)
        })
        .await
    }
}

impl PublishedState {
    fn new(stored: &Stored, before: Option<&Self>, newest: &Manifest) -> Result<Self> {
        let manifest = &stored.manifest;
        let mut tables = BTreeMap::new();
        for (name, version) in manifest_tables(manifest)? {
            let entry = manifest.entry(&format!("table/{name}"));
            let entry = entry.ok_or_else(|| Error::unexpected("a table has no entry").with("table", &name))?;
            let mut table = PublishedTable {
                version,
                watermark: entry.watermark,
                files: entry.files.len() as u64,
                bytes: entry.files.iter().map(|file| file.length).sum(),
                change: None,
                content: entry.content,
            };
            table.change = before.map(|before| table.since(before.tables.get(&name)));
            tables.insert(name, table);
        }
        let removed = before.map(|before| before.tables.keys().filter(|name| !tables.contains_key(*name)).cloned());
        let pins = newest.pins.iter().filter(|(_, pin)| pin.number == manifest.number);
        Ok(Self {
            number: manifest.number,
            created_ms: manifest.created_ms,
            seq: manifest_seq(manifest)?,
            epoch: manifest.epoch,
            rows: rows_of(manifest)?,
            removed: removed.into_iter().flatten().collect(),
            tables,
            pins: pins.map(|(name, _)| name.clone()).collect(),
        })
    }
}

impl PublishedState {
    /// Whether both have the same tables at the same versions.
    pub(super) fn has_tables_of(&self, other: &Self) -> bool {
        let same = |(one, other): ((&TableName, &PublishedTable), (&TableName, &PublishedTable))| {
            (one.0, one.1.version, one.1.content) == (other.0, other.1.version, other.1.content)
        };
        self.tables.len() == other.tables.len() && self.tables.iter().zip(&other.tables).all(same)
    }
}

impl PublishedTable {
    fn since(&self, before: Option<&Self>) -> TableChange {
        match before {
            None => TableChange::Added,
            Some(before) if before.content != self.content => TableChange::Changed,
            Some(before) if before.version != self.version => TableChange::Compacted,
            Some(_) => TableChange::Same,
        }
    }
}

fn rows_of(manifest: &Manifest) -> Result<Option<u64>> {
    let Some(text) = manifest.properties.get("rows") else { return Ok(None) };
    let corrupt = |source| {
        Error::new(ErrorKind::Corrupt, "the number of rows of a manifest is none")
            .with("number", manifest.number)
            .with("rows", text)
            .caused_by(source)
    };
    text.parse().map(Some).map_err(corrupt)
}
