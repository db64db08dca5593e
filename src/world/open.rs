//! Opening a world: its storage, its log, its chain of manifests and its tables, one after the other.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use worldstore_async::wrap::{AsyncLedgerBackend, Ledger};
use worldstore_async::{AsyncBackend, AsyncBackendAdapter, AsyncWal};
use worldstore_cache::{
    CacheRecovery, FenceTables, ManifestPublisher, PinnedTables, Publish, PublisherOptions, TableCache,
};
use worldstore_core::manifest::{ManifestOptions, Manifests};
use worldstore_core::snapshot::Which;
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::{IfLocked, Wal, WalOptions};
use worldstore_core::{Backend, Error, Prefix, Result};

use super::aside::Aside;
use super::format::{self, Fence, OpenTables, TableFormat};
use super::held;
use super::own_log::{Note, OwnLog};
use super::writing::Writer;
use super::{Unfit, WorldOptions};
use crate::registry::masked;
use crate::storage::Storage;

/// The folder of the log, in a world's folder or below the root of its store.
const LOG: &str = "log";

/// Bytes of records that may wait for the log: what one append may have at most fits.
const QUEUE_BYTES: u64 = 320 << 20;

/// Where a world keeps the log of what is acknowledged and not committed yet. A world has the same one each time: opening it
/// with another is refused, unless it is [taken over](IfOpen::TakeOver).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogPlace {
    /// In the folder `log` of the world where that is a folder; as objects below `log` where the world is on a remote
    /// store; nowhere for `memory:`.
    #[default]
    Auto,
    /// In a folder of this machine, which is made if it is missing. On a remote store it makes appends faster, and what
    /// is acknowledged is then as safe as that folder; a writer on another machine is noticed at the next flush only.
    Folder(PathBuf),
    /// As objects below `log` of the world's store: one for each group of appends.
    Store,
    /// Nowhere: appends are acknowledged when they are in memory, and what was not published goes with the process.
    None,
}

/// What happens if another has a world open for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfOpen {
    /// Opening fails with `Conflict`.
    #[default]
    Refuse,
    /// The world is taken over: whatever the other does next fails with `Fenced`. For a writer that hangs, or is on a
    /// machine that is gone: what was in another log than the one that is given is given up, and what is in tables and was
    /// not published, also where opening ends early once that has begun. A log that was given up may be given again, without
    /// what it held then. A table that is gone, or lost what was published of it, is taken as it is. On a remote store the other is always overtaken, but its log is not given up.
    TakeOver,
}

/// A world's parts, open for writing.
pub(super) struct Written {
    pub cache: TableCache,
    pub manifests: Manifests,
    /// The epoch that was claimed.
    pub epoch: u64,
    pub recovery: CacheRecovery,
}

/// Tables of any format.
type Tables = Arc<dyn worldstore_async::table::AsyncTableBackend>;

/// What opening a world gives.
pub(super) struct Parts {
    pub tables: Tables,
    /// The same tables at any version, those of later states included.
    pub versions: Tables,
    /// None where nothing may be written.
    pub writer: Option<Writer>,
    pub manifests: Manifests,
    pub log: LogPlace,
    pub recovery: CacheRecovery,
}

impl Parts {
    /// Of a world that may be written.
    pub fn of(written: Written, log: LogPlace) -> Self {
        let Written { cache, manifests, epoch, recovery } = written;
        let tables: Tables = Arc::new(cache.clone());
        let writer = Some(Writer { cache, epoch });
        Self { versions: Arc::clone(&tables), tables, writer, manifests, log, recovery }
    }
}

/// Opens for writing: the log first, which locks others out; then the epoch of the chain, which fences them; then the
/// tables, to which the log is replayed.
pub(super) async fn writer(storage: &Storage, format: TableFormat, options: &WorldOptions) -> Result<Written> {
    let (log, own) = log(storage, options).await?.unzip();
    let note = OwnLog::check(own, storage, options.if_open).await?;
    let (noted, ledger) = noted(storage);
    let tables = format::open_tables(format, &noted, options).await?;
    over(storage, tables, (log, note), ledger, options).await
}

/// Opens for writing, with tables and log that are open. The epoch is claimed before the tables are looked at: whatever a
/// writer before does to them after that, it cannot publish.
pub(super) async fn over(
    storage: &Storage,
    opened: OpenTables,
    (log, note): (Option<AsyncWal>, Note),
    ledger: Ledger,
    options: &WorldOptions,
) -> Result<Written> {
    let OpenTables { tables, fence } = opened;
    let chain = chain(storage)?;
    let open = move || Manifests::open_or_create(chain, Prefix::root(), ManifestOptions::default());
    let manifests = blocking(open).await?;
    let settings = PublisherOptions::default().with_ledger(ledger);
    let publisher = ManifestPublisher::claim(manifests.clone(), tables.clone(), settings).await?;
    let epoch = publisher.epoch();
    // What a writer before has acknowledged is all in the log then, and what it may still commit, but for direct appends.
    let is_followed = log.is_some() && note.is_same();
    let mut late = None;
    match fence {
        Some(fence) if is_followed && fence.is_costly() => late = Some(Late { fence, epoch }),
        Some(fence) => fence.claim(epoch).await?,
        None => {}
    }
    // A table that was removed or put back by hand: going on would publish the loss, and hide it.
    if options.if_open == IfOpen::Refuse {
        let newest = manifests.clone();
        held::check(tables.as_ref(), &*blocking(move || newest.latest()).await?).await?;
    }
    let published = publisher.published_seq().await?;
    let ignored_through = note.ignored_through(published);
    let builder = TableCache::builder(tables).with_config(options.cache).with_seq_floor(published);
    let mut builder = builder.with_replay_above(ignored_through);
    // Nothing is taken back where nothing was ever published: a chain that was lost must not empty the tables.
    if !is_followed && published > 0 {
        note.begin(storage).await?;
        builder = builder.with_withdrawal(published);
    }
    if let Some(late) = late {
        builder = builder.with_fence(Arc::new(late));
    }
    if options.unfit == Unfit::SetAside {
        builder = builder.with_unfit(Arc::new(Aside(Arc::clone(&storage.backend))));
    }
    if let Some(log) = log {
        builder = builder.with_log(log);
    }
    let (cache, recovery) = builder.with_publisher(Arc::new(publisher)).open().await?;
    // In a log that held nothing there is nothing to ignore.
    let ignored_through = if recovery.records > 0 { ignored_through.min(cache.stats().last_seq) } else { 0 };
    note.take(storage, ignored_through).await?;
    Ok(Written { cache, manifests, epoch, recovery })
}

/// A fence that is claimed where the log does not tell all that a writer before may still commit.
struct Late {
    fence: Arc<dyn Fence>,
    epoch: u64,
}

impl FenceTables for Late {
    fn fence(&self) -> BoxFuture<'_, Result<()>> {
        self.fence.claim(self.epoch)
    }
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// Opens for reading, at the newest manifest: no lock, no log, and nothing is written.
pub(super) async fn reader(
    storage: &Storage,
    format: TableFormat,
    options: &WorldOptions,
) -> Result<(PinnedTables, Manifests)> {
    let chain = chain(storage)?;
    let opened = blocking(move || Manifests::open(chain, Prefix::root(), ManifestOptions::default())).await;
    let manifests = opened.map_err(|error| match error.is_not_found() {
        true => Error::not_found("nothing of the world was published, open it for writing once").caused_by(error),
        false => error,
    })?;
    let tables = format::open_tables(format, storage, options).await?.tables;
    Ok((PinnedTables::open(tables, manifests.clone(), Which::Newest).await?, manifests))
}

/// The storage with a ledger in front, so that what is written need not be read to be hashed.
pub(super) fn noted(storage: &Storage) -> (Storage, Ledger) {
    let noted = AsyncLedgerBackend::new(Arc::clone(&storage.backend));
    let ledger = noted.ledger().clone();
    let backend: Arc<dyn AsyncBackend> = Arc::new(noted);
    (Storage { backend, ..storage.clone() }, ledger)
}

/// The log that the options name, open, and what it is known by.
async fn log(storage: &Storage, options: &WorldOptions) -> Result<Option<(AsyncWal, OwnLog)>> {
    let if_locked = match options.if_open {
        IfOpen::Refuse => IfLocked::Refuse,
        IfOpen::TakeOver => IfLocked::TakeOver,
    };
    let settings = WalOptions::new().with_if_locked(if_locked).with_queue_bytes(QUEUE_BYTES);
    let refused = |error: Error| error.with("world", masked(&storage.location));
    let opened = match place_of_log(storage, &options.log)? {
        LogStore::None => return Ok(None),
        LogStore::Folder { parent, name } => {
            let place = parent.join(&name).display().to_string();
            let vfs = blocking(move || OsVfs::open(&parent)).await.map_err(refused)?;
            let opened = AsyncWal::open(&vfs, &name, settings).await;
            opened.map(|(log, recovery)| (log, OwnLog { id: recovery.log.to_string(), place }))
        }
        LogStore::Objects { backend, folder } => {
            // It is in the world: there is no other of its kind.
            let own = OwnLog { id: "store".to_owned(), place: format!("{} (store)", storage.location) };
            let opened = blocking(move || Wal::open_objects(backend, folder, settings)).await;
            opened.map(|(log, _)| (AsyncWal::from(log), own))
        }
    };
    opened.map(Some).map_err(refused)
}

/// Where a log is.
pub(super) enum LogStore {
    /// There is none.
    None,
    /// In a folder of that name in another.
    Folder { parent: PathBuf, name: String },
    /// As objects below a folder of a store.
    Objects { backend: Arc<dyn Backend>, folder: Prefix },
}

/// Where the log of a world is. No I/O.
pub(super) fn place_of_log(storage: &Storage, place: &LogPlace) -> Result<LogStore> {
    Ok(match (place, &storage.folder) {
        (LogPlace::None, _) => LogStore::None,
        (LogPlace::Folder(folder), _) => match (folder.parent(), folder.file_name().and_then(|name| name.to_str())) {
            (Some(parent), Some(name)) => LogStore::Folder { parent: parent.to_owned(), name: name.to_owned() },
            _ => return Err(Error::invalid("folder of a log has no name").with("folder", folder.display())),
        },
        (LogPlace::Auto, Some(folder)) => LogStore::Folder { parent: folder.clone(), name: LOG.to_owned() },
        (LogPlace::Auto, None) if storage.backend.info().scheme == "memory" => LogStore::None,
        (LogPlace::Auto | LogPlace::Store, _) => {
            LogStore::Objects { backend: chain(storage)?, folder: Prefix::new(LOG)? }
        }
    })
}

/// The storage for those who do not await. They are called on the blocking pool.
fn chain(storage: &Storage) -> Result<Arc<dyn Backend>> {
    match &storage.sync_backend {
        Some(backend) => Ok(Arc::clone(backend)),
        None => Ok(Arc::new(AsyncBackendAdapter::new(Arc::clone(&storage.backend))?)),
    }
}

pub(super) async fn blocking<Value: Send + 'static>(
    work: impl FnOnce() -> Result<Value> + Send + 'static,
) -> Result<Value> {
    let task = tokio::task::spawn_blocking(work).await;
    task.map_err(|source| Error::unexpected("work on a world was stopped").caused_by(source))?
}

#[cfg(test)]
mod tests;
