//! Access to properties, elements, slices and labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::{Expr, LabelExpr, LabelKind, MapItem, Name};

use super::{Env, eval};
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::temporal;
use crate::value::{List, Map, Value};

/// Nothing may be asked of an entity that was deleted.
pub(crate) fn deleted() -> RuntimeError {
    let message = "the node or relationship was deleted in this query";
    RuntimeError::new(ErrorClass::EntityNotFound, ErrorDetail::DeletedEntityAccess, message)
}

/// The properties of an entity, or the entries of a map; none for null.
pub(crate) fn entries(value: &Value) -> Result<Option<&Map>> {
    match value {
        Value::Null => Ok(None),
        Value::Map(map) => Ok(Some(map)),
        Value::Node(node) if node.deleted => Err(deleted()),
        Value::Node(node) => Ok(Some(&node.properties)),
        Value::Relationship(relationship) if relationship.deleted => Err(deleted()),
        Value::Relationship(relationship) => Ok(Some(&relationship.properties)),
        other => Err(RuntimeError::argument_type(format!("{} has no properties", other.type_name()))),
    }
}

/// `value.name`; null if there is no such property.
pub(crate) fn property(value: &Value, name: &str) -> Result<Value> {
    let part = match value {
        Value::Duration(duration) => temporal::duration_part(duration, name),
        Value::Date(_) | Value::LocalTime(_) | Value::Time(_) | Value::LocalDateTime(_) | Value::DateTime(_) => {
            temporal::date_time_part(value, name)
        }
        _ => return Ok(entries(value)?.and_then(|entries| entries.get(name)).cloned().unwrap_or_default()),
    };
    part.ok_or_else(|| {
        let message = format!("{} has no part `{name}`", value.type_name());
        RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message)
    })
}

/// `list[index]`, `map[key]`; null if there is no such element. Negative indices count from the end.
pub(super) fn element(of: &Value, index: &Value) -> Result<Value> {
    match (of, index) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::List(list), Value::Int(index)) => {
            let place = if *index < 0 { index.checked_add(list.len() as i64) } else { Some(*index) };
            let place = place.and_then(|place| usize::try_from(place).ok());
            Ok(place.and_then(|place| list.get(place)).cloned().unwrap_or_default())
        }
        (Value::List(_), other) => {
            let message = format!("a list is asked for an integer, not for {}", other.type_name());
            Err(RuntimeError::new(ErrorClass::TypeError, ErrorDetail::ListElementAccessByNonInteger, message))
        }
        (Value::Map(_) | Value::Node(_) | Value::Relationship(_), Value::Text(name)) => property(of, name),
        (Value::Map(_) | Value::Node(_) | Value::Relationship(_), other) => {
            let message = format!("properties have texts as names, not {}", other.type_name());
            Err(RuntimeError::new(ErrorClass::TypeError, ErrorDetail::MapElementAccessByNonString, message))
        }
        (other, _) => Err(RuntimeError::argument_type(format!("{} has no elements", other.type_name()))),
    }
}

/// `list[from..to]`; null if one of them is.
pub(super) fn slice(of: &Expr, from: Option<&Expr>, to: Option<&Expr>, env: &Env<'_>) -> Result<Value> {
    let of = eval(of, env)?;
    let bound =
        |bound: Option<&Expr>, otherwise: i64| bound.map_or(Ok(Value::Int(otherwise)), |bound| eval(bound, env));
    let (from, to) = (bound(from, 0)?, bound(to, i64::MAX)?);
    let list = match &of {
        Value::Null => return Ok(Value::Null),
        Value::List(list) => list,
        other => return Err(RuntimeError::argument_type(format!("{} has no elements", other.type_name()))),
    };
    let length = list.len() as i64;
    let place = |bound: &Value| match bound {
        Value::Null => Ok(None),
        Value::Int(bound) => {
            let place = if *bound < 0 { bound.saturating_add(length) } else { *bound };
            Ok(Some(usize::try_from(place.clamp(0, length)).unwrap_or(0)))
        }
        other => {
            let message = format!("expected an integer, found {}", other.type_name());
            Err(RuntimeError::argument_type(message))
        }
    };
    match (place(&from)?, place(&to)?) {
        (Some(from), Some(to)) => Ok(list.get(from..to).unwrap_or_default().iter().cloned().collect::<List>().into()),
        _ => Ok(Value::Null),
    }
}

/// `variable {.name, .*, variable, name: value}`; null for null.
pub(super) fn projection(variable: &Name, items: &[MapItem], env: &Env<'_>) -> Result<Value> {
    let value = env.variable(&variable.text)?;
    if value.is_null() {
        return Ok(Value::Null);
    }
    let mut result: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for item in items {
        match item {
            MapItem::Field(name, value) => {
                result.insert(name.text.as_str().into(), eval(value, env)?);
            }
            MapItem::Property(name) => {
                result.insert(name.text.as_str().into(), property(value, &name.text)?);
            }
            MapItem::Variable(name) => {
                result.insert(name.text.as_str().into(), env.variable(&name.text)?.clone());
            }
            MapItem::All => {
                let entries = entries(value)?.into_iter().flat_map(|entries| entries.iter());
                result.extend(entries.map(|(name, value)| (Arc::clone(name), value.clone())));
            }
        }
    }
    env.bounded(Map::new(result).into())
}

/// `value:Label`; null for null.
pub(super) fn has_labels(value: &Value, labels: &LabelExpr) -> Result<Value> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Node(node) if node.deleted => Err(deleted()),
        Value::Node(node) => Ok(Value::Bool(labels_hold(labels, &node.labels))),
        Value::Relationship(relationship) => {
            Ok(Value::Bool(labels_hold(labels, std::slice::from_ref(&relationship.kind))))
        }
        other => Err(RuntimeError::argument_type(format!("{} has no labels", other.type_name()))),
    }
}

/// Whether a node with these labels, or a relationship with this one type, fits the condition.
pub fn labels_hold(condition: &LabelExpr, labels: &[Arc<str>]) -> bool {
    match &condition.kind {
        LabelKind::Name(name) => labels.iter().any(|label| **label == *name.text),
        LabelKind::Any => !labels.is_empty(),
        LabelKind::Not(not) => !labels_hold(not, labels),
        LabelKind::And(left, right) => labels_hold(left, labels) && labels_hold(right, labels),
        LabelKind::Or(left, right) => labels_hold(left, labels) || labels_hold(right, labels),
    }
}
