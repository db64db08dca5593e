//! The stored catalog: a chain of manifests whose properties are the records of labels and edge types.
//!
//! Each declaration is one published manifest, made on top of whatever others have published meanwhile. So what two
//! declare at once is there twice, unless both are of one name, or one needs what the other takes away: then the later one
//! fails with a typed error.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use bytes::Bytes;
use tokio::sync::Mutex;
use worldstore_core::manifest::{Entry, ExpireOptions, Manifests, Stored};
use worldstore_core::{Error, ErrorKind, Result};

use super::expiry::{self, ExpiredCatalog, Expiry};
use super::record::Record;
use super::{Catalog, EdgeType, Label, Mounts, Overlay, kept};
use crate::live::LiveView;
use crate::owned::{OwnedStore, statements};

/// What the names of records begin with.
const LABEL: &str = "label/";
const EDGE_TYPE: &str = "edge type/";
const OVERLAY: &str = "overlay/";
const VIEW: &str = "live view/";

/// So often rows are put again because a collection came between them and their manifest.
const PUTS_MAX: u32 = 3;

/// What the name of the entry begins with that keeps the rows of corrections.
const CORRECTIONS: &str = "corrections/";

/// See the module.
#[derive(Debug)]
pub(crate) struct CatalogStore {
    manifests: Manifests,
    expiry: Expiry,
    /// Held until the catalog of the process is what was seen: an older state never comes after a newer one.
    seen: Mutex<Seen>,
}

/// What was taken over from the chain.
#[derive(Debug, Default)]
struct Seen {
    number: u64,
    records: BTreeMap<String, String>,
}

/// What is declared, and where that is in the catalog.
#[derive(Debug, Clone)]
pub(crate) enum Declared {
    Label(String, Arc<Label>),
    EdgeType(String, Arc<EdgeType>),
    Overlay(String, Arc<Overlay>),
    View(String, Arc<LiveView>),
}

impl Declared {
    fn record_name(&self) -> String {
        match self {
            Self::Label(name, _) => format!("{LABEL}{name}"),
            Self::EdgeType(name, _) => format!("{EDGE_TYPE}{name}"),
            Self::Overlay(label, _) => format!("{OVERLAY}{label}"),
            Self::View(name, _) => format!("{VIEW}{name}"),
        }
    }

    /// What a record declares; none for one that is of something else.
    fn of(name: &str, text: &str, mounts: &Mounts, manifests: &Manifests) -> Result<Option<Self>> {
        let record = || Record::decode(text);
        Ok(Some(if let Some(label) = name.strip_prefix(LABEL) {
            Self::Label(label.to_owned(), Arc::new(record()?.label(mounts)?))
        } else if let Some(edge_type) = name.strip_prefix(EDGE_TYPE) {
            Self::EdgeType(edge_type.to_owned(), Arc::new(record()?.edge_type(mounts)?))
        } else if let Some(label) = name.strip_prefix(OVERLAY) {
            Self::Overlay(label.to_owned(), Arc::new(record()?.overlay(mounts, manifests)?))
        } else if let Some(view) = name.strip_prefix(VIEW) {
            Self::View(view.to_owned(), Arc::new(record()?.view()?))
        } else {
            return Ok(None);
        }))
    }

    /// Takes it over.
    pub fn put(self, catalog: &mut Catalog) {
        match self {
            Self::Label(name, label) => _ = catalog.labels.insert(name, label),
            Self::EdgeType(name, edge_type) => _ = catalog.edge_types.insert(name, edge_type),
            Self::Overlay(label, overlay) => _ = catalog.overlays.insert(label, overlay),
            Self::View(name, view) => _ = catalog.views.insert(name, view),
        }
    }
}

/// What is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    Label,
    EdgeType,
    Overlay,
    View,
}

impl Dropped {
    fn record_name(self, name: &str) -> String {
        let prefix = match self {
            Self::Label => LABEL,
            Self::EdgeType => EDGE_TYPE,
            Self::Overlay => OVERLAY,
            Self::View => VIEW,
        };
        format!("{prefix}{name}")
    }

    /// Takes it out.
    pub fn take(self, name: &str, catalog: &mut Catalog) {
        match self {
            Self::Label => _ = catalog.labels.remove(name),
            Self::EdgeType => _ = catalog.edge_types.remove(name),
            Self::Overlay => _ = catalog.overlays.remove(name),
            Self::View => _ = catalog.views.remove(name),
        }
    }
}

/// A change of the catalog of a process.
type Change = Box<dyn FnOnce(&mut Catalog) + Send>;

/// A process, and its catalog.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'graph> {
    pub catalog: &'graph RwLock<Catalog>,
    pub mounts: &'graph Mounts,
}

impl Here<'_> {
    fn change(self, change: impl FnOnce(&mut Catalog)) {
        change(&mut self.catalog.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl CatalogStore {
    /// A chain of which nothing was taken over yet.
    pub fn new(manifests: Manifests, expiry: Expiry) -> Self {
        Self { manifests, expiry, seen: Mutex::default() }
    }

    /// Removes states that need not be kept, and what only they had.
    ///
    /// # Errors
    /// Those of the chain.
    pub async fn expire(&self, options: &ExpireOptions) -> Result<ExpiredCatalog> {
        let (manifests, options) = (self.manifests.clone(), options.clone());
        blocking(move || expiry::expire(&manifests, &options)).await
    }

    /// The same if it is time. What fails is left to the next time: what was asked for is done.
    pub async fn keep_up(&self) {
        let Some(options) = self.expiry.take_due() else { return };
        if let Err(error) = self.expire(options).await {
            tracing::warn!(target: "worldstore", %error, "old states of the catalog cannot be removed");
        }
    }

    /// Takes over what others have declared and dropped, and gives the newest manifest. One listing if there is nothing new.
    ///
    /// # Errors
    /// Those of the chain; `Corrupt` for a record that cannot be read.
    pub async fn refresh(&self, here: Here<'_>) -> Result<Arc<Stored>> {
        let mut seen = self.seen.lock().await;
        let manifests = self.manifests.clone();
        let newest = blocking(move || manifests.latest()).await?;
        self.take_over(&mut seen, &newest, here)?;
        Ok(newest)
    }

    /// Where what queries create is kept.
    pub fn owned(&self) -> OwnedStore {
        OwnedStore::new(self.manifests.clone(), self.expiry.clone())
    }

    /// Publishes a declaration, takes it over, and answers the number of its manifest; none if more statements have created
    /// something than `created`, where that is asked.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, `Conflict` if a label that it needs is gone, those of the chain.
    pub async fn declare(
        &self,
        declared: Declared,
        record: &Record,
        created: Option<u64>,
        here: Here<'_>,
    ) -> Result<Option<u64>> {
        let mut seen = self.seen.lock().await;
        let (name, text) = (declared.record_name(), record.encode()?);
        // Tables are labels without a record, and nobody can drop them.
        let needed = record.labels().iter().map(|label| format!("{LABEL}{label}"));
        let needed: Vec<String> = needed.filter(|label| seen.records.contains_key(label)).collect();
        let (manifests, key, value) = (self.manifests.clone(), name.clone(), text.clone());
        let published = blocking(move || {
            let mut is_stale = false;
            let published = manifests.publish_shared(|draft| {
                is_stale = match created {
                    Some(created) => statements(draft.base())? > created,
                    None => false,
                };
                if is_stale {
                    return Err(Error::new(ErrorKind::Conflict, "something was created meanwhile"));
                }
                if draft.properties.contains_key(&key) {
                    let error = Error::new(ErrorKind::AlreadyExists, "it was declared by somebody else meanwhile");
                    return Err(error.with("name", &key));
                }
                if let Some(label) = needed.iter().find(|label| !draft.properties.contains_key(*label)) {
                    let error = Error::new(ErrorKind::Conflict, "a label that it needs was dropped meanwhile");
                    return Err(error.with("label", label));
                }
                draft.properties.insert(key.clone(), value.clone());
                Ok(())
            });
            if is_stale { Ok(None) } else { published.map(Some) }
        });
        let Some(stored) = published.await? else { return Ok(None) };
        self.expiry.note(&stored);
        seen.records.insert(name, text);
        self.take_over(&mut seen, &stored, here)?;
        here.change(|catalog| declared.put(catalog));
        Ok(Some(stored.number))
    }

    /// Publishes that something is gone, and takes that over.
    ///
    /// # Errors
    /// `Conflict` if an edge type needs it by now, or somebody else has dropped it; those of the chain.
    pub async fn undeclare(&self, what: Dropped, name: &str, here: Here<'_>) -> Result<()> {
        let mut seen = self.seen.lock().await;
        let (manifests, name) = (self.manifests.clone(), name.to_owned());
        let stored = blocking(move || {
            manifests.publish_shared(|draft| {
                let key = what.record_name(&name);
                if what == Dropped::Overlay {
                    draft.remove(&format!("{CORRECTIONS}{name}"));
                }
                if what == Dropped::Label {
                    for (edge_type, text) in draft.properties.iter().filter(|(key, _)| key.starts_with(EDGE_TYPE)) {
                        if Record::decode(text)?.uses(&name) {
                            let error = Error::new(ErrorKind::Conflict, "an edge type uses this label by now");
                            return Err(error.with("label", &name).with("edge_type", edge_type));
                        }
                    }
                }
                match draft.properties.remove(&key) {
                    Some(_) => Ok(()),
                    None => Err(Error::new(ErrorKind::Conflict, "it was dropped by somebody else").with("name", &name)),
                }
            })
        })
        .await?;
        self.expiry.note(&stored);
        self.take_over(&mut seen, &stored, here)
    }

    /// Publishes corrections that are given as rows, in place of those before, and takes them over.
    ///
    /// # Errors
    /// `Conflict` if the label is gone; `Unsupported` for columns that cannot be stored; those of the chain.
    pub async fn correct(&self, label: &str, key: &str, rows: &RecordBatch, here: Here<'_>) -> Result<()> {
        let mut seen = self.seen.lock().await;
        let (manifests, bytes) = (self.manifests.clone(), Bytes::from(kept::encode(rows)?));
        let needed = Some(format!("{LABEL}{label}")).filter(|name| seen.records.contains_key(name));
        let correction = Correction { label: label.to_owned(), key: key.to_owned(), needed };
        let stored = blocking(move || correction.publish(&manifests, &bytes)).await?;
        self.expiry.note(&stored);
        self.take_over(&mut seen, &stored, here)
    }

    fn take_over(&self, seen: &mut Seen, stored: &Stored, here: Here<'_>) -> Result<()> {
        if let Some(change) = take(seen, stored, here.mounts, &self.manifests)? {
            here.change(change);
        }
        Ok(())
    }
}

/// Corrections that are given as rows, on their way into the catalog.
struct Correction {
    label: String,
    key: String,
    /// The record that must be there.
    needed: Option<String>,
}

impl Correction {
    fn publish(&self, manifests: &Manifests, rows: &Bytes) -> Result<Arc<Stored>> {
        for _ in 0..PUTS_MAX {
            let content = manifests.blocks()?.put(rows.clone())?;
            let text = Record::of_given(&self.key, content.clone()).encode()?;
            let mut is_gone = false;
            let published = manifests.publish_shared(|draft| {
                if self.needed.as_ref().is_some_and(|name| !draft.properties.contains_key(name)) {
                    is_gone = true;
                    let error = Error::new(ErrorKind::Conflict, "the label was dropped meanwhile");
                    return Err(error.with("label", &self.label));
                }
                let entry = Entry::new(format!("{CORRECTIONS}{}", self.label), "1", content.hash);
                draft.put(entry.with_blocks(content.blocks.clone()));
                draft.properties.insert(format!("{OVERLAY}{}", self.label), text.clone());
                Ok(())
            });
            match published {
                Err(error) if error.kind() == ErrorKind::Conflict && !is_gone => {}
                published => return published,
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others have published or collected first each time"))
    }
}

/// What has changed since the last time.
fn take(seen: &mut Seen, stored: &Stored, mounts: &Mounts, manifests: &Manifests) -> Result<Option<Change>> {
    if stored.number <= seen.number {
        return Ok(None);
    }
    let mut new = Vec::new();
    for (name, text) in stored.properties.iter().filter(|(name, text)| seen.records.get(*name) != Some(*text)) {
        new.extend(Declared::of(name, text, mounts, manifests).map_err(|error| error.with("record", name))?);
    }
    let gone = seen.records.keys().filter(|name| !stored.properties.contains_key(*name));
    let gone: Vec<String> = gone.cloned().collect();
    (seen.number, seen.records) = (stored.number, stored.properties.clone());
    Ok(Some(Box::new(move |catalog| {
        for name in gone {
            for what in [Dropped::Label, Dropped::EdgeType, Dropped::Overlay, Dropped::View] {
                if let Some(own) = name.strip_prefix(&what.record_name("")) {
                    what.take(own, catalog);
                }
            }
        }
        new.into_iter().for_each(|one| one.put(catalog));
    })))
}

/// Chains are not awaited: their work is done where waiting is allowed.
pub(crate) async fn blocking<Answer: Send + 'static>(
    work: impl FnOnce() -> Result<Answer> + Send + 'static,
) -> Result<Answer> {
    let failed = |source| Error::unexpected("a task did not end").caused_by(source);
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}
