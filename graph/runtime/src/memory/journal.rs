//! What was there before a statement, for undoing it and for telling what it changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::MemoryGraph;
use crate::graph::SideEffects;
use crate::value::{Map, Node, NodeId, Relationship, RelationshipId};

/// Everything that a statement touched, as it was before; none for what was not there.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) nodes: BTreeMap<NodeId, Option<Arc<Node>>>,
    pub(super) relationships: BTreeMap<RelationshipId, Option<Arc<Relationship>>>,
    /// Whether a node had the label.
    pub(super) labels: HashMap<Arc<str>, bool>,
}

impl Journal {
    /// Compares what was there with what is there now.
    pub(super) fn effects(&self, now: &MemoryGraph) -> SideEffects {
        let mut effects = SideEffects::default();
        for (id, before) in &self.nodes {
            let after = now.nodes.get(id).map(|entry| &entry.node);
            effects.nodes_created += u64::from(before.is_none() && after.is_some());
            effects.nodes_deleted += u64::from(before.is_some() && after.is_none());
            properties(before.as_ref().map(|node| &node.properties), after.map(|node| &node.properties), &mut effects);
        }
        for (id, before) in &self.relationships {
            let after = now.relationships.get(id);
            effects.relationships_created += u64::from(before.is_none() && after.is_some());
            effects.relationships_deleted += u64::from(before.is_some() && after.is_none());
            properties(before.as_ref().map(|one| &one.properties), after.map(|one| &one.properties), &mut effects);
        }
        for (label, before) in &self.labels {
            let after = now.labels.get(label).is_some_and(|nodes| !nodes.is_empty());
            effects.labels_created += u64::from(!before && after);
            effects.labels_deleted += u64::from(*before && !after);
        }
        effects
    }
}

fn properties(before: Option<&Map>, after: Option<&Map>, effects: &mut SideEffects) {
    let missing = |of: Option<&Map>, from: Option<&Map>| {
        let entries = of.into_iter().flat_map(|of| of.iter());
        entries.filter(|(name, value)| from.and_then(|from| from.get(*name)) != Some(*value)).count() as u64
    };
    effects.properties_created += missing(after, before);
    effects.properties_deleted += missing(before, after);
}
