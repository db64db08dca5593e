//! Clauses that change something: CREATE, MERGE, SET, REMOVE, DELETE. The keyword of the clause was read already.

use super::Result;
use super::cursor::Parser;
use super::patterns::Labels;
use crate::ast::{
    ClauseKind, Create, Delete, Expr, ExprKind, LabelExpr, Merge, MergeAction, MergeWhen, RemoveItem, SetItem,
};
use crate::diagnostic::Diagnostic;
use crate::lexer::Symbol;

impl Parser<'_> {
    pub(super) fn create_clause(&mut self) -> Result<ClauseKind> {
        let patterns = self.separated(Self::path)?;
        Ok(ClauseKind::Create(Create { patterns }))
    }

    pub(super) fn merge_clause(&mut self) -> Result<ClauseKind> {
        let pattern = self.path()?;
        let mut actions = Vec::new();
        while self.eat_word("ON") {
            let when = match self.eat_word("CREATE") {
                true => MergeWhen::Create,
                false => {
                    self.expect_word("MATCH")?;
                    MergeWhen::Match
                }
            };
            self.expect_word("SET")?;
            actions.push(MergeAction { when, items: self.separated(Self::set_item)? });
        }
        Ok(ClauseKind::Merge(Merge { pattern, actions }))
    }

    pub(super) fn set_clause(&mut self) -> Result<ClauseKind> {
        self.separated(Self::set_item).map(ClauseKind::Set)
    }

    fn set_item(&mut self) -> Result<SetItem> {
        if self.is_variable(0) && self.is_symbol(1, Symbol::Eq) {
            let variable = self.variable("a variable")?;
            self.bump();
            return Ok(SetItem::Replace { variable, value: self.expression()? });
        }
        if self.is_variable(0) && self.is_symbol(1, Symbol::PlusEq) {
            let variable = self.variable("a variable")?;
            self.bump();
            return Ok(SetItem::Merge { variable, value: self.expression()? });
        }
        if self.names_labels() {
            let variable = self.variable("a variable")?;
            return Ok(SetItem::Labels { variable, labels: self.labels()? });
        }
        let target = self.property_target()?;
        self.expect(Symbol::Eq)?;
        Ok(SetItem::Property { target, value: self.expression()? })
    }

    pub(super) fn remove_clause(&mut self) -> Result<ClauseKind> {
        let items = self.separated(|parser| match parser.names_labels() {
            true => {
                let variable = parser.variable("a variable")?;
                Ok(RemoveItem::Labels { variable, labels: parser.labels()? })
            }
            false => parser.property_target().map(RemoveItem::Property),
        })?;
        Ok(ClauseKind::Remove(items))
    }

    pub(super) fn delete_clause(&mut self, detach: bool) -> Result<ClauseKind> {
        let values = self.separated(Self::expression)?;
        Ok(ClauseKind::Delete(Delete { detach, values }))
    }

    /// True at `variable:` and `variable IS`.
    fn names_labels(&self) -> bool {
        self.is_variable(0) && (self.is_symbol(1, Symbol::Colon) || self.is_word(1, "IS"))
    }

    /// `:A:B`.
    fn labels(&mut self) -> Result<LabelExpr> {
        self.bump();
        let labels = self.label_expression(Labels::Node)?;
        match labels.all_of() {
            Some(_) => Ok(labels),
            None => Err(Diagnostic::syntax("only labels by name can be set or removed", labels.span)
                .with_help("write `variable:A:B`")),
        }
    }

    /// What is set or removed: a property of something.
    fn property_target(&mut self) -> Result<Expr> {
        let tree = self.postfix()?;
        self.highest = self.highest.max(tree.height);
        match tree.expr.kind {
            ExprKind::Property(..) => Ok(tree.expr),
            ExprKind::Index(..) => self.unsupported("properties by computed name here", tree.expr.span),
            _ => {
                let diagnostic = Diagnostic::syntax("expected a property, labels or a variable", tree.expr.span);
                Err(diagnostic.with_help("write `variable.name = value`, `variable += map` or `variable:Label`"))
            }
        }
    }
}
