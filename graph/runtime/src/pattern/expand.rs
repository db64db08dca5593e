//! Goes on from a node: over one relationship, or over several in a row.

use std::rc::Rc;
use std::sync::Arc;

use worldstore_cypher::ast::{Direction, EdgePattern, PathMode};

use super::candidate::{Budget, Candidate, Candidates, may_repeat, types};
use super::conditions::{EdgeTest, conditions};
use super::matcher::State;
use super::plan::Pushed;
use super::{NodePart, Part, Pattern, RunPart};
use crate::error::{Result, RuntimeError};
use crate::exec::Session;
use crate::graph::{Relationships, Scan, Towards};
use crate::value::{NodeId, Relationship, RelationshipId, Value};

/// Relationships in a row, from left to right, and the nodes that they touch.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    /// One less than nodes.
    pub(super) relationships: Vec<Arc<Relationship>>,
    /// One at least.
    pub(super) nodes: Vec<NodeId>,
}

impl Walk {
    pub(super) fn from(start: NodeId) -> Self {
        Self { relationships: Vec::new(), nodes: vec![start] }
    }

    pub(super) fn push(&mut self, relationship: Arc<Relationship>, node: NodeId) {
        self.relationships.push(relationship);
        self.nodes.push(node);
    }

    fn pop(&mut self) {
        if self.relationships.pop().is_some() {
            self.nodes.pop();
        }
    }

    /// Goes on along another walk, which starts where this one ends.
    pub(super) fn extend(&mut self, more: &Self) {
        self.relationships.extend(more.relationships.iter().cloned());
        self.nodes.extend(more.nodes.iter().skip(1));
    }

    pub(super) fn last(&self) -> NodeId {
        self.nodes.last().copied().unwrap_or(NodeId(u64::MAX))
    }

    pub(super) fn ends(&self) -> [NodeId; 2] {
        [self.nodes.first().copied().unwrap_or(NodeId(u64::MAX)), self.last()]
    }

    pub(super) fn ids(&self) -> Vec<RelationshipId> {
        self.relationships.iter().map(|one| one.id).collect()
    }

    /// The same walk the other way.
    pub(super) fn reversed(mut self) -> Self {
        self.relationships.reverse();
        self.nodes.reverse();
        self
    }

    /// Whether nothing repeats that must not, as far as nodes are concerned.
    pub(super) fn fits(&self, mode: PathMode) -> bool {
        let mut nodes = self.nodes.clone();
        if mode == PathMode::Simple && nodes.len() > 1 && nodes.first() == nodes.last() {
            nodes.pop();
        }
        match mode {
            PathMode::Walk | PathMode::Trail => true,
            PathMode::Acyclic | PathMode::Simple => {
                let count = nodes.len();
                nodes.sort_unstable();
                nodes.dedup();
                nodes.len() == count
            }
        }
    }
}

/// All nodes that fit.
pub(super) fn scan<'q>(
    session: Session<'q>,
    pattern: &Pattern<'q>,
    node: &NodePart<'q>,
    pushed: &[Pushed<'q>],
    values: &[Value],
) -> Result<Candidates<'q>> {
    let Some(conditions) = conditions(pushed, &pattern.names, values, session) else {
        return Ok(Box::new(std::iter::empty()));
    };
    let wanted = pattern.wanted(node.slot, session);
    session.meter.look()?;
    let nodes = session.graph.nodes(&Scan::new(&node.labels, &conditions, wanted))?;
    Ok(Box::new(nodes.map(|node| Ok(Candidate::Node(node?)))))
}

/// Which end of a relationship the node is from which it is walked.
pub(super) fn towards(direction: Direction, is_reversed: bool) -> Towards {
    match (direction, is_reversed) {
        (Direction::Right, false) | (Direction::Left, true) => Towards::Out,
        (Direction::Left, false) | (Direction::Right, true) => Towards::In,
        (Direction::Either | Direction::Both, _) => Towards::Any,
    }
}

/// The end of a relationship that is not this one; of a loop, the same.
pub(super) fn other_end(relationship: &Relationship, node: NodeId) -> NodeId {
    if relationship.start == node { relationship.end } else { relationship.start }
}

/// What a part starts from.
pub(super) struct Opening<'o, 'q> {
    pub(super) session: Session<'q>,
    pub(super) pattern: &'o Rc<Pattern<'q>>,
    pub(super) part: &'o Part<'q>,
    /// The nodes on the left and on the right, where they are bound.
    pub(super) ends: [Option<NodeId>; 2],
    pub(super) state: &'o State,
    pub(super) budget: Option<&'o Budget>,
}

impl<'q> Opening<'_, 'q> {
    /// The bound node to start from, and whether that is the right one.
    pub(super) fn start(&self) -> Result<(NodeId, bool)> {
        match self.ends {
            [Some(left), _] => Ok((left, false)),
            [None, Some(right)] => Ok((right, true)),
            [None, None] => Err(RuntimeError::unsupported("a part of a pattern starts from a node")),
        }
    }

    /// Single relationships.
    pub(super) fn edges(&self, edge: &'q EdgePattern, pushed: &[Pushed<'q>]) -> Result<Candidates<'q>> {
        let Some(conditions) = conditions(pushed, &self.pattern.names, &self.state.values, self.session) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let slot = if let super::PartKind::Edge { slot, .. } = self.part.kind { slot } else { usize::MAX };
        let wanted = self.pattern.wanted(slot, self.session);
        let types = types(edge);
        let scan = Scan::new(&types, &conditions, wanted);
        self.session.meter.look()?;
        let fits = move |one: &Relationship| {
            edge.types.as_ref().is_none_or(|types| crate::eval::labels_hold(types, std::slice::from_ref(&one.kind)))
        };
        let Ok((node, is_reversed)) = self.start() else {
            let all = self.session.graph.relationships(&scan)?;
            let direction = edge.direction;
            return Ok(Box::new(all.flat_map(move |one| match one {
                Ok(one) if !fits(&one) => Vec::new(),
                Ok(one) => orientations(&one, direction).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error.into())],
            })));
        };
        let found = self.session.graph.relationships_of(node, towards(edge.direction, is_reversed), &scan)?;
        Ok(Box::new(found.filter_map(move |one| match one {
            Ok(one) if !fits(&one) => None,
            Ok(one) => {
                let other = other_end(&one, node);
                let ends = if is_reversed { [other, node] } else { [node, other] };
                Some(Ok(Candidate::Edge(one, ends)))
            }
            Err(error) => Some(Err(error.into())),
        })))
    }

    /// A relationship that is known already.
    pub(super) fn given_edge(&self, slot: usize, edge: &'q EdgePattern) -> Result<Candidates<'q>> {
        let Some(one) = self.relationship(self.state.values.get(slot))? else {
            return Ok(Box::new(std::iter::empty()));
        };
        let types = edge.types.as_ref();
        let fits = types.is_none_or(|types| crate::eval::labels_hold(types, std::slice::from_ref(&one.kind)));
        let candidates = if fits { orientations(&one, edge.direction) } else { Vec::new() };
        Ok(Box::new(candidates.into_iter().map(Ok)))
    }

    fn relationship(&self, value: Option<&Value>) -> Result<Option<Arc<Relationship>>> {
        match value {
            Some(Value::Relationship(one)) => Ok(Some(Arc::clone(one))),
            Some(Value::Null) | None => Ok(None),
            Some(other) => {
                let message = format!("{} cannot be matched as a relationship", other.type_name());
                Err(RuntimeError::argument_type(message))
            }
        }
    }

    pub(super) fn edge_test(&self, edge: &'q EdgePattern) -> EdgeTest<'q> {
        let values = Rc::new(self.state.values.clone());
        EdgeTest { session: self.session, edge, pattern: Rc::clone(self.pattern), values }
    }

    /// Relationships in a row, shorter ones before those that go on from them.
    pub(super) fn runs(&self, run: RunPart<'q>) -> Result<Candidates<'q>> {
        let (start, is_reversed) = self.start()?;
        let left = self.budget.map(|budget| budget.relationships.saturating_sub(self.state.length));
        Ok(Box::new(Runner {
            session: self.session,
            test: self.edge_test(run.edge),
            run,
            mode: self.part.mode,
            is_reversed,
            used: if self.part.unique { self.state.used.clone() } else { Vec::new() },
            walk: Walk::from(start),
            stack: Vec::new(),
            left,
            budget: self.budget.cloned(),
            is_started: false,
            opens: true,
        }))
    }

    /// A list of relationships that is known already: it is walked as it is, or not at all.
    pub(super) fn given_run(&self, run: RunPart<'q>) -> Result<Candidates<'q>> {
        let (start, is_reversed) = self.start()?;
        let Some(Value::List(list)) = self.state.values.get(run.slot) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let count = list.len() as u64;
        if count < run.min || run.max.is_some_and(|max| count > max) {
            return Ok(Box::new(std::iter::empty()));
        }
        let test = self.edge_test(run.edge);
        let mut walk = Walk::from(start);
        let towards = towards(run.edge.direction, is_reversed);
        let mut items: Vec<&Value> = list.iter().collect();
        if is_reversed {
            items.reverse();
        }
        for item in items {
            let Some(one) = self.relationship(Some(item))? else { return Ok(Box::new(std::iter::empty())) };
            let here = walk.last();
            let leads = match towards {
                Towards::Out => one.start == here,
                Towards::In => one.end == here,
                Towards::Any => one.start == here || one.end == here,
            };
            if !leads || !test.fits(&one)? {
                return Ok(Box::new(std::iter::empty()));
            }
            let other = other_end(&one, here);
            walk.push(one, other);
        }
        let walk = if is_reversed { walk.reversed() } else { walk };
        Ok(Box::new(std::iter::once(Ok(Candidate::Walk(Rc::new(walk))))))
    }
}

/// The ways in which a relationship lies between left and right; one for a loop.
fn orientations(one: &Arc<Relationship>, direction: Direction) -> Vec<Candidate> {
    let forwards = || Candidate::Edge(Arc::clone(one), [one.start, one.end]);
    let backwards = || Candidate::Edge(Arc::clone(one), [one.end, one.start]);
    match direction {
        Direction::Right => vec![forwards()],
        Direction::Left => vec![backwards()],
        Direction::Either | Direction::Both if one.start == one.end => vec![forwards()],
        Direction::Either | Direction::Both => vec![forwards(), backwards()],
    }
}

/// Walks over relationships in a row, depth first.
struct Runner<'q> {
    session: Session<'q>,
    test: EdgeTest<'q>,
    run: RunPart<'q>,
    mode: PathMode,
    is_reversed: bool,
    used: Vec<RelationshipId>,
    walk: Walk,
    /// What leads on from each node of the walk.
    stack: Vec<Relationships<'q>>,
    /// How many relationships the budget leaves.
    left: Option<u64>,
    budget: Option<Budget>,
    is_started: bool,
    /// The last node of the walk was not gone on from yet.
    opens: bool,
}

impl Runner<'_> {
    fn length(&self) -> u64 {
        self.walk.relationships.len() as u64
    }

    fn candidate(&self) -> Candidate {
        let walk = self.walk.clone();
        Candidate::Walk(Rc::new(if self.is_reversed { walk.reversed() } else { walk }))
    }

    /// Goes on from the last node, unless the walk is as long as it may be.
    fn open(&mut self) -> Result<()> {
        let is_closed = self.mode == PathMode::Simple && self.length() > 0 && self.walk.ends()[0] == self.walk.last();
        if is_closed || self.run.max.is_some_and(|max| self.length() >= max) {
            self.stack.push(Box::new(std::iter::empty()));
            return Ok(());
        }
        self.session.meter.look()?;
        let types = types(self.run.edge);
        let towards = towards(self.run.edge.direction, self.is_reversed);
        let scan = Scan::new(&types, &[], self.test.pattern.wanted(self.run.slot, self.session));
        let leading_on = self.session.graph.relationships_of(self.walk.last(), towards, &scan)?;
        self.stack.push(leading_on);
        Ok(())
    }

    fn accepts(&self, one: &Arc<Relationship>) -> Result<bool> {
        if !may_repeat(self.mode) {
            let is_walked = self.walk.relationships.iter().any(|walked| walked.id == one.id);
            if is_walked || self.used.contains(&one.id) {
                return Ok(false);
            }
        }
        let next = other_end(one, self.walk.last());
        let is_visited = match self.mode {
            PathMode::Walk | PathMode::Trail => false,
            PathMode::Acyclic => self.walk.nodes.contains(&next),
            PathMode::Simple => self.walk.nodes.iter().skip(1).any(|node| *node == next),
        };
        Ok(!is_visited && self.test.fits(one)?)
    }

    fn step(&mut self) -> Result<Option<Candidate>> {
        if !self.is_started {
            self.is_started = true;
            if self.run.min == 0 {
                return Ok(Some(self.candidate()));
            }
        }
        loop {
            self.session.meter.tick()?;
            if self.opens {
                self.opens = false;
                self.open()?;
            }
            let Some(next) = self.stack.last_mut() else { return Ok(None) };
            let Some(one) = next.next() else {
                self.stack.pop();
                self.walk.pop();
                continue;
            };
            let one = one?;
            if !self.accepts(&one)? {
                continue;
            }
            if self.left.is_some_and(|left| self.length() >= left) {
                // There is more, but it is too long for now.
                self.budget.iter().for_each(|budget| budget.is_cut.set(true));
                self.stack.pop();
                self.walk.pop();
                continue;
            }
            let other = other_end(&one, self.walk.last());
            self.walk.push(one, other);
            self.opens = true;
            if self.length() >= self.run.min {
                return Ok(Some(self.candidate()));
            }
        }
    }
}

impl Iterator for Runner<'_> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        if matches!(next, Some(Err(_))) {
            self.stack.clear();
            self.opens = false;
        }
        next
    }
}
