//! Walks through everything in a query: clauses, patterns, expressions, and what is in them.

use std::collections::BTreeSet;

use worldstore_cypher::ast::{
    Clause, ClauseKind, EdgePattern, Expr, ExprKind, MapItem, NodePattern, Path, PathElement, Projection, Properties,
    Query, RemoveItem, SetItem, SingleQuery, With,
};

/// Looks at what the walk comes to; before its parts.
pub(crate) trait Visitor<'q> {
    /// An expression.
    fn expr(&mut self, _: &'q Expr) {}
    /// A clause.
    fn clause(&mut self, _: &'q Clause) {}
    /// A path.
    fn path(&mut self, _: &'q Path) {}
    /// A node of a path.
    fn node(&mut self, _: &'q NodePattern) {}
    /// A relationship of a path.
    fn edge(&mut self, _: &'q EdgePattern) {}
}

pub(crate) fn walk_query<'q>(query: &'q Query, visitor: &mut dyn Visitor<'q>) {
    walk_single(&query.first, visitor);
    query.others.iter().for_each(|other| walk_single(&other.query, visitor));
}

fn walk_single<'q>(query: &'q SingleQuery, visitor: &mut dyn Visitor<'q>) {
    query.clauses.iter().for_each(|clause| walk_clause(clause, visitor));
}

fn walk_clause<'q>(clause: &'q Clause, visitor: &mut dyn Visitor<'q>) {
    visitor.clause(clause);
    match &clause.kind {
        ClauseKind::Match(one) => {
            one.patterns.iter().for_each(|path| walk_path(path, visitor));
            one.filter.iter().for_each(|filter| walk_expr(filter, visitor));
        }
        ClauseKind::Unwind(one) => walk_expr(&one.list, visitor),
        ClauseKind::For(one) => walk_expr(&one.list, visitor),
        ClauseKind::With(With { projection, filter }) => {
            walk_projection(projection, visitor);
            filter.iter().for_each(|filter| walk_expr(filter, visitor));
        }
        ClauseKind::Return(projection) => walk_projection(projection, visitor),
        ClauseKind::Call(call) => {
            call.arguments.iter().flatten().for_each(|argument| walk_expr(argument, visitor));
            let filter = call.yields.iter().filter_map(|yields| yields.filter.as_ref());
            filter.for_each(|filter| walk_expr(filter, visitor));
        }
        ClauseKind::Create(create) => create.patterns.iter().for_each(|path| walk_path(path, visitor)),
        ClauseKind::Merge(merge) => {
            walk_path(&merge.pattern, visitor);
            merge.actions.iter().flat_map(|action| &action.items).for_each(|item| walk_set(item, visitor));
        }
        ClauseKind::Set(items) => items.iter().for_each(|item| walk_set(item, visitor)),
        ClauseKind::Remove(items) => {
            for item in items {
                if let RemoveItem::Property(target) = item {
                    walk_expr(target, visitor);
                }
            }
        }
        ClauseKind::Delete(delete) => delete.values.iter().for_each(|value| walk_expr(value, visitor)),
        ClauseKind::Let(items) => items.iter().for_each(|(_, value)| walk_expr(value, visitor)),
        ClauseKind::Filter(condition) => walk_expr(condition, visitor),
        _ => {}
    }
}

fn walk_projection<'q>(projection: &'q Projection, visitor: &mut dyn Visitor<'q>) {
    projection.items.iter().for_each(|item| walk_expr(&item.value, visitor));
    projection.order_by.iter().for_each(|item| walk_expr(&item.value, visitor));
    projection.skip.iter().chain(&projection.limit).for_each(|bound| walk_expr(bound, visitor));
}

fn walk_set<'q>(item: &'q SetItem, visitor: &mut dyn Visitor<'q>) {
    match item {
        SetItem::Property { target, value } => {
            walk_expr(target, visitor);
            walk_expr(value, visitor);
        }
        SetItem::Replace { value, .. } | SetItem::Merge { value, .. } => walk_expr(value, visitor),
        _ => {}
    }
}

pub(crate) fn walk_path<'q>(path: &'q Path, visitor: &mut dyn Visitor<'q>) {
    visitor.path(path);
    for element in &path.elements {
        let (properties, filter) = match element {
            PathElement::Node(node) => {
                visitor.node(node);
                (node.properties.as_ref(), node.filter.as_deref())
            }
            PathElement::Edge(edge) => {
                visitor.edge(edge);
                (edge.properties.as_ref(), edge.filter.as_deref())
            }
            PathElement::Group(group) => {
                walk_path(&group.path, visitor);
                (None, group.filter.as_deref())
            }
        };
        if let Some(Properties::Map(entries)) = properties {
            entries.iter().for_each(|(_, value)| walk_expr(value, visitor));
        }
        filter.into_iter().for_each(|filter| walk_expr(filter, visitor));
    }
}

pub(crate) fn walk_expr<'q>(expr: &'q Expr, visitor: &mut dyn Visitor<'q>) {
    visitor.expr(expr);
    match &expr.kind {
        ExprKind::Pattern(path) | ExprKind::PatternComprehension { pattern: path, .. } => walk_path(path, visitor),
        ExprKind::Subquery(_, query) => walk_query(query, visitor),
        _ => {}
    }
    expr.for_each_part(&mut |part| walk_expr(part, visitor));
}

/// Collects names.
#[derive(Default)]
struct Names<'q>(BTreeSet<&'q str>);

impl<'q> Visitor<'q> for Names<'q> {
    fn expr(&mut self, expr: &'q Expr) {
        match &expr.kind {
            ExprKind::Variable(name) => _ = self.0.insert(name),
            ExprKind::MapProjection(name, items) => {
                self.0.insert(&name.text);
                for item in items {
                    if let MapItem::Variable(name) = item {
                        self.0.insert(&name.text);
                    }
                }
            }
            _ => {}
        }
    }

    fn clause(&mut self, clause: &'q Clause) {
        // What is set is named without being an expression.
        if let ClauseKind::Return(projection) = &clause.kind {
            self.0.extend(projection.items.iter().map(|item| item.name.as_str()));
        }
    }

    fn path(&mut self, path: &'q Path) {
        self.0.extend(path.variable.iter().map(|name| name.text.as_str()));
    }

    fn node(&mut self, node: &'q NodePattern) {
        self.0.extend(node.variable.iter().map(|name| name.text.as_str()));
    }

    fn edge(&mut self, edge: &'q EdgePattern) {
        self.0.extend(edge.variable.iter().map(|name| name.text.as_str()));
    }
}

/// All names of variables in an expression, also of those that it binds itself.
pub(crate) fn names_in(expr: &Expr) -> BTreeSet<&str> {
    let mut names = Names::default();
    walk_expr(expr, &mut names);
    names.0
}

/// All names of variables in a path.
pub(crate) fn names_in_path(path: &Path) -> BTreeSet<&str> {
    let mut names = Names::default();
    walk_path(path, &mut names);
    names.0
}

/// All names of variables in a query.
pub(crate) fn names_in_query(query: &Query) -> BTreeSet<&str> {
    let mut names = Names::default();
    walk_query(query, &mut names);
    names.0
}
