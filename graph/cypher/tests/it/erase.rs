//! Visits every span of a tree, to check them or to erase them.

use worldstore_cypher::Span;
use worldstore_cypher::ast::*;

mod clauses;
mod expressions;
mod patterns;

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
            StatementKind::Query(query) | StatementKind::Explain(query) | StatementKind::Profile(query) => {
                query.visit(visit);
            }
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
                create.parts.iter_mut().for_each(|edges| edges.visit(visit));
            }
            StatementKind::CreateLiveView(create) => {
                create.name.visit(visit);
                create.query.visit(visit);
            }
            StatementKind::CreateOverlay(create) => {
                create.label.visit(visit);
                create.source.visit(visit);
            }
            StatementKind::DropNodeLabel(name)
            | StatementKind::DropOverlay(name)
            | StatementKind::DropLiveView(name)
            | StatementKind::DropEdgeType(name)
            | StatementKind::DescribeNodeLabel(name)
            | StatementKind::DescribeEdgeType(name) => name.visit(visit),
            StatementKind::ShowNodeLabels | StatementKind::ShowEdgeTypes | StatementKind::ShowLiveViews => {}
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
            Self::Format { format, place } => {
                format.visit(visit);
                visit(&mut place.span);
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

impl<A: Spans, B: Spans> Spans for (A, B) {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        self.0.visit(visit);
        self.1.visit(visit);
    }
}

impl<T: Spans> Spans for Vec<T> {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        self.iter_mut().for_each(|part| part.visit(visit));
    }
}

impl Spans for BinaryOp {
    fn visit(&mut self, _: &mut dyn FnMut(&mut Span)) {}
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
