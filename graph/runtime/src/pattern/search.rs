//! Keeps some of the paths between two nodes, the shortest ones.
//!
//! A path of one run, of which the shortest are wanted, is sought breadth first: see [`super::shortest`]. Anything else
//! is sought by length: all paths of no relationship, of one, of two, until every pair of ends has enough of them or no
//! longer path is left.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use worldstore_cypher::ast::PathMode;

use super::candidate::{Budget, Candidate, Candidates};
use super::expand::Opening;
use super::matcher::Matcher;
use super::plan::Plan;
use super::{Keep, PartKind, Pattern, RunPart, SearchPart, shortest};
use crate::error::{Result, RuntimeError};
use crate::exec::Session;
use crate::limits::Held;
use crate::value::{NodeId, Value};

/// About what the count for a pair of ends takes, in bytes.
const PAIR_BYTES: u64 = 64;

/// The paths that are kept, from the bound ends.
pub(super) fn search<'q>(
    opening: &Opening<'_, 'q>,
    search: &SearchPart<'q>,
    plan: &Rc<Plan<'q>>,
) -> Result<Candidates<'q>> {
    if let Some(run) = plain_run(&search.pattern, search.keep) {
        return shortest::shortest(opening, search, run);
    }
    if opening.part.mode == PathMode::Walk && search.pattern.is_endless() {
        let message = "walks without an upper bound are only sought over one relationship pattern between two nodes";
        return Err(RuntimeError::unsupported(message).at(search.source.span));
    }
    let slot = |node: usize| opening.pattern.nodes.get(node).map_or(0, |node| node.slot);
    Ok(Box::new(Deepening {
        session: opening.session,
        pattern: Rc::clone(&search.pattern),
        plan: Rc::clone(plan),
        keep: search.keep,
        outputs: search.outputs.clone(),
        ends: [slot(opening.part.left), slot(opening.part.right)],
        both_bound: opening.ends.iter().all(Option::is_some),
        row: opening.state.values.clone(),
        pairs: HashMap::new(),
        held: opening.session.meter.holder(),
        length: 0,
        is_cut: Rc::default(),
        matcher: None,
    }))
}

/// The run, if the pattern is a run between two nodes whose shortest walk is what is wanted.
pub(super) fn plain_run<'q>(pattern: &Pattern<'q>, keep: Keep) -> Option<RunPart<'q>> {
    let [part] = pattern.parts.as_slice() else { return None };
    let PartKind::Run(run) = part.kind else { return None };
    let is_first = !matches!(keep, Keep::Some(count) | Keep::Lengths(count) if count != 1);
    let ends: Vec<usize> = pattern.nodes.iter().map(|node| node.slot).collect();
    // Conditions on the path as a whole decide which path is the shortest.
    let path_slots = pattern.paths.iter().filter_map(|path| path.slot).chain([run.slot]);
    let looks_at_path = path_slots.into_iter().any(|slot| pattern.tests.iter().any(|test| test.needs.contains(&slot)));
    (is_first && run.min <= 1 && ends.len() <= 2 && !looks_at_path).then_some(run)
}

impl Pattern<'_> {
    /// True if a walk in it may be as long as it likes.
    fn is_endless(&self) -> bool {
        self.parts.iter().any(|part| match &part.kind {
            PartKind::Same | PartKind::Edge { .. } => false,
            PartKind::Run(run) => run.max.is_none(),
            PartKind::Group(group) => group.max.is_none() || group.pattern.is_endless(),
            PartKind::Search(search) => search.pattern.is_endless(),
        })
    }
}

/// What was kept of a pair of ends.
#[derive(Debug, Default)]
struct Pair {
    paths: u64,
    lengths: u64,
    last_length: Option<u64>,
}

struct Deepening<'q> {
    session: Session<'q>,
    pattern: Rc<Pattern<'q>>,
    plan: Rc<Plan<'q>>,
    keep: Keep,
    outputs: Vec<usize>,
    ends: [usize; 2],
    both_bound: bool,
    row: Vec<Value>,
    pairs: HashMap<[NodeId; 2], Pair>,
    held: Held<'q>,
    /// How long paths are now.
    length: u64,
    is_cut: Rc<Cell<bool>>,
    matcher: Option<Matcher<'q>>,
}

impl Deepening<'_> {
    fn step(&mut self) -> Result<Option<Candidate>> {
        loop {
            let Some(matcher) = &mut self.matcher else {
                self.is_cut.set(false);
                let budget = Budget { relationships: self.length, is_cut: Rc::clone(&self.is_cut) };
                let matcher = Matcher::new(self.session, &self.pattern, &self.plan, &self.row);
                self.matcher = Some(matcher.with_budget(Some(budget)));
                continue;
            };
            if !matcher.advance()? {
                if !self.is_cut.get() || self.is_enough() {
                    return Ok(None);
                }
                self.length += 1;
                self.matcher = None;
                continue;
            }
            let node = |slot: usize| match matcher.values().get(slot) {
                Some(Value::Node(node)) => node.id,
                _ => NodeId(u64::MAX),
            };
            let ends = self.ends.map(node);
            let value = |slot: &usize| (*slot, matcher.values().get(*slot).cloned().unwrap_or_default());
            let values = self.outputs.iter().map(value).collect();
            let relationships = matcher.state().used.clone();
            if self.keeps(ends)? {
                return Ok(Some(Candidate::Found { ends, relationships, values }));
            }
        }
    }

    /// Counts a path of the current length, and tells whether it is kept.
    fn keeps(&mut self, ends: [NodeId; 2]) -> Result<bool> {
        if self.keep.is_function() && self.length > 0 && ends[0] == ends[1] {
            return Ok(false);
        }
        if !self.pairs.contains_key(&ends) {
            self.held.add(PAIR_BYTES)?;
        }
        let pair = self.pairs.entry(ends).or_default();
        let is_longer = pair.last_length != Some(self.length);
        let keeps = match self.keep {
            Keep::Some(count) => pair.paths < count,
            Keep::FunctionOne => pair.paths < 1,
            Keep::Lengths(count) => pair.lengths < count || !is_longer,
            Keep::FunctionAll => pair.lengths < 1 || !is_longer,
        };
        if keeps {
            pair.paths += 1;
            pair.lengths += u64::from(is_longer);
            pair.last_length = Some(self.length);
        }
        Ok(keeps)
    }

    /// True if longer paths cannot be kept.
    fn is_enough(&self) -> bool {
        self.both_bound
            && self.pairs.values().any(|pair| match self.keep {
                Keep::Some(count) => pair.paths >= count,
                Keep::Lengths(count) => pair.lengths >= count,
                Keep::FunctionOne | Keep::FunctionAll => pair.paths >= 1,
            })
    }
}

impl Iterator for Deepening<'_> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
