//! The whole graph of a query: rows of tables, which are only read, and what the graph owns.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::LabelExpr;
use worldstore_cypher_runtime::{
    EntityId, Graph, GraphMut, Map, MemoryGraph, Node, NodeId, Nodes, Relationship, RelationshipId, Relationships,
    Scan, SideEffects, Towards, Wanted,
};

use super::id::Id;
use super::tables::Tables;
use crate::owned::{OwnedStore, Published};
use crate::tier::Minimum;

/// See the module. A reader lends the owned part, a writer lends it to be changed.
#[derive(Debug)]
pub(super) struct Whole<'q, Owned> {
    pub tables: &'q Tables,
    pub owned: Owned,
    /// How sure what is created must be to be seen; rows of tables are held to it where they are read.
    pub minimum: Minimum,
    /// Who keeps what a statement has changed, if anybody does.
    pub keeper: Option<&'q Keeper<'q>>,
}

/// Keeps what a statement has changed in the stored catalog, before the statement is done.
#[derive(Debug)]
pub(super) struct Keeper<'q> {
    store: &'q OwnedStore,
    /// The number of the last statement whose changes are known here.
    known: u64,
    outcome: Cell<Option<Published>>,
}

impl<'q> Keeper<'q> {
    pub fn new(store: &'q OwnedStore, known: u64) -> Self {
        Self { store, known, outcome: Cell::new(None) }
    }

    /// What came of it; none if there was nothing to keep, or it failed.
    pub fn outcome(&self) -> Option<Published> {
        self.outcome.get()
    }

    fn keep(&self, created: &MemoryGraph) -> Result<()> {
        let changes = created.changes()?;
        if changes.is_empty() {
            return Ok(());
        }
        let published = self.store.publish(created, &changes, self.known)?;
        self.outcome.set(Some(published));
        match published {
            Published::Done => Ok(()),
            Published::Stale => {
                Err(Error::new(ErrorKind::Conflict, "others have changed what was created first each time"))
            }
        }
    }
}

impl<Owned: Deref<Target = MemoryGraph> + std::fmt::Debug> Graph for Whole<'_, Owned> {
    fn nodes<'g>(&'g self, scan: &Scan<'_>) -> Result<Nodes<'g>> {
        let minimum = self.minimum;
        let is_seen = move |node: &Result<Arc<Node>>| match node {
            Ok(node) => minimum.admits(&node.properties),
            Err(_) => true,
        };
        Ok(Box::new(self.owned.nodes(scan)?.filter(is_seen).chain(self.tables.nodes(scan)?)))
    }

    fn node(&self, id: NodeId, wanted: &Wanted) -> Result<Option<Arc<Node>>> {
        match Id::unpack(id.0) {
            Some(_) => self.tables.node(id, wanted),
            None => Ok(self.owned.node(id, wanted)?.filter(|node| self.minimum.admits(&node.properties))),
        }
    }

    fn relationships<'g>(&'g self, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        Ok(Box::new(self.sure(self.owned.relationships(scan)?).chain(self.tables.relationships(scan)?)))
    }

    fn relationships_of<'g>(&'g self, node: NodeId, towards: Towards, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        match Id::unpack(node.0) {
            Some(_) => self.tables.relationships_of(node, towards, scan),
            None => Ok(self.sure(self.owned.relationships_of(node, towards, scan)?)),
        }
    }

    fn relationship(&self, id: RelationshipId, wanted: &Wanted) -> Result<Option<Arc<Relationship>>> {
        match Id::unpack(id.0) {
            Some(_) => self.tables.relationship(id, wanted),
            None => {
                let found = self.owned.relationship(id, wanted)?;
                Ok(found.filter(|relationship| self.minimum.admits(&relationship.properties)))
            }
        }
    }

    fn node_count(&self, labels: &[&LabelExpr]) -> Option<u64> {
        Some(self.owned.node_count(labels)? + self.tables.node_count(labels)?)
    }

    fn relationship_count(&self, types: &[&LabelExpr]) -> Option<u64> {
        Some(self.owned.relationship_count(types)? + self.tables.relationship_count(types)?)
    }
}

impl<Owned: DerefMut<Target = MemoryGraph> + std::fmt::Debug> GraphMut for Whole<'_, Owned> {
    fn begin(&mut self) -> Result<()> {
        self.owned.begin()
    }

    fn commit(&mut self) -> Result<SideEffects> {
        if let Some(keeper) = self.keeper
            && let Err(error) = keeper.keep(&self.owned)
        {
            self.owned.rollback()?;
            return Err(error);
        }
        self.owned.commit()
    }

    fn rollback(&mut self) -> Result<()> {
        self.owned.rollback()
    }

    fn create_node(&mut self, labels: Vec<Arc<str>>, properties: Map) -> Result<NodeId> {
        self.check_labels(&labels)?;
        self.owned.create_node(labels, properties)
    }

    fn create_relationship(
        &mut self,
        kind: Arc<str>,
        start: NodeId,
        end: NodeId,
        properties: Map,
    ) -> Result<RelationshipId> {
        if self.tables.has_type(&kind) {
            return Err(read_only("the edges of this type are rows of a table").with("type", kind));
        }
        check_node(start)?;
        check_node(end)?;
        self.owned.create_relationship(kind, start, end, properties)
    }

    fn replace_properties(&mut self, entity: EntityId, properties: Map) -> Result<()> {
        match entity {
            EntityId::Node(id) => check_node(id)?,
            EntityId::Relationship(id) => check_relationship(id)?,
        }
        self.owned.replace_properties(entity, properties)
    }

    fn replace_labels(&mut self, node: NodeId, labels: Vec<Arc<str>>) -> Result<()> {
        check_node(node)?;
        self.check_labels(&labels)?;
        self.owned.replace_labels(node, labels)
    }

    fn delete_node(&mut self, node: NodeId) -> Result<()> {
        check_node(node)?;
        self.owned.delete_node(node)
    }

    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<()> {
        check_relationship(relationship)?;
        self.owned.delete_relationship(relationship)
    }
}

impl<Owned> Whole<'_, Owned> {
    /// Those that are sure enough.
    fn sure<'g>(&self, relationships: Relationships<'g>) -> Relationships<'g> {
        let minimum = self.minimum;
        if minimum.is_none() {
            return relationships;
        }
        Box::new(relationships.filter(move |relationship| match relationship {
            Ok(relationship) => minimum.admits(&relationship.properties),
            Err(_) => true,
        }))
    }

    fn check_labels(&self, labels: &[Arc<str>]) -> Result<()> {
        match labels.iter().find(|label| self.tables.has_label(label)) {
            Some(label) => Err(read_only("the nodes of this label are rows of a table").with("label", label)),
            None => Ok(()),
        }
    }
}

fn check_node(id: NodeId) -> Result<()> {
    match Id::unpack(id.0) {
        Some(_) => Err(read_only("the node is a row of a table")),
        None => Ok(()),
    }
}

fn check_relationship(id: RelationshipId) -> Result<()> {
    match Id::unpack(id.0) {
        Some(_) => Err(read_only("the edge is a row of a table")),
        None => Ok(()),
    }
}

fn read_only(message: &'static str) -> Error {
    Error::unsupported(message).with("help", "a query changes only what queries have created")
}
