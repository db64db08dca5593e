//! Nodes by the values of their properties.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::graph::{Compares, Condition};
use crate::value::{Node, NodeId, Value};

/// Nodes by value, for each property that is indexed. Values are the same if they are equivalent.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<Arc<str>, HashMap<Value, BTreeSet<NodeId>>>);

impl Index {
    pub(super) fn add_property<'n>(&mut self, property: Arc<str>, nodes: impl Iterator<Item = &'n Node>) {
        let values = self.0.entry(Arc::clone(&property)).or_default();
        for node in nodes {
            if let Some(value) = node.properties.get(&property) {
                values.entry(value.clone()).or_default().insert(node.id);
            }
        }
    }

    pub(super) fn put(&mut self, node: &Node) {
        for (property, values) in &mut self.0 {
            if let Some(value) = node.properties.get(property) {
                values.entry(value.clone()).or_default().insert(node.id);
            }
        }
    }

    pub(super) fn take(&mut self, node: &Node) {
        for (property, values) in &mut self.0 {
            remove(values, node.properties.get(property), node.id);
        }
    }

    /// Forgets what a node was, where it is something else now.
    pub(super) fn take_changed(&mut self, before: &Node, now: &Node) {
        for (property, values) in &mut self.0 {
            let was = before.properties.get(property);
            if was != now.properties.get(property) {
                remove(values, was, before.id);
            }
        }
    }

    /// The nodes that can fulfil a condition: none within if there are none; none at all if the index cannot tell.
    #[expect(clippy::option_option, reason = "no answer, and the answer that there are no nodes")]
    pub(super) fn find(&self, condition: &Condition) -> Option<Option<&BTreeSet<NodeId>>> {
        let values = self.0.get(&condition.property)?;
        (condition.compares == Compares::Eq).then(|| values.get(&condition.value))
    }
}

fn remove(values: &mut HashMap<Value, BTreeSet<NodeId>>, value: Option<&Value>, id: NodeId) {
    let Some(value) = value else { return };
    if let Some(nodes) = values.get_mut(value) {
        nodes.remove(&id);
        if nodes.is_empty() {
            values.remove(value);
        }
    }
}
