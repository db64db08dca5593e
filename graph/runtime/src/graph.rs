//! What the interpreter needs of a graph: to be scanned, to be walked, and, if it can, to be changed.
//!
//! A graph over tables implements [`Graph`] with scans; one that owns its rows implements [`GraphMut`] too. Answers are
//! streams: a graph should not read ahead more than a batch, for the query may end at any item.

use std::fmt;
use std::sync::Arc;

use worldstore_core::Result;
use worldstore_cypher::ast::{BinaryOp, LabelExpr};

use crate::value::{Comparison, Map, Node, NodeId, Relationship, RelationshipId, Value, compare, equals};

/// Nodes one after the other; after an error there are no more.
pub type Nodes<'g> = Box<dyn Iterator<Item = Result<Arc<Node>>> + 'g>;

/// Relationships one after the other; after an error there are no more.
pub type Relationships<'g> = Box<dyn Iterator<Item = Result<Arc<Relationship>>> + 'g>;

/// A property graph that can be read.
///
/// While a query reads, the graph does not change: two reads of the same thing give the same.
pub trait Graph: fmt::Debug {
    /// Nodes that fit, each once, in any order. A graph may give more than fit, as labels and conditions are checked
    /// again, but never less.
    ///
    /// # Errors
    /// Whatever the storage answers.
    fn nodes<'g>(&'g self, scan: &Scan<'_>) -> Result<Nodes<'g>>;

    /// The node with this id; none if there is none.
    ///
    /// # Errors
    /// Whatever the storage answers.
    fn node(&self, id: NodeId, wanted: &Wanted) -> Result<Option<Arc<Node>>>;

    /// Relationships that fit, each once, in any order; more than fit are allowed.
    ///
    /// # Errors
    /// Whatever the storage answers.
    fn relationships<'g>(&'g self, scan: &Scan<'_>) -> Result<Relationships<'g>>;

    /// Relationships at a node that fit, each once, a loop too, in any order; more than fit are allowed, but only such
    /// that have the node at the right end.
    ///
    /// # Errors
    /// Whatever the storage answers.
    fn relationships_of<'g>(&'g self, node: NodeId, towards: Towards, scan: &Scan<'_>) -> Result<Relationships<'g>>;

    /// The relationship with this id; none if there is none.
    ///
    /// # Errors
    /// Whatever the storage answers.
    fn relationship(&self, id: RelationshipId, wanted: &Wanted) -> Result<Option<Arc<Relationship>>>;

    /// About how many nodes have such labels; none if that is not known. Only the order of steps depends on it.
    fn node_count(&self, labels: &[&LabelExpr]) -> Option<u64>;

    /// About how many relationships have such a type; none if that is not known. Only the order of steps depends on it.
    fn relationship_count(&self, types: &[&LabelExpr]) -> Option<u64>;
}

/// A property graph that can be changed, one statement at a time.
///
/// All changes come between [`begin`](Self::begin) and [`commit`](Self::commit) or [`rollback`](Self::rollback), and
/// are seen at once by reads.
pub trait GraphMut: Graph {
    /// Begins a statement.
    ///
    /// # Errors
    /// `Conflict`: another statement was begun and not ended.
    fn begin(&mut self) -> Result<()>;

    /// Keeps all changes since [`begin`](Self::begin), and tells what they come to.
    ///
    /// # Errors
    /// Whatever the storage answers. Then nothing is changed.
    fn commit(&mut self) -> Result<SideEffects>;

    /// Undoes all changes since [`begin`](Self::begin).
    ///
    /// # Errors
    /// Whatever the storage answers.
    fn rollback(&mut self) -> Result<()>;

    /// Creates a node. Its id was never used before.
    ///
    /// # Errors
    /// `Unsupported`: such a node cannot be created here.
    fn create_node(&mut self, labels: Vec<Arc<str>>, properties: Map) -> Result<NodeId>;

    /// Creates a relationship. Its id was never used before.
    ///
    /// # Errors
    /// `NotFound`: an end is not there. `Unsupported`: such a relationship cannot be created here.
    fn create_relationship(
        &mut self,
        kind: Arc<str>,
        start: NodeId,
        end: NodeId,
        properties: Map,
    ) -> Result<RelationshipId>;

    /// Gives something other properties; they are never null.
    ///
    /// # Errors
    /// `NotFound`: it is not there. `Unsupported`: it cannot be changed.
    fn replace_properties(&mut self, entity: EntityId, properties: Map) -> Result<()>;

    /// Gives a node other labels.
    ///
    /// # Errors
    /// `NotFound`: it is not there. `Unsupported`: it cannot be changed.
    fn replace_labels(&mut self, node: NodeId, labels: Vec<Arc<str>>) -> Result<()>;

    /// Deletes a node without relationships.
    ///
    /// # Errors
    /// `NotFound`: it is not there. `Conflict`: it has relationships. `Unsupported`: it cannot be deleted.
    fn delete_node(&mut self, node: NodeId) -> Result<()>;

    /// Deletes a relationship.
    ///
    /// # Errors
    /// `NotFound`: it is not there. `Unsupported`: it cannot be deleted.
    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<()>;
}

/// What is asked of a scan.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Scan<'s> {
    /// Conditions on labels or on the type; all of them hold.
    pub labels: &'s [&'s LabelExpr],
    /// Conditions on properties; all of them hold.
    pub conditions: &'s [Condition],
    /// The properties that are needed.
    pub wanted: &'s Wanted,
}

impl Scan<'_> {
    /// Everything, with all properties.
    pub const ALL: Scan<'static> = Scan { labels: &[], conditions: &[], wanted: &Wanted::All };

    /// Things with such labels and properties, of which the wanted ones are read.
    pub fn new<'s>(labels: &'s [&'s LabelExpr], conditions: &'s [Condition], wanted: &'s Wanted) -> Scan<'s> {
        Scan { labels, conditions, wanted }
    }
}

/// A condition on a property: it is there, and compares so with a value.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The property.
    pub property: Arc<str>,
    /// How it compares.
    pub compares: Compares,
    /// With what; never null.
    pub value: Value,
}

impl Condition {
    /// True if the properties fulfil it.
    pub fn holds(&self, properties: &Map) -> bool {
        let Some(value) = properties.get(&self.property) else { return false };
        match (&self.compares, &self.value) {
            (Compares::Eq, _) => return equals(value, &self.value) == Some(true),
            (Compares::In, Value::List(list)) => return list.iter().any(|one| equals(value, one) == Some(true)),
            _ => {}
        }
        let Comparison::Ordered(ordering) = compare(value, &self.value) else { return false };
        match self.compares {
            Compares::Eq | Compares::In => false,
            Compares::Lt => ordering.is_lt(),
            Compares::LtEq => ordering.is_le(),
            Compares::Gt => ordering.is_gt(),
            Compares::GtEq => ordering.is_ge(),
        }
    }
}

/// How a property compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compares {
    /// `=`.
    Eq,
    /// `<`.
    Lt,
    /// `<=`.
    LtEq,
    /// `>`.
    Gt,
    /// `>=`.
    GtEq,
    /// `IN`: it equals one of a list.
    In,
}

impl Compares {
    /// What an operator means; none if it does not compare.
    pub(crate) fn of(op: BinaryOp) -> Option<Self> {
        match op {
            BinaryOp::Eq => Some(Self::Eq),
            BinaryOp::Lt => Some(Self::Lt),
            BinaryOp::LtEq => Some(Self::LtEq),
            BinaryOp::Gt => Some(Self::Gt),
            BinaryOp::GtEq => Some(Self::GtEq),
            BinaryOp::In => Some(Self::In),
            _ => None,
        }
    }

    /// The same with the property on the right; none if that asks for something else.
    pub(crate) fn swapped(self) -> Option<Self> {
        match self {
            Self::Eq => Some(Self::Eq),
            Self::Lt => Some(Self::Gt),
            Self::LtEq => Some(Self::GtEq),
            Self::Gt => Some(Self::Lt),
            Self::GtEq => Some(Self::LtEq),
            Self::In => None,
        }
    }
}

/// Which properties are needed. A graph may give more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    #[default]
    All,
    /// These, sorted.
    Names(Vec<Arc<str>>),
}

/// Which end of a relationship a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// The start: the relationship leads away from it.
    Out,
    /// The end: the relationship leads to it.
    In,
    /// Either.
    Any,
}

/// A node or a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityId {
    /// A node.
    Node(NodeId),
    /// A relationship.
    Relationship(RelationshipId),
}

/// What a statement changed: the state afterwards compared with the state before. What was created and deleted again,
/// or set to what it was, does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideEffects {
    /// Nodes that are new.
    pub nodes_created: u64,
    /// Nodes that are gone.
    pub nodes_deleted: u64,
    /// Relationships that are new.
    pub relationships_created: u64,
    /// Relationships that are gone.
    pub relationships_deleted: u64,
    /// Labels that no node had before.
    pub labels_created: u64,
    /// Labels that no node has any more.
    pub labels_deleted: u64,
    /// Properties that are new or have another value, those of new nodes and relationships included.
    pub properties_created: u64,
    /// Properties that are gone or had another value, those of deleted nodes and relationships included.
    pub properties_deleted: u64,
}
