//! A matcher that tries everything, in the order in which it is written, and looks at conditions at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::{
    Direction, EdgePattern, Expr, Group, Match, NodePattern, Path, PathElement, PathMode, Properties,
};

use super::{Found, show};
use crate::eval::{Env, Subqueries, eval, holds, labels_hold};
use crate::graph::{Graph, Scan};
use crate::value::{self, Node, NodeId, Relationship, Value, equals};
use crate::{Context, Result};

/// All matches, each with its named variables.
pub fn matches(graph: &dyn Graph, one: &Match) -> Vec<Found> {
    let naive = Naive {
        nodes: graph.nodes(&Scan::ALL).unwrap().map(|node| node.unwrap()).collect(),
        relationships: graph.relationships(&Scan::ALL).unwrap().map(|one| one.unwrap()).collect(),
    };
    let mut states = vec![State::default()];
    for path in &one.patterns {
        states = states.into_iter().flat_map(|state| naive.path(path, state)).collect();
    }
    let fits = |state: &State| {
        let mut ids: Vec<_> = state.unique.clone();
        ids.sort_unstable();
        ids.dedup();
        let tests = state.tests.iter().all(|(test, row)| naive.holds(test, row.as_ref().unwrap_or(&state.row)));
        ids.len() == state.unique.len()
            && tests
            && one.filter.as_ref().is_none_or(|filter| naive.is_true(filter, &state.row))
    };
    let named = |state: State| state.row.iter().map(|(name, value)| (name.clone(), show(value))).collect();
    states.into_iter().filter(fits).map(named).collect()
}

type Row = BTreeMap<String, Value>;

#[derive(Debug, Clone, Default)]
struct State {
    row: Row,
    /// Relationships that must all differ.
    unique: Vec<u64>,
    /// Conditions; those within repetitions have a row of their own.
    tests: Vec<(Test, Option<Row>)>,
}

#[derive(Debug, Clone)]
enum Test {
    True(Expr),
    Property(Value, String, Expr),
}

/// A path on the way.
#[derive(Debug, Clone)]
struct Way {
    state: State,
    nodes: Vec<Arc<Node>>,
    relationships: Vec<Arc<Relationship>>,
    /// The last node is not asked about yet by a node pattern.
    is_open: bool,
}

struct Naive {
    nodes: Vec<Arc<Node>>,
    relationships: Vec<Arc<Relationship>>,
}

struct NoSubqueries;

impl Subqueries for NoSubqueries {
    fn evaluate(&self, _: &Expr, _: &Env<'_>) -> Result<Value> {
        panic!("there are no subqueries")
    }

    fn node(&self, _: NodeId) -> Result<Option<Arc<Node>>> {
        panic!("there are no subqueries")
    }

    fn proceed(&self) -> Result<()> {
        Ok(())
    }
}

impl Naive {
    fn with_env<T>(&self, row: &Row, with: impl FnOnce(&Env<'_>) -> T) -> T {
        let parameters = BTreeMap::new();
        let context = Context::new(&parameters, &NoSubqueries, 0, 0);
        let (names, values): (Vec<String>, Vec<Value>) = row.clone().into_iter().unzip();
        with(&Env::row(&names, &values, &context))
    }

    fn is_true(&self, expr: &Expr, row: &Row) -> bool {
        self.with_env(row, |env| holds(expr, env)).unwrap()
    }

    fn holds(&self, test: &Test, row: &Row) -> bool {
        match test {
            Test::True(expr) => self.is_true(expr, row),
            Test::Property(of, name, wanted) => {
                let wanted = self.with_env(row, |env| eval(wanted, env)).unwrap();
                let properties = match of {
                    Value::Node(node) => &node.properties,
                    Value::Relationship(one) => &one.properties,
                    _ => panic!("an entity"),
                };
                properties.get(name.as_str()).is_some_and(|value| equals(value, &wanted) == Some(true))
            }
        }
    }

    fn node(&self, id: NodeId) -> Arc<Node> {
        self.nodes.iter().find(|node| node.id == id).cloned().unwrap()
    }

    fn path(&self, path: &Path, state: State) -> Vec<State> {
        let mode = path.mode.unwrap_or(PathMode::Trail);
        let ways = self.elements(path, mode, state, None);
        ways.into_iter().filter_map(|way| finish(path, mode, way)).collect()
    }

    fn elements(&self, path: &Path, mode: PathMode, state: State, start: Option<Arc<Node>>) -> Vec<Way> {
        let starts = start.map_or_else(|| self.nodes.clone(), |start| vec![start]);
        let way = |node| Way { state: state.clone(), nodes: vec![node], relationships: Vec::new(), is_open: true };
        let mut ways: Vec<Way> = starts.into_iter().map(way).collect();
        for element in &path.elements {
            ways = ways.into_iter().flat_map(|way| self.element(element, mode, way)).collect();
        }
        ways
    }

    fn element(&self, element: &PathElement, mode: PathMode, way: Way) -> Vec<Way> {
        match element {
            PathElement::Node(node) => ask(node, way).into_iter().collect(),
            PathElement::Edge(edge) => self.edge(edge, mode, way),
            PathElement::Group(group) => self.group(group, mode, way),
        }
    }

    fn edge(&self, edge: &EdgePattern, mode: PathMode, way: Way) -> Vec<Way> {
        let (min, max) = match (edge.length, edge.quantifier) {
            (Some(length), _) => (length.min.unwrap_or(1), length.max),
            (_, Some(quantifier)) => (quantifier.min, quantifier.max),
            (None, None) => (1, Some(1)),
        };
        let is_list = edge.length.is_some() || edge.quantifier.is_some();
        // Without repetition no walk is longer than there are relationships.
        let max = max.unwrap_or(self.relationships.len() as u64);
        let mut ways = vec![(way, Vec::new())];
        let mut all = Vec::new();
        for length in 0..=max {
            if length >= min {
                all.extend(ways.clone());
            }
            ways = ways.into_iter().flat_map(|(way, list)| self.step(edge, mode, &way, &list)).collect();
        }
        let named = all.into_iter().filter_map(|(mut way, list): (Way, Vec<Arc<Relationship>>)| {
            let values: Vec<Value> = list.into_iter().map(Value::Relationship).collect();
            let value = if is_list { Value::from(values) } else { values[0].clone() };
            match &edge.variable {
                Some(name) => bind(&mut way.state.row, &name.text, value).then_some(way),
                None => Some(way),
            }
        });
        named.collect()
    }

    fn step(
        &self,
        edge: &EdgePattern,
        mode: PathMode,
        way: &Way,
        list: &[Arc<Relationship>],
    ) -> Vec<(Way, Vec<Arc<Relationship>>)> {
        let here = way.nodes.last().unwrap().id;
        let mut steps = Vec::new();
        for one in &self.relationships {
            let forward = one.start == here && edge.direction != Direction::Left;
            let backward = one.end == here && edge.direction != Direction::Right;
            let repeats = mode != PathMode::Walk && way.state.unique.contains(&one.id.0);
            let kind = std::slice::from_ref(&one.kind);
            if !(forward || backward) || repeats || !edge.types.as_ref().is_none_or(|types| labels_hold(types, kind)) {
                continue;
            }
            let mut next = way.clone();
            next.nodes.push(self.node(if forward { one.end } else { one.start }));
            next.relationships.push(Arc::clone(one));
            next.is_open = true;
            if mode != PathMode::Walk {
                next.state.unique.push(one.id.0);
            }
            let value = Value::Relationship(Arc::clone(one));
            if let Some(Properties::Map(entries)) = &edge.properties {
                let test = |(name, wanted): &(worldstore_cypher::ast::Name, Expr)| {
                    (Test::Property(value.clone(), name.text.clone(), wanted.clone()), None)
                };
                next.state.tests.extend(entries.iter().map(test));
            }
            if let Some(filter) = &edge.filter {
                let name = edge.variable.as_ref().map_or(String::new(), |name| name.text.clone());
                next.state.tests.push((Test::True(Expr::clone(filter)), Some(Row::from([(name, value)]))));
            }
            let mut list = list.to_vec();
            list.push(Arc::clone(one));
            steps.push((next, list));
        }
        steps
    }

    fn group(&self, group: &Group, mode: PathMode, way: Way) -> Vec<Way> {
        let Some(quantifier) = group.quantifier else {
            return self.bracket(group, mode, way);
        };
        let max = quantifier.max.unwrap_or(self.relationships.len() as u64);
        let outside = way.state.row.clone();
        let mut rounds: Vec<(Way, Vec<Row>)> = vec![(way, Vec::new())];
        let mut all = Vec::new();
        for count in 0..=max {
            if count >= quantifier.min {
                all.extend(rounds.clone());
            }
            rounds = rounds.into_iter().flat_map(|(way, rows)| self.round(group, mode, way, &rows)).collect();
        }
        let names = super::super::compile::own_names(&group.path);
        let collected = all.into_iter().map(|(mut way, rows)| {
            way.state.row = outside.clone();
            for name in &names {
                let values: Vec<Value> = rows.iter().map(|row| row[*name].clone()).collect();
                way.state.row.insert((*name).to_owned(), Value::from(values));
            }
            way
        });
        collected.collect()
    }

    fn round(&self, group: &Group, mode: PathMode, way: Way, rows: &[Row]) -> Vec<(Way, Vec<Row>)> {
        let start = way.nodes.last().unwrap().clone();
        let state = State { row: Row::new(), ..way.state.clone() };
        let inner = self.elements(&group.path, mode, state, Some(start));
        let inner = inner.into_iter().filter_map(|inner| {
            let mut next = way.clone();
            next.nodes.extend(inner.nodes.iter().skip(1).cloned());
            next.relationships.extend(inner.relationships.iter().cloned());
            next.is_open = true;
            let known = inner.state.tests.len();
            let mut state = finish(&group.path, mode, inner)?;
            let row = state.row.clone();
            state.tests.iter_mut().take(known).skip(way.state.tests.len()).for_each(|test| {
                test.1.get_or_insert_with(|| row.clone());
            });
            if let Some(filter) = &group.filter {
                state.tests.push((Test::True(Expr::clone(filter)), Some(row.clone())));
            }
            next.state = state;
            Some((next, rows.iter().cloned().chain([row]).collect()))
        });
        inner.collect()
    }

    fn bracket(&self, group: &Group, mode: PathMode, way: Way) -> Vec<Way> {
        let start = way.nodes.last().unwrap().clone();
        let inner = self.elements(&group.path, mode, way.state.clone(), Some(start));
        let joined = inner.into_iter().map(|inner| {
            let mut next = way.clone();
            next.nodes.extend(inner.nodes.iter().skip(1).cloned());
            next.relationships.extend(inner.relationships.iter().cloned());
            next.is_open = true;
            next.state = inner.state;
            if let Some(filter) = &group.filter {
                next.state.tests.push((Test::True(Expr::clone(filter)), None));
            }
            next
        });
        joined.collect()
    }
}

/// Binds a variable; false if it is bound to something else.
fn bind(row: &mut Row, name: &str, value: Value) -> bool {
    match row.get(name) {
        Some(known) => *known == value,
        None => {
            row.insert(name.to_owned(), value);
            true
        }
    }
}

fn ask(pattern: &NodePattern, mut way: Way) -> Option<Way> {
    let node = way.nodes.last().unwrap().clone();
    if !pattern.labels.as_ref().is_none_or(|labels| labels_hold(labels, &node.labels)) {
        return None;
    }
    let value = Value::Node(node);
    if let Some(Properties::Map(entries)) = &pattern.properties {
        for (name, wanted) in entries {
            way.state.tests.push((Test::Property(value.clone(), name.text.clone(), wanted.clone()), None));
        }
    }
    if let Some(filter) = &pattern.filter {
        way.state.tests.push((Test::True(Expr::clone(filter)), None));
    }
    way.is_open = false;
    match &pattern.variable {
        Some(name) => bind(&mut way.state.row, &name.text, value).then_some(way),
        None => Some(way),
    }
}

/// Looks at the path as a whole, and binds its variable.
fn finish(path: &Path, mode: PathMode, mut way: Way) -> Option<State> {
    let mut nodes: Vec<_> = way.nodes.iter().map(|node| node.id).collect();
    let count = nodes.len();
    let is_round = mode == PathMode::Simple && count > 1 && nodes.first() == nodes.last();
    if is_round {
        nodes.pop();
    }
    let count = nodes.len();
    nodes.sort_unstable();
    nodes.dedup();
    if matches!(mode, PathMode::Acyclic | PathMode::Simple) && nodes.len() < count {
        return None;
    }
    if let Some(name) = &path.variable {
        let path = value::Path { nodes: way.nodes, relationships: way.relationships };
        way.state.row.insert(name.text.clone(), Value::from(path));
    }
    Some(way.state)
}
