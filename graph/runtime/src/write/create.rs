//! `CREATE`: makes nodes and relationships.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::{Create, Direction, EdgePattern, LabelExpr, NodePattern, Path, PathElement, Properties};

use super::{Table, Writer};
use crate::error::{Result, RuntimeError};
use crate::eval::eval;
use crate::exec::Row;
use crate::graph::EntityId;
use crate::value::{self, Map, Node, Relationship, Value};

/// The variables of a row, and which of them stand for something already.
pub(super) struct Slots<'n> {
    pub(super) names: &'n [String],
    pub(super) bound: Vec<bool>,
}

impl<'n> Slots<'n> {
    /// Of these names the first `given` ones have values.
    pub(super) fn new(names: &'n [String], given: usize) -> Self {
        Self { names, bound: (0..names.len()).map(|slot| slot < given).collect() }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().rposition(|known| known == name)
    }

    /// What a variable stands for; none if it stands for nothing yet.
    fn get<'r>(&self, name: &str, row: &'r [Value]) -> Option<&'r Value> {
        let slot = self.find(name)?;
        row.get(slot).filter(|_| self.bound.get(slot).copied().unwrap_or(false))
    }

    fn set(&mut self, name: &str, value: Value, row: &mut Row) {
        if let Some(slot) = self.find(name) {
            if let Some(place) = row.get_mut(slot) {
                *place = value;
            }
            if let Some(bound) = self.bound.get_mut(slot) {
                *bound = true;
            }
        }
    }
}

/// The names behind a clause that makes these paths.
pub(super) fn names_after<'p>(before: &[String], paths: impl IntoIterator<Item = &'p Path>) -> Vec<String> {
    let mut names = before.to_vec();
    for path in paths {
        let elements = path.elements.iter().filter_map(|element| match element {
            PathElement::Node(node) => node.variable.as_ref(),
            PathElement::Edge(edge) => edge.variable.as_ref(),
            PathElement::Group(_) => None,
        });
        for name in path.variable.iter().chain(elements) {
            if !names.contains(&name.text) {
                names.push(name.text.clone());
            }
        }
    }
    names
}

impl<'w> Writer<'_, 'w> {
    pub(super) fn create(&mut self, create: &Create, table: Table<'w>) -> Result<Table<'w>> {
        let given = table.names.len();
        let names = names_after(&table.names, &create.patterns);
        let mut made = Table::new(self.meter, names.clone(), Vec::new());
        for mut row in table.rows {
            self.meter.tick()?;
            self.refresh(&mut row)?;
            row.resize(names.len(), Value::Null);
            let mut slots = Slots::new(&names, given);
            for path in &create.patterns {
                self.make_path(path, &mut slots, &mut row)?;
            }
            made.push(row)?;
        }
        Ok(made)
    }

    /// Makes what of a path is not there.
    pub(super) fn make_path(&mut self, path: &Path, slots: &mut Slots<'_>, row: &mut Row) -> Result<()> {
        let (start, hops) = path.hops().ok_or_else(|| RuntimeError::unsupported("only plain paths can be created"))?;
        let mut here = self.make_node(start, slots, row)?;
        let mut made = value::Path { nodes: vec![Arc::clone(&here)], relationships: Vec::new() };
        for (edge, node) in hops {
            let next = self.make_node(node, slots, row)?;
            let ends = match edge.direction {
                Direction::Left => [&next, &here],
                Direction::Right | Direction::Either | Direction::Both => [&here, &next],
            };
            made.relationships.push(self.make_relationship(edge, ends, slots, row)?);
            made.nodes.push(Arc::clone(&next));
            here = next;
        }
        if let Some(variable) = &path.variable {
            slots.set(&variable.text, made.into(), row);
        }
        Ok(())
    }

    fn make_node(&mut self, node: &NodePattern, slots: &mut Slots<'_>, row: &mut Row) -> Result<Arc<Node>> {
        let known = node.variable.as_ref().and_then(|name| slots.get(&name.text, row));
        match known {
            // What it was when it was read does not matter, but that it is still there.
            Some(Value::Node(known)) => return self.node(known.id).map_err(|error| error.at(node.span)),
            Some(other) => {
                let message = format!("a relationship needs a node at its end, found {}", other.type_name());
                return Err(RuntimeError::argument_type(message).at(node.span));
            }
            None => {}
        }
        let labels = label_names(node.labels.as_ref());
        let properties = self.properties(node.properties.as_ref(), slots.names, row)?;
        let bytes = properties.bytes();
        let id = self.graph.create_node(labels, properties)?;
        self.touch(EntityId::Node(id), bytes)?;
        let made = self.node(id)?;
        if let Some(name) = &node.variable {
            slots.set(&name.text, Value::Node(Arc::clone(&made)), row);
        }
        Ok(made)
    }

    fn make_relationship(
        &mut self,
        edge: &EdgePattern,
        [start, end]: [&Arc<Node>; 2],
        slots: &mut Slots<'_>,
        row: &mut Row,
    ) -> Result<Arc<Relationship>> {
        let kind = edge.types.as_ref().and_then(LabelExpr::single);
        let kind = kind.ok_or_else(|| RuntimeError::unsupported("a relationship has one type").at(edge.span))?;
        let properties = self.properties(edge.properties.as_ref(), slots.names, row)?;
        let bytes = properties.bytes();
        let id = self.graph.create_relationship(kind.text.as_str().into(), start.id, end.id, properties)?;
        self.touch(EntityId::Relationship(id), bytes)?;
        let made = self.relationship(id)?;
        if let Some(name) = &edge.variable {
            slots.set(&name.text, Value::Relationship(Arc::clone(&made)), row);
        }
        Ok(made)
    }

    /// The properties as they are stored: without nulls.
    fn properties(&self, properties: Option<&Properties>, names: &[String], row: &[Value]) -> Result<Map> {
        let entries = match properties {
            None => return Ok(Map::default()),
            Some(Properties::Map(entries)) => self.read(|session| {
                let env = session.env(names, row);
                let each = entries.iter().map(|(name, value)| Ok((name.text.as_str().into(), eval(value, &env)?)));
                each.collect::<Result<BTreeMap<Arc<str>, Value>>>()
            })?,
            Some(Properties::Parameter(name)) => match self.options.parameters.get(&name.text) {
                Some(Value::Map(map)) => BTreeMap::clone(map),
                Some(other) => {
                    let message = format!("expected a map of properties, found {}", other.type_name());
                    return Err(RuntimeError::argument_type(message).at(name.span));
                }
                None => self.read(|session| {
                    Err(session
                        .env(&[], &[])
                        .parameter(&name.text)
                        .err()
                        .unwrap_or_else(|| RuntimeError::unsupported("the parameter is not given")))
                })?,
            },
        };
        stored(entries)
    }
}

/// The entries as they are stored: without nulls.
pub(super) fn stored(entries: BTreeMap<Arc<str>, Value>) -> Result<Map> {
    entries.values().try_for_each(Writer::storable)?;
    Ok(entries.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// The names of labels, each once, in the order of the source.
pub(super) fn label_names(labels: Option<&LabelExpr>) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in labels.and_then(LabelExpr::all_of).into_iter().flatten() {
        if !names.iter().any(|known| **known == *name.text) {
            names.push(name.text.as_str().into());
        }
    }
    names
}
