//! Where in a statement nodes and relationships of the graph may stand, and what must hold of them there.
//!
//! A row of a table that fits nowhere is never needed. A graph over tables can leave such rows out before the statement
//! begins; what is found is the same. Everything that comes to a statement comes through a pattern: a variable that is
//! bound is no new place, and what lies within a run of relationships is one without conditions.

mod conditions;
mod find;
mod later;

use worldstore_cypher::ast::LabelExpr;

use crate::graph::{Condition, Towards};

pub(crate) use find::find;

/// All places of a statement where something of the graph may stand.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Uses<'q> {
    /// Where nodes may stand.
    pub nodes: Vec<NodeUse<'q>>,
    /// Where relationships may stand.
    pub relationships: Vec<RelationshipUse<'q>>,
}

/// A place where a node may stand. A node that does not fit is not found there.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NodeUse<'q> {
    /// Conditions on its labels; all of them hold.
    pub labels: Vec<&'q LabelExpr>,
    /// Relationships that it is an end of; of all of them.
    pub ends: Vec<End<'q>>,
    /// What must be of its properties: all of it.
    pub demands: Vec<Demand>,
}

/// What must be of properties.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Demand {
    /// The condition holds.
    Holds(Condition),
    /// The condition is decided, and does not hold: where something is null, or is of a type that does not compare, nothing
    /// is decided.
    Fails(Condition),
    /// One of these is, with all that it asks.
    Any(Vec<Vec<Demand>>),
}

/// An end of a relationship.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct End<'q> {
    /// The condition on the type.
    pub types: Option<&'q LabelExpr>,
    /// Which end.
    pub towards: Towards,
}

/// A place where a relationship may stand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RelationshipUse<'q> {
    /// The condition on its type.
    pub types: Option<&'q LabelExpr>,
    /// What must be of its properties: all of it.
    pub demands: Vec<Demand>,
}

#[cfg(test)]
mod tests;
