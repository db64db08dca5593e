//! Functions of nodes, relationships, paths and maps.

use std::sync::Arc;

use super::refused;
use crate::error::Result;
use crate::eval::{Env, deleted, entries};
use crate::value::{List, NodeId, Value};

pub(super) fn call(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    let [value] = arguments else { return Ok(None) };
    if value.is_null() {
        let is_known = matches!(
            name,
            "labels"
                | "type"
                | "id"
                | "elementid"
                | "properties"
                | "keys"
                | "nodes"
                | "relationships"
                | "rels"
                | "length"
                | "startnode"
                | "endnode"
        );
        return Ok(is_known.then_some(Value::Null));
    }
    Ok(Some(match (name, value) {
        ("labels", Value::Node(node)) if node.deleted => return Err(deleted()),
        ("labels", Value::Node(node)) => texts(node.labels.iter()),
        ("type", Value::Relationship(relationship)) => Arc::clone(&relationship.kind).into(),
        ("id", Value::Node(node)) => id(node.id.0),
        ("id", Value::Relationship(relationship)) => id(relationship.id.0),
        ("elementid", Value::Node(node)) => node.id.0.to_string().into(),
        ("elementid", Value::Relationship(relationship)) => relationship.id.0.to_string().into(),
        ("properties", Value::Map(_) | Value::Node(_) | Value::Relationship(_)) => entries(value)?.cloned().into(),
        ("keys", Value::Map(_) | Value::Node(_) | Value::Relationship(_)) => {
            entries(value)?.map(|entries| texts(entries.keys())).into_iter().next().unwrap_or_default()
        }
        ("nodes", Value::Path(path)) => {
            path.nodes.iter().map(|node| Value::Node(Arc::clone(node))).collect::<List>().into()
        }
        ("relationships" | "rels", Value::Path(path)) => {
            path.relationships.iter().map(|one| Value::Relationship(Arc::clone(one))).collect::<List>().into()
        }
        ("length", Value::Path(path)) => Value::Int(path.length() as i64),
        ("startnode", Value::Relationship(relationship)) => node(relationship.start, env)?,
        ("endnode", Value::Relationship(relationship)) => node(relationship.end, env)?,
        (
            "labels" | "type" | "id" | "elementid" | "properties" | "keys" | "nodes" | "relationships" | "rels"
            | "startnode" | "endnode" | "length",
            other,
        ) => return Err(refused_value(name, other)),
        _ => return Ok(None),
    }))
}

/// What has the wrong kind only shows when the query runs, so that the TCK calls it a wrong value.
fn refused_value(name: &str, value: &Value) -> crate::error::RuntimeError {
    match name {
        "labels" | "type" => {
            let message = format!("`{name}` does not take {}", value.type_name());
            crate::error::RuntimeError::argument_value(message)
        }
        _ => refused(name, value),
    }
}

fn texts<'a>(texts: impl Iterator<Item = &'a Arc<str>>) -> Value {
    texts.map(|text| Value::Text(Arc::clone(text))).collect::<List>().into()
}

/// Ids beyond the range of integers come out negative, and stay different.
fn id(id: u64) -> Value {
    Value::Int(id.cast_signed())
}

fn node(id: NodeId, env: &Env<'_>) -> Result<Value> {
    Ok(env.context().subqueries().node(id)?.into())
}
