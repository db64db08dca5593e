//! Brings the values of rows up to date.

use std::sync::Arc;

use super::Writer;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::graph::{EntityId, Wanted};
use crate::value::{List, Map, Node, NodeId, Path, Relationship, RelationshipId, Value};

impl Writer<'_, '_> {
    /// Brings a row up to date with what was touched.
    pub(super) fn refresh(&self, row: &mut [Value]) -> Result<()> {
        if self.touched.is_empty() {
            return Ok(());
        }
        for value in row {
            if self.is_stale(value) {
                *value = self.fresh(value)?;
            }
        }
        Ok(())
    }

    fn is_stale(&self, value: &Value) -> bool {
        match value {
            Value::Node(node) => self.touched.contains(&EntityId::Node(node.id)),
            Value::Relationship(one) => self.touched.contains(&EntityId::Relationship(one.id)),
            Value::List(list) => list.iter().any(|item| self.is_stale(item)),
            Value::Map(map) => map.values().any(|item| self.is_stale(item)),
            Value::Path(path) => {
                path.nodes.iter().any(|node| self.touched.contains(&EntityId::Node(node.id)))
                    || path.relationships.iter().any(|one| self.touched.contains(&EntityId::Relationship(one.id)))
            }
            _ => false,
        }
    }

    fn fresh(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::Node(node) => Value::Node(self.fresh_node(node)?),
            Value::Relationship(one) => Value::Relationship(self.fresh_relationship(one)?),
            Value::List(list) => Value::List(list.iter().map(|item| self.fresh(item)).collect::<Result<List>>()?),
            Value::Map(map) => {
                let entries = map.iter().map(|(name, value)| Ok((Arc::clone(name), self.fresh(value)?)));
                Value::Map(entries.collect::<Result<Map>>()?)
            }
            Value::Path(path) => {
                let nodes = path.nodes.iter().map(|node| self.fresh_node(node)).collect::<Result<_>>()?;
                let relationships = path.relationships.iter().map(|one| self.fresh_relationship(one));
                Value::Path(Arc::new(Path { nodes, relationships: relationships.collect::<Result<_>>()? }))
            }
            other => other.clone(),
        })
    }

    fn fresh_node(&self, node: &Arc<Node>) -> Result<Arc<Node>> {
        if !self.touched.contains(&EntityId::Node(node.id)) {
            return Ok(Arc::clone(node));
        }
        let deleted = || Arc::new(Node { deleted: true, ..Node::clone(node) });
        Ok(self.graph.node(node.id, &Wanted::All)?.unwrap_or_else(deleted))
    }

    fn fresh_relationship(&self, one: &Arc<Relationship>) -> Result<Arc<Relationship>> {
        if !self.touched.contains(&EntityId::Relationship(one.id)) {
            return Ok(Arc::clone(one));
        }
        let deleted = || Arc::new(Relationship { deleted: true, ..Relationship::clone(one) });
        Ok(self.graph.relationship(one.id, &Wanted::All)?.unwrap_or_else(deleted))
    }

    /// The node as it is now.
    pub(super) fn node(&self, id: NodeId) -> Result<Arc<Node>> {
        self.graph.node(id, &Wanted::All)?.ok_or_else(|| gone("node"))
    }

    /// The relationship as it is now.
    pub(super) fn relationship(&self, id: RelationshipId) -> Result<Arc<Relationship>> {
        self.graph.relationship(id, &Wanted::All)?.ok_or_else(|| gone("relationship"))
    }
}

fn gone(what: &str) -> RuntimeError {
    let message = format!("the {what} was deleted");
    RuntimeError::new(ErrorClass::EntityNotFound, ErrorDetail::DeletedEntityAccess, message)
}
