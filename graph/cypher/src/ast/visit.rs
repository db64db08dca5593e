//! Looks into expressions.

use super::{Comprehension, Expr, ExprKind, MapItem};

impl Expr {
    /// Calls `visit` for each expression directly in this one, in the order of the source. What stands in patterns and
    /// subqueries is not visited.
    pub fn for_each_part<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Parameter(_)
            | ExprKind::Variable(_)
            | ExprKind::CountAll
            | ExprKind::Pattern(_)
            | ExprKind::Subquery(..) => {}
            ExprKind::Property(of, _)
            | ExprKind::Unary(_, of)
            | ExprKind::IsNull(of)
            | ExprKind::IsNotNull(of)
            | ExprKind::HasLabels(of, _) => visit(of),
            ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
                visit(left);
                visit(right);
            }
            ExprKind::Comparisons(first, others) => {
                visit(first);
                others.iter().for_each(|(_, other)| visit(other));
            }
            ExprKind::List(parts) | ExprKind::Call { arguments: parts, .. } => parts.iter().for_each(visit),
            ExprKind::Map(entries) => entries.iter().for_each(|(_, value)| visit(value)),
            ExprKind::MapProjection(_, items) => items.iter().for_each(|item| match item {
                MapItem::Field(_, value) => visit(value),
                MapItem::Property(_) | MapItem::Variable(_) | MapItem::All => {}
            }),
            ExprKind::Slice(of, from, to) => {
                visit(of);
                from.iter().chain(to).for_each(|bound| visit(bound));
            }
            ExprKind::ListComprehension(comprehension) | ExprKind::Quantified(_, comprehension) => {
                let Comprehension { list, filter, value, .. } = &**comprehension;
                visit(list);
                filter.iter().chain(value).for_each(visit);
            }
            ExprKind::PatternComprehension { filter, value, .. } => {
                filter.iter().for_each(|filter| visit(filter));
                visit(value);
            }
            ExprKind::Reduce(reduce) => [&reduce.start, &reduce.list, &reduce.value].into_iter().for_each(visit),
            ExprKind::Case { operand, branches, otherwise } => {
                operand.iter().for_each(|operand| visit(operand));
                for (when, then) in branches {
                    when.iter().for_each(&mut *visit);
                    visit(then);
                }
                otherwise.iter().for_each(|otherwise| visit(otherwise));
            }
        }
    }

    /// True if this expression or one in it fits.
    pub fn any_part(&self, fits: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let mut found = fits(self);
        self.for_each_part(&mut |part| found = found || part.any_part(fits));
        found
    }
}
