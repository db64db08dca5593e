//! MATCH and RETURN with their parts. The keyword of the clause was read already.

use super::Result;
use super::cursor::{ALIAS, Parser};
use crate::ast::{Expr, Match, OrderItem, Return, ReturnItem};
use crate::lexer::Symbol;
use crate::span::Span;

impl Parser<'_> {
    pub(super) fn match_clause(&mut self, first: Span) -> Result<Match> {
        let patterns = self.separated(Self::path)?;
        let filter = match self.eat_word("WHERE") {
            true => Some(self.expression()?),
            false => None,
        };
        Ok(Match { patterns, filter, span: self.span_from(first) })
    }

    pub(super) fn return_clause(&mut self, first: Span) -> Result<Return> {
        let distinct = self.eat_word("DISTINCT");
        if self.is_symbol(0, Symbol::Star) {
            return self.unsupported_but("RETURN *", self.nth(0).span, "name what shall be returned");
        }
        let items = self.separated(Self::return_item)?;
        let order_by = match self.eat_word("ORDER") {
            true => {
                self.expect_word("BY")?;
                self.separated(Self::order_item)?
            }
            false => Vec::new(),
        };
        self.refuse_clauses()?;
        let skip = self.bound("SKIP")?;
        let limit = self.bound("LIMIT")?;
        if limit.is_some() && self.is_word(0, "SKIP") {
            self.expect_thing("the end of the statement");
            return Err(self.unexpected().with_help("SKIP comes before LIMIT"));
        }
        Ok(Return { distinct, items, order_by, skip, limit, span: self.span_from(first) })
    }

    fn return_item(&mut self) -> Result<ReturnItem> {
        let value = self.expression()?;
        match self.eat_word("AS") {
            true => Ok(ReturnItem { value, name: self.variable(ALIAS)?.text, is_aliased: true }),
            false => {
                let name = value.span.text(self.source).to_string();
                Ok(ReturnItem { value, name, is_aliased: false })
            }
        }
    }

    fn order_item(&mut self) -> Result<OrderItem> {
        let value = self.expression()?;
        let ascending = self.eat_word("ASC") || self.eat_word("ASCENDING");
        let descending = !ascending && (self.eat_word("DESC") || self.eat_word("DESCENDING"));
        Ok(OrderItem { value, descending })
    }

    fn bound(&mut self, keyword: &'static str) -> Result<Option<Expr>> {
        match self.eat_word(keyword) {
            true => self.expression().map(Some),
            false => Ok(None),
        }
    }

    /// One or more of what `rule` reads, with commas between them.
    pub(super) fn separated<T>(&mut self, rule: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut parts = vec![rule(self)?];
        while self.eat(Symbol::Comma) {
            parts.push(rule(self)?);
        }
        Ok(parts)
    }
}
