//! Files that no version of a table has: what appends, lost commits and expiry left behind when they were interrupted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iceberg::spec::{SnapshotRef, TableMetadata};
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Key, ListOptions, ObjectMeta, Prefix, Result};

use crate::error::{from_iceberg, of_table};
use crate::files::manifests;
use crate::state::State;
use crate::tables::IcebergTables;
use crate::upkeep::{DELETE_FILES_MAX, serial};

/// What the names of metadata files end with.
const METADATA: &str = ".metadata.json";

/// Which files count as left behind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OrphanOptions {
    /// Only files that were last written so long ago. It must be longer than any append, of any program, takes from its
    /// first file to its commit. Default: three days.
    pub older_than: Duration,
    /// Files that stay, as they are named outside the table: those of states of a world that are kept, for one. A metadata file
    /// among them does not keep what it names. Default: none.
    pub retain_files: BTreeSet<Key>,
    /// Whether they are only named. Default: they are deleted.
    pub dry_run: bool,
}

impl Default for OrphanOptions {
    fn default() -> Self {
        Self { older_than: Duration::from_secs(3 * 24 * 60 * 60), retain_files: BTreeSet::new(), dry_run: false }
    }
}

impl OrphanOptions {
    /// Sets the least age.
    #[must_use]
    pub fn with_older_than(mut self, age: Duration) -> Self {
        self.older_than = age;
        self
    }

    /// Keeps these objects.
    #[must_use]
    pub fn with_retain_files(mut self, files: impl IntoIterator<Item = Key>) -> Self {
        self.retain_files = files.into_iter().collect();
        self
    }

    /// Deletes nothing.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Orphans {
    /// The files that were deleted, or would be; sorted.
    pub files: Vec<Key>,
    /// Their bytes.
    pub bytes: u64,
    /// Files that nothing names either, but that are too young, or whose age the backend does not know.
    pub young: u64,
}

/// Checks that files of a table may be deleted: others may use them where it says that they may not.
pub(crate) fn check_may_delete(state: &State) -> Result<()> {
    match state.metadata.properties().get("gc.enabled").is_some_and(|value| value == "false") {
        true => Err(Error::unsupported("the table's property gc.enabled forbids to delete files")),
        false => Ok(()),
    }
}

impl IcebergTables {
    /// Deletes files in a table's folder that no version of it has.
    ///
    /// A file is kept if the newest metadata names it in any way: as a file of one of its snapshots, in its log, as
    /// statistics. Metadata files that may still become the newest, since the outcome of their commit is open, are kept
    /// with all that they name. What manifests of a world name is not looked up: that is [`OrphanOptions::retain_files`]. Only data, manifests and metadata are deleted, by the endings of their names. Tables that
    /// the catalog has in other namespaces are not seen: none may lie in the folder.
    ///
    /// # Errors
    /// `Unsupported` if the table names files elsewhere, if another table of its namespace lies in its folder or cannot be
    /// looked at, or if its property `gc.enabled` is false; `Conflict` if others commit all the time. Files may have been
    /// deleted before an error.
    pub async fn remove_orphans(&self, table: &TableName, options: &OrphanOptions) -> Result<Orphans> {
        self.collect(table, options).await.map_err(|error| of_table(error, table))
    }

    async fn collect(&self, table: &TableName, options: &OrphanOptions) -> Result<Orphans> {
        self.expect_open(table)?;
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        self.expect_own_folder(table, &state).await?;
        // Listed before what is in use is looked up: a commit in between can only name files that are not listed yet.
        let listed = self.listed(&state).await?;
        let state = self.latest(table).await?;
        let used = self.used(&state, &listed).await?;
        let now = SystemTime::now();
        let is_old = |file: &ObjectMeta| {
            let age = file.modified.and_then(|modified| now.duration_since(modified).ok());
            age.is_some_and(|age| age >= options.older_than)
        };
        let with_metadata = self.catalog().leaves_metadata_to_us();
        let is_ours = |key: &Key| is_ours(key) && (with_metadata || !key.name().ends_with(METADATA));
        let unused = listed.into_iter().filter(|file| is_ours(&file.key) && !used.contains(&file.key));
        let unused = unused.filter(|file| !options.retain_files.contains(&file.key));
        let (old, young): (Vec<_>, Vec<_>) = unused.partition(is_old);
        let orphans = Orphans {
            bytes: old.iter().map(|file| file.size).sum(),
            files: old.into_iter().map(|file| file.key).collect(),
            young: young.len() as u64,
        };
        if !options.dry_run {
            self.delete_unless_moved(table, &state, &orphans.files).await?;
        }
        Ok(orphans)
    }

    /// A pointer that went elsewhere meanwhile may have brought old files into use.
    async fn delete_unless_moved(&self, table: &TableName, state: &State, files: &[Key]) -> Result<()> {
        for some in files.chunks(DELETE_FILES_MAX) {
            if self.catalog().settled(table).await? != state.pointer {
                return Err(Error::new(ErrorKind::Conflict, "another program changed the table, look again"));
            }
            self.root().delete_keys(some).await?;
        }
        Ok(())
    }

    /// Checks that what lies in the table's folder is the table's.
    pub(crate) async fn expect_own_folder(&self, table: &TableName, state: &State) -> Result<()> {
        check_may_delete(state)?;
        let folder = |location: &str| format!("{}/", location.trim_end_matches('/'));
        let ours = folder(state.metadata.location());
        for other in self.catalog().names().await? {
            if other == table.as_str() {
                continue;
            }
            let theirs = self.location_of(&other).await.map_err(|error| error.with("other", &other))?;
            let theirs = folder(&theirs);
            if theirs.starts_with(&ours) || ours.starts_with(&theirs) {
                return Err(Error::unsupported("another table lies in the same folder").with("other", other));
            }
        }
        Ok(())
    }

    /// Where a table of the catalog lies, also one whose name is no table name: another program's.
    async fn location_of(&self, name: &str) -> Result<String> {
        match TableName::new(name) {
            Ok(table) => Ok(self.latest(&table).await?.metadata.location().to_owned()),
            Err(_) => self.catalog().location_of(self.root(), name).await,
        }
    }

    /// Everything in the table's folder, sorted.
    pub(crate) async fn listed(&self, state: &State) -> Result<Vec<ObjectMeta>> {
        let folder = self.root().key(state.metadata.location().trim_end_matches('/'))?;
        let (folder, mut options, mut listed) = (Prefix::new(folder.as_str())?, ListOptions::default(), Vec::new());
        loop {
            let page = self.root().backend.list(&folder, &options).await?;
            listed.extend(page.objects);
            match page.next {
                Some(token) => options = options.with_token(token),
                None => break,
            }
        }
        listed.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(listed)
    }

    /// What the newest metadata names, and what those name that may still become the newest.
    async fn used(&self, state: &State, listed: &[ObjectMeta]) -> Result<BTreeSet<Key>> {
        let mut used = BTreeSet::from([self.root().key(&state.pointer)?]);
        self.named(&state.metadata, &mut used).await?;
        for snapshot in state.metadata.snapshots() {
            self.named_by(state, Arc::clone(snapshot), &mut used).await?;
        }
        let newest = serial(state.pointer.rsplit('/').next().unwrap_or_default()).unwrap_or(0);
        for file in listed.iter().filter(|file| serial(file.key.name()).is_some_and(|serial| serial > newest)) {
            let location = format!("{}/{}", self.root().location, file.key);
            let open = TableMetadata::read_from(self.io(), &location).await.map_err(from_iceberg)?;
            let open = State::new(open, location)?;
            used.insert(file.key.clone());
            self.named(&open.metadata, &mut used).await?;
            for snapshot in open.metadata.snapshots() {
                let is_known = state.metadata.snapshot_by_id(snapshot.snapshot_id()).is_some();
                if !is_known {
                    self.named_by(&open, Arc::clone(snapshot), &mut used).await?;
                }
            }
        }
        Ok(used)
    }

    /// What metadata names itself.
    async fn named(&self, metadata: &TableMetadata, used: &mut BTreeSet<Key>) -> Result<()> {
        let log = metadata.metadata_log().iter().map(|entry| &entry.metadata_file);
        let statistics = metadata.statistics_iter().map(|statistics| &statistics.statistics_path);
        let partitions = metadata.partition_statistics_iter().map(|statistics| &statistics.statistics_path);
        for path in log.chain(statistics).chain(partitions) {
            used.insert(self.root().key(path)?);
        }
        Ok(())
    }

    /// What a snapshot names.
    async fn named_by(&self, state: &State, snapshot: SnapshotRef, used: &mut BTreeSet<Key>) -> Result<()> {
        used.insert(self.root().key(snapshot.manifest_list())?);
        for manifest in manifests(self.io(), &snapshot, state.metadata.format_version()).await?.entries() {
            // Another snapshot had it: what it names is known.
            if !used.insert(self.root().key(&manifest.manifest_path)?) {
                continue;
            }
            // Files of any kind, delete files too.
            let manifest = manifest.load_manifest(self.io()).await.map_err(from_iceberg)?;
            for entry in manifest.entries().iter().filter(|entry| entry.is_alive()) {
                used.insert(self.root().key(entry.file_path())?);
            }
        }
        Ok(())
    }
}

/// Whether a file is of a kind that tables write.
fn is_ours(key: &Key) -> bool {
    [".parquet", ".avro", METADATA].iter().any(|ending| key.name().ends_with(ending))
}
