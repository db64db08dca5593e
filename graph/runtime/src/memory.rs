//! A graph that owns its nodes and relationships, in memory.

mod changes;
mod index;
mod journal;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::LabelExpr;

use crate::graph::{EntityId, Graph, GraphMut, Nodes, Relationships, Scan, SideEffects, Towards, Wanted};
use crate::value::{Map, Node, NodeId, Relationship, RelationshipId};
pub use changes::Changes;
use index::Index;
use journal::Journal;

/// A property graph in memory. Nothing is stored: it is gone when dropped.
///
/// A scan by label looks at the nodes of that label only, one by a property's value at those that have it if the
/// property is indexed. Ids are never used again.
#[derive(Debug, Default)]
pub struct MemoryGraph {
    nodes: BTreeMap<NodeId, Entry>,
    relationships: BTreeMap<RelationshipId, Arc<Relationship>>,
    labels: HashMap<Arc<str>, BTreeSet<NodeId>>,
    types: HashMap<Arc<str>, BTreeSet<RelationshipId>>,
    known: Names,
    index: Index,
    next_id: u64,
    journal: Option<Journal>,
}

/// Labels and types that something has or had, as of the last statement.
#[derive(Debug, Default)]
struct Names {
    labels: BTreeSet<Arc<str>>,
    types: BTreeSet<Arc<str>>,
}

impl Names {
    fn add_node(&mut self, node: &Node) {
        for label in node.labels.iter().filter(|label| !self.labels.contains(*label)).collect::<Vec<_>>() {
            self.labels.insert(Arc::clone(label));
        }
    }

    fn add_relationship(&mut self, relationship: &Relationship) {
        if !self.types.contains(&relationship.kind) {
            self.types.insert(Arc::clone(&relationship.kind));
        }
    }
}

/// A node and what is attached to it.
#[derive(Debug)]
struct Entry {
    node: Arc<Node>,
    out: BTreeSet<RelationshipId>,
    into: BTreeSet<RelationshipId>,
}

impl MemoryGraph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds nodes by the values of a property from now on, whatever their labels. It costs memory for each node that
    /// has the property; nothing happens if it is indexed already.
    pub fn index_property(&mut self, property: impl Into<Arc<str>>) {
        let nodes = self.nodes.values().map(|entry| &*entry.node);
        self.index.add_property(property.into(), nodes);
    }

    /// The labels that a node has or had, sorted: one of which none is left stays known until it is
    /// [forgotten](Changes::labels).
    pub fn known_labels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.labels.iter()
    }

    /// The same of types of relationships.
    pub fn known_types(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.types.iter()
    }

    fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    fn entry(&self, id: NodeId) -> Result<&Entry> {
        self.nodes.get(&id).ok_or_else(|| absent("node", id.0))
    }

    /// Puts a node in place of what was there, and keeps the index of labels.
    fn put_node(&mut self, node: Arc<Node>) {
        let id = node.id;
        self.index.put(&node);
        self.note_labels(&node.labels);
        for label in &node.labels {
            self.labels.entry(Arc::clone(label)).or_default().insert(id);
        }
        match self.nodes.get_mut(&id) {
            Some(entry) => {
                let before = std::mem::replace(&mut entry.node, Arc::clone(&node));
                self.index.take_changed(&before, &node);
                let gone: Vec<_> = before.labels.iter().filter(|label| !node.labels.contains(label)).cloned().collect();
                self.note_labels(&gone);
                self.forget_labels(id, &gone);
            }
            None => {
                let entry = Entry { node, out: BTreeSet::new(), into: BTreeSet::new() };
                self.nodes.insert(id, entry);
            }
        }
    }

    fn take_node(&mut self, id: NodeId) {
        if let Some(entry) = self.nodes.remove(&id) {
            self.index.take(&entry.node);
            self.note_labels(&entry.node.labels);
            self.forget_labels(id, &entry.node.labels);
        }
    }

    fn forget_labels(&mut self, id: NodeId, labels: &[Arc<str>]) {
        for label in labels {
            if let Some(nodes) = self.labels.get_mut(label) {
                nodes.remove(&id);
            }
        }
    }

    /// Remembers which labels were in use before the statement.
    fn note_labels(&mut self, labels: &[Arc<str>]) {
        let Some(journal) = &mut self.journal else { return };
        for label in labels {
            let in_use = self.labels.get(label).is_some_and(|nodes| !nodes.is_empty());
            journal.labels.entry(Arc::clone(label)).or_insert(in_use);
        }
    }

    fn put_relationship(&mut self, relationship: Arc<Relationship>) {
        let id = relationship.id;
        if let Some(start) = self.nodes.get_mut(&relationship.start) {
            start.out.insert(id);
        }
        if let Some(end) = self.nodes.get_mut(&relationship.end) {
            end.into.insert(id);
        }
        self.types.entry(Arc::clone(&relationship.kind)).or_default().insert(id);
        self.relationships.insert(id, relationship);
    }

    fn take_relationship(&mut self, id: RelationshipId) {
        let Some(relationship) = self.relationships.remove(&id) else { return };
        if let Some(start) = self.nodes.get_mut(&relationship.start) {
            start.out.remove(&id);
        }
        if let Some(end) = self.nodes.get_mut(&relationship.end) {
            end.into.remove(&id);
        }
        if let Some(ids) = self.types.get_mut(&relationship.kind) {
            ids.remove(&id);
        }
    }

    fn journal(&mut self) -> Result<&mut Journal> {
        let missing = || Error::new(ErrorKind::Invalid, "a graph is changed only after a statement was begun");
        self.journal.as_mut().ok_or_else(missing)
    }

    fn note_node(&mut self, id: NodeId) -> Result<()> {
        let before = self.nodes.get(&id).map(|entry| Arc::clone(&entry.node));
        self.journal()?.nodes.entry(id).or_insert(before);
        Ok(())
    }

    fn note_relationship(&mut self, id: RelationshipId) -> Result<()> {
        let before = self.relationships.get(&id).cloned();
        self.journal()?.relationships.entry(id).or_insert(before);
        Ok(())
    }
}

impl Graph for MemoryGraph {
    fn nodes<'g>(&'g self, scan: &Scan<'_>) -> Result<Nodes<'g>> {
        let conditions = scan.conditions.to_vec();
        let fits = move |node: &Arc<Node>| conditions.iter().all(|condition| condition.holds(&node.properties));
        let by_label = required_names(scan.labels).map(|name| self.labels.get(name));
        let by_value = scan.conditions.iter().filter_map(|condition| self.index.find(condition));
        // What no node has is the narrowest of all.
        let narrowest = by_label.chain(by_value).min_by_key(|ids| ids.map_or(0, BTreeSet::len));
        Ok(match narrowest {
            None => Box::new(self.nodes.values().map(|entry| Arc::clone(&entry.node)).filter(fits).map(Ok)),
            Some(None) => Box::new(std::iter::empty()),
            Some(Some(ids)) => {
                let entries = ids.iter().filter_map(|id| self.nodes.get(id));
                Box::new(entries.map(|entry| Arc::clone(&entry.node)).filter(fits).map(Ok))
            }
        })
    }

    fn node(&self, id: NodeId, _: &Wanted) -> Result<Option<Arc<Node>>> {
        Ok(self.nodes.get(&id).map(|entry| Arc::clone(&entry.node)))
    }

    fn relationships<'g>(&'g self, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        let names = scan.labels.iter().filter_map(|types| types.any_of()).min_by_key(Vec::len);
        Ok(match names {
            None => Box::new(self.relationships.values().map(|one| Ok(Arc::clone(one)))),
            Some(names) => {
                // `A|A` names a type twice, but gives each relationship once.
                let names: BTreeSet<&str> = names.iter().map(|name| name.text.as_str()).collect();
                let ids: Vec<_> = names.iter().filter_map(|name| self.types.get(*name)).collect();
                let all = ids.into_iter().flatten().filter_map(|id| self.relationships.get(id));
                Box::new(all.map(|one| Ok(Arc::clone(one))))
            }
        })
    }

    fn relationships_of<'g>(&'g self, node: NodeId, towards: Towards, _: &Scan<'_>) -> Result<Relationships<'g>> {
        let Some(entry) = self.nodes.get(&node) else { return Ok(Box::new(std::iter::empty())) };
        let out = entry.out.iter().filter(move |_| towards != Towards::In);
        // A loop leads out and in, and is given once.
        let into = entry.into.iter().filter(move |id| match towards {
            Towards::Out => false,
            Towards::In => true,
            Towards::Any => !entry.out.contains(id),
        });
        Ok(Box::new(out.chain(into).filter_map(|id| self.relationships.get(id)).map(|one| Ok(Arc::clone(one)))))
    }

    fn relationship(&self, id: RelationshipId, _: &Wanted) -> Result<Option<Arc<Relationship>>> {
        Ok(self.relationships.get(&id).cloned())
    }

    fn node_count(&self, labels: &[&LabelExpr]) -> Option<u64> {
        let count = |name: &str| self.labels.get(name).map_or(0, BTreeSet::len);
        Some(required_names(labels).map(count).min().unwrap_or(self.nodes.len()) as u64)
    }

    fn relationship_count(&self, types: &[&LabelExpr]) -> Option<u64> {
        let count = |name: &str| self.types.get(name).map_or(0, BTreeSet::len);
        let counts = types.iter().filter_map(|types| types.any_of());
        let least = counts.map(|names| names.iter().map(|name| count(&name.text)).sum()).min();
        Some(least.unwrap_or(self.relationships.len()) as u64)
    }
}

impl GraphMut for MemoryGraph {
    fn begin(&mut self) -> Result<()> {
        if self.journal.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "a statement is under way"));
        }
        self.journal = Some(Journal::default());
        Ok(())
    }

    fn commit(&mut self) -> Result<SideEffects> {
        let journal = std::mem::take(self.journal()?);
        self.journal = None;
        let nodes = journal.nodes.keys().filter_map(|id| self.nodes.get(id));
        nodes.for_each(|entry| self.known.add_node(&entry.node));
        let relationships = journal.relationships.keys().filter_map(|id| self.relationships.get(id));
        relationships.for_each(|one| self.known.add_relationship(one));
        Ok(journal.effects(self))
    }

    fn rollback(&mut self) -> Result<()> {
        let journal = std::mem::take(self.journal()?);
        self.journal = None;
        for id in journal.relationships.keys() {
            self.take_relationship(*id);
        }
        for (id, before) in journal.nodes {
            match before {
                Some(node) => self.put_node(node),
                None => self.take_node(id),
            }
        }
        journal.relationships.into_values().flatten().for_each(|before| self.put_relationship(before));
        Ok(())
    }

    fn create_node(&mut self, labels: Vec<Arc<str>>, properties: Map) -> Result<NodeId> {
        let id = NodeId(self.fresh_id());
        self.note_node(id)?;
        self.put_node(Arc::new(Node { id, labels, properties, deleted: false }));
        Ok(id)
    }

    fn create_relationship(
        &mut self,
        kind: Arc<str>,
        start: NodeId,
        end: NodeId,
        properties: Map,
    ) -> Result<RelationshipId> {
        self.entry(start)?;
        self.entry(end)?;
        let id = RelationshipId(self.fresh_id());
        self.note_relationship(id)?;
        self.put_relationship(Arc::new(Relationship { id, kind, start, end, properties, deleted: false }));
        Ok(id)
    }

    fn replace_properties(&mut self, entity: EntityId, properties: Map) -> Result<()> {
        match entity {
            EntityId::Node(id) => {
                let node = Node { properties, ..Node::clone(&self.entry(id)?.node) };
                self.note_node(id)?;
                self.put_node(Arc::new(node));
            }
            EntityId::Relationship(id) => {
                let before = self.relationships.get(&id).ok_or_else(|| absent("relationship", id.0))?;
                let relationship = Relationship { properties, ..Relationship::clone(before) };
                self.note_relationship(id)?;
                self.relationships.insert(id, Arc::new(relationship));
            }
        }
        Ok(())
    }

    fn replace_labels(&mut self, node: NodeId, labels: Vec<Arc<str>>) -> Result<()> {
        let changed = Node { labels, ..Node::clone(&self.entry(node)?.node) };
        self.note_node(node)?;
        self.put_node(Arc::new(changed));
        Ok(())
    }

    fn delete_node(&mut self, node: NodeId) -> Result<()> {
        let entry = self.entry(node)?;
        if !entry.out.is_empty() || !entry.into.is_empty() {
            return Err(Error::new(ErrorKind::Conflict, "the node has relationships").with("node", node.0));
        }
        self.note_node(node)?;
        self.take_node(node);
        Ok(())
    }

    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<()> {
        if !self.relationships.contains_key(&relationship) {
            return Err(absent("relationship", relationship.0));
        }
        self.note_relationship(relationship)?;
        self.take_relationship(relationship);
        Ok(())
    }
}

fn absent(what: &str, id: u64) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no such {what}")).with("id", id)
}

/// Labels that every fitting node has.
fn required_names<'s>(labels: &'s [&'s LabelExpr]) -> impl Iterator<Item = &'s str> {
    labels.iter().filter_map(|labels| labels.all_of()).flatten().map(|name| name.text.as_str())
}

#[cfg(test)]
mod tests;
