//! Repeats a pattern: each repetition starts where the one before it ended.

use std::rc::Rc;

use super::candidate::{Budget, Candidate, Candidates};
use super::expand::{Opening, Walk};
use super::matcher::Matcher;
use super::plan::Plan;
use super::{GroupPart, Pattern};
use crate::error::{Result, RuntimeError};
use crate::exec::Session;
use crate::value::{List, NodeId, RelationshipId, Value};

/// Repetitions from the bound node on the left, fewer before those that go on from them.
pub(super) fn repeats<'q>(
    opening: &Opening<'_, 'q>,
    group: &GroupPart<'q>,
    plan: &Rc<Plan<'q>>,
) -> Result<Candidates<'q>> {
    let (start, is_reversed) = opening.start()?;
    if is_reversed {
        return Err(RuntimeError::unsupported("a repeated pattern starts on its left"));
    }
    let left = opening.budget.map(|budget| budget.relationships.saturating_sub(opening.state.length));
    Ok(Box::new(Repeater {
        session: opening.session,
        pattern: Rc::clone(&group.pattern),
        plan: Rc::clone(plan),
        first: group.first,
        min: group.min,
        max: group.max,
        lists: group.lists.clone(),
        row: opening.state.values.clone(),
        used: if opening.part.unique { opening.state.used.clone() } else { Vec::new() },
        stack: Vec::new(),
        rounds: Vec::new(),
        start,
        left,
        budget: opening.budget.cloned(),
        is_started: false,
        opens: true,
    }))
}

/// One repetition.
struct Round {
    walk: Walk,
    /// What is collected in the lists, in their order.
    values: Vec<Value>,
}

struct Repeater<'q> {
    session: Session<'q>,
    pattern: Rc<Pattern<'q>>,
    plan: Rc<Plan<'q>>,
    first: usize,
    min: u64,
    max: Option<u64>,
    lists: Vec<(usize, usize)>,
    /// What is bound outside.
    row: Vec<Value>,
    used: Vec<RelationshipId>,
    /// What each round may be, given those before it.
    stack: Vec<Matcher<'q>>,
    rounds: Vec<Round>,
    start: NodeId,
    /// How many relationships the budget leaves.
    left: Option<u64>,
    budget: Option<Budget>,
    is_started: bool,
    /// The last round was not gone on from yet.
    opens: bool,
}

impl<'q> Repeater<'q> {
    fn repetitions(&self) -> u64 {
        self.rounds.len() as u64
    }

    fn here(&self) -> NodeId {
        self.rounds.last().map_or(self.start, |round| round.walk.last())
    }

    fn length(&self) -> u64 {
        self.rounds.iter().map(|round| round.walk.relationships.len() as u64).sum()
    }

    fn candidate(&self) -> Candidate {
        let mut walk = Walk::from(self.start);
        self.rounds.iter().for_each(|round| walk.extend(&round.walk));
        let list = |(place, (_, outside)): (usize, &(usize, usize))| {
            let values = self.rounds.iter().filter_map(|round| round.values.get(place).cloned());
            (*outside, Value::List(values.collect::<List>()))
        };
        let lists = self.lists.iter().enumerate().map(list).collect();
        Candidate::Repeats(Rc::new(walk), lists)
    }

    /// Looks for another round, unless there are as many as there may be.
    fn open(&mut self) -> Result<()> {
        if self.max.is_some_and(|max| self.repetitions() >= max) {
            return Ok(());
        }
        let Some(node) = self.session.node(self.here(), self.pattern.wanted(self.first, self.session))? else {
            return Ok(());
        };
        let mut used = self.used.clone();
        self.rounds.iter().for_each(|round| used.extend(round.walk.ids()));
        let matcher = Matcher::new(self.session, &self.pattern, &self.plan, &self.row);
        self.stack.push(matcher.with_value(self.first, Value::Node(node)).with_used(used));
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Candidate>> {
        if !self.is_started {
            self.is_started = true;
            if self.min == 0 {
                return Ok(Some(self.candidate()));
            }
        }
        loop {
            self.session.meter.tick()?;
            if std::mem::take(&mut self.opens) {
                self.open()?;
            }
            self.rounds.truncate(self.stack.len().saturating_sub(1));
            let Some(next) = self.stack.last_mut() else { return Ok(None) };
            if !next.advance()? {
                self.stack.pop();
                continue;
            }
            let Some(walk) = next.walk() else { continue };
            let values = self.lists.iter().map(|(within, _)| next.values().get(*within).cloned().unwrap_or_default());
            let values = values.collect();
            let is_empty = walk.relationships.is_empty();
            if self.left.is_some_and(|left| self.length() + walk.relationships.len() as u64 > left) {
                self.budget.iter().for_each(|budget| budget.is_cut.set(true));
                continue;
            }
            // A round that goes nowhere could be repeated forever.
            if is_empty && self.repetitions() >= self.min {
                continue;
            }
            self.rounds.push(Round { walk, values });
            self.opens = true;
            if self.repetitions() >= self.min {
                return Ok(Some(self.candidate()));
            }
        }
    }
}

impl Iterator for Repeater<'_> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        if matches!(next, Some(Err(_))) {
            self.stack.clear();
            self.rounds.clear();
            self.opens = false;
        }
        next
    }
}
