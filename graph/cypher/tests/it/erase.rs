//! Visits every span of a tree, to check them or to erase them.

use worldstore_cypher::Span;
use worldstore_cypher::ast::*;

/// A tree whose spans can be visited.
pub trait Spans {
    /// Calls `visit` for every span, and for the name of every column that has no alias.
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span));

    /// The tree without what the printer does not keep.
    fn erased(mut self) -> Self
    where
        Self: Sized,
    {
        self.visit(&mut |span| *span = Span::default());
        self
    }
}

impl Spans for Statement {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        match &mut self.kind {
            StatementKind::Query(query) | StatementKind::Explain(query) => query.visit(visit),
            StatementKind::CreateNodeLabel(create) => {
                create.label.visit(visit);
                create.source.visit(visit);
                create.key.visit(visit);
                for computed in &mut create.computed {
                    computed.name.visit(visit);
                    computed.value.visit(visit);
                }
            }
            StatementKind::CreateEdgeType(create) => {
                create.name.visit(visit);
                create.edges.visit(visit);
            }
            StatementKind::DropNodeLabel(name) | StatementKind::DropEdgeType(name) => name.visit(visit),
            StatementKind::ShowNodeLabels | StatementKind::ShowEdgeTypes => {}
            other => panic!("unknown statement {other:?}"),
        }
    }
}

impl Spans for Edges {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::ForeignKey { source, target } => {
                source.visit(visit);
                target.visit(visit);
            }
            Self::Rows { rows, source, target } => {
                rows.visit(visit);
                source.visit(visit);
                target.visit(visit);
            }
            other => panic!("unknown edges {other:?}"),
        }
    }
}

impl Spans for Source {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::Partition(place) | Self::File(place) => visit(&mut place.span),
            Self::Table { table, run, .. } => {
                visit(&mut table.span);
                run.iter_mut().for_each(|run| visit(&mut run.span));
            }
            other => panic!("unknown source {other:?}"),
        }
    }
}

impl Spans for Reference {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        [&mut self.column, &mut self.label, &mut self.key].into_iter().for_each(|name| name.visit(visit));
    }
}

impl Spans for Query {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        for clause in &mut self.matches {
            visit(&mut clause.span);
            clause.filter.visit(visit);
            for path in &mut clause.patterns {
                path.start.visit(visit);
                for (edge, node) in &mut path.hops {
                    edge.visit(visit);
                    node.visit(visit);
                }
            }
        }
        visit(&mut self.returns.span);
        for item in &mut self.returns.items {
            item.value.visit(visit);
            if !item.is_aliased {
                item.name.clear();
            }
        }
        self.returns.order_by.iter_mut().for_each(|item| item.value.visit(visit));
        self.returns.skip.visit(visit);
        self.returns.limit.visit(visit);
    }
}

impl Spans for NodePattern {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        self.variable.visit(visit);
        self.label.visit(visit);
        self.properties.visit(visit);
    }
}

impl Spans for EdgePattern {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        self.variable.visit(visit);
        self.types.iter_mut().for_each(|name| name.visit(visit));
        self.properties.visit(visit);
    }
}

impl Spans for Vec<(Name, Expr)> {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        for (name, value) in self {
            name.visit(visit);
            value.visit(visit);
        }
    }
}

impl<T: Spans> Spans for Option<T> {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        self.iter_mut().for_each(|inner| inner.visit(visit));
    }
}

impl<T: Spans> Spans for Box<T> {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        (**self).visit(visit);
    }
}

impl Spans for Name {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
    }
}

impl Spans for Expr {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        match &mut self.kind {
            ExprKind::Property(inner, name) => {
                inner.visit(visit);
                name.visit(visit);
            }
            ExprKind::Unary(_, inner) | ExprKind::IsNull(inner) | ExprKind::IsNotNull(inner) => inner.visit(visit),
            ExprKind::Binary(_, left, right) => {
                left.visit(visit);
                right.visit(visit);
            }
            ExprKind::List(parts) => parts.iter_mut().for_each(|part| part.visit(visit)),
            ExprKind::Call { function, arguments, .. } => {
                function.visit(visit);
                arguments.iter_mut().for_each(|part| part.visit(visit));
            }
            ExprKind::Case { operand, branches, otherwise } => {
                operand.visit(visit);
                for (when, then) in branches {
                    when.visit(visit);
                    then.visit(visit);
                }
                otherwise.visit(visit);
            }
            ExprKind::Literal(_) | ExprKind::Parameter(_) | ExprKind::Variable(_) | ExprKind::CountAll => {}
            other => panic!("unknown expression {other:?}"),
        }
    }
}
