//! Turns paths as they are written into nodes and parts between them.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use worldstore_cypher::ast::{
    BinaryOp, EdgePattern, Expr, ExprKind, Group, Name, NodePattern, Path, PathElement, PathMode, Properties,
};

use super::{
    GroupPart, Keep, NodePart, Part, PartKind, PathPart, Pattern, RunPart, SearchPart, Test, TestKind, UNNAMED,
};
use crate::error::{Result, RuntimeError};
use crate::graph::Wanted;
use crate::walk::{names_in, names_in_path};

/// The patterns of a `MATCH` with its condition, over the variables of a row.
///
/// # Errors
/// `Unsupported`: endless walks are asked for.
pub(crate) fn compile<'q>(
    paths: impl IntoIterator<Item = &'q Path>,
    filter: Option<&'q Expr>,
    given: &[String],
) -> Result<Pattern<'q>> {
    let mut compiler = Compiler::new(given);
    let paths: Vec<&Path> = paths.into_iter().collect();
    // What has a name comes before what has none, so that a row is the front part of the slots.
    for path in &paths {
        own_names(path).into_iter().for_each(|name| _ = compiler.slot(name));
    }
    compiler.pattern.named = compiler.pattern.names.len();
    for path in paths {
        match Keep::new(path.shortest, path.selector) {
            None => _ = compiler.whole_path(path, None)?,
            Some(keep) => compiler.search(path, keep),
        }
    }
    if let Some(filter) = filter {
        compiler.condition(filter);
    }
    compiler.finish()
}

struct Compiler<'q> {
    pattern: Pattern<'q>,
    tests: Vec<TestKind<'q>>,
    mode: PathMode,
    unique: bool,
    /// Endless walks are refused.
    is_bounded: bool,
    /// A path around it shows everything.
    is_shown: bool,
}

/// The first and the last node of a path, and the parts between them.
struct Stretch {
    first: usize,
    last: usize,
    parts: Vec<usize>,
}

impl<'q> Compiler<'q> {
    fn new(given: &[String]) -> Self {
        let pattern = Pattern { names: given.to_vec(), given: given.len(), named: given.len(), ..Pattern::default() };
        Self { pattern, tests: Vec::new(), mode: PathMode::Trail, unique: true, is_bounded: true, is_shown: false }
    }

    fn slot(&mut self, name: &str) -> usize {
        let known = self.pattern.names.iter().rposition(|known| known == name);
        known.unwrap_or_else(|| self.new_slot(name.to_owned()))
    }

    fn new_slot(&mut self, name: String) -> usize {
        self.pattern.names.push(name);
        self.pattern.names.len() - 1
    }

    /// The slot of a variable, or a new one without a name.
    fn slot_of(&mut self, variable: Option<&Name>) -> usize {
        match variable {
            Some(name) => self.slot(&name.text),
            None => self.new_slot(format!("{UNNAMED}{}", self.pattern.names.len())),
        }
    }

    /// A path of which all are kept; its ends may have slots already.
    fn whole_path(&mut self, path: &'q Path, ends: Option<[usize; 2]>) -> Result<Stretch> {
        let (mode, unique) = (self.mode, self.unique);
        self.mode = path.mode.unwrap_or(mode);
        self.unique = unique && self.mode != PathMode::Walk;
        let stretch = self.elements(&path.elements, ends)?;
        let slot = path.variable.as_ref().map(|name| self.slot(&name.text));
        if slot.is_some() || matches!(self.mode, PathMode::Acyclic | PathMode::Simple) {
            let parts = stretch.parts.clone();
            self.pattern.paths.push(PathPart { slot, start: stretch.first, parts, mode: self.mode });
        }
        (self.mode, self.unique) = (mode, unique);
        Ok(stretch)
    }

    /// Nodes and parts in order, with nodes put in where none are written.
    fn elements(&mut self, elements: &'q [PathElement], ends: Option<[usize; 2]>) -> Result<Stretch> {
        let mut parts = Vec::new();
        let mut first = None;
        let mut here: Option<usize> = None;
        // What comes before the next node.
        let mut open: Option<PartKind<'q>> = None;
        for (place, element) in elements.iter().enumerate() {
            let is_last = place + 1 == elements.len();
            let end = ends.and_then(|[first, last]| match place {
                0 => Some(first),
                _ => is_last.then_some(last),
            });
            let (node, inner, last) = match element {
                PathElement::Node(node) => {
                    let node = self.node(node, end);
                    (node, Vec::new(), node)
                }
                PathElement::Group(group) if group.quantifier.is_none() => {
                    if let (0, Some(end)) = (place, end) {
                        here = Some(self.plain_node(Some(end)));
                        first = here;
                    }
                    let inner = self.bracket(group)?;
                    (inner.first, inner.parts, inner.last)
                }
                PathElement::Edge(_) | PathElement::Group(_) => {
                    if open.is_some() || here.is_none() {
                        let node = self.plain_node(if here.is_none() { end } else { None });
                        self.join(&mut parts, here, open.take(), node);
                        here = Some(node);
                        first = first.or(here);
                    }
                    open = Some(match element {
                        PathElement::Edge(edge) => self.edge(edge)?,
                        PathElement::Group(group) => self.group(group)?,
                        PathElement::Node(_) => PartKind::Same,
                    });
                    continue;
                }
            };
            self.join(&mut parts, here, open.take(), node);
            parts.extend(inner);
            here = Some(last);
            first = first.or(Some(node));
        }
        let is_bracket = matches!(elements.last(), Some(PathElement::Group(group)) if group.quantifier.is_none());
        if open.is_some() || (is_bracket && ends.is_some()) {
            let node = self.plain_node(ends.map(|[_, last]| last));
            self.join(&mut parts, here, open, node);
            here = Some(node);
        }
        match (first, here) {
            (Some(first), Some(last)) => Ok(Stretch { first, last, parts }),
            _ => Err(RuntimeError::unsupported("a path has at least one node")),
        }
    }

    /// Puts a part between a node and the next one.
    fn join(&mut self, parts: &mut Vec<usize>, here: Option<usize>, open: Option<PartKind<'q>>, node: usize) {
        let Some(left) = here else { return };
        parts.push(self.part(left, node, open.unwrap_or(PartKind::Same)));
    }

    fn part(&mut self, left: usize, right: usize, kind: PartKind<'q>) -> usize {
        let requires = Vec::new();
        self.pattern.parts.push(Part { left, right, mode: self.mode, unique: self.unique, requires, kind });
        self.pattern.parts.len() - 1
    }

    /// A path in brackets that is not repeated.
    fn bracket(&mut self, group: &'q Group) -> Result<Stretch> {
        let stretch = self.whole_path(&group.path, None)?;
        if let Some(filter) = &group.filter {
            self.condition(filter);
        }
        Ok(stretch)
    }

    fn plain_node(&mut self, slot: Option<usize>) -> usize {
        let slot = slot.unwrap_or_else(|| self.slot_of(None));
        self.node_at(slot)
    }

    /// The node in a slot: one for all places where it is written.
    fn node_at(&mut self, slot: usize) -> usize {
        let known = self.pattern.nodes.iter().position(|node| node.slot == slot);
        known.unwrap_or_else(|| {
            self.pattern.nodes.push(NodePart { slot, labels: Vec::new() });
            self.pattern.nodes.len() - 1
        })
    }

    fn node(&mut self, node: &'q NodePattern, slot: Option<usize>) -> usize {
        let slot = slot.unwrap_or_else(|| self.slot_of(node.variable.as_ref()));
        let place = self.node_at(slot);
        if let (Some(labels), Some(part)) = (&node.labels, self.pattern.nodes.get_mut(place)) {
            part.labels.push(labels);
        }
        self.properties(node.properties.as_ref(), slot);
        if let Some(filter) = &node.filter {
            self.condition(filter);
        }
        place
    }

    fn edge(&mut self, edge: &'q EdgePattern) -> Result<PartKind<'q>> {
        let slot = self.slot_of(edge.variable.as_ref());
        let (min, max) = match (edge.quantifier, edge.length) {
            (Some(quantifier), _) => (quantifier.min, quantifier.max),
            (None, Some(length)) => (length.min.unwrap_or(1), length.max),
            (None, None) => {
                self.properties(edge.properties.as_ref(), slot);
                if let Some(filter) = &edge.filter {
                    self.condition(filter);
                }
                return Ok(PartKind::Edge { slot, edge });
            }
        };
        self.bounded(max).map_err(|error| error.at(edge.span))?;
        Ok(PartKind::Run(RunPart { slot, edge, min, max }))
    }

    fn group(&mut self, source: &'q Group) -> Result<PartKind<'q>> {
        let (min, max) = source.quantifier.map_or((1, Some(1)), |quantifier| (quantifier.min, quantifier.max));
        self.bounded(max).map_err(|error| error.at(source.span))?;
        let pattern = Rc::default();
        Ok(PartKind::Group(GroupPart { source, pattern, first: 0, last: 0, min, max, lists: Vec::new() }))
    }

    fn bounded(&self, max: Option<u64>) -> Result<()> {
        match self.is_bounded && self.mode == PathMode::Walk && max.is_none() {
            true => Err(RuntimeError::unsupported("a walk without an upper bound or a selector has no end")),
            false => Ok(()),
        }
    }

    /// A path of which only some are kept is one part between its ends.
    fn search(&mut self, source: &'q Path, keep: Keep) {
        let mut end = |element: Option<&'q PathElement>| match element {
            Some(PathElement::Node(node)) => self.node(node, None),
            _ => self.plain_node(None),
        };
        let left = end(source.elements.first());
        let right = match source.elements.as_slice() {
            [PathElement::Node(_)] => left,
            elements => end(elements.last()),
        };
        self.mode = source.mode.unwrap_or(PathMode::Trail);
        self.unique = !keep.is_function() && self.mode != PathMode::Walk;
        let search = SearchPart { source, pattern: Rc::default(), keep, outputs: Vec::new() };
        self.part(left, right, PartKind::Search(search));
        (self.mode, self.unique) = (PathMode::Trail, true);
    }

    fn properties(&mut self, properties: Option<&'q Properties>, slot: usize) {
        if let Some(Properties::Map(entries)) = properties {
            self.tests.extend(entries.iter().map(|(name, value)| TestKind::Property(slot, &name.text, value)));
        }
    }

    /// A condition, in the parts that `AND` joins.
    fn condition(&mut self, filter: &'q Expr) {
        match &filter.kind {
            ExprKind::Binary(BinaryOp::And, left, right) => {
                self.condition(left);
                self.condition(right);
            }
            _ => self.tests.push(TestKind::True(filter)),
        }
    }

    /// Compiles what lies within groups and searches, now that all names are known.
    fn finish(mut self) -> Result<Pattern<'q>> {
        let mut parts = std::mem::take(&mut self.pattern.parts);
        for part in &mut parts {
            self.finish_part(part)?;
        }
        for part in &parts {
            // A search that is not walked by its own plan leaves its conditions to this one.
            if let PartKind::Search(search) = &part.kind
                && super::search::plain_run(&search.pattern, search.keep).is_some()
            {
                self.tests.extend(search.pattern.tests.iter().map(|test| test.kind));
            }
        }
        self.pattern.parts = parts;
        self.pattern.unnamed = self.unnamed();
        let tests = std::mem::take(&mut self.tests);
        self.pattern.tests = tests.into_iter().map(|kind| self.test(kind)).collect();
        Ok(self.pattern)
    }

    /// True if a path shows everything.
    fn shows(&self) -> bool {
        self.is_shown || self.pattern.paths.iter().any(|path| path.slot.is_some())
    }

    /// What is needed of things without names: what they are compared by, or all if a path may show them.
    fn unnamed(&self) -> Wanted {
        if self.shows() {
            return Wanted::All;
        }
        let properties = self.tests.iter().filter_map(|test| match test {
            TestKind::Property(_, name, _) => Some(*name),
            TestKind::True(_) => None,
        });
        let runs = self.pattern.parts.iter().filter_map(|part| match &part.kind {
            PartKind::Run(run) => run.edge.properties.as_ref(),
            _ => None,
        });
        let runs = runs.flat_map(|properties| match properties {
            Properties::Map(entries) => entries.as_slice(),
            Properties::Parameter(_) => &[],
        });
        let names: BTreeSet<&str> = properties.chain(runs.map(|(name, _)| name.text.as_str())).collect();
        Wanted::Names(names.into_iter().map(Arc::from).collect())
    }

    fn test(&self, kind: TestKind<'q>) -> Test<'q> {
        let (own, expr) = match kind {
            TestKind::True(expr) => (None, expr),
            TestKind::Property(slot, _, expr) => (Some(slot), expr),
        };
        let mut needs = self.slots(names_in(expr));
        needs.extend(own);
        Test { kind, needs }
    }

    fn slots<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<usize> {
        let slot = |name: &str| self.pattern.names.iter().rposition(|known| known == name);
        names.into_iter().filter_map(slot).collect()
    }

    fn finish_part(&self, part: &mut Part<'q>) -> Result<()> {
        let Part { left, right, mode, unique, requires, kind } = part;
        match kind {
            PartKind::Same | PartKind::Edge { .. } => {}
            PartKind::Run(run) => {
                let properties = match &run.edge.properties {
                    Some(Properties::Map(entries)) => entries.as_slice(),
                    _ => &[],
                };
                let values = properties.iter().map(|(_, value)| value).chain(run.edge.filter.as_deref());
                *requires = self.slots(values.flat_map(names_in));
                requires.retain(|slot| *slot != run.slot);
            }
            PartKind::Group(group) => self.finish_group(group, *mode, *unique, requires)?,
            PartKind::Search(search) => {
                let node = |node: usize| self.pattern.nodes.get(node).map_or(0, |node| node.slot);
                self.finish_search(search, [node(*left), node(*right)], requires)?;
            }
        }
        Ok(())
    }

    fn finish_group(
        &self,
        group: &mut GroupPart<'q>,
        mode: PathMode,
        unique: bool,
        requires: &mut Vec<usize>,
    ) -> Result<()> {
        let path = &*group.source.path;
        let names = own_names(path);
        let (is_bounded, is_shown) = (self.is_bounded, self.shows());
        let mut inner = Compiler { mode, unique, is_bounded, is_shown, ..Compiler::new(&self.pattern.names) };
        // Names within hide the lists of the same names outside.
        names.iter().for_each(|name| _ = inner.new_slot((*name).to_owned()));
        inner.pattern.named = inner.pattern.names.len();
        let stretch = inner.whole_path(path, None)?;
        // What a repetition walks along is asked of its last path.
        let parts = stretch.parts.clone();
        inner.pattern.paths.push(PathPart { slot: None, start: stretch.first, parts, mode: PathMode::Walk });
        if let Some(filter) = &group.source.filter {
            inner.condition(filter);
        }
        let slot = |node: usize| inner.pattern.nodes.get(node).map_or(0, |node| node.slot);
        (group.first, group.last) = (slot(stretch.first), slot(stretch.last));
        let place = |of: &[String], name: &str| of.iter().rposition(|known| known == name);
        let both = |name: &&str| Some((place(&inner.pattern.names, name)?, place(&self.pattern.names, name)?));
        group.lists = names.iter().filter_map(both).collect();
        let used = names_in_path(path).into_iter().chain(group.source.filter.as_deref().into_iter().flat_map(names_in));
        *requires = self.slots(used.filter(|name| !names.contains(name)));
        group.pattern = Rc::new(inner.finish()?);
        Ok(())
    }

    fn finish_search(&self, search: &mut SearchPart<'q>, ends: [usize; 2], requires: &mut Vec<usize>) -> Result<()> {
        let mut inner = Compiler::new(&self.pattern.names);
        inner.is_bounded = false;
        inner.whole_path(search.source, Some(ends))?;
        let own = own_names(search.source);
        search.outputs = self.slots(own.iter().copied());
        search.outputs.retain(|slot| !ends.contains(slot));
        *requires = self.slots(names_in_path(search.source).into_iter().filter(|name| !own.contains(name)));
        search.pattern = Rc::new(inner.finish()?);
        Ok(())
    }
}

/// The variables of a path, those of its groups included, each once, in the order of the source.
pub(crate) fn own_names(path: &Path) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    collect_names(path, &mut names);
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

fn collect_names<'q>(path: &'q Path, names: &mut Vec<&'q str>) {
    names.extend(path.variable.iter().map(|name| name.text.as_str()));
    for element in &path.elements {
        match element {
            PathElement::Node(node) => names.extend(node.variable.iter().map(|name| name.text.as_str())),
            PathElement::Edge(edge) => names.extend(edge.variable.iter().map(|name| name.text.as_str())),
            PathElement::Group(group) => collect_names(&group.path, names),
        }
    }
}
