//! Spans of expressions.

use super::*;

impl Spans for Expr {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        match &mut self.kind {
            ExprKind::Property(inner, name) => {
                inner.visit(visit);
                name.visit(visit);
            }
            ExprKind::HasLabels(inner, labels) => {
                inner.visit(visit);
                labels.visit(visit);
            }
            ExprKind::Unary(_, inner) | ExprKind::IsNull(inner) | ExprKind::IsNotNull(inner) => inner.visit(visit),
            ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
                left.visit(visit);
                right.visit(visit);
            }
            ExprKind::Comparisons(first, others) => {
                first.visit(visit);
                others.visit(visit);
            }
            ExprKind::Slice(of, from, to) => {
                of.visit(visit);
                from.visit(visit);
                to.visit(visit);
            }
            ExprKind::List(parts) => parts.visit(visit),
            ExprKind::Map(entries) => entries.visit(visit),
            ExprKind::MapProjection(name, items) => {
                name.visit(visit);
                items.visit(visit);
            }
            ExprKind::ListComprehension(inner) | ExprKind::Quantified(_, inner) => inner.visit(visit),
            ExprKind::PatternComprehension { pattern, filter, value } => {
                pattern.visit(visit);
                filter.visit(visit);
                value.visit(visit);
            }
            ExprKind::Reduce(reduce) => reduce.visit(visit),
            ExprKind::Pattern(path) => path.visit(visit),
            ExprKind::Subquery(_, query) => query.visit(visit),
            ExprKind::Call { namespace, function, arguments, .. } => {
                namespace.visit(visit);
                function.visit(visit);
                arguments.visit(visit);
            }
            ExprKind::Case { operand, branches, otherwise } => {
                operand.visit(visit);
                branches.visit(visit);
                otherwise.visit(visit);
            }
            ExprKind::Literal(_) | ExprKind::Parameter(_) | ExprKind::Variable(_) | ExprKind::CountAll => {}
            other => panic!("unknown expression {other:?}"),
        }
    }
}

impl Spans for Comprehension {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        self.variable.visit(visit);
        self.list.visit(visit);
        self.filter.visit(visit);
        self.value.visit(visit);
    }
}

impl Spans for Reduce {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        [&mut self.result, &mut self.variable].into_iter().for_each(|name| name.visit(visit));
        [&mut self.start, &mut self.list, &mut self.value].into_iter().for_each(|part| part.visit(visit));
    }
}

impl Spans for MapItem {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::Field(name, value) => {
                name.visit(visit);
                value.visit(visit);
            }
            Self::Property(name) | Self::Variable(name) => name.visit(visit),
            Self::All => {}
        }
    }
}
