//! What statements have changed, as data: for those who keep it elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Result};

use super::MemoryGraph;
use crate::value::{Node, NodeId, Relationship, RelationshipId};

/// Nodes and relationships that are there now, whole, and those that are gone.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Nodes, each once; none for those that are gone.
    pub nodes: Vec<(NodeId, Option<Arc<Node>>)>,
    /// Relationships, each once; none for those that are gone.
    pub relationships: Vec<(RelationshipId, Option<Arc<Relationship>>)>,
    /// Labels, and whether they are known from now on: those of the nodes above are in any case.
    pub labels: Vec<(Arc<str>, bool)>,
    /// The same of types of relationships.
    pub types: Vec<(Arc<str>, bool)>,
    /// Ids below this were given, whether what had them is still there or not.
    pub next_id: u64,
}

impl Changes {
    /// True if nothing has changed but ids.
    pub fn is_empty(&self) -> bool {
        let Self { nodes, relationships, labels, types, next_id: _ } = self;
        nodes.is_empty() && relationships.is_empty() && labels.is_empty() && types.is_empty()
    }
}

impl MemoryGraph {
    /// What the statement that is under way has changed so far.
    ///
    /// # Errors
    /// `Invalid`: none was begun.
    pub fn changes(&self) -> Result<Changes> {
        let missing = || Error::new(ErrorKind::Invalid, "no statement was begun");
        let journal = self.journal.as_ref().ok_or_else(missing)?;
        let nodes = journal.nodes.iter().map(|(id, before)| {
            let now = self.nodes.get(id).map(|entry| Arc::clone(&entry.node));
            (*id, before.is_some(), now)
        });
        let relationships = journal.relationships.iter().map(|(id, before)| {
            let now = self.relationships.get(id).cloned();
            (*id, before.is_some(), now)
        });
        // What came and went in one statement was never there.
        Ok(Changes {
            nodes: nodes.filter(|(_, was, now)| *was || now.is_some()).map(|(id, _, now)| (id, now)).collect(),
            relationships: relationships
                .filter(|(_, was, now)| *was || now.is_some())
                .map(|(id, _, now)| (id, now))
                .collect(),
            next_id: self.next_id,
            ..Changes::default()
        })
    }

    /// Everything that is there, as what makes it of an empty graph.
    pub fn whole(&self) -> Changes {
        let nodes = self.nodes.iter().map(|(id, entry)| (*id, Some(Arc::clone(&entry.node))));
        let relationships = self.relationships.iter().map(|(id, one)| (*id, Some(Arc::clone(one))));
        let known = |names: &BTreeSet<Arc<str>>| names.iter().map(|name| (Arc::clone(name), true)).collect();
        Changes {
            nodes: nodes.collect(),
            relationships: relationships.collect(),
            labels: known(&self.known.labels),
            types: known(&self.known.types),
            next_id: self.next_id,
        }
    }

    /// Makes changes that were made elsewhere, to a graph that was the same there.
    ///
    /// # Errors
    /// `Conflict`: a statement is under way. `Corrupt`: they are of another graph; what was changed then is not undone.
    pub fn apply(&mut self, changes: Changes) -> Result<()> {
        if self.journal.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "a statement is under way"));
        }
        for (id, _) in changes.relationships.iter().filter(|(_, now)| now.is_none()) {
            self.take_relationship(*id);
        }
        let (come, gone): (Vec<_>, Vec<_>) = changes.nodes.into_iter().partition(|(_, now)| now.is_some());
        for node in come.into_iter().filter_map(|(_, now)| now) {
            self.known.add_node(&node);
            self.put_node(node);
        }
        for (id, _) in gone {
            if self.nodes.get(&id).is_some_and(|entry| !entry.out.is_empty() || !entry.into.is_empty()) {
                return Err(foreign("a node that is gone has relationships", id.0));
            }
            self.take_node(id);
        }
        for relationship in changes.relationships.into_iter().filter_map(|(_, now)| now) {
            if !self.nodes.contains_key(&relationship.start) || !self.nodes.contains_key(&relationship.end) {
                return Err(foreign("a relationship has an end that is not there", relationship.id.0));
            }
            self.known.add_relationship(&relationship);
            self.put_relationship(relationship);
        }
        set(&mut self.known.labels, changes.labels);
        set(&mut self.known.types, changes.types);
        self.next_id = self.next_id.max(changes.next_id);
        Ok(())
    }
}

fn set(known: &mut BTreeSet<Arc<str>>, names: Vec<(Arc<str>, bool)>) {
    for (name, is_known) in names {
        match is_known {
            true => known.insert(name),
            false => known.remove(&name),
        };
    }
}

fn foreign(message: &'static str, id: u64) -> Error {
    Error::new(ErrorKind::Corrupt, message).with("id", id)
}
