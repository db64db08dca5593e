//! What a statement is, and queries.

use super::Result;
use super::cursor::Parser;
use crate::ast::{Query, Statement, StatementKind};
use crate::span::Span;

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Result<Statement> {
        let first = self.nth(0).span;
        let kind = self.statement_kind(first)?;
        Ok(Statement { kind, span: self.span_from(first) })
    }

    fn statement_kind(&mut self, first: Span) -> Result<StatementKind> {
        if self.eat_word("EXPLAIN") {
            return self.query().map(StatementKind::Explain);
        }
        if self.eat_word("CREATE") {
            return self.create(first);
        }
        if self.eat_word("DROP") {
            return self.drop_object(first);
        }
        if self.eat_word("SHOW") {
            return self.show(first);
        }
        self.query().map(StatementKind::Query)
    }

    fn query(&mut self) -> Result<Query> {
        let mut matches = Vec::new();
        loop {
            self.refuse_clauses()?;
            let first = self.nth(0).span;
            match self.eat_word("MATCH") {
                true => matches.push(self.match_clause(first)?),
                false => break,
            }
        }
        let first = self.nth(0).span;
        if matches.is_empty() {
            return match self.is_word(0, "RETURN") {
                true => self.unsupported_but("RETURN without MATCH", first, "start with `MATCH (n:Label)`"),
                false => Err(self.unexpected()),
            };
        }
        self.expect_word("RETURN")?;
        let returns = self.return_clause(first)?;
        self.refuse_clauses()?;
        Ok(Query { matches, returns })
    }
}
