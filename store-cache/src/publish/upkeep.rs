//! Upkeep of a world: which versions of tables must stay, expiring the others, and verifying what is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::manifest::{Manifests, Mode};
use worldstore_core::snapshot::{Snapshots, Verified, Which};
use worldstore_core::table::{ExpireOptions, Expiry, HistoryOptions, ListTablesOptions, TableName};
use worldstore_core::{Error, Key, Prefix, Result};

use super::blocking;
use super::entry::{manifest_tables, table_of};

/// So many versions that come while versions are expired stay, by number. Those of formats with gaps in their numbers stay by
/// time.
const COMING: u64 = 1_000;

/// What retained manifests name of a table.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Retained {
    /// Its versions.
    pub versions: BTreeSet<u64>,
    /// The files of these versions, as the table format names them.
    pub files: BTreeSet<Key>,
}

/// What the retained manifests name of each table: the newest manifests, and those that tags and leases keep. `tables_in` is the
/// folder of the tables in the backend of the manifests. Whoever expires versions of tables, or deletes files that none has, must
/// leave both.
///
/// A manifest that is expired while this runs may be in it or not; it can never be retained again.
///
/// # Errors
/// [`Corrupt`](worldstore_core::ErrorKind::Corrupt) if a manifest is damaged or missing: nobody knows then which versions it names. Those of the
/// backend.
pub fn retained(manifests: &Manifests, tables_in: &Prefix) -> Result<BTreeMap<TableName, Retained>> {
    retained_without(manifests, tables_in, &[])
}

fn retained_without(
    manifests: &Manifests,
    tables_in: &Prefix,
    expiring: &[u64],
) -> Result<BTreeMap<TableName, Retained>> {
    let mut all: BTreeMap<TableName, Retained> = BTreeMap::new();
    // Retained now or never: what is published from here on names these, or later versions.
    for number in manifests.latest()?.retained().filter(|number| !expiring.contains(number)) {
        let stored = match manifests.at(number) {
            Ok(stored) => stored,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        for entry in &stored.entries {
            let Some((table, version)) = table_of(entry)? else { continue };
            let retained = all.entry(table).or_default();
            retained.versions.insert(version);
            // Of files elsewhere the tables know nothing.
            for file in entry.files.iter().filter_map(|file| tables_in.strip(&file.key)) {
                if !retained.files.contains(file) {
                    retained.files.insert(Key::new(file)?);
                }
            }
        }
    }
    Ok(all)
}

/// Settings of [`expire_tables`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpireTablesOptions {
    /// Versions that were committed in so much time before now stay, by the clocks of whoever committed them; 10 minutes by
    /// default.
    pub keep_for: Duration,
    /// Whether to do it.
    pub mode: Mode,
    /// In a dry run, manifests that count as expired: those that an expiry would take before.
    pub expiring: Vec<u64>,
    /// The folder of the tables in the backend of the manifests, as the [publisher](super::PublisherOptions::tables_in) has it;
    /// its root by default.
    pub tables_in: Prefix,
}

impl Default for ExpireTablesOptions {
    fn default() -> Self {
        Self { keep_for: Duration::from_secs(600), mode: Mode::Apply, expiring: Vec::new(), tables_in: Prefix::root() }
    }
}

impl ExpireTablesOptions {
    /// Sets how long versions stay in any case.
    #[must_use]
    pub fn with_keep_for(mut self, time: Duration) -> Self {
        self.keep_for = time;
        self
    }

    /// Sets whether to do it.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the folder of the tables.
    #[must_use]
    pub fn with_tables_in(mut self, folder: Prefix) -> Self {
        self.tables_in = folder;
        self
    }

    /// Tells in a dry run what would go once these manifests are expired.
    #[must_use]
    pub fn with_expiring(mut self, manifests: impl IntoIterator<Item = u64>) -> Self {
        self.expiring = manifests.into_iter().collect();
        self
    }
}

/// What [`expire_tables`] has done, or would do.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ExpiredTables {
    /// What went of each table.
    pub tables: BTreeMap<TableName, Expiry>,
    /// Tables that the newest manifest does not name: nothing of them goes.
    pub unpublished: Vec<TableName>,
    /// Tables that could not be expired.
    pub failed: BTreeMap<TableName, Error>,
}

/// Expires versions of tables that no retained manifest names. Versions from that of the newest manifest up stay: they may be
/// published next.
///
/// Leases and tags keep the versions of their manifests. What keeps nothing is a version number that someone has noted: pin
/// the manifest.
///
/// # Errors
/// `Invalid` for manifests that count as expired where it is no dry run; as for [`retained`] and those of listing
/// the tables. Nothing has gone then. What fails for one table is in the answer.
pub async fn expire_tables(
    tables: &Arc<dyn AsyncTableBackend>,
    manifests: &Manifests,
    options: &ExpireTablesOptions,
) -> Result<ExpiredTables> {
    if options.mode == Mode::Apply && !options.expiring.is_empty() {
        return Err(Error::invalid("only a dry run can take manifests as expired that are not"));
    }
    let (chain, tables_in, expiring) = (manifests.clone(), options.tables_in.clone(), options.expiring.clone());
    let (newest, retained) = blocking::run(move || {
        // In this order: a version that is published between the two is not below the newest.
        let newest = manifest_tables(&*chain.latest()?)?;
        Ok((newest, retained_without(&chain, &tables_in, &expiring)?))
    })
    .await?;
    let mut expired = ExpiredTables::default();
    for table in tables.list(&ListTablesOptions::default()).await? {
        let (Some(newest), Some(retained)) = (newest.get(&table), retained.get(&table)) else {
            expired.unpublished.push(table);
            continue;
        };
        match expire_table(&**tables, &table, *newest, retained, options).await {
            Ok(expiry) => drop(expired.tables.insert(table, expiry)),
            Err(error) => drop(expired.failed.insert(table, error)),
        }
    }
    Ok(expired)
}

async fn expire_table(
    tables: &dyn AsyncTableBackend,
    table: &TableName,
    newest: u64,
    retained: &Retained,
    options: &ExpireTablesOptions,
) -> Result<Expiry> {
    let history = tables.history(table, &HistoryOptions::default()).await?;
    let last = history.last().map_or(newest, |version| version.version.max(newest));
    let later = history.iter().map(|version| version.version).filter(|version| *version >= newest);
    let coming = last..=last.saturating_add(COMING);
    let now = SystemTime::now();
    let mut expire = ExpireOptions::default()
        .with_since(now.checked_sub(options.keep_for).unwrap_or(SystemTime::UNIX_EPOCH))
        .with_retain(retained.versions.iter().copied().chain(later).chain(coming))
        .with_retain_files(retained.files.iter().cloned());
    if options.mode == Mode::DryRun {
        expire = expire.dry_run();
    }
    tables.expire(table, &expire).await
}

/// Reads every file of a state, and compares lengths and hashes. What is wrong is in the answer, one finding for each object.
///
/// # Errors
/// As for [`Snapshots::verify`].
pub async fn verify_manifest(manifests: &Manifests, which: Which) -> Result<Verified> {
    let snapshots = Snapshots::new(manifests.clone());
    blocking::run(move || snapshots.verify(&which)).await
}

/// Verifies every manifest that is retained, and every file that one of them names, each once.
///
/// # Errors
/// As for [`Snapshots::verify_all`].
pub async fn verify_retained(manifests: &Manifests) -> Result<Verified> {
    let snapshots = Snapshots::new(manifests.clone());
    blocking::run(move || snapshots.verify_all()).await
}
