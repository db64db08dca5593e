//! Spans of patterns.

use super::*;

impl Spans for Path {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        self.variable.visit(visit);
        for element in &mut self.elements {
            match element {
                PathElement::Node(node) => {
                    visit(&mut node.span);
                    node.variable.visit(visit);
                    node.labels.visit(visit);
                    node.properties.visit(visit);
                    node.filter.visit(visit);
                }
                PathElement::Edge(edge) => edge.visit(visit),
                PathElement::Group(group) => {
                    visit(&mut group.span);
                    group.path.visit(visit);
                    group.filter.visit(visit);
                    group.quantifier.visit(visit);
                }
            }
        }
    }
}

impl Spans for EdgePattern {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        self.variable.visit(visit);
        self.types.visit(visit);
        self.length.iter_mut().for_each(|length| visit(&mut length.span));
        self.properties.visit(visit);
        self.filter.visit(visit);
        self.quantifier.visit(visit);
    }
}

impl Spans for Quantifier {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
    }
}

impl Spans for Properties {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        match self {
            Self::Map(entries) => entries.visit(visit),
            Self::Parameter(name) => name.visit(visit),
        }
    }
}

impl Spans for LabelExpr {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Span)) {
        visit(&mut self.span);
        match &mut self.kind {
            LabelKind::Name(name) => name.visit(visit),
            LabelKind::Any => {}
            LabelKind::Not(inner) => inner.visit(visit),
            LabelKind::And(left, right) | LabelKind::Or(left, right) => {
                left.visit(visit);
                right.visit(visit);
            }
        }
    }
}
