//! Conditions of patterns: on labels, types and properties.

use std::rc::Rc;
use std::sync::Arc;

use worldstore_cypher::ast::{EdgePattern, LabelExpr, Properties};

use super::plan::Pushed;
use super::{Pattern, Test, TestKind};
use crate::error::Result;
use crate::eval::{Env, eval, holds, labels_hold};
use crate::exec::Session;
use crate::graph::Condition;
use crate::value::{Relationship, Value, equals};

/// True if all conditions on labels hold.
pub(super) fn all_hold(conditions: &[&LabelExpr], labels: &[Arc<str>]) -> bool {
    conditions.iter().all(|condition| labels_hold(condition, labels))
}

impl Test<'_> {
    /// Whether the test holds for what is in the slots.
    pub(super) fn holds(&self, names: &[String], values: &[Value], session: Session<'_>) -> Result<bool> {
        let env = Env::row(names, values, session.context);
        match self.kind {
            TestKind::True(expr) => holds(expr, &env),
            TestKind::Property(slot, name, expr) => {
                let wanted = eval(expr, &env)?;
                Ok(values.get(slot).is_some_and(|of| property_equals(of, name, &wanted)))
            }
        }
    }
}

fn property_equals(of: &Value, name: &str, wanted: &Value) -> bool {
    let properties = match of {
        Value::Node(node) => &node.properties,
        Value::Relationship(relationship) => &relationship.properties,
        _ => return false,
    };
    properties.get(name).is_some_and(|value| equals(value, wanted) == Some(true))
}

/// The conditions with their values; none if nothing can fulfil them. What cannot be evaluated is left out: the test
/// that it came from will tell.
pub(super) fn conditions(
    pushed: &[Pushed<'_>],
    names: &[String],
    values: &[Value],
    session: Session<'_>,
) -> Option<Vec<Condition>> {
    let env = Env::row(names, values, session.context);
    let mut conditions = Vec::new();
    for one in pushed {
        match eval(one.value, &env) {
            Ok(Value::Null) => return None,
            Ok(value) => {
                conditions.push(Condition { property: one.property.into(), compares: one.compares, value });
            }
            Err(_) => {}
        }
    }
    Some(conditions)
}

/// What each relationship of a run must be.
#[derive(Clone)]
pub(super) struct EdgeTest<'q> {
    pub(super) session: Session<'q>,
    pub(super) edge: &'q EdgePattern,
    pub(super) pattern: Rc<Pattern<'q>>,
    pub(super) values: Rc<Vec<Value>>,
}

impl EdgeTest<'_> {
    /// Whether a relationship has the type, the properties, and fulfils the condition.
    pub(super) fn fits(&self, relationship: &Arc<Relationship>) -> Result<bool> {
        let types = self.edge.types.as_ref();
        if !types.is_none_or(|types| labels_hold(types, std::slice::from_ref(&relationship.kind))) {
            return Ok(false);
        }
        let row = Env::row(&self.pattern.names, &self.values, self.session.context);
        let value = Value::Relationship(Arc::clone(relationship));
        let name = self.edge.variable.as_ref().map_or("", |name| name.text.as_str());
        let env = row.with(name, &value);
        if let Some(Properties::Map(entries)) = &self.edge.properties {
            for (name, wanted) in entries {
                if !property_equals(&value, &name.text, &eval(wanted, &env)?) {
                    return Ok(false);
                }
            }
        }
        self.edge.filter.as_deref().map_or(Ok(true), |filter| holds(filter, &env))
    }
}
