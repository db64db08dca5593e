//! What keeps tables in shape: columns, compaction, expiry, removal.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt;
use iceberg::spec::{DataFile, SnapshotRef, Struct};
use worldstore_core::table::{
    ColumnChange, CompactOptions, Compaction, ExpireOptions, Expiry, FileRole, Scan, TableFile, TableInfo, TableName,
};
use worldstore_core::{Error, ErrorKind, Key, ListOptions, Prefix, Result};

use crate::catalog::Swap;
use crate::commit::{check_changeable, discard, unchanged};
use crate::data::DataWriter;
use crate::edit::{Edit, Replacement};
use crate::evolution;
use crate::files::{Found, OfDeletes, data_files, manifests};
use crate::orphans::check_may_delete;
use crate::partition::Specs;
use crate::scan::{Files, read};
use crate::state::{State, number};
use crate::tables::{Attempt, IcebergTables};

/// Files that are deleted with one call.
pub(crate) const DELETE_FILES_MAX: usize = 1_000;

impl IcebergTables {
    pub(crate) async fn change_columns(&self, table: &TableName, change: &ColumnChange) -> Result<TableInfo> {
        self.expect_open(table)?;
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        check_changeable(&state)?;
        let wanted = change.apply(&state.schema)?;
        let columns = evolution::after(&state.metadata, change)?;
        let changed = self.commit(table, &state, Edit::Columns(&columns), None, &|state| Ok(state.marks)).await?;
        match changed.schema == wanted {
            true => self.newest_info(table, &changed).await,
            false => Err(Error::unexpected("the columns are not those that were wanted").with("have", &changed.schema)),
        }
    }

    /// Rewrites small files, and those that may have rows to leave out.
    pub(crate) async fn pack(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        options.check()?;
        self.expect_open(table)?;
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        check_changeable(&state)?;
        options.check_columns(&state.schema)?;
        let all = self.files_of(&state, state.snapshot(None)?).await?;
        let chosen = choose(&state, &all, options)?;
        let files_before = all.len() as u64;
        if chosen.is_empty() {
            return Ok(Compaction::new(state.version(), files_before, files_before, 0));
        }
        let mut data = DataWriter::new(self.io(), &state)?.with_file_rows(options.file_rows);
        let packed = match self.rewrite(&state, &chosen, options, &mut data).await {
            Ok(dropped_rows) => self.replace(table, &state, &chosen, &data.files, dropped_rows).await,
            Err(error) => Err(unchanged(error)),
        };
        let (version, dropped_rows) = self.keep_or_discard(&data.paths, packed).await?;
        if version == state.version() {
            // Nothing was to be left out, and nothing became smaller.
            discard(self.root(), &data.paths).await;
            return Ok(Compaction::new(version, files_before, files_before, 0));
        }
        let files_after = files_before - chosen.len() as u64 + data.files.len() as u64;
        Ok(Compaction::new(version, files_before, files_after, dropped_rows))
    }

    /// Writes the rows that stay into new files, and tells how many did not.
    async fn rewrite(
        &self,
        state: &State,
        chosen: &[Found],
        options: &CompactOptions,
        data: &mut DataWriter<'_>,
    ) -> Result<u64> {
        let columns = state.columns_at(state.metadata.current_snapshot())?;
        let files = Arc::new(Files::new(columns, Specs::new(&state.metadata), &Scan::all(), None)?);
        let mut dropped = 0;
        for found in chosen {
            let mut batches = read(self.source(), Arc::clone(&files), found.clone(), None).await?;
            while let Some(batch) = batches.try_next().await? {
                let kept = options.kept(&batch)?;
                dropped += (batch.num_rows() - kept.num_rows()) as u64;
                data.write(&kept).await?;
            }
        }
        data.close().await?;
        Ok(dropped)
    }

    async fn replace(
        &self,
        table: &TableName,
        state: &Arc<State>,
        chosen: &[Found],
        files: &[DataFile],
        dropped_rows: u64,
    ) -> Result<(u64, u64)> {
        if dropped_rows == 0 && files.len() >= chosen.len() {
            return Ok((state.version(), 0));
        }
        let removed: HashSet<String> = chosen.iter().map(|entry| entry.file_path().to_owned()).collect();
        let replacement = Replacement { removed: &removed, added: files, drops_rows: dropped_rows > 0 };
        let packed = self.commit(table, state, Edit::Replace(replacement), None, &|state| Ok(state.marks)).await?;
        Ok((packed.version(), dropped_rows))
    }

    /// Takes snapshots out of the metadata, and then deletes the files that only they had.
    pub(crate) async fn forget(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        self.expect_open(table)?;
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        check_may_delete(&state)?;
        let mut versions: Vec<_> =
            state.history()?.iter().map(|version| (version.version, version.committed_ms)).collect();
        // The empty table is no snapshot, and takes no room.
        versions.retain(|(version, _)| *version > 0);
        let mut expired = options.expired(&versions)?;
        let marked = state.marked()?.map(|snapshot| number(snapshot));
        let named = state.named()?;
        let is_named = |version: u64| {
            state.metadata.snapshots().any(|each| number(each) == version && named.contains(&each.snapshot_id()))
        };
        expired.retain(|version| Some(*version) != marked && !is_named(*version));
        let (mut gone, ids) = self.only_in(&state, &expired).await?;
        for path in self.old_metadata(&state).await? {
            gone.insert(path, 0);
        }
        for file in &options.retain_files {
            gone.remove(&format!("{}/{file}", self.root().location));
        }
        if !ids.is_empty() && !options.dry_run {
            let left = self.insist(table, &state, None, Attempt::Forget(&ids)).await?;
            // What others have committed meanwhile may have files of the expired versions.
            let is_new = |snapshot: &&SnapshotRef| state.metadata.snapshot_by_id(snapshot.snapshot_id()).is_none();
            for snapshot in left.metadata.snapshots().filter(is_new) {
                let theirs = self.files_in(&left, snapshot).await?;
                gone.retain(|path, _| !theirs.contains_key(path));
            }
        }
        let files: Vec<String> = gone.keys().cloned().collect();
        if !options.dry_run {
            for some in files.chunks(DELETE_FILES_MAX) {
                self.root().delete(some).await?;
            }
        }
        Ok(Expiry::new(expired, files.len() as u64, gone.values().sum()))
    }

    /// The files, with their bytes as far as known, that only these versions have, and the ids of their snapshots.
    async fn only_in(&self, state: &State, versions: &[u64]) -> Result<(BTreeMap<String, u64>, Vec<i64>)> {
        let (mut gone, mut kept, mut ids) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for snapshot in state.metadata.snapshots() {
            let is_gone = versions.contains(&number(snapshot));
            if is_gone {
                ids.push(snapshot.snapshot_id());
            }
            let files = if is_gone { &mut gone } else { &mut kept };
            files.append(&mut self.files_in(state, snapshot).await?);
        }
        gone.retain(|path, _| !kept.contains_key(path));
        Ok((gone, ids))
    }

    /// The files of a version, with their bytes as far as known.
    async fn files_in(&self, state: &State, snapshot: &SnapshotRef) -> Result<BTreeMap<String, u64>> {
        let mut files = BTreeMap::from([(snapshot.manifest_list().to_owned(), 0)]);
        let list = manifests(self.io(), snapshot, state.metadata.format_version()).await?;
        for manifest in list.entries() {
            files.insert(manifest.manifest_path.clone(), u64::try_from(manifest.manifest_length).unwrap_or(0));
        }
        for entry in self.files_of(state, Some(Arc::clone(snapshot))).await? {
            files.insert(entry.file_path().to_owned(), entry.file_size_in_bytes());
        }
        Ok(files)
    }

    /// Metadata files that neither the catalog nor the log of the newest one names. Only those before the newest: what
    /// comes later may be a commit under way.
    async fn old_metadata(&self, state: &State) -> Result<Vec<String>> {
        if !self.catalog().leaves_metadata_to_us() {
            return Ok(Vec::new());
        }
        let (folder, newest) = state.pointer.rsplit_once('/').unwrap_or_default();
        let named: BTreeSet<&str> =
            state.metadata.metadata_log().iter().map(|entry| entry.metadata_file.as_str()).collect();
        let mut options = ListOptions::default().one_level();
        let mut old = Vec::new();
        loop {
            let page = self.root().backend.list(&Prefix::new(self.root().key(folder)?.as_str())?, &options).await?;
            for object in page.objects {
                let (path, name) = (format!("{folder}/{}", object.key.name()), object.key.name());
                let is_before = serial(name).zip(serial(newest)).is_some_and(|(one, other)| one < other);
                if is_before && !named.contains(path.as_str()) {
                    old.push(path);
                }
            }
            match page.next {
                Some(token) => options = options.with_token(token),
                None => return Ok(old),
            }
        }
    }

    pub(crate) async fn files_at(&self, table: &TableName, version: Option<u64>) -> Result<Vec<TableFile>> {
        let state = self.latest(table).await?;
        let snapshot = state.snapshot(version)?;
        let mut files = BTreeSet::new();
        let mut add = |path: &str, role| -> Result<()> {
            files.insert(TableFile::new(self.root().key(path)?, role));
            Ok(())
        };
        add(&state.pointer, FileRole::Metadata)?;
        if let Some(snapshot) = &snapshot {
            add(snapshot.manifest_list(), FileRole::Metadata)?;
            for manifest in self.shelf().manifests(snapshot, state.metadata.format_version()).await?.iter() {
                add(&manifest.manifest_path, FileRole::Metadata)?;
            }
        }
        for entry in self.files_of(&state, snapshot).await? {
            add(entry.file_path(), FileRole::Data)?;
        }
        Ok(files.into_iter().collect())
    }

    pub(crate) async fn files_of(&self, state: &State, snapshot: Option<SnapshotRef>) -> Result<Vec<Found>> {
        match snapshot {
            Some(snapshot) => {
                let format = state.metadata.format_version();
                data_files(self.shelf().clone(), snapshot, format, OfDeletes::Refused, |_| true).try_collect().await
            }
            None => Ok(Vec::new()),
        }
    }

    /// Takes a table out of the catalog, and then deletes its files: those that were there before, for from then on others
    /// may make one of its name in its folder.
    pub(crate) async fn discard_table(&self, table: &TableName) -> Result<()> {
        self.expect_open(table)?;
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        let own = format!("{}/{}", self.root().location, self.folder()?.key(table.as_str())?);
        if state.metadata.location().trim_end_matches('/') != own {
            // Of another program's making: its folder may be that of others, too.
            self.expect_own_folder(table, &state).await?;
        }
        let files: Vec<Key> = self.listed(&state).await?.into_iter().map(|object| object.key).collect();
        match self.catalog().remove(table, &state).await? {
            Swap::Won => {}
            Swap::Lost => return Err(Error::new(ErrorKind::Conflict, "another change of the table is in flight")),
        }
        self.forget_held(table);
        for some in files.chunks(DELETE_FILES_MAX) {
            self.root().delete_keys(some).await?;
        }
        Ok(())
    }
}

/// The files to rewrite: small ones if there are several, and those that may have rows to leave out.
fn choose(state: &State, all: &[Found], options: &CompactOptions) -> Result<Vec<Found>> {
    let columns = state.columns_at(state.metadata.current_snapshot())?;
    let matching = match &options.drop {
        Some(drop) => {
            let (specs, rows) = (Specs::new(&state.metadata), Scan::all().with_predicate(drop.clone()));
            Some(Files::new(columns, specs, &rows, Some(drop.clone()))?)
        }
        None => None,
    };
    let may_drop = |found: &Found| matching.as_ref().is_some_and(|files| files.may_match(found));
    let is_small = |found: &Found| found.record_count() < options.file_rows as u64;
    // Rows of several partitions never come together in a file.
    let mut small: HashMap<(i32, &Struct), usize> = HashMap::new();
    for found in all.iter().filter(|found| is_small(found)) {
        *small.entry((found.spec, found.data_file().partition())).or_default() += 1;
    }
    let several =
        |found: &Found| small.get(&(found.spec, found.data_file().partition())).is_some_and(|files| *files > 1);
    let mut chosen: Vec<_> =
        all.iter().filter(|found| may_drop(found) || (is_small(found) && several(found))).cloned().collect();
    // Partition after partition, so that few files are open at once.
    let mut order: HashMap<(i32, Struct), usize> = HashMap::new();
    chosen.sort_by_cached_key(|found| {
        let next = order.len();
        *order.entry((found.spec, found.data_file().partition().clone())).or_insert(next)
    });
    Ok(chosen)
}

/// The number that the name of a metadata file begins with.
pub(crate) fn serial(name: &str) -> Option<u64> {
    let (number, rest) = name.split_once('-')?;
    rest.ends_with(".metadata.json").then(|| number.parse().ok()).flatten()
}
