//! Clauses that read: MATCH, UNWIND, WITH, RETURN, CALL, LET, FILTER, FOR. The keyword of the clause was read already.

use super::Result;
use super::cursor::{ALIAS, Parser, VARIABLE};
use crate::ast::{
    Call, ClauseKind, Expr, For, Match, Nulls, OrderItem, Projection, ReturnItem, Unwind, With, Yield, YieldItem,
};
use crate::lexer::Symbol;

impl Parser<'_> {
    pub(super) fn match_clause(&mut self, optional: bool) -> Result<ClauseKind> {
        let patterns = self.separated(Self::path)?;
        let filter = self.filter("WHERE")?;
        Ok(ClauseKind::Match(Match { optional, patterns, filter }))
    }

    pub(super) fn unwind_clause(&mut self) -> Result<ClauseKind> {
        let list = self.expression()?;
        self.expect_word("AS")?;
        Ok(ClauseKind::Unwind(Unwind { list, variable: self.variable(VARIABLE)? }))
    }

    pub(super) fn with_clause(&mut self) -> Result<ClauseKind> {
        let projection = self.projection()?;
        let filter = self.filter("WHERE")?;
        Ok(ClauseKind::With(With { projection, filter }))
    }

    /// An expression behind `keyword`, if that comes next.
    pub(super) fn filter(&mut self, keyword: &'static str) -> Result<Option<Expr>> {
        match self.eat_word(keyword) {
            true => self.expression().map(Some),
            false => Ok(None),
        }
    }

    /// What stands behind RETURN and WITH.
    pub(super) fn projection(&mut self) -> Result<Projection> {
        let distinct = self.eat_word("DISTINCT");
        if !distinct && self.is_word(0, "ALL") && !self.is_symbol(1, Symbol::LeftParen) {
            self.bump();
        }
        let star = self.eat(Symbol::Star);
        let items = match !star || self.eat(Symbol::Comma) {
            true => self.separated(Self::return_item)?,
            false => Vec::new(),
        };
        let order_by = match self.eat_word("ORDER") {
            true => {
                self.expect_word("BY")?;
                self.separated(Self::order_item)?
            }
            false => Vec::new(),
        };
        let skip = match self.is_word(0, "OFFSET") {
            true => self.filter("OFFSET")?,
            false => self.filter("SKIP")?,
        };
        let limit = self.filter("LIMIT")?;
        if limit.is_some() && (self.is_word(0, "SKIP") || self.is_word(0, "OFFSET")) {
            self.expect_thing("the end of the statement");
            return Err(self.unexpected().with_help("SKIP comes before LIMIT"));
        }
        Ok(Projection { distinct, star, items, order_by, skip, limit })
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
        let nulls = match self.eat_word("NULLS") {
            true if self.eat_word("FIRST") => Some(Nulls::First),
            true => {
                self.expect_word("LAST")?;
                Some(Nulls::Last)
            }
            false => None,
        };
        Ok(OrderItem { value, descending, nulls })
    }

    /// `CALL namespace.procedure(…) YIELD …`.
    pub(super) fn call_clause(&mut self) -> Result<ClauseKind> {
        if self.is_symbol(0, Symbol::LeftBrace) || self.is_symbol(0, Symbol::LeftParen) {
            return self.unsupported("CALL { … }", self.nth(0).span);
        }
        let mut procedure = vec![self.schema_name("a procedure")?];
        while self.eat(Symbol::Dot) {
            procedure.push(self.schema_name("a procedure")?);
        }
        let arguments = match self.eat(Symbol::LeftParen) {
            true => {
                let (arguments, height) = self.expressions_until(Symbol::RightParen)?;
                self.highest = self.highest.max(height);
                self.expect(Symbol::RightParen)?;
                Some(arguments)
            }
            false => None,
        };
        let first = self.nth(0).span;
        if !self.eat_word("YIELD") {
            return Ok(ClauseKind::Call(Call { procedure, arguments, yields: None }));
        }
        let star = self.eat(Symbol::Star);
        // `YIELD -` stands for no results.
        let items = match star || self.eat(Symbol::Minus) {
            true => Vec::new(),
            false => self.separated(Self::yield_item)?,
        };
        let filter = self.filter("WHERE")?;
        let yields = Some(Yield { star, items, filter, span: self.span_from(first) });
        Ok(ClauseKind::Call(Call { procedure, arguments, yields }))
    }

    fn yield_item(&mut self) -> Result<YieldItem> {
        let result = self.variable("a result of the procedure")?;
        match self.eat_word("AS") {
            true => Ok(YieldItem { result, alias: Some(self.variable(ALIAS)?) }),
            false => Ok(YieldItem { result, alias: None }),
        }
    }

    pub(super) fn let_clause(&mut self) -> Result<ClauseKind> {
        let items = self.separated(|parser| {
            let name = parser.variable(VARIABLE)?;
            parser.expect(Symbol::Eq)?;
            Ok((name, parser.expression()?))
        })?;
        Ok(ClauseKind::Let(items))
    }

    pub(super) fn filter_clause(&mut self) -> Result<ClauseKind> {
        let _ = self.eat_word("WHERE");
        self.expression().map(ClauseKind::Filter)
    }

    pub(super) fn for_clause(&mut self) -> Result<ClauseKind> {
        let variable = self.variable(VARIABLE)?;
        self.expect_word("IN")?;
        let list = self.expression()?;
        let is_numbered = self.is_word(0, "WITH") && self.is_word(1, "ORDINALITY");
        let ordinality = match is_numbered && self.is_variable(2) {
            true => {
                self.bump();
                self.bump();
                Some(self.variable(VARIABLE)?)
            }
            false => None,
        };
        Ok(ClauseKind::For(For { variable, list, ordinality }))
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
