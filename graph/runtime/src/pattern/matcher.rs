//! Walks a graph in the order of a plan: depth first, one match at a time.

use std::rc::Rc;
use std::sync::Arc;

use super::candidate::{Budget, Candidate, Candidates};
use super::conditions::all_hold;
use super::expand::{self, Walk};
use super::plan::{Plan, Step, StepKind};
use super::{Part, PartKind, PathPart, Pattern, group, search};
use crate::error::{Result, RuntimeError};
use crate::exec::Session;
use crate::value::{Node, NodeId, RelationshipId, Value};

/// What is bound so far.
#[derive(Debug)]
pub(super) struct State {
    pub(super) values: Vec<Value>,
    /// The relationships along each part that has several.
    walks: Vec<Option<Rc<Walk>>>,
    /// Relationships that must not come again.
    pub(super) used: Vec<RelationshipId>,
    /// How many relationships the match has so far.
    pub(super) length: u64,
    /// A test failed with an error; it is made again at the end.
    in_doubt: bool,
}

struct Frame<'q> {
    candidates: Candidates<'q>,
    used: usize,
    length: u64,
    in_doubt: bool,
}

/// Finds the matches of a pattern, for one row.
pub(crate) struct Matcher<'q> {
    session: Session<'q>,
    pattern: Rc<Pattern<'q>>,
    plan: Rc<Plan<'q>>,
    state: State,
    frames: Vec<Frame<'q>>,
    budget: Option<Budget>,
    is_started: bool,
}

impl<'q> Matcher<'q> {
    /// Matches that start from the values of a row.
    pub(crate) fn new(session: Session<'q>, pattern: &Rc<Pattern<'q>>, plan: &Rc<Plan<'q>>, row: &[Value]) -> Self {
        let mut values = Vec::with_capacity(pattern.names.len());
        values.extend_from_slice(row);
        values.resize(pattern.names.len(), Value::Null);
        let walks = vec![None; pattern.parts.len()];
        let state = State { values, walks, used: Vec::new(), length: 0, in_doubt: false };
        let (pattern, plan) = (Rc::clone(pattern), Rc::clone(plan));
        Self { session, pattern, plan, state, frames: Vec::new(), budget: None, is_started: false }
    }

    /// Binds a slot before the start.
    pub(super) fn with_value(mut self, slot: usize, value: Value) -> Self {
        set(&mut self.state.values, slot, value);
        self
    }

    /// Refuses these relationships.
    pub(super) fn with_used(mut self, used: Vec<RelationshipId>) -> Self {
        self.state.used = used;
        self
    }

    pub(super) fn with_budget(mut self, budget: Option<Budget>) -> Self {
        self.budget = budget;
        self
    }

    /// Goes to the next match; false if there are no more.
    ///
    /// # Errors
    /// As the conditions of the pattern, the graph, and the limits. After an error there are no more matches.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        let found = self.step();
        if !matches!(found, Ok(true)) {
            self.frames.clear();
        }
        found
    }

    /// The values of the slots, after [`advance`](Self::advance) found a match.
    pub(crate) fn values(&self) -> &[Value] {
        &self.state.values
    }

    /// The relationships and the nodes of the last path of the pattern.
    pub(super) fn walk(&self) -> Option<Walk> {
        self.path_walk(self.pattern.paths.last()?)
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    fn step(&mut self) -> Result<bool> {
        if !self.is_started {
            self.is_started = true;
            self.open(0)?;
        }
        loop {
            self.session.meter.tick()?;
            let depth = self.frames.len();
            let Some(frame) = self.frames.last_mut() else { return Ok(false) };
            self.state.used.truncate(frame.used);
            (self.state.length, self.state.in_doubt) = (frame.length, frame.in_doubt);
            let Some(candidate) = frame.candidates.next() else {
                self.frames.pop();
                continue;
            };
            if !self.take(depth - 1, candidate?)? {
                continue;
            }
            if depth < self.plan.steps.len() {
                self.open(depth)?;
            } else if self.finish()? {
                return Ok(true);
            }
        }
    }

    /// Starts with a step.
    fn open(&mut self, step: usize) -> Result<()> {
        let plan = Rc::clone(&self.plan);
        let Some(Step { kind, .. }) = plan.steps.get(step) else { return Ok(()) };
        let candidates = match kind {
            StepKind::Given { node } => self.given(*node)?,
            StepKind::Scan { node, pushed } => {
                let node = self.pattern.nodes.get(*node).ok_or_else(broken)?;
                expand::scan(self.session, &self.pattern, node, pushed, &self.state.values)?
            }
            StepKind::Part { part, bound, is_given, inner, pushed } => {
                self.part(*part, *bound, *is_given, inner, pushed)?
            }
        };
        let State { used, length, in_doubt, .. } = &self.state;
        self.frames.push(Frame { candidates, used: used.len(), length: *length, in_doubt: *in_doubt });
        Ok(())
    }

    /// A node of the row: itself, or nothing.
    fn given(&self, node: usize) -> Result<Candidates<'q>> {
        let slot = self.pattern.nodes.get(node).ok_or_else(broken)?.slot;
        match self.state.values.get(slot) {
            Some(Value::Node(node)) => Ok(Box::new(std::iter::once(Ok(Candidate::Node(Arc::clone(node)))))),
            Some(Value::Null) | None => Ok(Box::new(std::iter::empty())),
            Some(other) => {
                let name = self.pattern.names.get(slot).map_or("", String::as_str);
                Err(RuntimeError::argument_type(format!(
                    "`{name}` is {} and cannot be matched as a node",
                    other.type_name()
                )))
            }
        }
    }

    fn part(
        &self,
        place: usize,
        bound: [bool; 2],
        is_given: bool,
        inner: &Rc<Plan<'q>>,
        pushed: &[super::plan::Pushed<'q>],
    ) -> Result<Candidates<'q>> {
        let part = self.pattern.parts.get(place).ok_or_else(broken)?;
        let ends = [(part.left, bound[0]), (part.right, bound[1])]
            .map(|(node, is_bound)| if is_bound { self.node_id(node) } else { None });
        let opening = expand::Opening {
            session: self.session,
            pattern: &self.pattern,
            part,
            ends,
            state: &self.state,
            budget: self.budget.as_ref(),
        };
        match &part.kind {
            PartKind::Same => Ok(Box::new(std::iter::once(Ok(Candidate::Same)))),
            PartKind::Edge { slot, edge } => match is_given {
                true => opening.given_edge(*slot, edge),
                false => opening.edges(edge, pushed),
            },
            PartKind::Run(run) => match is_given {
                true => opening.given_run(*run),
                false => opening.runs(*run),
            },
            PartKind::Group(of) => group::repeats(&opening, of, inner),
            PartKind::Search(of) => search::search(&opening, of, inner),
        }
    }

    /// Binds a candidate, and tells whether it fits.
    fn take(&mut self, step: usize, candidate: Candidate) -> Result<bool> {
        let plan = Rc::clone(&self.plan);
        let Some(Step { kind, tests }) = plan.steps.get(step) else { return Ok(false) };
        let fits = match (kind, candidate) {
            (StepKind::Given { node } | StepKind::Scan { node, .. }, Candidate::Node(found)) => {
                self.bind_node(*node, found)
            }
            (StepKind::Part { part, bound, .. }, candidate) => self.take_part(*part, *bound, candidate)?,
            _ => return Err(broken()),
        };
        Ok(fits && self.tests(tests))
    }

    fn take_part(&mut self, place: usize, bound: [bool; 2], candidate: Candidate) -> Result<bool> {
        let pattern = Rc::clone(&self.pattern);
        let part = pattern.parts.get(place).ok_or_else(broken)?;
        let ends = match &candidate {
            Candidate::Node(_) => return Err(broken()),
            Candidate::Edge(_, ends) | Candidate::Found { ends, .. } => *ends,
            Candidate::Walk(walk) | Candidate::Repeats(walk, _) => walk.ends(),
            Candidate::Same => {
                let same = self.node_id(if bound[0] { part.left } else { part.right });
                [same.ok_or_else(broken)?; 2]
            }
        };
        // What costs no read comes first.
        let left = self.end(part.left, bound[0], ends[0]);
        let right = self.end(part.right, bound[1] || (part.left == part.right && left == End::Fits), ends[1]);
        if left == End::Differs || right == End::Differs || (part.left == part.right && ends[0] != ends[1]) {
            return Ok(false);
        }
        if !self.take_relationships(place, part, candidate) {
            return Ok(false);
        }
        if left == End::New && !self.bind_new(part.left, ends[0])? {
            return Ok(false);
        }
        match right == End::New && part.left != part.right {
            true => self.bind_new(part.right, ends[1]),
            false => Ok(true),
        }
    }

    fn end(&self, node: usize, is_bound: bool, id: NodeId) -> End {
        match is_bound {
            false => End::New,
            true if self.node_id(node) == Some(id) => End::Fits,
            true => End::Differs,
        }
    }

    /// Notes the relationships of a candidate; false if one of them must not come again, or there are too many.
    fn take_relationships(&mut self, place: usize, part: &Part<'q>, candidate: Candidate) -> bool {
        match candidate {
            Candidate::Node(_) | Candidate::Same => true,
            Candidate::Edge(relationship, _) => {
                let fits = self.use_up(part, std::iter::once(relationship.id));
                if let PartKind::Edge { slot, .. } = part.kind {
                    set(&mut self.state.values, slot, Value::Relationship(relationship));
                }
                fits
            }
            Candidate::Walk(walk) => {
                let fits = self.use_up(part, walk.relationships.iter().map(|one| one.id));
                if let (true, PartKind::Run(run)) = (fits, &part.kind) {
                    let list = walk.relationships.iter().map(|one| Value::Relationship(Arc::clone(one))).collect();
                    set(&mut self.state.values, run.slot, Value::List(list));
                }
                self.set_walk(place, walk);
                fits
            }
            Candidate::Repeats(walk, values) => {
                let fits = self.use_up(part, walk.relationships.iter().map(|one| one.id));
                values.into_iter().for_each(|(slot, value)| set(&mut self.state.values, slot, value));
                self.set_walk(place, walk);
                fits
            }
            Candidate::Found { relationships, values, .. } => {
                values.into_iter().for_each(|(slot, value)| set(&mut self.state.values, slot, value));
                self.use_up(part, relationships.into_iter())
            }
        }
    }

    fn set_walk(&mut self, place: usize, walk: Rc<Walk>) {
        if let Some(known) = self.state.walks.get_mut(place) {
            *known = Some(walk);
        }
    }

    /// Adds relationships to those that must not come again.
    fn use_up(&mut self, part: &Part<'q>, relationships: impl Iterator<Item = RelationshipId>) -> bool {
        let State { used, length, .. } = &mut self.state;
        let known = used.len();
        for id in relationships {
            *length += 1;
            // Those of one part differ already, as far as they must.
            if part.unique {
                if used.iter().take(known).any(|one| *one == id) {
                    return false;
                }
                used.push(id);
            }
        }
        match self.budget.as_ref().filter(|budget| *length > budget.relationships) {
            Some(budget) => {
                budget.is_cut.set(true);
                false
            }
            None => true,
        }
    }

    fn bind_new(&mut self, node: usize, id: NodeId) -> Result<bool> {
        // A relationship may lead to a node that is not there: then nothing is found.
        let slot = self.pattern.nodes.get(node).map_or(usize::MAX, |node| node.slot);
        match self.session.node(id, self.pattern.wanted(slot, self.session))? {
            Some(found) => Ok(self.bind_node(node, found)),
            None => Ok(false),
        }
    }

    fn bind_node(&mut self, node: usize, found: Arc<Node>) -> bool {
        let Some(part) = self.pattern.nodes.get(node) else { return false };
        let fits = all_hold(&part.labels, &found.labels);
        set(&mut self.state.values, part.slot, Value::Node(found));
        fits
    }

    /// Whether these tests hold. One that ends in an error may yet be decided by others.
    fn tests(&mut self, tests: &[usize]) -> bool {
        for place in tests {
            let Some(test) = self.pattern.tests.get(*place) else { continue };
            match test.holds(&self.pattern.names, &self.state.values, self.session) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(_) => self.state.in_doubt = true,
            }
        }
        true
    }

    /// Puts paths together, and makes the tests that are left.
    fn finish(&mut self) -> Result<bool> {
        if let Some(budget) = &self.budget
            && self.state.length != budget.relationships
        {
            return Ok(false);
        }
        let pattern = Rc::clone(&self.pattern);
        for path in &pattern.paths {
            let Some(walk) = self.path_walk(path) else { return Ok(false) };
            if !walk.fits(path.mode) {
                return Ok(false);
            }
            if let Some(slot) = path.slot {
                let path = self.session.path(&walk)?;
                set(&mut self.state.values, slot, Value::Path(Arc::new(path)));
            }
        }
        let plan = Rc::clone(&self.plan);
        let again = if self.state.in_doubt { 0..pattern.tests.len() } else { 0..0 };
        for place in again.chain(plan.last_tests.iter().copied()) {
            let Some(test) = pattern.tests.get(place) else { continue };
            if !test.holds(&pattern.names, &self.state.values, self.session)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn path_walk(&self, path: &PathPart) -> Option<Walk> {
        let mut walk = Walk::from(self.node_id(path.start)?);
        for place in &path.parts {
            self.extend_walk(&mut walk, *place, self.pattern.parts.get(*place)?);
        }
        Some(walk)
    }

    fn extend_walk(&self, walk: &mut Walk, place: usize, part: &Part<'q>) {
        match (&part.kind, self.state.walks.get(place)) {
            (PartKind::Edge { slot, .. }, _) => {
                if let (Some(Value::Relationship(one)), Some(id)) =
                    (self.state.values.get(*slot), self.node_id(part.right))
                {
                    walk.push(Arc::clone(one), id);
                }
            }
            (_, Some(Some(more))) => walk.extend(more),
            _ => {}
        }
    }

    fn node_id(&self, node: usize) -> Option<NodeId> {
        let slot = self.pattern.nodes.get(node)?.slot;
        match self.state.values.get(slot) {
            Some(Value::Node(node)) => Some(node.id),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    New,
    Fits,
    Differs,
}

fn set(values: &mut [Value], slot: usize, value: Value) {
    if let Some(place) = values.get_mut(slot) {
        *place = value;
    }
}

/// A defect of this crate: a plan that does not fit its pattern.
fn broken() -> RuntimeError {
    RuntimeError::unsupported("the plan does not fit the pattern")
}
