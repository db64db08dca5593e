//! `DELETE`: takes nodes and relationships away.

use std::collections::BTreeSet;

use worldstore_cypher::ast::Delete;

use super::{Table, Writer};
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::eval;
use crate::graph::{EntityId, Scan, Towards};
use crate::value::{NodeId, RelationshipId, Value};

/// What is to be deleted.
#[derive(Default)]
struct Doomed {
    nodes: BTreeSet<NodeId>,
    relationships: BTreeSet<RelationshipId>,
}

impl Doomed {
    fn add(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Null => {}
            Value::Node(node) if node.deleted => {}
            Value::Node(node) => _ = self.nodes.insert(node.id),
            Value::Relationship(one) if one.deleted => {}
            Value::Relationship(one) => _ = self.relationships.insert(one.id),
            Value::Path(path) => {
                self.nodes.extend(path.nodes.iter().filter(|node| !node.deleted).map(|node| node.id));
                self.relationships.extend(path.relationships.iter().filter(|one| !one.deleted).map(|one| one.id));
            }
            other => {
                let message =
                    format!("only nodes, relationships and paths can be deleted, found {}", other.type_name());
                return Err(RuntimeError::argument_type(message));
            }
        }
        Ok(())
    }
}

impl<'w> Writer<'_, 'w> {
    /// All rows are looked at before anything goes: so their order does not matter.
    pub(super) fn delete(&mut self, delete: &Delete, table: Table<'w>) -> Result<Table<'w>> {
        let doomed = self.read(|session| {
            let mut doomed = Doomed::default();
            for row in &table.rows {
                session.meter.tick()?;
                let env = session.env(&table.names, row);
                for value in &delete.values {
                    doomed.add(&eval(value, &env)?).map_err(|error| error.at(value.span))?;
                }
            }
            Ok(doomed)
        })?;
        let Doomed { nodes, mut relationships } = doomed;
        for node in &nodes {
            self.meter.look()?;
            for one in self.graph.relationships_of(*node, Towards::Any, &Scan::ALL)? {
                let id = one?.id;
                if delete.detach {
                    relationships.insert(id);
                } else if !relationships.contains(&id) {
                    let message = "a node with relationships cannot be deleted; `DETACH DELETE` deletes them too";
                    let class = ErrorClass::ConstraintVerificationFailed;
                    return Err(RuntimeError::new(class, ErrorDetail::DeleteConnectedNode, message));
                }
            }
        }
        for id in relationships {
            self.meter.tick()?;
            self.graph.delete_relationship(id)?;
            self.touch(EntityId::Relationship(id), 0)?;
        }
        for id in nodes {
            self.meter.tick()?;
            self.graph.delete_node(id)?;
            self.touch(EntityId::Node(id), 0)?;
        }
        Ok(table)
    }
}
