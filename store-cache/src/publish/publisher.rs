//! The publisher: cuts of tables as manifests of a chain.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::manifest::{Draft, Entry, ExpireOptions, Manifest, Manifests, Stored, Writer};
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use super::entry::{Builder, table_of};
use super::options::PublisherOptions;
use super::{Cut, Publish, blocking};

/// The property that holds the sequence number of a manifest.
const SEQ: &str = "seq";
/// The property that holds the number of rows of all tables.
const ROWS: &str = "rows";

/// Publishes each [`Cut`] as the next manifest of a chain: an entry `table/{name}` for each table, with version, watermark and
/// every file with its length and hash; properties `seq` and `rows`. Other entries and properties stay as they are.
///
/// Nothing is published of which a file is missing or has another length than was written. The work of the chain is done
/// on the blocking pool of the runtime, and ends as it began if the caller goes away; the next publication waits for it.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::datatypes::{DataType, Field, Schema};
/// use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
/// use worldstore_cache::{Cut, CutTable, ManifestPublisher, PinnedTables, Publish, PublisherOptions};
/// use worldstore_core::manifest::{ManifestOptions, Manifests};
/// use worldstore_core::snapshot::Which;
/// use worldstore_core::table::*;
/// use worldstore_core::{Memory, Prefix};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tables: Arc<dyn AsyncTableBackend> = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
/// let name = TableName::new("events")?;
/// let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
/// let info = tables.create(&name, &CreateOptions::new(schema.clone())).await?;
///
/// let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::new("world")?, ManifestOptions::default())?;
/// let publisher = ManifestPublisher::claim(manifests.clone(), tables.clone(), PublisherOptions::default()).await?;
/// let table = CutTable { name: name.clone(), version: info.version, watermark: 0, rows: 0, schema };
/// let number = publisher.publish(&Cut { seq: 0, tables: vec![table] }).await?;
///
/// let pinned = PinnedTables::open(tables, manifests, Which::Newest).await?;
/// assert_eq!((pinned.number(), pinned.list(&ListTablesOptions::default()).await?), (number, vec![name]));
/// # Ok(())
/// # }
/// ```
///
/// No other handle of the same [`Writer`] may publish tables: what comes meanwhile makes a publication fail with `Conflict`.
#[derive(Debug)]
pub struct ManifestPublisher {
    writer: Writer,
    tables: Arc<dyn AsyncTableBackend>,
    options: PublisherOptions,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What was published last, by its number, if that is certain.
    acknowledged: Option<(u64, Cut)>,
    /// True from the beginning of a publication until it is certain: what the chain shows then may not be durable.
    is_open: bool,
    /// Publications since manifests were expired.
    since_expiry: u64,
}

impl ManifestPublisher {
    /// Claims the next epoch of the chain: whoever published before can publish nothing from then on.
    ///
    /// # Errors
    /// As for [`Manifests::writer`] and [`new`](Self::new).
    pub async fn claim(
        manifests: Manifests,
        tables: Arc<dyn AsyncTableBackend>,
        options: PublisherOptions,
    ) -> Result<Self> {
        options.check()?;
        let writer = blocking::run(move || manifests.writer()).await?;
        Self::new(writer, tables, options)
    }

    /// Publishes with an epoch that was claimed before. No I/O.
    ///
    /// # Errors
    /// `Invalid` for options out of range.
    pub fn new(writer: Writer, tables: Arc<dyn AsyncTableBackend>, options: PublisherOptions) -> Result<Self> {
        options.check()?;
        Ok(Self { writer, tables, options, state: Arc::default() })
    }

    /// The chain.
    pub fn manifests(&self) -> &Manifests {
        self.writer.manifests()
    }

    /// The sequence number of the newest manifest; 0 before the first. A cache that is opened goes on above it.
    ///
    /// # Errors
    /// `Corrupt` if it is not a number, and those of [`Manifests::latest`].
    pub async fn published_seq(&self) -> Result<u64> {
        let manifests = self.manifests().clone();
        blocking::run(move || manifest_seq(&*manifests.latest()?)).await
    }

    fn expect_newest(&self, newest: u64) -> Result<()> {
        let epoch = self.writer.epoch();
        let fenced = || Error::new(ErrorKind::Fenced, "another writer has taken over");
        match newest == epoch {
            true => Ok(()),
            false => Err(fenced().with("epoch", epoch).with("newest_epoch", newest)),
        }
    }

    async fn write(
        &self,
        mut state: OwnedMutexGuard<State>,
        cut: Cut,
        base: &Stored,
        entries: Vec<Entry>,
    ) -> Result<u64> {
        let (writer, options, before) = (self.writer.clone(), self.options.clone(), tables_in(base)?);
        blocking::run(move || {
            let rows = cut.tables.iter().fold(0_u64, |rows, table| rows.saturating_add(table.rows));
            let next = Next { entries, before, seq: cut.seq, rows };
            (state.acknowledged, state.is_open) = (None, true);
            let published = next.publish(&writer, options.attempts)?;
            state.is_open = false;
            state.acknowledged = Some((published.number, cut));
            state.since_expiry += 1;
            if state.since_expiry >= options.expire_every {
                expire(writer.manifests(), &options, &mut state);
            }
            Ok(published.number)
        })
        .await
    }
}

#[async_trait]
impl Publish for ManifestPublisher {
    fn epoch(&self) -> u64 {
        self.writer.epoch()
    }

    async fn check_epoch(&self) -> Result<()> {
        let manifests = self.manifests().clone();
        let newest = blocking::run(move || Ok(manifests.latest()?.epoch)).await?;
        self.expect_newest(newest)
    }

    /// Publishes a cut. The same one as last time is not published again: the answer is the number that it has, or that of
    /// the newest manifest if others have expired it. Nor is one that the manifest shows with which the epoch was claimed.
    ///
    /// # Errors
    /// - [`Fenced`](ErrorKind::Fenced) and [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) as the trait says. An unknown
    ///   outcome was read back, and the cut published again, as often as the options say.
    /// - [`Conflict`](ErrorKind::Conflict) if a table is not what the cut says: cut again. Also if others were first in
    ///   each attempt.
    /// - [`Corrupt`](ErrorKind::Corrupt) if a file is missing or has another length than was written.
    /// - [`NotFound`](ErrorKind::NotFound) if a table or version is not there.
    /// - [`Invalid`](ErrorKind::Invalid) if the cut is not sorted, has a table above its sequence number, or an older
    ///   sequence number than is published.
    /// - Those of the tables and of the backend.
    async fn publish(&self, cut: &Cut) -> Result<u64> {
        check(cut)?;
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let manifests = self.manifests().clone();
        let base = blocking::run(move || manifests.latest()).await?;
        self.expect_newest(base.epoch)?;
        // Of a table at watermark 0 nobody can tell whether it is the one that was published.
        let is_certain = cut.tables.iter().all(|table| table.watermark > 0);
        let acknowledged = state.acknowledged.as_ref().filter(|(_, published)| is_certain && published == cut);
        if let Some((number, _)) = acknowledged {
            // Once that is expired, the newest one says the same.
            return Ok(if base.retains(*number) { *number } else { base.number });
        }
        let published = manifest_seq(&base)?;
        if published > cut.seq {
            let error = Error::invalid("a later sequence number is published already");
            return Err(error.with("seq", cut.seq).with("published", published));
        }
        let backend = self.manifests().backend();
        let builder = Builder { tables: &self.tables, backend, options: &self.options, base: &base };
        let entries = builder.entries(cut).await?;
        if !state.is_open && published == cut.seq && tables_in(&base)?.values().eq(&entries) {
            state.acknowledged = Some((base.number, cut.clone()));
            return Ok(base.number);
        }
        self.write(state, cut.clone(), &base, entries).await
    }
}

/// A manifest to be: what there is of tables, and what there was when it was made.
struct Next {
    entries: Vec<Entry>,
    before: BTreeMap<TableName, Entry>,
    seq: u64,
    rows: u64,
}

impl Next {
    /// Publishes it, again while nobody knows whether it is: the manifest that follows holds the same and makes it
    /// durable, whether the one before is there or not.
    fn publish(&self, writer: &Writer, attempts: u32) -> Result<Arc<Stored>> {
        let mut attempt = 1;
        loop {
            let published = writer.publish(|draft| self.draft(draft));
            match published {
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown && attempt < attempts => {
                    let newest = writer.manifests().latest().map(|newest| newest.number).ok();
                    tracing::warn!(target: "worldstore", %error, attempt, newest, "nobody knows whether the state is published, once more");
                    attempt += 1;
                }
                published => return published,
            }
        }
    }

    fn draft(&self, draft: &mut Draft<'_>) -> Result<()> {
        let there = tables_in(draft.base())?;
        let ours = || {
            there.len() == self.entries.len()
                && self.entries.iter().all(|entry| draft.entry(&entry.name) == Some(entry))
        };
        if there != self.before && !ours() {
            let message = "another handle of this writer has published tables meanwhile";
            return Err(Error::new(ErrorKind::Conflict, message).with("number", draft.base().number));
        }
        for entry in there.into_values() {
            draft.remove(&entry.name);
        }
        for entry in &self.entries {
            draft.put(entry.clone());
        }
        draft.properties.insert(SEQ.to_owned(), self.seq.to_string());
        draft.properties.insert(ROWS.to_owned(), self.rows.to_string());
        Ok(())
    }
}

/// The entries of tables.
fn tables_in(manifest: &Manifest) -> Result<BTreeMap<TableName, Entry>> {
    let table = |entry: &Entry| Ok(table_of(entry)?.map(|(name, _)| (name, entry.clone())));
    manifest.entries.iter().filter_map(|entry| table(entry).transpose()).collect()
}

/// The sequence number up to which a manifest holds everything; 0 before the first publication.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if it is not a number.
pub fn manifest_seq(manifest: &Manifest) -> Result<u64> {
    let Some(text) = manifest.properties.get(SEQ) else { return Ok(0) };
    let corrupt = |source| {
        Error::new(ErrorKind::Corrupt, "the sequence number of a manifest is none")
            .with("number", manifest.number)
            .with("seq", text)
            .caused_by(source)
    };
    text.parse().map_err(corrupt)
}

/// What is published is published, whatever this does: what fails is tried again after the next publication.
fn expire(manifests: &Manifests, options: &PublisherOptions, state: &mut State) {
    match manifests.expire(&ExpireOptions::default().with_keep_last(options.keep)) {
        Ok(expired) if expired.left == 0 => state.since_expiry = 0,
        Ok(expired) => {
            tracing::warn!(target: "worldstore", left = expired.left, "objects of expired manifests could not be removed")
        }
        Err(error) => tracing::warn!(target: "worldstore", %error, "old manifests could not be expired"),
    }
}

fn check(cut: &Cut) -> Result<()> {
    if !cut.tables.is_sorted_by(|one, next| one.name < next.name) {
        return Err(Error::invalid("tables of a cut are sorted by name, and each is there once"));
    }
    match cut.tables.iter().find(|table| table.watermark > cut.seq) {
        None => Ok(()),
        Some(table) => Err(Error::invalid("a table of the cut holds more than its sequence number says")
            .with("table", &table.name)
            .with("watermark", table.watermark)
            .with("seq", cut.seq)),
    }
}
