//! `AS OF` in front of a query, standing queries and corrections.

use super::Result;
use super::cursor::Parser;
use crate::ast::{AsOf, AsOfKind, AsOfValue, CreateLiveView, CreateOverlay, StatementKind};
use crate::lexer::{Symbol, TokenKind};

impl Parser<'_> {
    /// `AS OF TICK 7`, if it comes next.
    pub(super) fn as_of(&mut self) -> Result<Option<AsOf>> {
        let first = self.nth(0).span;
        if !self.is_word(0, "AS") {
            return Ok(None);
        }
        self.bump();
        self.expect_word("OF")?;
        let Some(kind) = AsOfKind::ALL.into_iter().find(|kind| self.eat_word(kind.keyword())) else {
            return Err(self.unexpected());
        };
        let value = match &self.nth(0).kind {
            TokenKind::Text(value) => {
                let value = value.clone();
                self.bump();
                AsOfValue::Text(value)
            }
            TokenKind::Parameter(name) => {
                let name = name.clone();
                self.bump();
                AsOfValue::Parameter(name)
            }
            TokenKind::Symbol(Symbol::Minus) | TokenKind::Integer(_) => AsOfValue::Int(self.tick()?),
            _ => {
                self.expect_thing("an integer");
                self.expect_thing("a text in quotes");
                self.expect_thing("a parameter");
                return Err(self.unexpected());
            }
        };
        Ok(Some(AsOf { kind, value, span: self.span_from(first) }))
    }

    /// Statements that begin with `CREATE LIVE VIEW` and the like.
    pub(super) fn view_or_overlay(&mut self) -> Result<Option<StatementKind>> {
        let is_view = self.is_word(1, "LIVE") && (self.is_word(2, "VIEW") || self.is_word(2, "VIEWS"));
        let is_overlay = self.is_word(1, "OVERLAY") && self.is_word(2, "ON");
        let verb = ["CREATE", "DROP", "SHOW"].into_iter().find(|verb| self.is_word(0, verb));
        let (Some(verb), true) = (verb, is_view || is_overlay) else { return Ok(None) };
        self.bump();
        self.bump();
        if verb == "SHOW" {
            self.expect_word("VIEWS")?;
            return Ok(Some(StatementKind::ShowLiveViews));
        }
        self.expect_word(if is_view { "VIEW" } else { "ON" })?;
        let name = self.schema_name(if is_view { "a view" } else { "a label" })?;
        Ok(Some(match (verb, is_view) {
            ("CREATE", true) => {
                self.expect_word("AS")?;
                StatementKind::CreateLiveView(CreateLiveView { name, query: self.whole_query()? })
            }
            ("CREATE", false) => {
                self.expect_word("FROM")?;
                StatementKind::CreateOverlay(CreateOverlay { label: name, source: self.source()? })
            }
            (_, true) => StatementKind::DropLiveView(name),
            (_, false) => StatementKind::DropOverlay(name),
        }))
    }
}
