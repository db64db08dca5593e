//! `SET` and `REMOVE`: changes properties and labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::{Expr, ExprKind, LabelExpr, Name, RemoveItem, SetItem};

use super::Writer;
use super::create::{label_names, stored};
use crate::error::{Result, RuntimeError};
use crate::eval::eval;
use crate::exec::Row;
use crate::graph::EntityId;
use crate::value::{Map, Value};

impl Writer<'_, '_> {
    /// Each item sees what those before it changed.
    pub(super) fn set(&mut self, items: &[SetItem], names: &[String], row: &mut Row) -> Result<()> {
        for item in items {
            self.refresh(row)?;
            match item {
                SetItem::Property { target, value } => {
                    let (of, name) = property(target)?;
                    let (of, value) = self.read(|session| {
                        let env = session.env(names, row);
                        Ok((eval(of, &env)?, eval(value, &env)?))
                    })?;
                    self.change(&of, target, |properties| _ = properties.insert(name.text.as_str().into(), value))?;
                }
                SetItem::Replace { variable, value } => {
                    let (of, map) = self.target_and_map(variable, value, names, row)?;
                    if let (Some(map), false) = (map, of.is_null()) {
                        self.change(&of, value, |properties| *properties = map)?;
                    }
                }
                SetItem::Merge { variable, value } => {
                    let (of, map) = self.target_and_map(variable, value, names, row)?;
                    if let (Some(map), false) = (map, of.is_null()) {
                        self.change(&of, value, |properties| properties.extend(map))?;
                    }
                }
                SetItem::Labels { variable, labels } => {
                    self.change_labels(variable, labels, names, row, |known, label| {
                        if !known.contains(&label) {
                            known.push(label);
                        }
                    })?;
                }
                _ => return Err(RuntimeError::unsupported("this cannot be set")),
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, items: &[RemoveItem], names: &[String], row: &mut Row) -> Result<()> {
        for item in items {
            self.refresh(row)?;
            match item {
                RemoveItem::Property(target) => {
                    let (of, name) = property(target)?;
                    let of = self.read(|session| eval(of, &session.env(names, row)))?;
                    self.change(&of, target, |properties| _ = properties.remove(name.text.as_str()))?;
                }
                RemoveItem::Labels { variable, labels } => {
                    self.change_labels(variable, labels, names, row, |known, label| known.retain(|one| *one != label))?;
                }
                _ => return Err(RuntimeError::unsupported("this cannot be removed")),
            }
        }
        Ok(())
    }

    /// What a variable stands for, and the entries of a map, node or relationship; none for null.
    #[expect(clippy::type_complexity, reason = "the entries as they are in a map")]
    fn target_and_map(
        &self,
        variable: &Name,
        value: &Expr,
        names: &[String],
        row: &Row,
    ) -> Result<(Value, Option<BTreeMap<Arc<str>, Value>>)> {
        self.read(|session| {
            let env = session.env(names, row);
            let of = env.variable(&variable.text)?.clone();
            let map = match eval(value, &env)? {
                Value::Map(map) => Some(BTreeMap::clone(&map)),
                Value::Node(node) => Some(BTreeMap::clone(&node.properties)),
                Value::Relationship(one) => Some(BTreeMap::clone(&one.properties)),
                Value::Null => None,
                other => {
                    let message = format!("expected a map of properties, found {}", other.type_name());
                    return Err(RuntimeError::argument_type(message).at(value.span));
                }
            };
            Ok((of, map))
        })
    }

    /// Changes the properties of a node or relationship; of null, nothing.
    fn change(&mut self, of: &Value, place: &Expr, change: impl FnOnce(&mut BTreeMap<Arc<str>, Value>)) -> Result<()> {
        let (entity, before): (EntityId, Map) = match of {
            Value::Null => return Ok(()),
            Value::Node(node) => (EntityId::Node(node.id), self.node(node.id)?.properties.clone()),
            Value::Relationship(one) => (EntityId::Relationship(one.id), self.relationship(one.id)?.properties.clone()),
            other => {
                let message =
                    format!("only nodes and relationships have properties to change, found {}", other.type_name());
                return Err(RuntimeError::argument_type(message).at(place.span));
            }
        };
        let mut entries = BTreeMap::clone(&before);
        change(&mut entries);
        let properties = stored(entries).map_err(|error| error.at(place.span))?;
        let bytes = properties.bytes();
        self.graph.replace_properties(entity, properties)?;
        self.touch(entity, bytes)
    }

    fn change_labels(
        &mut self,
        variable: &Name,
        labels: &LabelExpr,
        names: &[String],
        row: &Row,
        change: impl Fn(&mut Vec<Arc<str>>, Arc<str>),
    ) -> Result<()> {
        let of = self.read(|session| session.env(names, row).variable(&variable.text).cloned())?;
        let id = match of {
            Value::Null => return Ok(()),
            Value::Node(node) => node.id,
            other => {
                let message = format!("only nodes have labels, found {}", other.type_name());
                return Err(RuntimeError::argument_type(message).at(variable.span));
            }
        };
        let mut known = self.node(id)?.labels.clone();
        label_names(Some(labels)).into_iter().for_each(|label| change(&mut known, label));
        self.graph.replace_labels(id, known)?;
        self.touch(EntityId::Node(id), 0)
    }
}

fn property(target: &Expr) -> Result<(&Expr, &Name)> {
    match &target.kind {
        ExprKind::Property(of, name) => Ok((of, name)),
        _ => Err(RuntimeError::unsupported("only a property can be changed").at(target.span)),
    }
}
