//! Where in a statement nodes and relationships of the graph may stand, and what must hold of them there.
//!
//! A row of a table that fits nowhere is never needed. A graph over tables can leave such rows out before the statement
//! begins; what is found is the same. Everything that comes to a statement comes through a pattern: a variable that is
//! bound is no new place, and what lies within a run of relationships is one without conditions.

mod conditions;
mod find;

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
    /// Conditions on its properties; all of them hold.
    pub conditions: Vec<Condition>,
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
    /// Conditions on its properties; all of them hold.
    pub conditions: Vec<Condition>,
}

#[cfg(test)]
mod tests;
