//! Shortest paths over one run, breadth first.
//!
//! From the start, nodes are visited level by level; each remembers all relationships by which it was reached first.
//! Going back along them gives the shortest paths, which never visit a node twice. A path from a node to itself is none
//! of these: it closes where a relationship leads back to the start.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use worldstore_cypher::ast::PathMode;

use super::candidate::{Candidate, Candidates, types};
use super::conditions::EdgeTest;
use super::expand::{Opening, Walk, other_end, towards};
use super::{Keep, Pattern, RunPart, SearchPart};
use crate::error::Result;
use crate::exec::Session;
use crate::graph::{Scan, Towards};
use crate::limits::Held;
use crate::value::{NodeId, Relationship, Value};

/// About what a visited node takes, in bytes.
const NODE_BYTES: u64 = 160;

/// A relationship and the node before it.
type Hop = (Arc<Relationship>, NodeId);

/// Shortest paths from the bound end.
pub(super) fn shortest<'q>(
    opening: &Opening<'_, 'q>,
    search: &SearchPart<'q>,
    run: RunPart<'q>,
) -> Result<Candidates<'q>> {
    let (start, is_reversed) = opening.start()?;
    let target = if is_reversed { opening.ends[0] } else { opening.ends[1] };
    let is_loop = opening.part.left == opening.part.right;
    let path_slots = search.pattern.paths.iter().filter_map(|path| path.slot).collect();
    let mut bfs = Search {
        session: opening.session,
        pattern: Rc::clone(&search.pattern),
        test: opening.edge_test(run.edge),
        run,
        mode: opening.part.mode,
        keep: search.keep,
        towards: towards(run.edge.direction, is_reversed),
        start,
        target: target.or(is_loop.then_some(start)),
        is_reversed,
        path_slots,
        reached: HashMap::from([(start, Reached { depth: 0, from: Vec::new() })]),
        held: opening.session.meter.holder(),
        frontier: vec![start],
        closing: None,
        found: Vec::new(),
        is_over: false,
    };
    bfs.level_zero();
    Ok(Box::new(bfs))
}

/// How a node was reached.
struct Reached {
    depth: u64,
    /// The last relationships of the shortest walks to it, and the nodes before them.
    from: Vec<Hop>,
}

struct Search<'q> {
    session: Session<'q>,
    pattern: Rc<Pattern<'q>>,
    test: EdgeTest<'q>,
    run: RunPart<'q>,
    mode: PathMode,
    keep: Keep,
    towards: Towards,
    start: NodeId,
    /// The other end, if it is bound.
    target: Option<NodeId>,
    is_reversed: bool,
    /// The slots of the path.
    path_slots: Vec<usize>,
    reached: HashMap<NodeId, Reached>,
    held: Held<'q>,
    /// The nodes of the last level.
    frontier: Vec<NodeId>,
    /// How the start was reached again, over directed relationships: the length, and the last relationships.
    closing: Option<(u64, Vec<Hop>)>,
    /// Nodes whose paths are given out next, with where each of their walks stands.
    found: Vec<Backtrack>,
    is_over: bool,
}

/// Goes back from a node to the start, along all shortest walks one after the other.
struct Backtrack {
    /// The way from the end backwards: relationships with the nodes before them, and which of the choices at each.
    steps: Vec<(Vec<Hop>, usize)>,
    end: NodeId,
    is_started: bool,
}

impl Search<'_> {
    /// The start itself, if a walk may have no relationship.
    fn level_zero(&mut self) {
        if self.run.min == 0 && self.target.is_none_or(|target| target == self.start) {
            self.found.push(Backtrack { steps: Vec::new(), end: self.start, is_started: false });
            self.is_over = self.target.is_some();
        }
    }

    /// True if the start may be an end too, over relationships.
    fn may_close(&self) -> bool {
        let is_wanted = self.target.is_none_or(|target| target == self.start);
        is_wanted && self.run.min > 0 && !self.keep.is_function() && self.mode != PathMode::Acyclic
    }

    /// Visits the next level.
    fn deepen(&mut self) -> Result<()> {
        let frontier = std::mem::take(&mut self.frontier);
        let depth = frontier.first().and_then(|node| self.reached.get(node)).map_or(0, |reached| reached.depth) + 1;
        if frontier.is_empty() || self.run.max.is_some_and(|max| depth > max) {
            return self.close();
        }
        let types = types(self.run.edge);
        let pattern = Rc::clone(&self.pattern);
        let scan = Scan::new(&types, &[], pattern.wanted(self.run.slot, self.session));
        for node in frontier {
            self.session.meter.look()?;
            for one in self.session.graph.relationships_of(node, self.towards, &scan)? {
                self.session.meter.tick()?;
                let one = one?;
                if self.test.fits(&one)? {
                    self.visit(one, node, depth)?;
                }
            }
        }
        let wanted: Vec<NodeId> = match self.target {
            Some(target) => self.frontier.iter().copied().filter(|node| *node == target).collect(),
            None => self.frontier.clone(),
        };
        self.is_over = self.target.is_some() && !wanted.is_empty();
        let backtracks = wanted.into_iter().map(|node| self.backtrack(node)).collect::<Vec<_>>();
        self.found.extend(backtracks);
        Ok(())
    }

    fn visit(&mut self, one: Arc<Relationship>, from: NodeId, depth: u64) -> Result<()> {
        let next = other_end(&one, from);
        if next == self.start && self.towards != Towards::Any {
            let closing = self.closing.get_or_insert_with(|| (depth, Vec::new()));
            if closing.0 == depth {
                closing.1.push((one, from));
            }
            return Ok(());
        }
        match self.reached.get_mut(&next) {
            Some(reached) if reached.depth == depth => {
                self.held.add(NODE_BYTES / 2)?;
                reached.from.push((one, from));
            }
            Some(_) => {}
            None => {
                self.held.add(NODE_BYTES)?;
                self.reached.insert(next, Reached { depth, from: vec![(one, from)] });
                self.frontier.push(next);
            }
        }
        Ok(())
    }

    /// At the end: walks that lead back to the start.
    fn close(&mut self) -> Result<()> {
        self.is_over = true;
        if !self.may_close() {
            return Ok(());
        }
        if let Some((_, from)) = self.closing.take() {
            self.found.push(Backtrack { steps: vec![(from, 0)], end: self.start, is_started: false });
        } else if self.towards == Towards::Any {
            let mut circles = self.circles()?;
            if matches!(self.keep, Keep::Some(_)) {
                circles.truncate(1);
            }
            for walk in circles {
                let steps = walk.relationships.iter().cloned().zip(walk.nodes.iter().copied());
                // Each is a way of its own, written down from its end.
                let steps = steps.map(|step| (vec![step], 0)).rev().collect();
                self.found.push(Backtrack { steps, end: self.start, is_started: false });
            }
        }
        Ok(())
    }

    /// The shortest walks from the start back to it over undirected relationships, none of them twice.
    ///
    /// A walk of `length` at a node can only close in time if the node is not too far from the start; so few walks are
    /// looked at. The shortest circle is at most twice as long as the way to the farthest node, plus one.
    fn circles(&mut self) -> Result<Vec<Walk>> {
        let farthest = self.reached.values().map(|reached| reached.depth).max().unwrap_or(0);
        for length in 1..=2 * farthest + 1 {
            if self.run.max.is_some_and(|max| length > max) {
                break;
            }
            let mut found = Vec::new();
            self.circle(&mut Walk::from(self.start), length, &mut found)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn circle(&mut self, walk: &mut Walk, length: u64, found: &mut Vec<Walk>) -> Result<()> {
        // The way is kept on the heap: circles may be long.
        let mut open: Vec<std::vec::IntoIter<Arc<Relationship>>> = vec![self.leading_on(walk.last())?];
        while let Some(next) = open.last_mut() {
            self.session.meter.tick()?;
            let Some(one) = next.next() else {
                open.pop();
                if walk.relationships.pop().is_some() {
                    walk.nodes.pop();
                }
                continue;
            };
            let node = other_end(&one, walk.last());
            let so_far = walk.relationships.len() as u64 + 1;
            let is_used = walk.relationships.iter().any(|walked| walked.id == one.id);
            let Some(back) = self.reached.get(&node).map(|reached| reached.depth) else { continue };
            if is_used || so_far + back > length {
                continue;
            }
            if node == self.start {
                if so_far == length {
                    self.held.add(NODE_BYTES.saturating_mul(length))?;
                    let mut closed = walk.clone();
                    closed.push(one, node);
                    found.push(closed);
                }
                continue;
            }
            walk.push(one, node);
            let more = self.leading_on(node)?;
            open.push(more);
        }
        Ok(())
    }

    fn leading_on(&self, node: NodeId) -> Result<std::vec::IntoIter<Arc<Relationship>>> {
        let types = types(self.run.edge);
        let pattern = Rc::clone(&self.pattern);
        let scan = Scan::new(&types, &[], pattern.wanted(self.run.slot, self.session));
        let mut fitting = Vec::new();
        for one in self.session.graph.relationships_of(node, self.towards, &scan)? {
            let one = one?;
            if self.test.fits(&one)? {
                fitting.push(one);
            }
        }
        Ok(fitting.into_iter())
    }

    fn backtrack(&self, end: NodeId) -> Backtrack {
        let from = self.reached.get(&end).map(|reached| reached.from.clone()).unwrap_or_default();
        Backtrack { steps: vec![(from, 0)], end, is_started: false }
    }

    /// The next path of a node; none if there are no more.
    fn next_path(&self, backtrack: &mut Backtrack) -> Option<Walk> {
        if backtrack.is_started {
            if matches!(self.keep, Keep::Some(_) | Keep::FunctionOne) {
                return None;
            }
            // The last choice that has an alternative takes it; what was chosen before it is chosen anew.
            loop {
                let (choices, place) = backtrack.steps.last_mut()?;
                *place += 1;
                if *place < choices.len() {
                    break;
                }
                backtrack.steps.pop();
            }
        }
        backtrack.is_started = true;
        let mut here = match backtrack.steps.last() {
            Some((choices, place)) => choices.get(*place)?.1,
            None => backtrack.end,
        };
        while here != self.start {
            let from = self.reached.get(&here)?.from.clone();
            let next = from.first()?.1;
            backtrack.steps.push((from, 0));
            here = next;
        }
        let mut walk = Walk::from(self.start);
        let mut nodes = vec![backtrack.end];
        let mut relationships = Vec::new();
        for (choices, place) in &backtrack.steps {
            let (one, before) = choices.get(*place)?;
            relationships.push(Arc::clone(one));
            nodes.push(*before);
        }
        nodes.pop();
        for (one, node) in relationships.into_iter().zip(nodes).rev() {
            walk.push(one, node);
        }
        Some(if self.is_reversed { walk.reversed() } else { walk })
    }

    fn candidate(&self, walk: Walk) -> Result<Candidate> {
        let list = walk.relationships.iter().map(|one| Value::Relationship(Arc::clone(one))).collect();
        let mut values = vec![(self.run.slot, Value::List(list))];
        if !self.path_slots.is_empty() {
            let path = Value::Path(Arc::new(self.session.path(&walk)?));
            values.extend(self.path_slots.iter().map(|slot| (*slot, path.clone())));
        }
        // Slots of the search itself are not known outside.
        values.retain(|(slot, _)| *slot < self.pattern.given);
        Ok(Candidate::Found { ends: walk.ends(), relationships: walk.ids(), values })
    }

    fn step(&mut self) -> Result<Option<Candidate>> {
        loop {
            self.session.meter.tick()?;
            if let Some(mut backtrack) = self.found.pop() {
                if let Some(walk) = self.next_path(&mut backtrack) {
                    self.found.push(backtrack);
                    return Ok(Some(self.candidate(walk)?));
                }
                continue;
            }
            if self.is_over {
                return Ok(None);
            }
            self.deepen()?;
        }
    }
}

impl Iterator for Search<'_> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        if matches!(next, Some(Err(_))) {
            self.found.clear();
            self.is_over = true;
        }
        next
    }
}
