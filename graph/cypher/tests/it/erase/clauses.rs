//! Spans of queries and clauses.

use super::*;

impl Spans for Query {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        if let Some(as_of) = &mut self.as_of {
            visit(&mut as_of.span);
        }
        self.first.visit(visit);
        for other in &mut self.others {
            visit(&mut other.span);
            other.query.visit(visit);
        }
    }
}

impl Spans for SingleQuery {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        for clause in &mut self.clauses {
            visit(&mut clause.span);
            clause.kind.visit(visit);
        }
    }
}

impl Spans for ClauseKind {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::Match(clause) => {
                clause.patterns.visit(visit);
                clause.filter.visit(visit);
            }
            Self::Unwind(clause) => {
                clause.list.visit(visit);
                clause.variable.visit(visit);
            }
            Self::With(clause) => {
                clause.projection.visit(visit);
                clause.filter.visit(visit);
            }
            Self::Return(projection) => projection.visit(visit),
            Self::Call(call) => call.visit(visit),
            Self::Create(create) => create.patterns.visit(visit),
            Self::Merge(merge) => {
                merge.pattern.visit(visit);
                merge.actions.iter_mut().for_each(|action| action.items.visit(visit));
            }
            Self::Set(items) => items.visit(visit),
            Self::Remove(items) => items.visit(visit),
            Self::Delete(delete) => delete.values.visit(visit),
            Self::Let(items) => items.visit(visit),
            Self::Filter(condition) => condition.visit(visit),
            Self::For(clause) => {
                clause.variable.visit(visit);
                clause.list.visit(visit);
                clause.ordinality.visit(visit);
            }
            Self::Finish => {}
            other => panic!("unknown clause {other:?}"),
        }
    }
}

impl Spans for Projection {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        for item in &mut self.items {
            item.value.visit(visit);
            if !item.is_aliased {
                item.name.clear();
            }
        }
        self.order_by.iter_mut().for_each(|item| item.value.visit(visit));
        self.skip.visit(visit);
        self.limit.visit(visit);
    }
}

impl Spans for Call {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        self.procedure.visit(visit);
        self.arguments.visit(visit);
        if let Some(yields) = &mut self.yields {
            visit(&mut yields.span);
            for item in &mut yields.items {
                item.result.visit(visit);
                item.alias.visit(visit);
            }
            yields.filter.visit(visit);
        }
    }
}

impl Spans for SetItem {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::Property { target, value } => {
                target.visit(visit);
                value.visit(visit);
            }
            Self::Replace { variable, value } | Self::Merge { variable, value } => {
                variable.visit(visit);
                value.visit(visit);
            }
            Self::Labels { variable, labels } => {
                variable.visit(visit);
                labels.visit(visit);
            }
            other => panic!("unknown change {other:?}"),
        }
    }
}

impl Spans for RemoveItem {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::Property(target) => target.visit(visit),
            Self::Labels { variable, labels } => {
                variable.visit(visit);
                labels.visit(visit);
            }
            other => panic!("unknown change {other:?}"),
        }
    }
}
