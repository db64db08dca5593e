//! Operands: literals, names, calls, lists, CASE, brackets, and what is written behind an operand.

use super::Result;
use super::cursor::{EXPRESSION, Parser};
use super::expressions::{Level, Tree};
use crate::ast::{Expr, ExprKind, Literal, Name};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Symbol, TokenKind};
use crate::names::{is_reserved, is_special_function};

impl Parser<'_> {
    /// An operand with its properties.
    pub(super) fn postfix(&mut self) -> Result<Tree> {
        let mut tree = self.atom()?;
        while self.is_symbol(0, Symbol::Dot) {
            self.bump();
            let name = self.schema_name("a property")?;
            if self.is_symbol(0, Symbol::LeftParen) {
                let span = tree.expr.span.to(name.span);
                return self.unsupported("functions in a namespace", span);
            }
            let span = tree.expr.span.to(name.span);
            tree = self.higher(tree.height, span, ExprKind::Property(Box::new(tree.expr), name))?;
        }
        let span = self.nth(0).span;
        match self.nth(0).kind {
            TokenKind::Symbol(Symbol::LeftBracket) => self.unsupported("elements and slices of a list", span),
            TokenKind::Symbol(Symbol::Colon) => {
                self.unsupported_but("label predicates", span, "write the label in the pattern")
            }
            TokenKind::Symbol(Symbol::LeftBrace) => self.unsupported("map projections", span),
            _ => Ok(tree),
        }
    }

    fn atom(&mut self) -> Result<Tree> {
        let literal = match &self.nth(0).kind {
            TokenKind::Integer(magnitude) => return self.integer(*magnitude),
            TokenKind::Float(value) => Literal::Float(*value),
            TokenKind::Text(value) => Literal::Text(value.clone()),
            TokenKind::Parameter(name) => {
                let kind = ExprKind::Parameter(name.clone());
                return Ok(self.leaf(kind));
            }
            TokenKind::Symbol(Symbol::LeftParen) => return self.in_brackets(),
            TokenKind::Symbol(Symbol::LeftBracket) => return self.list(),
            TokenKind::Symbol(Symbol::LeftBrace) => return self.unsupported("maps", self.nth(0).span),
            TokenKind::QuotedName(_) => return self.named(),
            _ => match self.word(0).map(str::to_ascii_uppercase).as_deref() {
                Some("TRUE") => Literal::Bool(true),
                Some("FALSE") => Literal::Bool(false),
                Some("NULL") => Literal::Null,
                Some("CASE") => return self.case(),
                Some("NOT") => {
                    self.expect_thing("an operand");
                    return Err(self.unexpected().with_help("put `NOT …` in brackets"));
                }
                Some(_) => return self.named(),
                None => {
                    self.expect_thing(EXPRESSION);
                    return Err(self.unexpected());
                }
            },
        };
        Ok(self.leaf(ExprKind::Literal(literal)))
    }

    /// The next token as an expression of this kind.
    fn leaf(&mut self, kind: ExprKind) -> Tree {
        Tree { expr: Expr { kind, span: self.bump() }, height: 1 }
    }

    fn integer(&mut self, magnitude: u64) -> Result<Tree> {
        match i64::try_from(magnitude) {
            Ok(value) => Ok(self.leaf(ExprKind::Literal(Literal::Int(value)))),
            Err(_) => {
                let message = format!("integer `{magnitude}` is out of range");
                let help = format!("integers go from {} to {}", i64::MIN, i64::MAX);
                Err(Diagnostic::syntax(message, self.nth(0).span).with_help(help))
            }
        }
    }

    fn in_brackets(&mut self) -> Result<Tree> {
        let first = self.nth(0).span;
        if self.is_pattern(0) {
            return self.unsupported_but("patterns in an expression", first, "write them in MATCH");
        }
        self.bump();
        let mut tree = self.tree(Level::Or)?;
        let last = self.expect(Symbol::RightParen)?;
        tree.expr.span = first.to(last);
        Ok(tree)
    }

    fn list(&mut self) -> Result<Tree> {
        let first = self.bump();
        if self.is_variable(0) && self.is_word(1, "IN") {
            let help = "a list that holds the result of `x IN y` is written `[(x IN y)]`";
            return self.unsupported_but("list comprehensions", first.to(self.nth(1).span), help);
        }
        if self.is_pattern(0) || (self.is_variable(0) && self.is_symbol(1, Symbol::Eq) && self.is_pattern(2)) {
            return self.unsupported("pattern comprehensions", first.to(self.nth(0).span));
        }
        let (parts, height) = self.expressions_until(Symbol::RightBracket)?;
        if self.is_symbol(0, Symbol::Pipe) {
            return self.unsupported("list comprehensions", self.nth(0).span);
        }
        let last = self.expect(Symbol::RightBracket)?;
        self.higher(height, first.to(last), ExprKind::List(parts))
    }

    /// Expressions with commas between them, perhaps none, and how high they are. The end is not read.
    fn expressions_until(&mut self, end: Symbol) -> Result<(Vec<Expr>, usize)> {
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

    /// What begins with a name: a variable or a call.
    fn named(&mut self) -> Result<Tree> {
        let span = self.nth(0).span;
        let word = self.word(0);
        let is_exists = self.is_word(0, "EXISTS");
        let is_subquery = is_exists || self.is_word(0, "COUNT") || self.is_word(0, "COLLECT");
        if is_subquery && self.is_symbol(1, Symbol::LeftBrace) {
            let shown = span.text(self.source).to_uppercase();
            return self.unsupported(&format!("{shown} {{ … }}"), span);
        }
        if self.is_symbol(1, Symbol::LeftParen) {
            if let Some(word) = word.filter(|word| is_special_function(word)) {
                return self.unsupported(&format!("`{word}(…)`"), span);
            }
            if is_exists || word.is_none_or(|word| !is_reserved(word)) {
                return self.call();
            }
        }
        let name = self.variable(EXPRESSION)?;
        Ok(Tree { expr: Expr { kind: ExprKind::Variable(name.text), span: name.span }, height: 1 })
    }

    fn call(&mut self) -> Result<Tree> {
        let function = self.schema_name("a function")?;
        self.bump();
        let first = function.span;
        if self.is_symbol(0, Symbol::Star) && function.text.eq_ignore_ascii_case("count") {
            self.bump();
            let last = self.expect(Symbol::RightParen)?;
            return Ok(Tree { expr: Expr { kind: ExprKind::CountAll, span: first.to(last) }, height: 1 });
        }
        let distinct = self.eat_word("DISTINCT");
        let (arguments, height) = self.arguments(&function, distinct)?;
        let last = self.expect(Symbol::RightParen)?;
        self.higher(height, first.to(last), ExprKind::Call { function, distinct, arguments })
    }

    fn arguments(&mut self, function: &Name, distinct: bool) -> Result<(Vec<Expr>, usize)> {
        let is_empty = self.is_symbol(0, Symbol::RightParen);
        if is_empty && distinct {
            self.expect_thing(EXPRESSION);
            return Err(self.unexpected());
        }
        let (arguments, height) = self.expressions_until(Symbol::RightParen)?;
        if self.is_symbol(0, Symbol::Pipe) {
            let what = format!("`|` in the arguments of `{}`", function.text);
            return self.unsupported(&what, self.nth(0).span);
        }
        Ok((arguments, height))
    }

    fn case(&mut self) -> Result<Tree> {
        let first = self.bump();
        let mut height = 0;
        let operand = match self.is_word(0, "WHEN") {
            true => None,
            false => Some(Box::new(self.part(&mut height)?)),
        };
        let mut branches = Vec::new();
        self.expect_word("WHEN")?;
        loop {
            let when = self.part(&mut height)?;
            self.expect_word("THEN")?;
            branches.push((when, self.part(&mut height)?));
            if !self.eat_word("WHEN") {
                break;
            }
        }
        let otherwise = match self.eat_word("ELSE") {
            true => Some(Box::new(self.part(&mut height)?)),
            false => None,
        };
        let last = self.expect_word("END")?;
        self.higher(height, first.to(last), ExprKind::Case { operand, branches, otherwise })
    }

    /// An expression that raises `height` to its own.
    fn part(&mut self, height: &mut usize) -> Result<Expr> {
        let tree = self.tree(Level::Or)?;
        *height = tree.height.max(*height);
        Ok(tree.expr)
    }
}
