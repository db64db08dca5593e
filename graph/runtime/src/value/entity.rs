//! Nodes, relationships and paths: snapshots of what was read.

use std::sync::Arc;

use super::Map;

/// Names a node within its graph; who made the graph knows what is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// Names a relationship within its graph; who made the graph knows what is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationshipId(pub u64);

/// A node, as it was when it was read. Two nodes are equal if their ids are.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Its labels.
    pub labels: Vec<Arc<str>>,
    /// Its properties; never null.
    pub properties: Map,
    /// True if it was deleted in this query: it has an id, and nothing else may be asked of it.
    pub deleted: bool,
}

/// A relationship, as it was when it was read. Two relationships are equal if their ids are.
#[derive(Debug, Clone)]
pub struct Relationship {
    /// Its id.
    pub id: RelationshipId,
    /// Its type.
    pub kind: Arc<str>,
    /// Where it starts.
    pub start: NodeId,
    /// Where it ends.
    pub end: NodeId,
    /// Its properties; never null.
    pub properties: Map,
    /// True if it was deleted in this query: it has an id and a type, and nothing else may be asked of it.
    pub deleted: bool,
}

/// Nodes with relationships between them; each may be walked in either direction.
#[derive(Debug, Clone)]
pub struct Path {
    /// The nodes; one at least.
    pub nodes: Vec<Arc<Node>>,
    /// The relationships; one less than nodes.
    pub relationships: Vec<Arc<Relationship>>,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Node {}

impl PartialEq for Relationship {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Relationship {}

impl Path {
    /// The number of relationships.
    pub fn length(&self) -> usize {
        self.relationships.len()
    }

    /// The ids along the path: node, relationship, node, ….
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        let rest = self.relationships.iter().zip(self.nodes.iter().skip(1));
        let first = self.nodes.first().map(|node| node.id.0);
        first.into_iter().chain(rest.flat_map(|(relationship, node)| [relationship.id.0, node.id.0]))
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.ids().eq(other.ids())
    }
}

impl Eq for Path {}
