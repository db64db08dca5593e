//! What was built, by the state of the rows that it was built from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::csr::Adjacency;
use super::nodes::Nodes;
use crate::file::FileRows;
use crate::lake::Listing;

/// What adjacencies take at most, if nothing else is said: 1 GiB.
const BYTES_MAX: u64 = 1 << 30;

/// A state of rows: equal if it is the same one.
#[derive(Debug, Clone)]
pub(crate) enum Snapshot {
    /// Files in place.
    Listing(Arc<Listing>),
    /// The rows of a file, in memory.
    File(Arc<FileRows>),
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Listing(one), Self::Listing(other)) => Arc::ptr_eq(one, other),
            (Self::File(one), Self::File(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Nodes and edges that are kept. All clones of a graph share them.
#[derive(Debug)]
pub(crate) struct Adjacencies {
    held: Mutex<Vec<Entry>>,
    bytes_max: u64,
}

#[derive(Debug)]
struct Entry {
    name: String,
    snapshots: Vec<Snapshot>,
    built: Built,
}

#[derive(Debug, Clone)]
enum Built {
    Nodes(Arc<Nodes>),
    Edges(Arc<Adjacency>),
}

impl Built {
    fn bytes(&self) -> u64 {
        match self {
            Self::Nodes(nodes) => nodes.bytes(),
            Self::Edges(edges) => edges.bytes(),
        }
    }
}

impl Default for Adjacencies {
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

impl Adjacencies {
    pub fn new(bytes_max: u64) -> Self {
        Self { held: Mutex::default(), bytes_max }
    }

    /// False if nothing is to be built at all.
    pub fn is_on(&self) -> bool {
        self.bytes_max > 0
    }

    fn held(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known under a name, if it was built from these rows.
    fn find(&self, name: &str, snapshots: &[Snapshot]) -> Option<Built> {
        let mut held = self.held();
        let place = held.iter().position(|entry| entry.name == name && entry.snapshots == snapshots)?;
        // The last one was used last.
        let entry = held.remove(place);
        let built = entry.built.clone();
        held.push(entry);
        Some(built)
    }

    /// Keeps what was built, and drops what it replaces and what was not used for longest.
    fn keep(&self, name: &str, snapshots: Vec<Snapshot>, built: Built) {
        let mut held = self.held();
        held.retain(|entry| entry.name != name);
        held.push(Entry { name: name.to_owned(), snapshots, built });
        let mut sum: u64 = held.iter().map(|entry| entry.built.bytes()).sum();
        while sum > self.bytes_max && !held.is_empty() {
            sum -= held.remove(0).built.bytes();
        }
    }

    pub fn nodes(&self, name: &str, snapshots: &[Snapshot]) -> Option<Arc<Nodes>> {
        match self.find(name, snapshots)? {
            Built::Nodes(nodes) => Some(nodes),
            Built::Edges(_) => None,
        }
    }

    pub fn keep_nodes(&self, name: &str, snapshots: Vec<Snapshot>, nodes: &Arc<Nodes>) {
        self.keep(name, snapshots, Built::Nodes(Arc::clone(nodes)));
    }

    pub fn edges(&self, name: &str, snapshots: &[Snapshot]) -> Option<Arc<Adjacency>> {
        match self.find(name, snapshots)? {
            Built::Edges(edges) => Some(edges),
            Built::Nodes(_) => None,
        }
    }

    /// True if edges of all these types are there, of whatever state.
    pub fn has_edges<'name>(&self, mut names: impl Iterator<Item = &'name str>) -> bool {
        let held = self.held();
        names.all(|name| held.iter().any(|entry| entry.name == name && matches!(entry.built, Built::Edges(_))))
    }

    pub fn keep_edges(&self, name: &str, snapshots: Vec<Snapshot>, edges: &Arc<Adjacency>) {
        self.keep(name, snapshots, Built::Edges(Arc::clone(edges)));
    }
}
