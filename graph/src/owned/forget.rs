//! Labels and types of what queries have created, when nothing has them any more: they stay known until they are dropped.

use std::fmt;

use worldstore_core::{Error, Result};
use worldstore_cypher_runtime::Changes;

use super::{Created, Owned, OwnedStore, Published};

/// A name that is dropped.
#[derive(Debug, Clone)]
pub(crate) enum CreatedName {
    Label(String),
    EdgeType(String),
}

impl fmt::Display for CreatedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(name) => write!(f, "label `{name}`"),
            Self::EdgeType(name) => write!(f, "edge type `{name}`"),
        }
    }
}

impl CreatedName {
    /// True if queries have created it, and it was not dropped since.
    pub fn is_known(&self, created: &Created) -> bool {
        match self {
            Self::Label(name) => created.graph.known_labels().any(|label| **label == **name),
            Self::EdgeType(name) => created.graph.known_types().any(|kind| **kind == **name),
        }
    }

    fn is_used(&self, created: &Created) -> bool {
        let whole = created.graph.whole();
        match self {
            Self::Label(name) => {
                let mut nodes = whole.nodes.iter().filter_map(|(_, node)| node.as_ref());
                nodes.any(|node| node.labels.iter().any(|label| **label == **name))
            }
            Self::EdgeType(name) => {
                whole.relationships.iter().filter_map(|(_, one)| one.as_ref()).any(|one| *one.kind == **name)
            }
        }
    }

    fn set(&self, is_known: bool) -> Changes {
        match self {
            Self::Label(name) => Changes { labels: vec![(name.as_str().into(), is_known)], ..Changes::default() },
            Self::EdgeType(name) => Changes { types: vec![(name.as_str().into(), is_known)], ..Changes::default() },
        }
    }
}

/// Forgets a name that nothing has, here and where it is stored. None if it is not known; `Stale` if others have changed
/// something first. Waits.
///
/// # Errors
/// `Invalid` if something has it; those of the store.
pub(crate) fn forget(name: &CreatedName, owned: &Owned, store: Option<&OwnedStore>) -> Result<Option<Published>> {
    owned.change(|created| {
        if !name.is_known(created) {
            return Ok(None);
        }
        if name.is_used(created) {
            let error = Error::invalid("something that queries have created has this name, delete it first");
            return Err(error.with("name", name));
        }
        let change = name.set(false);
        created.graph.apply(change.clone())?;
        let publish = |store: &OwnedStore| store.publish(&created.graph, &change, created.changes);
        let published = store.map_or(Ok(Published::Done), publish);
        match published {
            Ok(Published::Done) => created.changes += 1,
            _ => created.graph.apply(name.set(true))?,
        }
        published.map(Some)
    })
}
