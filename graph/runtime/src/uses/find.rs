//! Looks for all places of a statement where something of the graph may stand.

use std::collections::{BTreeMap, BTreeSet};

use worldstore_cypher::ast::{
    Clause, ClauseKind, Direction, EdgePattern, Expr, ExprKind, LabelExpr, NodePattern, Path, PathElement, Projection,
    Properties, Query, Selector, SingleQuery,
};

use super::conditions::Constants;
use super::later::later;
use super::{Demand, End, NodeUse, RelationshipUse, Uses};
use crate::exec::Options;
use crate::graph::Towards;
use crate::pattern::own_names;

/// Functions that show where a row stands in its table.
const ID_FUNCTIONS: [&str; 2] = ["id", "elementid"];

/// The names of variables that have values.
type Bound<'q> = BTreeSet<&'q str>;

/// All places of a query that only reads; none if something in it is not known to leave rows alone.
pub(crate) fn find<'q>(query: &'q Query, options: &'q Options) -> Option<Uses<'q>> {
    let mut finder = Finder { uses: Uses::default(), constants: Constants(options), is_lost: false };
    finder.query(query, &Bound::new());
    (!finder.is_lost).then_some(finder.uses)
}

struct Finder<'q> {
    uses: Uses<'q>,
    constants: Constants<'q>,
    is_lost: bool,
}

/// How the places of a path take conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Each of them.
    All,
    /// The first and the last node: which of the paths between them are kept depends on all that lies in between.
    Ends,
    /// None: a variable stands for a list.
    None,
}

/// What is looked for in one `MATCH`.
struct Matched<'q, 'm> {
    bound: &'m Bound<'q>,
    filter: Option<&'q Expr>,
    /// The clauses behind it.
    rest: &'q [Clause],
    /// Nodes with names, and their places.
    named: BTreeMap<&'q str, usize>,
    /// Places that take no conditions.
    free: Vec<usize>,
}

impl<'q> Finder<'q> {
    fn query(&mut self, query: &'q Query, outer: &Bound<'q>) {
        self.single(&query.first, outer);
        query.others.iter().for_each(|other| self.single(&other.query, outer));
    }

    fn single(&mut self, query: &'q SingleQuery, outer: &Bound<'q>) {
        let mut bound = outer.clone();
        let mut rest = query.clauses.as_slice();
        while let Some((clause, behind)) = rest.split_first() {
            self.clause(clause, behind, &mut bound);
            rest = behind;
        }
    }

    fn clause(&mut self, clause: &'q Clause, rest: &'q [Clause], bound: &mut Bound<'q>) {
        match &clause.kind {
            ClauseKind::Match(one) => {
                self.matched(&one.patterns, one.filter.as_ref(), rest, bound);
                bound.extend(one.patterns.iter().flat_map(own_names));
            }
            ClauseKind::Unwind(unwind) => {
                self.expr(&unwind.list, bound);
                bound.insert(&unwind.variable.text);
            }
            ClauseKind::For(each) => {
                self.expr(&each.list, bound);
                bound.insert(&each.variable.text);
            }
            ClauseKind::With(with) => {
                self.projection(&with.projection, bound);
                with.filter.iter().for_each(|filter| self.expr(filter, bound));
            }
            ClauseKind::Return(projection) => self.projection(projection, bound),
            ClauseKind::Let(items) => {
                for (name, value) in items {
                    self.expr(value, bound);
                    bound.insert(&name.text);
                }
            }
            ClauseKind::Filter(condition) => self.expr(condition, bound),
            ClauseKind::Call(call) => {
                call.arguments.iter().flatten().for_each(|argument| self.expr(argument, bound));
                let filter = call.yields.iter().filter_map(|yields| yields.filter.as_ref());
                filter.for_each(|filter| self.expr(filter, bound));
            }
            ClauseKind::Finish => {}
            _ => self.is_lost = true,
        }
    }

    /// Afterwards only what goes on is bound.
    fn projection(&mut self, projection: &'q Projection, bound: &mut Bound<'q>) {
        projection.items.iter().for_each(|item| self.expr(&item.value, bound));
        if !projection.star {
            bound.clear();
        }
        bound.extend(projection.items.iter().map(|item| item.name.as_str()));
        let rest = projection.order_by.iter().map(|item| &item.value).chain(&projection.skip).chain(&projection.limit);
        rest.for_each(|expr| self.expr(expr, bound));
    }

    fn expr(&mut self, expr: &'q Expr, bound: &Bound<'q>) {
        match &expr.kind {
            ExprKind::Pattern(path) | ExprKind::PatternComprehension { pattern: path, .. } => {
                self.matched(std::slice::from_ref(path), None, &[], bound);
            }
            ExprKind::Subquery(_, query) => self.query(query, bound),
            ExprKind::Call { function, .. } => {
                self.is_lost |= ID_FUNCTIONS.iter().any(|name| function.text.eq_ignore_ascii_case(name));
            }
            _ => {}
        }
        // Names that a part binds itself are not known to be bound there: then it has more places, which is safe.
        expr.for_each_part(&mut |part| self.expr(part, bound));
    }

    fn matched(&mut self, patterns: &'q [Path], filter: Option<&'q Expr>, rest: &'q [Clause], bound: &Bound<'q>) {
        let mut matched = Matched { bound, filter, rest, named: BTreeMap::new(), free: Vec::new() };
        for path in patterns {
            let is_picked = path.shortest.is_some() || !matches!(path.selector, None | Some(Selector::All));
            self.path(path, if is_picked { Takes::Ends } else { Takes::All }, &mut matched);
        }
        for place in matched.free {
            if let Some(of) = self.uses.nodes.get_mut(place) {
                of.demands.clear();
            }
        }
        let within: Bound<'q> = bound.iter().copied().chain(patterns.iter().flat_map(own_names)).collect();
        filter.into_iter().for_each(|filter| self.expr(filter, &within));
        patterns.iter().for_each(|path| self.exprs_of(path, &within));
    }

    /// Expressions within a pattern.
    fn exprs_of(&mut self, path: &'q Path, bound: &Bound<'q>) {
        for element in &path.elements {
            let (properties, filter) = match element {
                PathElement::Node(node) => (node.properties.as_ref(), node.filter.as_deref()),
                PathElement::Edge(edge) => (edge.properties.as_ref(), edge.filter.as_deref()),
                PathElement::Group(group) => {
                    self.exprs_of(&group.path, bound);
                    (None, group.filter.as_deref())
                }
            };
            if let Some(Properties::Map(entries)) = properties {
                entries.iter().for_each(|(_, value)| self.expr(value, bound));
            }
            filter.into_iter().for_each(|filter| self.expr(filter, bound));
        }
    }

    fn path(&mut self, path: &'q Path, takes: Takes, matched: &mut Matched<'q, '_>) {
        let elements = &path.elements;
        for (place, element) in elements.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|before| elements.get(before));
            let after = elements.get(place + 1);
            let is_end = before.is_none() || after.is_none();
            match element {
                PathElement::Node(node) => {
                    let ends = before.and_then(|edge| end(edge, false)).into_iter();
                    let ends = ends.chain(after.and_then(|edge| end(edge, true))).collect();
                    let takes_conditions = takes == Takes::All || (takes == Takes::Ends && is_end);
                    self.node(node, ends, takes, takes_conditions, matched);
                }
                PathElement::Edge(edge) => {
                    for (neighbour, is_left) in [(before, true), (after, false)] {
                        if !matches!(neighbour, Some(PathElement::Node(_))) {
                            // A node that is not written.
                            self.anything(end(element, is_left).into_iter().collect());
                        }
                    }
                    self.edge(edge, takes, matched);
                }
                PathElement::Group(group) => self.path(&group.path, Takes::None, matched),
            }
        }
    }

    /// A node of which nothing is known but the relationships that it is an end of.
    fn anything(&mut self, ends: Vec<End<'q>>) {
        self.uses.nodes.push(NodeUse { labels: Vec::new(), ends, demands: Vec::new() });
    }

    fn node(
        &mut self,
        node: &'q NodePattern,
        ends: Vec<End<'q>>,
        takes: Takes,
        takes_conditions: bool,
        matched: &mut Matched<'q, '_>,
    ) {
        let name = node.variable.as_ref().map(|name| name.text.as_str()).filter(|_| takes != Takes::None);
        if name.is_some_and(|name| matched.bound.contains(name)) {
            return;
        }
        let place = name.and_then(|name| matched.named.get(name).copied()).unwrap_or_else(|| {
            self.anything(Vec::new());
            self.uses.nodes.len() - 1
        });
        if let Some(name) = name {
            matched.named.insert(name, place);
        }
        let demands = self.demands(name, node.properties.as_ref(), node.filter.as_deref(), matched);
        // One node, wherever it is written: all that is told anywhere holds.
        let Some(of) = self.uses.nodes.get_mut(place) else { return };
        of.labels.extend(&node.labels);
        of.ends.extend(ends);
        of.demands.extend(demands);
        if !takes_conditions {
            matched.free.push(place);
        }
    }

    fn edge(&mut self, edge: &'q EdgePattern, takes: Takes, matched: &Matched<'q, '_>) {
        let name = edge.variable.as_ref().map(|name| name.text.as_str());
        let types = edge.types.as_ref();
        if is_run(edge) {
            // What lies between two relationships of the run.
            self.anything(vec![End { types, towards: Towards::Any }]);
        } else if name.is_some_and(|name| matched.bound.contains(name)) && takes != Takes::None {
            return;
        }
        let demands = match takes == Takes::All && !is_run(edge) {
            true => self.demands(name, edge.properties.as_ref(), edge.filter.as_deref(), matched),
            false => Vec::new(),
        };
        self.uses.relationships.push(RelationshipUse { types, demands });
    }

    fn demands(
        &self,
        name: Option<&'q str>,
        properties: Option<&Properties>,
        own: Option<&'q Expr>,
        matched: &Matched<'q, '_>,
    ) -> Vec<Demand> {
        let mut demands = self.constants.of_properties(properties);
        if let Some(name) = name {
            let filters = own.into_iter().chain(matched.filter).map(|filter| (filter, name));
            let filters = filters.chain(later(matched.rest, name));
            demands.extend(filters.flat_map(|(filter, name)| self.constants.of_filter(filter, name)));
        }
        demands
    }
}

fn is_run(edge: &EdgePattern) -> bool {
    edge.length.is_some() || edge.quantifier.is_some()
}

/// The end of a relationship at which the node on its left or on its right stands; none of a run, which may be empty.
fn end(element: &PathElement, is_left: bool) -> Option<End<'_>> {
    let PathElement::Edge(edge) = element else { return None };
    if is_run(edge) {
        return None;
    }
    let towards = match (edge.direction, is_left) {
        (Direction::Right, true) | (Direction::Left, false) => Towards::Out,
        (Direction::Right, false) | (Direction::Left, true) => Towards::In,
        (Direction::Either | Direction::Both, _) => Towards::Any,
    };
    let types: Option<&LabelExpr> = edge.types.as_ref();
    Some(End { types, towards })
}
