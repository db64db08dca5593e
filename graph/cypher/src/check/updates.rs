//! Clauses that change something.

use super::Checker;
use super::expressions::Context;
use super::patterns::Making;
use super::scope::Scope;
use super::types::Type;
use crate::ast::{ClauseKind, Expr, ExprKind, RemoveItem, SetItem};
use crate::diagnostic::Detail;

impl Checker {
    pub(super) fn update(&mut self, clause: &ClauseKind, scope: &mut Scope) {
        match clause {
            ClauseKind::Create(create) => {
                create.patterns.iter().for_each(|path| self.make_pattern(path, Making::Create, scope));
            }
            ClauseKind::Merge(merge) => {
                self.make_pattern(&merge.pattern, Making::Merge, scope);
                merge.actions.iter().for_each(|action| self.set(&action.items, scope));
            }
            ClauseKind::Set(items) => self.set(items, scope),
            ClauseKind::Remove(items) => {
                for item in items {
                    match item {
                        RemoveItem::Property(target) => _ = self.expr(target, Context::plain(scope)),
                        RemoveItem::Labels { variable, .. } => _ = self.variable(&variable.text, variable.span, scope),
                    }
                }
            }
            ClauseKind::Delete(delete) => delete.values.iter().for_each(|value| self.delete(value, scope)),
            _ => {}
        }
    }

    fn set(&mut self, items: &[SetItem], scope: &Scope) {
        for item in items {
            match item {
                SetItem::Property { target, value } => {
                    self.expr(target, Context::plain(scope));
                    self.expr(value, Context::plain(scope));
                }
                SetItem::Replace { variable, value } | SetItem::Merge { variable, value } => {
                    self.variable(&variable.text, variable.span, scope);
                    self.expr(value, Context::plain(scope));
                }
                SetItem::Labels { variable, .. } => _ = self.variable(&variable.text, variable.span, scope),
            }
        }
    }

    fn delete(&mut self, value: &Expr, scope: &Scope) {
        let is = self.expr(value, Context::plain(scope));
        if let ExprKind::HasLabels(..) = value.kind {
            let message = "a label cannot be deleted";
            self.mistake_but(Detail::InvalidDelete, message, value.span, "write `REMOVE variable:Label`");
        } else if is.is_plain() || is == Type::Map {
            let message = format!("{} cannot be deleted", is.name());
            self.mistake(Detail::InvalidArgumentType, message, value.span);
        }
    }
}
