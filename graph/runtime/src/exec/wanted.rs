//! Which properties a statement needs of each variable, so that a graph over tables reads no others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use worldstore_cypher::ast::{
    Clause, ClauseKind, EdgePattern, Expr, ExprKind, MapItem, NodePattern, Path, Properties, Query, RemoveItem, SetItem,
};

use crate::graph::Wanted;
use crate::walk::{Visitor, walk_query};

/// Functions that look at no property of what they are given.
const BLIND_FUNCTIONS: [&str; 4] = ["id", "labels", "type", "count"];

/// The properties that are needed, by the name of the variable, wherever it stands in the statement. What has no name
/// is needed whole.
#[derive(Debug, Default)]
pub(crate) struct WantedProperties {
    variables: BTreeMap<String, Wanted>,
    all: Wanted,
}

static ALL: Wanted = Wanted::All;

impl WantedProperties {
    /// Those of a statement. If anything goes on with all variables, or writes, all properties of all are needed.
    pub(crate) fn new(query: &Query) -> Self {
        let mut uses = Uses::default();
        walk_query(query, &mut uses);
        if uses.needs_everything {
            return Self { variables: BTreeMap::new(), all: Wanted::All };
        }
        let all = match uses.patterns.is_disjoint(&uses.whole) {
            true => Wanted::Names(
                uses.names
                    .values()
                    .flatten()
                    .chain(&uses.of_others)
                    .copied()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .map(Arc::from)
                    .collect(),
            ),
            false => Wanted::All,
        };
        let wanted = uses.names.into_iter().filter(|(name, _)| !uses.whole.contains(name));
        let wanted = wanted.map(|(name, properties)| {
            (name.to_owned(), Wanted::Names(properties.into_iter().map(Arc::from).collect()))
        });
        Self { variables: wanted.collect(), all }
    }

    /// Those of a variable.
    pub(crate) fn of(&self, name: &str) -> &Wanted {
        self.variables.get(name).unwrap_or(&ALL)
    }

    /// Those of anything.
    pub(crate) fn all(&self) -> &Wanted {
        &self.all
    }
}

#[derive(Default)]
struct Uses<'q> {
    /// Properties that are asked for by name.
    names: BTreeMap<&'q str, BTreeSet<&'q str>>,
    /// Variables of which all properties may be needed.
    whole: BTreeSet<&'q str>,
    /// Variables in places where no property is needed, by the address of the expression.
    blind: BTreeSet<*const Expr>,
    /// Variables of nodes and relationships.
    patterns: BTreeSet<&'q str>,
    /// Properties of what is no variable.
    of_others: BTreeSet<&'q str>,
    needs_everything: bool,
}

impl<'q> Uses<'q> {
    fn properties(&mut self, variable: Option<&'q worldstore_cypher::ast::Name>, properties: Option<&'q Properties>) {
        let Some(variable) = variable else {
            if let Some(Properties::Map(entries)) = properties {
                self.of_others.extend(entries.iter().map(|(name, _)| name.text.as_str()));
            }
            return;
        };
        self.patterns.insert(&variable.text);
        let names = self.names.entry(&variable.text).or_default();
        match properties {
            Some(Properties::Map(entries)) => names.extend(entries.iter().map(|(name, _)| name.text.as_str())),
            Some(Properties::Parameter(_)) => _ = self.whole.insert(&variable.text),
            None => {}
        }
    }
}

impl<'q> Visitor<'q> for Uses<'q> {
    fn expr(&mut self, expr: &'q Expr) {
        match &expr.kind {
            // A path shows everything on it, and goes over what has no name.
            ExprKind::Pattern(path) => self.needs_everything |= path.shortest.is_some(),
            ExprKind::Property(of, name) => {
                if let ExprKind::Variable(variable) = &of.kind {
                    self.names.entry(variable).or_default().insert(&name.text);
                    self.blind.insert(&**of);
                } else {
                    self.of_others.insert(&name.text);
                }
            }
            ExprKind::HasLabels(of, _) | ExprKind::IsNull(of) | ExprKind::IsNotNull(of) => {
                self.blind.insert(&**of);
            }
            ExprKind::Call { namespace, function, distinct: _, arguments } => {
                let is_blind = BLIND_FUNCTIONS.iter().any(|blind| function.text.eq_ignore_ascii_case(blind));
                if namespace.is_empty() && is_blind {
                    self.blind.extend(arguments.iter().map(std::ptr::from_ref));
                }
            }
            ExprKind::Variable(name) if !self.blind.contains(&std::ptr::from_ref(expr)) => {
                self.whole.insert(name);
            }
            ExprKind::MapProjection(name, items) => {
                self.whole.insert(&name.text);
                let variables = items.iter().filter_map(|item| match item {
                    MapItem::Variable(name) => Some(name.text.as_str()),
                    _ => None,
                });
                self.whole.extend(variables);
            }
            _ => {}
        }
    }

    fn clause(&mut self, clause: &'q Clause) {
        match &clause.kind {
            ClauseKind::With(with) => self.needs_everything |= with.projection.star,
            ClauseKind::Return(projection) => self.needs_everything |= projection.star,
            ClauseKind::Set(items) => {
                self.needs_everything |= items.iter().any(|item| !matches!(item, SetItem::Labels { .. }))
            }
            ClauseKind::Remove(items) => {
                self.needs_everything |= items.iter().any(|item| matches!(item, RemoveItem::Property(_)));
            }
            ClauseKind::Merge(_) | ClauseKind::Create(_) | ClauseKind::Delete(_) => self.needs_everything = true,
            _ => {}
        }
    }

    fn path(&mut self, path: &'q Path) {
        // A path shows everything on it.
        if let Some(variable) = &path.variable {
            // Something on it may have no name.
            self.patterns.insert(&variable.text);
            self.whole.insert(&variable.text);
            self.whole.extend(crate::walk::names_in_path(path));
        }
    }

    fn node(&mut self, node: &'q NodePattern) {
        self.properties(node.variable.as_ref(), node.properties.as_ref());
    }

    fn edge(&mut self, edge: &'q EdgePattern) {
        self.properties(edge.variable.as_ref(), edge.properties.as_ref());
    }
}
