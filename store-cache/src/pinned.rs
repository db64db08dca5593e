//! Tables at one manifest: what a reader in another process reads, all tables of a tick or none.

mod backend;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::blocks::Hash;
use worldstore_core::manifest::{Lease, Manifests, Stored};
use worldstore_core::snapshot::{Snapshots, Which};
use worldstore_core::table::{DescribeOptions, TableInfo, TableName};
use worldstore_core::{Error, Result};

use crate::publish::blocking;
use crate::publish::content::content_of;
use crate::publish::entry::table_of;
use crate::publish::publisher::manifest_seq;

/// How often the newest manifest is leased anew while it is expired before that.
const ATTEMPTS: u32 = 10;

/// Tables as one manifest names them, for reading. Whatever is written, flushed or published meanwhile, it stays as it is,
/// until it is [refreshed](Self::refresh).
///
/// It takes no lock and no log, and needs only the tables and the chain. What the manifest names stays for as long as it is
/// retained: whoever reads for longer takes a [lease](Self::with_lease), which needs the right to write to the chain. If a
/// version is gone all the same, reading it is `NotFound`; so it is if the table was removed and another has its name.
///
/// As an [`AsyncTableBackend`] it describes, scans, lists, and tells history and files. Versions up to that of the
/// manifest can be asked for, later ones are `NotFound`. What would change something is `Unsupported`.
#[derive(Debug)]
pub struct PinnedTables {
    tables: Arc<dyn AsyncTableBackend>,
    manifests: Manifests,
    pinned: Pinned,
    lease: Option<Leased>,
}

#[derive(Debug)]
struct Pinned {
    stored: Stored,
    seq: u64,
    tables: BTreeMap<TableName, PinnedTable>,
    /// Tables that were found to be what the manifest says.
    seen: Mutex<BTreeMap<TableName, TableInfo>>,
}

#[derive(Debug, Clone, Copy)]
struct PinnedTable {
    version: u64,
    watermark: u64,
    content: Hash,
}

#[derive(Debug)]
struct Leased {
    /// As the caller has named it; the pin has the number of its manifest behind it.
    name: String,
    time: Duration,
    lease: Lease,
}

impl Pinned {
    fn new(stored: Stored) -> Result<Self> {
        let seq = manifest_seq(&stored)?;
        let mut tables = BTreeMap::new();
        for entry in &stored.entries {
            if let Some((name, version)) = table_of(entry)? {
                tables.insert(name, PinnedTable { version, watermark: entry.watermark, content: entry.content });
            }
        }
        Ok(Self { stored, seq, tables, seen: Mutex::default() })
    }
}

impl PinnedTables {
    /// Pins the tables at a manifest: the newest, or one by its number or the name of its tag or lease.
    ///
    /// # Errors
    /// `NotFound` if there is no such manifest, `Corrupt` if it is damaged, and those of the backend.
    pub async fn open(tables: Arc<dyn AsyncTableBackend>, manifests: Manifests, which: Which) -> Result<Self> {
        let snapshots = Snapshots::new(manifests.clone());
        let stored = blocking::run(move || snapshots.manifest(&which)).await?;
        Ok(Self { tables, manifests, pinned: Pinned::new(stored)?, lease: None })
    }

    /// Takes a lease on the manifest for some time from now, under this name with `@` and its number behind it. While it
    /// lives, expiry keeps the manifest, and the versions that it names.
    ///
    /// # Errors
    /// `NotFound` if the manifest is expired already: refresh, or open another. Otherwise as for [`Manifests::lease`].
    pub async fn with_lease(mut self, name: &str, time: Duration) -> Result<Self> {
        let lease = self.take(name, self.number(), time).await?;
        let before = self.lease.replace(Leased { name: name.to_owned(), time, lease });
        self.let_go(before).await;
        Ok(self)
    }

    /// Lets the lease end later: after its time from now. Returns that end in milliseconds since 1970; none without a
    /// lease.
    ///
    /// # Errors
    /// `NotFound` if it has ended and was dropped: what it kept may be gone at any time. Otherwise as for
    /// [`Manifests::renew`].
    pub async fn renew(&mut self) -> Result<Option<u64>> {
        let Some(leased) = &mut self.lease else { return Ok(None) };
        let (manifests, name, time) = (self.manifests.clone(), leased.lease.name.clone(), leased.time);
        leased.lease = blocking::run(move || manifests.renew(&name, time)).await?;
        Ok(Some(leased.lease.expires_ms))
    }

    /// Gives the lease back. False if it had none, or it was dropped before.
    ///
    /// # Errors
    /// As for [`Manifests::release`]; the lease ends by itself then.
    pub async fn release(self) -> Result<bool> {
        let Some(Leased { lease, .. }) = self.lease else { return Ok(false) };
        let manifests = self.manifests;
        blocking::run(move || manifests.release(&lease.name)).await
    }

    /// Moves to the newest manifest, with the lease if there is one, and returns the number. Where the newest says nothing
    /// else than the one that is read, and that is retained still, nothing happens: pins and expiry make manifests, too.
    ///
    /// # Errors
    /// As for [`open`](Self::open) and [`with_lease`](Self::with_lease); nothing has moved then.
    pub async fn refresh(&mut self) -> Result<u64> {
        let mut attempt = 1;
        loop {
            let manifests = self.manifests.clone();
            let newest = blocking::run(move || manifests.latest()).await?;
            let held = &self.pinned.stored;
            let same = newest.entries == held.entries && newest.properties == held.properties;
            if same && newest.retains(held.number) {
                return Ok(held.number);
            }
            let pinned = Pinned::new(newest.as_ref().clone())?;
            if let Some(Leased { name, time, .. }) = &self.lease {
                let (name, time) = (name.clone(), *time);
                let lease = match self.take(&name, newest.number, time).await {
                    Err(error) if error.is_not_found() && attempt < ATTEMPTS => {
                        attempt += 1;
                        continue;
                    }
                    taken => taken?,
                };
                let before = self.lease.replace(Leased { name, time, lease });
                self.let_go(before).await;
            }
            self.pinned = pinned;
            return Ok(newest.number);
        }
    }

    /// The tables at any version, as the manifest does not bind them.
    pub fn tables(&self) -> &Arc<dyn AsyncTableBackend> {
        &self.tables
    }

    /// The manifest.
    pub fn manifest(&self) -> &Stored {
        &self.pinned.stored
    }

    /// The number of the manifest.
    pub fn number(&self) -> u64 {
        self.pinned.stored.number
    }

    /// The sequence number up to which the tables hold everything; 0 if nothing was published yet.
    pub fn seq(&self) -> u64 {
        self.pinned.seq
    }

    async fn take(&self, name: &str, number: u64, time: Duration) -> Result<Lease> {
        let (manifests, name) = (self.manifests.clone(), format!("{name}@{number}"));
        blocking::run(move || manifests.lease(&name, number, time)).await
    }

    /// Gives back a lease that is not needed any more. If that fails it ends by itself.
    async fn let_go(&self, leased: Option<Leased>) {
        let Some(Leased { lease, .. }) = leased else { return };
        if self.lease.as_ref().is_some_and(|held| held.lease.name == lease.name) {
            return;
        }
        let (manifests, name) = (self.manifests.clone(), lease.name.clone());
        if let Err(error) = blocking::run(move || manifests.release(&name)).await {
            tracing::warn!(target: "worldstore", %error, lease = lease.name, "a lease was not given back, it ends by itself");
        }
    }

    fn pinned_table(&self, table: &TableName) -> Result<PinnedTable> {
        let missing = || Error::not_found("the manifest names no such table").with("table", table);
        self.pinned.tables.get(table).copied().ok_or_else(|| missing().with("manifest", self.number()))
    }

    /// The table at the version of the manifest, once it is certain that it is the one that was published.
    async fn published(&self, table: &TableName) -> Result<TableInfo> {
        let pinned = self.pinned_table(table)?;
        let seen = || self.pinned.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(info) = seen().get(table) {
            return Ok(info.clone());
        }
        let options = DescribeOptions::default().with_version(pinned.version);
        let described = self.tables.describe(table, &options).await;
        let mut info = described.map_err(|error| self.about(error, table))?;
        let is_it = |info: &TableInfo| content_of(table, &info.schema, info.watermark, info.rows) == pinned.content;
        if !is_it(&info) {
            // It may have been published with columns that another program gave it after the version was made.
            let newest = self.tables.describe(table, &DescribeOptions::default()).await;
            info = newest.map_err(|error| self.about(error, table))?;
            if info.version != pinned.version || !is_it(&info) {
                return Err(self.replaced(table));
            }
        }
        seen().insert(table.clone(), info.clone());
        Ok(info)
    }

    fn replaced(&self, table: &TableName) -> Error {
        let message = "the table of the manifest was removed, and another has its name";
        Error::not_found(message).with("table", table).with("manifest", self.number())
    }

    fn about(&self, error: Error, table: &TableName) -> Error {
        match error.is_not_found() {
            true => Error::not_found("the version that the manifest names is gone, refresh, and lease what takes long")
                .with("table", table)
                .with("manifest", self.number())
                .caused_by(error),
            false => error,
        }
    }
}

impl fmt::Display for PinnedTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "manifest_{}({})", self.number(), self.tables)
    }
}
