//! Puts a pattern into an order.
//!
//! What is bound is gone on from, by the part that multiplies rows least; where nothing is bound, the smallest set of
//! nodes or relationships is scanned. Conditions are looked at as soon as what they need is there.

use std::rc::Rc;

use worldstore_cypher::ast::{Expr, ExprKind};

use super::{Part, PartKind, Pattern, Test, TestKind};
use crate::error::{Result, RuntimeError};
use crate::graph::{Compares, Graph};

/// How much a condition on a property leaves of a set, as a guess.
const CONDITION_SHARE: f64 = 0.1;

/// What a part of unknown length costs, compared with one relationship.
const RUN_FACTOR: f64 = 1_000.0;

/// How many nodes there are if nobody knows.
const NODES_GUESS: f64 = 1_000_000.0;

/// The order in which a pattern is sought.
#[derive(Debug, Default)]
pub(crate) struct Plan<'q> {
    pub(crate) steps: Vec<Step<'q>>,
    /// Tests for which paths must be there, by their place in the pattern.
    pub(crate) last_tests: Vec<usize>,
}

/// A step: what is bound next, and the tests that can be made then.
#[derive(Debug)]
pub(crate) struct Step<'q> {
    pub(crate) kind: StepKind<'q>,
    pub(crate) tests: Vec<usize>,
}

/// The kinds of step; all refer to places in the pattern.
#[derive(Debug)]
pub(crate) enum StepKind<'q> {
    /// A node of the row.
    Given { node: usize },
    /// All nodes that fit.
    Scan { node: usize, pushed: Vec<Pushed<'q>> },
    /// A part.
    Part {
        part: usize,
        /// Whether the left and the right node are bound.
        bound: [bool; 2],
        /// Whether the relationship or list itself is bound.
        is_given: bool,
        /// The order within a group or a search.
        inner: Rc<Plan<'q>>,
        pushed: Vec<Pushed<'q>>,
    },
}

/// A condition that the graph may use: a property compared with a value that is known by then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pushed<'q> {
    pub(crate) property: &'q str,
    pub(crate) compares: Compares,
    pub(crate) value: &'q Expr,
}

/// In which order the parts of a pattern are sought. What is found does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What seems the cheapest comes first.
    #[default]
    Cheapest,
    /// Anything that is possible, decided by these bits: to test a graph, or this crate.
    Chance(u64),
}

impl<'q> Plan<'q> {
    /// The order for a pattern of which the first `given` slots have values.
    ///
    /// # Errors
    /// `Unsupported`: parts need what only the others find.
    pub(crate) fn new(pattern: &Pattern<'q>, graph: &dyn Graph, order: Order) -> Result<Self> {
        let bound = (0..pattern.names.len()).map(|slot| slot < pattern.given).collect();
        Self::with_bound(pattern, graph, order, bound)
    }

    fn with_bound(pattern: &Pattern<'q>, graph: &dyn Graph, order: Order, bound: Vec<bool>) -> Result<Self> {
        let mut planner = Planner {
            pattern,
            graph,
            order,
            bound,
            done: vec![false; pattern.parts.len()],
            tested: vec![false; pattern.tests.len()],
            plan: Plan::default(),
        };
        planner.run()?;
        Ok(planner.plan)
    }
}

struct Planner<'p, 'q> {
    pattern: &'p Pattern<'q>,
    graph: &'p dyn Graph,
    order: Order,
    bound: Vec<bool>,
    done: Vec<bool>,
    tested: Vec<bool>,
    plan: Plan<'q>,
}

/// What could be done next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Scan(usize),
    Part(usize),
}

impl<'q> Planner<'_, 'q> {
    fn run(&mut self) -> Result<()> {
        for (place, node) in self.pattern.nodes.iter().enumerate() {
            if self.is_bound(node.slot) {
                self.push(StepKind::Given { node: place });
            }
        }
        while let Some(choice) = self.choose()? {
            match choice {
                Choice::Scan(node) => self.scan(node),
                Choice::Part(part) => self.part(part)?,
            }
        }
        let tests = self.tested.iter().enumerate().filter(|(_, tested)| !**tested);
        self.plan.last_tests = tests.map(|(place, _)| place).collect();
        Ok(())
    }

    fn is_bound(&self, slot: usize) -> bool {
        self.bound.get(slot).copied().unwrap_or(false)
    }

    fn bind(&mut self, slot: usize) {
        if let Some(bound) = self.bound.get_mut(slot) {
            *bound = true;
        }
    }

    fn slot(&self, node: usize) -> usize {
        self.pattern.nodes.get(node).map_or(0, |node| node.slot)
    }

    /// The next step; none at the end.
    fn choose(&mut self) -> Result<Option<Choice>> {
        let mut walks = Vec::new();
        let mut starts = Vec::new();
        for (place, node) in self.pattern.nodes.iter().enumerate() {
            if !self.is_bound(node.slot) {
                starts.push((self.scan_cost(place), Choice::Scan(place)));
            }
        }
        let mut is_waiting = false;
        for (place, part) in self.pattern.parts.iter().enumerate() {
            if self.done.get(place).copied().unwrap_or(true) {
                continue;
            }
            is_waiting = true;
            if part.requires.iter().all(|slot| self.is_bound(*slot)) {
                match self.part_cost(part) {
                    Some((cost, true)) => walks.push((cost, Choice::Part(place))),
                    Some((cost, false)) => starts.push((cost, Choice::Part(place))),
                    None => {}
                }
            }
        }
        let from = match self.order {
            Order::Cheapest if !walks.is_empty() => walks,
            Order::Cheapest => starts,
            Order::Chance(_) => walks.into_iter().chain(starts).collect(),
        };
        if from.is_empty() && is_waiting {
            return Err(RuntimeError::unsupported("each of these patterns needs what only another one finds"));
        }
        Ok(self.pick(&from))
    }

    fn pick(&mut self, from: &[(f64, Choice)]) -> Option<Choice> {
        match &mut self.order {
            Order::Cheapest => from.iter().min_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, choice)| *choice),
            Order::Chance(bits) => {
                *bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = (*bits >> 33) as usize % from.len().max(1);
                from.get(place).map(|(_, choice)| *choice)
            }
        }
    }

    fn scan_cost(&self, node: usize) -> f64 {
        let Some(part) = self.pattern.nodes.get(node) else { return NODES_GUESS };
        let count = self.graph.node_count(&part.labels).map_or(NODES_GUESS, |count| count as f64);
        match self.pushed(part.slot).is_empty() {
            true => count,
            false => count * CONDITION_SHARE,
        }
    }

    /// By how much a part multiplies rows, and whether it goes on from something bound; none if it cannot be done yet.
    fn part_cost(&self, part: &Part<'q>) -> Option<(f64, bool)> {
        let bound = [self.is_bound(self.slot(part.left)), self.is_bound(self.slot(part.right))];
        let ends = bound.iter().filter(|bound| **bound).count();
        let degree = |types: Option<&worldstore_cypher::ast::LabelExpr>| {
            let nodes = self.graph.node_count(&[]).map_or(NODES_GUESS, |count| count as f64).max(1.0);
            let count = self.graph.relationship_count(types.as_slice()).map_or(10.0 * nodes, |count| count as f64);
            match ends {
                0 => count,
                1 => count / nodes,
                _ => count / nodes / nodes,
            }
        };
        match &part.kind {
            PartKind::Same => (ends > 0).then_some((0.0, true)),
            PartKind::Edge { slot, .. } if self.is_bound(*slot) => Some((0.0, true)),
            PartKind::Edge { edge, .. } => Some((degree(edge.types.as_ref()), ends > 0)),
            PartKind::Run(run) => {
                let cost = RUN_FACTOR * (1.0 + degree(run.edge.types.as_ref()));
                (ends > 0).then_some((if self.is_bound(run.slot) { 0.0 } else { cost }, true))
            }
            PartKind::Group(_) => bound[0].then_some((2.0 * RUN_FACTOR, true)),
            PartKind::Search(_) => (ends > 0).then_some((if ends == 2 { 1.0 } else { 3.0 * RUN_FACTOR }, true)),
        }
    }

    fn scan(&mut self, node: usize) {
        let slot = self.slot(node);
        let pushed = self.pushed(slot);
        self.bind(slot);
        self.push(StepKind::Scan { node, pushed });
    }

    fn part(&mut self, place: usize) -> Result<()> {
        let pattern = self.pattern;
        let Some(part) = pattern.parts.get(place) else { return Ok(()) };
        let (left, right) = (self.slot(part.left), self.slot(part.right));
        let bound = [self.is_bound(left), self.is_bound(right)];
        let mut is_given = false;
        let mut inner = Rc::default();
        let mut pushed = Vec::new();
        let mut fills = vec![left, right];
        match &part.kind {
            PartKind::Same => {}
            PartKind::Edge { slot, .. } => {
                is_given = self.is_bound(*slot);
                pushed = self.pushed(*slot);
                fills.push(*slot);
            }
            PartKind::Run(run) => {
                is_given = self.is_bound(run.slot);
                fills.push(run.slot);
            }
            PartKind::Group(group) => {
                fills.extend(group.lists.iter().map(|(_, outside)| *outside));
                let mut bound = self.bound.clone();
                bound.resize(group.pattern.names.len(), false);
                if let Some(first) = bound.get_mut(group.first) {
                    *first = true;
                }
                inner = Rc::new(Plan::with_bound(&group.pattern, self.graph, self.order, bound)?);
            }
            PartKind::Search(search) => {
                fills.extend(&search.outputs);
                let mut bound = self.bound.clone();
                bound.resize(search.pattern.names.len(), false);
                inner = Rc::new(Plan::with_bound(&search.pattern, self.graph, self.order, bound)?);
            }
        }
        fills.into_iter().for_each(|slot| self.bind(slot));
        if let Some(done) = self.done.get_mut(place) {
            *done = true;
        }
        self.push(StepKind::Part { part: place, bound, is_given, inner, pushed });
        Ok(())
    }

    /// Adds a step with all tests that are possible then.
    fn push(&mut self, kind: StepKind<'q>) {
        let mut tests = Vec::new();
        for (place, test) in self.pattern.tests.iter().enumerate() {
            let is_ready = test.needs.iter().all(|slot| self.is_bound(*slot));
            if let Some(tested) = self.tested.get_mut(place)
                && is_ready
                && !*tested
            {
                *tested = true;
                tests.push(place);
            }
        }
        self.plan.steps.push(Step { kind, tests });
    }

    /// The conditions on properties of a slot whose values are known before it is bound.
    fn pushed(&self, slot: usize) -> Vec<Pushed<'q>> {
        let is_ready = |test: &&Test<'q>| {
            test.needs.contains(&slot) && test.needs.iter().all(|need| *need == slot || self.is_bound(*need))
        };
        let name = self.pattern.names.get(slot).map_or("", String::as_str);
        let tests = self.pattern.tests.iter().filter(is_ready);
        let mut pushed = Vec::new();
        for test in tests {
            match test.kind {
                TestKind::Property(of, property, value) => {
                    if of == slot && !mentions(value, name) {
                        pushed.push(Pushed { property, compares: Compares::Eq, value });
                    }
                }
                TestKind::True(expr) => pushed.extend(comparison(expr, name)),
            }
        }
        pushed
    }
}

fn mentions(expr: &Expr, name: &str) -> bool {
    crate::walk::names_in(expr).contains(name)
}

/// `name.property = value` and its like, either way around, where the value does not depend on the name.
fn comparison<'q>(expr: &'q Expr, name: &str) -> Option<Pushed<'q>> {
    let ExprKind::Binary(op, left, right) = &expr.kind else { return None };
    let compares = Compares::of(*op)?;
    let property = |of: &'q Expr| match &of.kind {
        ExprKind::Property(of, property) => match &of.kind {
            ExprKind::Variable(variable) if variable == name => Some(property.text.as_str()),
            _ => None,
        },
        _ => None,
    };
    match (property(left), property(right)) {
        (Some(property), None) if !mentions(right, name) => Some(Pushed { property, compares, value: right }),
        (None, Some(property)) if !mentions(left, name) => {
            Some(Pushed { property, compares: compares.swapped()?, value: left })
        }
        _ => None,
    }
}
