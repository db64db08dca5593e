//! Finds patterns in a graph.
//!
//! [`Pattern`] is what the patterns of one `MATCH` ask for, as nodes and parts between them. [`plan`] puts them into an
//! order, cheapest first; [`matcher`] walks the graph in that order, depth first, one match at a time. The order
//! decides what it costs, never what is found.
//!
//! All relationships of a `MATCH` are different ones. Relationships of a path with the mode `WALK` may repeat, and do
//! not count for others; neither do those of `shortestPath` and `allShortestPaths`.

mod candidate;
mod compile;
mod conditions;
mod expand;
mod group;
mod matcher;
mod plan;
mod search;
mod shortest;

use std::rc::Rc;

use worldstore_cypher::ast::{EdgePattern, Expr, Group, LabelExpr, Path, PathMode, Selector, Shortest};

use crate::exec::Session;
use crate::graph::Wanted;
pub(crate) use compile::{compile, own_names};
pub(crate) use matcher::Matcher;
pub use plan::Order;
pub(crate) use plan::Plan;

/// What the patterns of one `MATCH` ask for.
///
/// Everything that is found has a slot: those of the row come first, then new variables, then what has no name.
/// A pattern within another one (a group, a search) has all slots of the outer one in front of its own.
#[derive(Debug, Default)]
pub(crate) struct Pattern<'q> {
    /// The name of each slot; of what has no name, one that no variable has.
    pub(crate) names: Vec<String>,
    /// How many slots there are when the pattern is sought: those of the row, or of the outer pattern.
    pub(crate) given: usize,
    /// How many slots have names, those of the row included.
    pub(crate) named: usize,
    pub(crate) nodes: Vec<NodePart<'q>>,
    pub(crate) parts: Vec<Part<'q>>,
    pub(crate) paths: Vec<PathPart>,
    pub(crate) tests: Vec<Test<'q>>,
    /// The properties that are needed of what has no name.
    pub(crate) unnamed: Wanted,
}

/// A node of a pattern.
#[derive(Debug)]
pub(crate) struct NodePart<'q> {
    pub(crate) slot: usize,
    /// All of them hold.
    pub(crate) labels: Vec<&'q LabelExpr>,
}

/// What lies between two nodes.
#[derive(Debug)]
pub(crate) struct Part<'q> {
    /// The node on the left, by its place in the nodes of the pattern.
    pub(crate) left: usize,
    /// The node on the right.
    pub(crate) right: usize,
    /// What may repeat along it.
    pub(crate) mode: PathMode,
    /// Its relationships differ from all others.
    pub(crate) unique: bool,
    /// The slots whose values it must know before it can be walked.
    pub(crate) requires: Vec<usize>,
    pub(crate) kind: PartKind<'q>,
}

/// The kinds of part.
#[derive(Debug)]
pub(crate) enum PartKind<'q> {
    /// Both nodes are the same.
    Same,
    /// One relationship.
    Edge { slot: usize, edge: &'q EdgePattern },
    /// Relationships in a row; the slot has the list.
    Run(RunPart<'q>),
    /// A pattern that is repeated.
    Group(GroupPart<'q>),
    /// A path of which only some are kept, from its first to its last node.
    Search(SearchPart<'q>),
}

/// Relationships in a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunPart<'q> {
    /// The list of the relationships.
    pub(crate) slot: usize,
    pub(crate) edge: &'q EdgePattern,
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
}

/// A pattern that is repeated.
#[derive(Debug)]
pub(crate) struct GroupPart<'q> {
    pub(crate) source: &'q Group,
    /// One repetition.
    pub(crate) pattern: Rc<Pattern<'q>>,
    /// The slot of the first node of a repetition.
    pub(crate) first: usize,
    /// The slot of the last node.
    pub(crate) last: usize,
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
    /// Slots within, and the slots outside that collect them in lists.
    pub(crate) lists: Vec<(usize, usize)>,
}

/// A path of which only some are kept.
#[derive(Debug)]
pub(crate) struct SearchPart<'q> {
    pub(crate) source: &'q Path,
    /// The path on its own.
    pub(crate) pattern: Rc<Pattern<'q>>,
    pub(crate) keep: Keep,
    /// The slots that it fills, in both patterns, its ends apart.
    pub(crate) outputs: Vec<usize>,
}

/// Which of the paths between two nodes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// This many, the shortest ones.
    Some(u64),
    /// All that are as short as the shortest ones, for this many lengths.
    Lengths(u64),
    /// As [`Some(1)`](Self::Some), never from a node to itself over relationships.
    FunctionOne,
    /// As [`Lengths(1)`](Self::Lengths), never from a node to itself over relationships.
    FunctionAll,
}

impl Keep {
    /// What a path asks for; none if all paths are kept.
    fn new(shortest: Option<Shortest>, selector: Option<Selector>) -> Option<Self> {
        match (shortest, selector) {
            (Some(Shortest::One), _) => Some(Self::FunctionOne),
            (Some(Shortest::All), _) => Some(Self::FunctionAll),
            (None, Some(Selector::AnyShortest)) => Some(Self::Some(1)),
            (None, Some(Selector::Any(count) | Selector::Shortest(count))) => Some(Self::Some(count.unwrap_or(1))),
            (None, Some(Selector::AllShortest)) => Some(Self::Lengths(1)),
            (None, Some(Selector::ShortestGroups(count))) => Some(Self::Lengths(count.unwrap_or(1))),
            (None, Some(Selector::All) | None) => None,
            (None, Some(_)) => None,
        }
    }

    fn is_function(self) -> bool {
        matches!(self, Self::FunctionOne | Self::FunctionAll)
    }
}

/// A path with a variable, or with a mode that looks at all of its nodes.
#[derive(Debug)]
pub(crate) struct PathPart {
    /// The slot of its variable.
    pub(crate) slot: Option<usize>,
    /// Its first node.
    pub(crate) start: usize,
    /// Its parts, in order.
    pub(crate) parts: Vec<usize>,
    pub(crate) mode: PathMode,
}

/// A condition of a pattern.
#[derive(Debug)]
pub(crate) struct Test<'q> {
    pub(crate) kind: TestKind<'q>,
    /// The slots that it needs.
    pub(crate) needs: Vec<usize>,
}

impl Pattern<'_> {
    /// The properties that are needed of what is in a slot.
    fn wanted<'w>(&'w self, slot: usize, session: Session<'w>) -> &'w Wanted {
        match self.names.get(slot) {
            Some(name) if !name.starts_with(UNNAMED) => session.wanted(name),
            _ => &self.unnamed,
        }
    }
}

/// What the names of slots begin with that have none: no variable has a zero byte in its name.
const UNNAMED: char = '\0';

/// The kinds of condition.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TestKind<'q> {
    /// The expression is true.
    True(&'q Expr),
    /// The property of what is in the slot equals the value.
    Property(usize, &'q str, &'q Expr),
}

#[cfg(test)]
mod tests;
