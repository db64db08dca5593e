//! A catalog that was lost: noticed, and made again from the metadata files of the tables.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use iceberg::spec::TableMetadata;
use uuid::Uuid;
use worldstore_core::table::{TableInfo, TableName};
use worldstore_core::{Error, ErrorKind, ListOptions, Prefix, Result};

use crate::error::{from_iceberg, of_table};
use crate::files::manifests;
use crate::state::State;
use crate::tables::IcebergTables;
use crate::upkeep::serial;

/// What became of the tables of a lost catalog.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CatalogRecovery {
    /// Those that the catalog knows again.
    pub tables: Vec<RecoveredTable>,
    /// Those whose newest metadata cannot be told from files alone: [`IcebergTables::adopt`] enters one by hand.
    pub unclear: Vec<UnclearTable>,
}

/// A table that was entered again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredTable {
    /// Its name.
    pub table: TableName,
    /// The location of its newest metadata file.
    pub metadata: String,
    /// Its newest version.
    pub version: u64,
    /// The watermark of its rows.
    pub watermark: u64,
}

/// A table that was not entered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnclearTable {
    /// Its name.
    pub table: TableName,
    /// The locations of the metadata files that may be its newest.
    pub candidates: Vec<String>,
    /// Why none of them was taken.
    pub reason: &'static str,
}

impl IcebergTables {
    /// Checks that no tables lie there whose catalog is gone. Asks the backend only if there is no catalog.
    ///
    /// # Errors
    /// `Corrupt` if there are.
    pub(crate) async fn expect_catalog(&self) -> Result<()> {
        if self.catalog().exists().await? {
            return Ok(());
        }
        let folder = self.folder()?;
        let page = self.root().backend.list(&folder, &ListOptions::default().with_limit(1)).await?;
        // Another process may just have made its first table.
        if page.objects.is_empty() || self.catalog().exists().await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Corrupt, "the catalog is missing but its tables are there, recover it")
            .with("catalog", format!("{:?}", self.config().catalog))
            .with("folder", folder))
    }

    /// Enters all tables whose files are there into the catalog, which is made if it is missing; those that it knows stay
    /// as they are. Nobody else may write meanwhile.
    ///
    /// The newest metadata file of a table is the one with the highest number in its name. A commit of whose success its
    /// writer never heard then counts, with its watermark; one that surely lost has deleted its files. Where files of a
    /// table that was removed are left beside those of another of its name, nothing tells which of the two was the last:
    /// such a table is [unclear](CatalogRecovery::unclear). Fences that were claimed are forgotten with the catalog.
    ///
    /// # Errors
    /// Those of the backend and of the catalog. A table that is damaged is [unclear](CatalogRecovery::unclear).
    pub async fn recover_catalog(&self) -> Result<CatalogRecovery> {
        self.catalog().make().await?;
        let known = self.catalog().list().await?;
        let mut recovery = CatalogRecovery::default();
        for folder in self.folders(&self.folder()?).await? {
            let name = folder.as_str().rsplit('/').next().unwrap_or_default();
            // Folders whose names are no table names are another program's.
            let Ok(table) = TableName::new(name) else { continue };
            if known.contains(&table) {
                continue;
            }
            match self.newest(&table, &folder).await? {
                Newest::None => {}
                Newest::Unclear(unclear) => recovery.unclear.push(unclear),
                Newest::Found(state) => {
                    self.catalog().enter(&table, &state.pointer).await?;
                    let (version, watermark) = (state.version(), state.marks.watermark);
                    recovery.tables.push(RecoveredTable { table, metadata: state.pointer.clone(), version, watermark });
                }
            }
        }
        Ok(recovery)
    }

    /// Enters a table by the location of its newest metadata file.
    ///
    /// # Errors
    /// `AlreadyExists` if the catalog knows the table, `Corrupt` if the file or the snapshot in it cannot be read.
    pub async fn adopt(&self, table: &TableName, metadata: &str) -> Result<TableInfo> {
        let adopted = async {
            let state = State::load(self.io(), table, metadata.to_owned()).await?;
            if let Some(snapshot) = state.snapshot(None)? {
                manifests(self.io(), &snapshot, state.metadata.format_version()).await?;
            }
            self.catalog().make().await?;
            self.catalog().enter(table, metadata).await?;
            let state = Arc::new(state);
            self.forget_held(table);
            self.newest_info(table, &state).await
        };
        adopted.await.map_err(|error| of_table(error, table))
    }

    async fn folders(&self, below: &Prefix) -> Result<Vec<Prefix>> {
        let (mut folders, mut options) = (Vec::new(), ListOptions::default().one_level());
        loop {
            let page = self.root().backend.list(below, &options).await?;
            folders.extend(page.folders);
            match page.next {
                Some(token) => options = options.with_token(token),
                None => return Ok(folders),
            }
        }
    }

    /// The newest of a table's metadata files, by the numbers that their names begin with.
    async fn newest(&self, table: &TableName, folder: &Prefix) -> Result<Newest> {
        let mut by_serial: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let mut options = ListOptions::default().one_level();
        loop {
            let page = self.root().backend.list(&folder.join("metadata")?, &options).await?;
            for object in page.objects {
                if let Some(serial) = serial(object.key.name()) {
                    let location = format!("{}/{}", self.root().location, object.key);
                    by_serial.entry(serial).or_default().push(location);
                }
            }
            match page.next {
                Some(token) => options = options.with_token(token),
                None => break,
            }
        }
        let Some((_, candidates)) = by_serial.pop_last() else { return Ok(Newest::None) };
        let mut newest = self.of_tables(&candidates, by_serial).await?;
        if newest.len() > 1 {
            newest.sort();
            let reason = "the folder has metadata files of several tables";
            return Ok(Newest::Unclear(UnclearTable { table: table.clone(), candidates: newest, reason }));
        }
        let mut whole = Vec::new();
        for candidate in &candidates {
            whole.extend(self.whole(table, candidate).await?);
        }
        let unclear = |reason| Newest::Unclear(UnclearTable { table: table.clone(), candidates, reason });
        Ok(match (whole.pop(), whole.is_empty()) {
            (Some(state), true) => Newest::Found(Box::new(state)),
            (Some(_), false) => unclear("several metadata files have the highest number"),
            (None, _) => unclear("the newest metadata file cannot be read, or its snapshot cannot"),
        })
    }

    /// The newest metadata file of each table that has some here: of those with the highest number, and of others. One
    /// that cannot be read tells nothing.
    async fn of_tables(&self, newest: &[String], others: BTreeMap<u64, Vec<String>>) -> Result<Vec<String>> {
        let mut tables: HashMap<Uuid, String> = HashMap::new();
        let mut named: HashSet<String> = HashSet::new();
        for location in newest.iter().chain(others.values().rev().flatten()) {
            // What the newest ones have in their logs is of the same tables.
            if named.contains(location) {
                continue;
            }
            match TableMetadata::read_from(self.io(), location).await.map_err(from_iceberg) {
                Ok(metadata) => {
                    named.extend(metadata.metadata_log().iter().map(|entry| entry.metadata_file.clone()));
                    tables.entry(metadata.uuid()).or_insert_with(|| location.clone());
                }
                Err(error) if is_damage(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(tables.into_values().collect())
    }

    /// The state in a metadata file; none if it is damaged, or if its snapshot is not there.
    async fn whole(&self, table: &TableName, location: &str) -> Result<Option<State>> {
        let damaged = |error: Error| if is_damage(&error) { Ok(None) } else { Err(error) };
        let state = match State::load(self.io(), table, location.to_owned()).await {
            Ok(state) => state,
            Err(error) => return damaged(error),
        };
        match state.snapshot(None)? {
            None => Ok(Some(state)),
            Some(snapshot) => match manifests(self.io(), &snapshot, state.metadata.format_version()).await {
                Ok(_) => Ok(Some(state)),
                Err(error) => damaged(error),
            },
        }
    }
}

/// Whether a file is at fault, not the way to it.
fn is_damage(error: &Error) -> bool {
    let damage = [ErrorKind::Corrupt, ErrorKind::NotFound, ErrorKind::Unsupported, ErrorKind::Unexpected];
    damage.contains(&error.kind())
}

/// What the files of a table tell.
enum Newest {
    /// It has no metadata: it is no table.
    None,
    Found(Box<State>),
    Unclear(UnclearTable),
}
