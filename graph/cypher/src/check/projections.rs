//! WITH and RETURN: columns, order, limits.

use std::collections::HashSet;

use super::Checker;
use super::expressions::{Aggregates, Context};
use super::functions::has_aggregate;
use super::groups::Columns;
use super::scope::Scope;
use super::types::Type;
use crate::ast::{Expr, ExprKind, Literal, Projection, UnaryOp, With};
use crate::diagnostic::Detail;
use crate::span::Span;

impl Checker {
    pub(super) fn returns(&mut self, projection: &Projection, span: Span, scope: &mut Scope) {
        if projection.star && projection.items.is_empty() && scope.is_empty() {
            self.mistake(Detail::NoVariablesInScope, "there are no variables to return", span);
        }
        *scope = self.projection(projection, None, scope);
    }

    pub(super) fn with(&mut self, with: &With, scope: &mut Scope) {
        *scope = self.projection(&with.projection, with.filter.as_ref(), scope);
        for item in &with.projection.items {
            if !item.is_aliased && !matches!(item.value.kind, ExprKind::Variable(_)) {
                let help = "write `expression AS name`";
                self.mistake_but(Detail::NoExpressionAlias, "a column of WITH needs a name", item.value.span, help);
            }
        }
    }

    /// Checks a projection, and tells which variables there are behind it.
    fn projection(&mut self, projection: &Projection, filter: Option<&Expr>, before: &Scope) -> Scope {
        let mut after = if projection.star { before.clone() } else { Scope::default() };
        let is_grouped = projection.items.iter().any(|item| has_aggregate(&item.value));
        let context = Context { aggregates: Aggregates::Allowed, ..Context::plain(before) };
        for item in &projection.items {
            let is = self.expr(&item.value, context);
            let name = match &item.value.kind {
                ExprKind::Variable(name) if !item.is_aliased => name,
                _ => &item.name,
            };
            after.bind(name, is);
        }
        self.column_names(projection);
        let columns = Columns::new(projection, before);
        if is_grouped {
            projection.items.iter().for_each(|item| self.groups(&item.value, &columns));
        }
        let orders = projection.order_by.iter().map(|item| &item.value);
        match is_grouped || projection.distinct {
            true => {
                for value in orders {
                    self.over_columns(value, &columns, &after, is_grouped);
                }
                if let Some(filter) = filter {
                    self.over_columns(filter, &columns, &after, false);
                }
            }
            false => {
                let mut both = before.clone();
                both.extend(&after);
                orders.for_each(|value| _ = self.expr(value, Context::plain(&both)));
                self.condition(filter, &both);
            }
        }
        self.bound("SKIP", projection.skip.as_ref());
        self.bound("LIMIT", projection.limit.as_ref());
        after
    }

    fn column_names(&mut self, projection: &Projection) {
        let mut seen = HashSet::new();
        for item in &projection.items {
            if !seen.insert(item.name.as_str()) {
                let message = format!("two columns have the name `{}`", item.name);
                let help = "give one of them another with AS";
                self.mistake_but(Detail::ColumnNameConflict, message, item.value.span, help);
            }
        }
    }

    /// What stands behind SKIP and LIMIT: a whole number from 0 that depends on no row.
    fn bound(&mut self, keyword: &str, value: Option<&Expr>) {
        let Some(value) = value else { return };
        if value.any_part(&mut |part| matches!(part.kind, ExprKind::Variable(_))) {
            let message = format!("what stands behind {keyword} must not depend on rows");
            return self.mistake(Detail::NonConstantExpression, message, value.span);
        }
        let is_negative = match &value.kind {
            ExprKind::Literal(Literal::Int(number)) => *number < 0,
            ExprKind::Unary(UnaryOp::Minus, inner) => {
                matches!(inner.kind, ExprKind::Literal(Literal::Int(number)) if number > 0)
            }
            _ => false,
        };
        if is_negative {
            let message = format!("what stands behind {keyword} cannot be negative");
            return self.mistake(Detail::NegativeIntegerArgument, message, value.span);
        }
        let is = self.expr(value, Context::plain(&Scope::default()));
        if !is.is_open() && is != Type::Int {
            let message = format!("expected a whole number behind {keyword}, found {}", is.name());
            self.mistake(Detail::InvalidArgumentType, message, value.span);
        }
    }
}
