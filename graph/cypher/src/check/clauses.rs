//! Clauses that read, one after the other: each changes which variables there are.

use super::Checker;
use super::expressions::Context;
use super::scope::Scope;
use super::types::Type;
use crate::ast::{Call, Clause, ClauseKind, Expr, Match, Name};
use crate::diagnostic::Detail;
use crate::span::Span;

impl Checker {
    /// A clause of a query that has `count` of them.
    pub(super) fn clause(&mut self, clause: &Clause, scope: &mut Scope, count: usize) {
        match &clause.kind {
            ClauseKind::Match(Match { patterns, filter, .. }) => {
                self.match_patterns(patterns, scope);
                self.condition(filter.as_ref(), scope);
            }
            ClauseKind::Unwind(unwind) => self.elements(&unwind.list, &unwind.variable, scope),
            ClauseKind::For(clause) => {
                self.elements(&clause.list, &clause.variable, scope);
                if let Some(ordinality) = &clause.ordinality {
                    self.bind_new(ordinality, Type::Int, scope);
                }
            }
            ClauseKind::With(with) => self.with(with, scope),
            ClauseKind::Return(projection) => self.returns(projection, clause.span, scope),
            ClauseKind::Call(call) => self.procedure(call, clause.span, scope, count == 1),
            ClauseKind::Let(items) => {
                for (name, value) in items {
                    let is = self.expr(value, Context::plain(scope));
                    self.bind_new(name, is, scope);
                }
            }
            ClauseKind::Filter(condition) => self.condition(Some(condition), scope),
            ClauseKind::Finish => {}
            update => self.update(update, scope),
        }
    }

    fn elements(&mut self, list: &Expr, variable: &Name, scope: &mut Scope) {
        let is = self.expr(list, Context::plain(scope));
        self.bind_new(variable, is.element(), scope);
    }

    fn procedure(&mut self, call: &Call, span: Span, scope: &mut Scope, is_alone: bool) {
        for argument in call.arguments.iter().flatten() {
            self.expr(argument, Context::plain(scope));
        }
        if call.arguments.is_none() && !is_alone {
            let message = "a procedure within a query takes its arguments in brackets";
            self.mistake(Detail::InvalidArgumentPassingMode, message, span);
        }
        let Some(yields) = &call.yields else { return };
        if yields.star && !is_alone {
            let message = "`YIELD *` stands behind a procedure that is called on its own";
            self.mistake_but(Detail::UnexpectedSyntax, message, yields.span, "name the results");
        }
        for item in &yields.items {
            self.bind_new(item.alias.as_ref().unwrap_or(&item.result), Type::Any, scope);
        }
        self.condition(yields.filter.as_ref(), scope);
    }
}
