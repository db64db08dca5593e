//! Lists and what looks like them: comprehensions, and functions that bind variables.

use super::Result;
use super::cursor::{Parser, VARIABLE};
use super::expressions::{Level, Tree};
use crate::ast::{Comprehension, Expr, ExprKind, Path, Quantified, Reduce};
use crate::lexer::Symbol;

impl Parser<'_> {
    /// `[a, b]`, `[x IN list WHERE … | …]`, `[(a)-->(b) WHERE … | …]`.
    pub(super) fn list(&mut self) -> Result<Tree> {
        let first = self.bump();
        let pipe_ends = std::mem::replace(&mut self.pipe_ends, true);
        let (kind, height) = self.list_kind()?;
        self.pipe_ends = pipe_ends;
        let last = self.expect(Symbol::RightBracket)?;
        self.higher(height, first.to(last), kind)
    }

    fn list_kind(&mut self) -> Result<(ExprKind, usize)> {
        if self.is_variable(0) && self.is_word(1, "IN") {
            let mut height = 0;
            let mut comprehension = self.elements_of(&mut height)?;
            if self.eat(Symbol::Pipe) {
                comprehension.value = Some(self.part(&mut height)?);
            }
            return Ok((ExprKind::ListComprehension(Box::new(comprehension)), height));
        }
        if self.is_variable(0) && self.is_symbol(1, Symbol::Eq) && self.is_pattern(2) {
            let (path, height) = self.nested(|parser| {
                let first = parser.nth(0).span;
                let variable = parser.path_variable()?;
                let path = parser.plain_path()?;
                Ok(Path { variable, span: parser.span_from(first), ..path })
            })?;
            return self.pattern_comprehension(path, height);
        }
        let is_pattern = self.is_pattern(0);
        let (mut parts, height) = self.expressions_until(Symbol::RightBracket)?;
        let goes_on = self.is_symbol(0, Symbol::Pipe) || self.is_word(0, "WHERE");
        if is_pattern && goes_on && parts.len() == 1 {
            match parts.pop() {
                Some(Expr { kind: ExprKind::Pattern(path), .. }) => return self.pattern_comprehension(*path, height),
                other => parts.extend(other),
            }
        }
        Ok((ExprKind::List(parts), height))
    }

    /// What stands behind the pattern.
    fn pattern_comprehension(&mut self, path: Path, mut height: usize) -> Result<(ExprKind, usize)> {
        let filter = match self.eat_word("WHERE") {
            true => Some(Box::new(self.part(&mut height)?)),
            false => None,
        };
        self.expect(Symbol::Pipe)?;
        let value = Box::new(self.part(&mut height)?);
        Ok((ExprKind::PatternComprehension { pattern: Box::new(path), filter, value }, height))
    }

    /// `variable IN list [WHERE condition]`.
    fn elements_of(&mut self, height: &mut usize) -> Result<Comprehension> {
        let variable = self.variable(VARIABLE)?;
        self.expect_word("IN")?;
        let list = self.part(height)?;
        let filter = match self.eat_word("WHERE") {
            true => Some(self.part(height)?),
            false => None,
        };
        Ok(Comprehension { variable, list, filter, value: None })
    }

    /// Expressions with commas between them, perhaps none, and how high they are. The end is not read.
    pub(super) fn expressions_until(&mut self, end: Symbol) -> Result<(Vec<Expr>, usize)> {
        let mut parts = Vec::new();
        let mut height = 0;
        if self.is_symbol(0, end) {
            return Ok((parts, height));
        }
        loop {
            let tree = self.tree(Level::Or)?;
            height = height.max(tree.height);
            parts.push(tree.expr);
            if !self.eat(Symbol::Comma) {
                return Ok((parts, height));
            }
        }
    }

    /// A function that binds a variable: `all(x IN list WHERE …)`, `reduce(…)`.
    pub(super) fn special_function(&mut self, word: &str) -> Result<Tree> {
        let span = self.nth(0).span;
        let quantified = match word.to_ascii_lowercase().as_str() {
            "all" => Quantified::All,
            "any" => Quantified::Any,
            "none" => Quantified::None,
            "single" => Quantified::Single,
            "reduce" => return self.reduce(),
            _ => {
                return self.unsupported_but(
                    &format!("`{word}(…)`"),
                    span,
                    "write `[x IN list WHERE condition | value]`",
                );
            }
        };
        self.bump();
        self.bump();
        let mut height = 0;
        let comprehension = self.elements_of(&mut height)?;
        let last = self.expect(Symbol::RightParen)?;
        self.higher(height, span.to(last), ExprKind::Quantified(quantified, Box::new(comprehension)))
    }

    fn reduce(&mut self) -> Result<Tree> {
        let first = self.bump();
        self.bump();
        let pipe_ends = std::mem::replace(&mut self.pipe_ends, true);
        let mut height = 0;
        let result = self.variable(VARIABLE)?;
        self.expect(Symbol::Eq)?;
        let start = self.part(&mut height)?;
        self.expect(Symbol::Comma)?;
        let variable = self.variable(VARIABLE)?;
        self.expect_word("IN")?;
        let list = self.part(&mut height)?;
        self.expect(Symbol::Pipe)?;
        let value = self.part(&mut height)?;
        self.pipe_ends = pipe_ends;
        let last = self.expect(Symbol::RightParen)?;
        let reduce = Reduce { result, start, variable, list, value };
        self.higher(height, first.to(last), ExprKind::Reduce(Box::new(reduce)))
    }
}
