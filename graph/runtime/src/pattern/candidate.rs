//! What may come next in a match.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use worldstore_cypher::ast::{EdgePattern, LabelExpr, PathMode};

use super::expand::Walk;
use crate::error::{Result, RuntimeError};
use crate::exec::Session;
use crate::graph::Wanted;
use crate::value::{Node, NodeId, Path, Relationship, RelationshipId, Value};

/// What may come next at a step.
pub(super) type Candidates<'q> = Box<dyn Iterator<Item = Result<Candidate>> + 'q>;

/// One thing that may come next.
#[derive(Debug)]
pub(super) enum Candidate {
    /// A node.
    Node(Arc<Node>),
    /// A relationship, with the nodes on its left and right in the pattern.
    Edge(Arc<Relationship>, [NodeId; 2]),
    /// Relationships in a row.
    Walk(Rc<Walk>),
    /// Relationships in a row, and values for slots.
    Repeats(Rc<Walk>, Vec<(usize, Value)>),
    /// The ends of a path, its relationships, and values for slots.
    Found { ends: [NodeId; 2], relationships: Vec<RelationshipId>, values: Vec<(usize, Value)> },
    /// Nothing new: both nodes are the same.
    Same,
}

/// How many relationships a match may have in total.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub(super) relationships: u64,
    /// Set if something was left out because it would be longer.
    pub(super) is_cut: Rc<Cell<bool>>,
}

impl Session<'_> {
    /// The path along relationships, with its nodes.
    pub(super) fn path(&self, walk: &Walk) -> Result<Path> {
        let node = |id: &NodeId| {
            let node = self.node(*id, &Wanted::All)?;
            node.ok_or_else(|| RuntimeError::unsupported("a relationship leads to a node that is not there"))
        };
        let nodes = walk.nodes.iter().map(node).collect::<Result<_>>()?;
        Ok(Path { nodes, relationships: walk.relationships.clone() })
    }
}

/// The conditions on types of a relationship, as a scan takes them.
pub(super) fn types(edge: &EdgePattern) -> Vec<&LabelExpr> {
    edge.types.iter().collect()
}

/// True if a relationship may come twice in one walk.
pub(super) fn may_repeat(mode: PathMode) -> bool {
    mode == PathMode::Walk
}
