//! The stored catalog: a chain of manifests whose properties are the records of labels and edge types.
//!
//! Each declaration is one published manifest, made on top of whatever others have published meanwhile. So what two
//! declare at once is there twice, unless both are of one name, or one needs what the other takes away: then the later one
//! fails with a typed error.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use worldstore_core::manifest::{Manifests, Stored};
use worldstore_core::{Error, ErrorKind, Result};

use super::record::Record;
use super::{Catalog, EdgeType, Label, Mounts};

/// What the names of records begin with.
const LABEL: &str = "label/";
const EDGE_TYPE: &str = "edge type/";

/// See the module.
#[derive(Debug)]
pub(crate) struct CatalogStore {
    manifests: Manifests,
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
}

impl Declared {
    fn record_name(&self) -> String {
        match self {
            Self::Label(name, _) => format!("{LABEL}{name}"),
            Self::EdgeType(name, _) => format!("{EDGE_TYPE}{name}"),
        }
    }

    /// Takes it over.
    pub fn put(self, catalog: &mut Catalog) {
        match self {
            Self::Label(name, label) => _ = catalog.labels.insert(name, label),
            Self::EdgeType(name, edge_type) => _ = catalog.edge_types.insert(name, edge_type),
        }
    }
}

/// What is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    Label,
    EdgeType,
}

/// A change of the catalog of a process.
pub(crate) type Change = Box<dyn FnOnce(&mut Catalog) + Send>;

impl CatalogStore {
    /// A chain of which nothing was taken over yet.
    pub fn new(manifests: Manifests) -> Self {
        Self { manifests, seen: Mutex::default() }
    }

    /// Looks for what others have declared and dropped. One listing if there is nothing new.
    ///
    /// # Errors
    /// Those of the chain; `Corrupt` for a record that cannot be read.
    pub async fn refresh(&self, mounts: &Mounts) -> Result<Option<Change>> {
        let mut seen = self.seen.lock().await;
        let manifests = self.manifests.clone();
        let newest = blocking(move || manifests.latest()).await?;
        take(&mut seen, &newest, mounts)
    }

    /// Publishes a declaration, and answers the number of its manifest and what else there is to be taken over.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, `Conflict` if a label that it needs is gone, those of the chain.
    pub async fn declare(&self, declared: Declared, record: &Record, mounts: &Mounts) -> Result<(u64, Change)> {
        let mut seen = self.seen.lock().await;
        let (name, text) = (declared.record_name(), record.encode()?);
        // Tables are labels without a record, and nobody can drop them.
        let needed = record.labels().iter().map(|label| format!("{LABEL}{label}"));
        let needed: Vec<String> = needed.filter(|label| seen.records.contains_key(label)).collect();
        let (manifests, key, value) = (self.manifests.clone(), name.clone(), text.clone());
        let stored = blocking(move || {
            manifests.publish_shared(|draft| {
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
            })
        })
        .await?;
        seen.records.insert(name, text);
        let others = take(&mut seen, &stored, mounts)?;
        let change: Change = Box::new(move |catalog| {
            if let Some(others) = others {
                others(catalog);
            }
            declared.put(catalog);
        });
        Ok((stored.number, change))
    }

    /// Publishes that something is gone.
    ///
    /// # Errors
    /// `Conflict` if an edge type needs it by now, or somebody else has dropped it; those of the chain.
    pub async fn undeclare(&self, what: Dropped, name: &str, mounts: &Mounts) -> Result<Option<Change>> {
        let mut seen = self.seen.lock().await;
        let (manifests, name) = (self.manifests.clone(), name.to_owned());
        let stored = blocking(move || {
            manifests.publish_shared(|draft| {
                let key = match what {
                    Dropped::Label => format!("{LABEL}{name}"),
                    Dropped::EdgeType => format!("{EDGE_TYPE}{name}"),
                };
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
        take(&mut seen, &stored, mounts)
    }
}

/// What has changed since the last time.
fn take(seen: &mut Seen, stored: &Stored, mounts: &Mounts) -> Result<Option<Change>> {
    if stored.number <= seen.number {
        return Ok(None);
    }
    let mut new = Vec::new();
    for (name, text) in stored.properties.iter().filter(|(name, text)| seen.records.get(*name) != Some(*text)) {
        let record = || Record::decode(text);
        let about = |error: Error| error.with("record", name);
        if let Some(label) = name.strip_prefix(LABEL) {
            let made = record().and_then(|record| record.label(mounts)).map_err(about)?;
            new.push(Declared::Label(label.to_owned(), Arc::new(made)));
        } else if let Some(edge_type) = name.strip_prefix(EDGE_TYPE) {
            let made = record().and_then(|record| record.edge_type(mounts)).map_err(about)?;
            new.push(Declared::EdgeType(edge_type.to_owned(), Arc::new(made)));
        }
    }
    let gone = seen.records.keys().filter(|name| !stored.properties.contains_key(*name));
    let gone: Vec<String> = gone.cloned().collect();
    (seen.number, seen.records) = (stored.number, stored.properties.clone());
    Ok(Some(Box::new(move |catalog| {
        for name in gone {
            if let Some(label) = name.strip_prefix(LABEL) {
                catalog.labels.remove(label);
            } else if let Some(edge_type) = name.strip_prefix(EDGE_TYPE) {
                catalog.edge_types.remove(edge_type);
            }
        }
        new.into_iter().for_each(|one| one.put(catalog));
    })))
}

/// Chains are not awaited: their work is done where waiting is allowed.
async fn blocking<Answer: Send + 'static>(work: impl FnOnce() -> Result<Answer> + Send + 'static) -> Result<Answer> {
    let failed = |source| Error::unexpected("a task did not end").caused_by(source);
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}
