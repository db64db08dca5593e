//! Operators, by precedence climbing. From loose to tight: OR, XOR, AND, NOT, comparisons, predicates (`IN`,
//! `STARTS WITH`, `IS NULL`, …), `+ -`, `* / %`, `^`, signs. All associate to the left; comparisons form chains.
//!
//! Two bounds keep hostile texts from exhausting the stack, here and in whoever walks the tree later: on the depth of
//! calls, and on the height of the tree (a long chain of operators leans to the left).

use super::Result;
use super::cursor::Parser;
use super::patterns::Labels;
use crate::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use crate::diagnostic::Diagnostic;
use crate::lexer::number::INTEGER_MAGNITUDE_MAX;
use crate::lexer::{Symbol, TokenKind};
use crate::span::Span;

/// How deep expressions may be nested. A level takes up to 26 KiB in a build without optimisation, and
/// the threads of tests and of async runtimes have 2 MiB.
pub(super) const DEPTH_MAX: usize = 64;

/// How many levels a pattern or a query counts within an expression, for it takes that much more stack.
const NESTED: usize = 4;

/// How high a tree of expressions may be.
pub(super) const HEIGHT_MAX: usize = 500;

/// How tightly an operator binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Or,
    Xor,
    And,
    Not,
    Comparison,
    Predicate,
    Additive,
    Multiplicative,
    Power,
    Sign,
    Postfix,
}

impl Level {
    /// The level of an operator with two operands.
    pub(crate) fn of(operator: BinaryOp) -> Self {
        match operator {
            BinaryOp::Or => Self::Or,
            BinaryOp::Xor => Self::Xor,
            BinaryOp::And => Self::And,
            BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => {
                Self::Comparison
            }
            BinaryOp::In | BinaryOp::StartsWith | BinaryOp::EndsWith | BinaryOp::Contains | BinaryOp::Matches => {
                Self::Predicate
            }
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Concat => Self::Additive,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => Self::Multiplicative,
            BinaryOp::Power => Self::Power,
        }
    }

    /// The next tighter level.
    pub(crate) fn tighter(self) -> Self {
        match self {
            Self::Or => Self::Xor,
            Self::Xor => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Predicate,
            Self::Predicate => Self::Additive,
            Self::Additive => Self::Multiplicative,
            Self::Multiplicative => Self::Power,
            Self::Power => Self::Sign,
            Self::Sign | Self::Postfix => Self::Postfix,
        }
    }
}

/// An expression and how high its tree is.
pub(super) struct Tree {
    pub(super) expr: Expr,
    pub(super) height: usize,
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr> {
        let tree = self.tree(Level::Or)?;
        self.highest = self.highest.max(tree.height);
        Ok(tree.expr)
    }

    /// Reads something within an expression that is none itself, such as a pattern, and tells the height of the highest
    /// expression in it.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, usize)> {
        self.deeper(NESTED, rule)
    }

    /// The same for something that takes the stack of `levels` levels.
    pub(super) fn deeper<T>(&mut self, levels: usize, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, usize)> {
        if self.depth + levels >= DEPTH_MAX {
            return Err(self.too_deep(self.nth(0).span));
        }
        let (highest, pipe_ends) = (self.highest, self.pipe_ends);
        (self.highest, self.pipe_ends) = (0, false);
        self.depth += levels;
        let read = rule(self);
        self.depth -= levels;
        let height = self.highest;
        (self.highest, self.pipe_ends) = (highest, pipe_ends);
        Ok((read?, height))
    }

    /// An expression whose operators bind at least as tightly as `level`.
    pub(super) fn tree(&mut self, level: Level) -> Result<Tree> {
        if self.depth >= DEPTH_MAX {
            return Err(self.too_deep(self.nth(0).span));
        }
        self.depth += 1;
        let tree = self.operators(level);
        self.depth -= 1;
        tree
    }

    fn operators(&mut self, level: Level) -> Result<Tree> {
        let mut left = match level <= Level::Not && self.is_word(0, "NOT") {
            true => self.negation()?,
            false => self.signed()?,
        };
        let mut follows_predicate = false;
        loop {
            if level <= Level::Predicate && self.is_word(0, "IS") {
                left = self.is_predicate(left)?;
                follows_predicate = true;
                continue;
            }
            let Some(operator) = self.binary_operator() else {
                self.expect_thing("an operator");
                return Ok(left);
            };
            match Level::of(operator) {
                own if own < level => return Ok(left),
                own if own > Level::Predicate && follows_predicate => return Err(self.misplaced_operator(operator)),
                Level::Comparison => left = self.comparisons(operator, left)?,
                own => {
                    self.bump_operator(operator)?;
                    let right = self.tree(own.tighter())?;
                    left = self.binary(operator, left, right)?;
                }
            }
        }
    }

    /// An arithmetic operator behind `IS NULL`, as in `a IS NULL + b`: the grammar has no reading for it.
    fn misplaced_operator(&self, operator: BinaryOp) -> Diagnostic {
        let message = format!("`{operator}` may not follow a predicate");
        Diagnostic::syntax(message, self.nth(0).span).with_help("put the predicate in brackets")
    }

    /// `NOT NOT a`.
    fn negation(&mut self) -> Result<Tree> {
        let mut signs = Vec::new();
        while self.is_word(0, "NOT") {
            signs.push((UnaryOp::Not, self.bump()));
        }
        let operand = self.tree(Level::Comparison)?;
        self.unary(signs, operand)
    }

    /// `- + a`.
    fn signed(&mut self) -> Result<Tree> {
        let mut signs = Vec::new();
        loop {
            match self.nth(0).kind {
                TokenKind::Symbol(Symbol::Minus) => signs.push((UnaryOp::Minus, self.bump())),
                TokenKind::Symbol(Symbol::Plus) => signs.push((UnaryOp::Plus, self.bump())),
                _ => break,
            }
        }
        let least = TokenKind::Integer(INTEGER_MAGNITUDE_MAX);
        let operand = match signs.last() {
            // The least integer has no positive counterpart, so its minus belongs to the literal.
            Some(&(UnaryOp::Minus, sign)) if self.nth(0).kind == least => {
                signs.pop();
                let span = sign.to(self.bump());
                Tree { expr: Expr { kind: ExprKind::Literal(Literal::Int(i64::MIN)), span }, height: 1 }
            }
            _ => self.postfix()?,
        };
        self.unary(signs, operand)
    }

    fn unary(&mut self, mut signs: Vec<(UnaryOp, Span)>, operand: Tree) -> Result<Tree> {
        let mut tree = operand;
        while let Some((operator, sign)) = signs.pop() {
            let span = sign.to(tree.expr.span);
            tree = self.higher(tree.height, span, ExprKind::Unary(operator, Box::new(tree.expr)))?;
        }
        Ok(tree)
    }

    /// `IS NULL`, `IS NOT NULL`, `IS Label`.
    fn is_predicate(&mut self, operand: Tree) -> Result<Tree> {
        self.bump();
        let is_not = self.is_word(0, "NOT");
        let ahead = usize::from(is_not);
        let is_type = self.is_word(ahead, "TYPED") || self.is_word(ahead, "NORMALIZED");
        if is_type || self.is_symbol(ahead, Symbol::Colon) {
            return self.unsupported("predicates on types", self.nth(ahead).span);
        }
        if !is_not && !self.is_word(0, "NULL") && self.is_label() {
            let labels = self.label_expression(Labels::Predicate)?;
            let span = operand.expr.span.to(labels.span);
            return self.higher(operand.height, span, ExprKind::HasLabels(Box::new(operand.expr), labels));
        }
        let _ = self.eat_word("NOT");
        let span = operand.expr.span.to(self.expect_word("NULL")?);
        let inner = Box::new(operand.expr);
        self.higher(operand.height, span, if is_not { ExprKind::IsNotNull(inner) } else { ExprKind::IsNull(inner) })
    }

    /// `a < b < c`. What stands before the first operator was read already.
    fn comparisons(&mut self, first: BinaryOp, left: Tree) -> Result<Tree> {
        self.bump_operator(first)?;
        let right = self.tree(Level::Predicate)?;
        let mut height = left.height.max(right.height);
        let mut others = Vec::new();
        while let Some(operator) = self.binary_operator().filter(|next| Level::of(*next) == Level::Comparison) {
            self.bump_operator(operator)?;
            let next = self.tree(Level::Predicate)?;
            height = height.max(next.height);
            others.push((operator, next.expr));
        }
        if others.is_empty() {
            return self.binary(first, left, right);
        }
        others.insert(0, (first, right.expr));
        let span = others.last().map_or(left.expr.span, |(_, last)| left.expr.span.to(last.span));
        self.higher(height, span, ExprKind::Comparisons(Box::new(left.expr), others))
    }

    fn binary(&self, operator: BinaryOp, left: Tree, right: Tree) -> Result<Tree> {
        let span = left.expr.span.to(right.expr.span);
        let height = left.height.max(right.height);
        self.higher(height, span, ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr)))
    }

    /// An expression over others, of which the highest has `height`.
    pub(super) fn higher(&self, height: usize, span: Span, kind: ExprKind) -> Result<Tree> {
        match height < HEIGHT_MAX {
            true => Ok(Tree { expr: Expr { kind, span }, height: height + 1 }),
            false => Err(self.too_deep(span)),
        }
    }

    pub(super) fn too_deep(&self, span: Span) -> Diagnostic {
        let message = "the expression is too deep";
        let help = format!(
            "at most {DEPTH_MAX} levels of brackets and {HEIGHT_MAX} operators in a row; long alternatives fit in `x IN […]`"
        );
        Diagnostic::syntax(message, span).with_help(help)
    }

    /// The operator that comes next. It takes two words in the case of `STARTS WITH` and `ENDS WITH`.
    fn binary_operator(&self) -> Option<BinaryOp> {
        let operator = match &self.nth(0).kind {
            TokenKind::Symbol(symbol) => match symbol {
                Symbol::Eq => BinaryOp::Eq,
                Symbol::NotEq => BinaryOp::NotEq,
                Symbol::Lt => BinaryOp::Lt,
                Symbol::LtEq => BinaryOp::LtEq,
                Symbol::Gt => BinaryOp::Gt,
                Symbol::GtEq => BinaryOp::GtEq,
                Symbol::Plus => BinaryOp::Add,
                Symbol::Minus => BinaryOp::Subtract,
                Symbol::RegexMatch => BinaryOp::Matches,
                Symbol::DoublePipe => BinaryOp::Concat,
                Symbol::Star => BinaryOp::Multiply,
                Symbol::Slash => BinaryOp::Divide,
                Symbol::Percent => BinaryOp::Modulo,
                Symbol::Caret => BinaryOp::Power,
                _ => return None,
            },
            _ => return WORD_OPERATORS.into_iter().find(|(word, _)| self.is_word(0, word)).map(|(_, found)| found),
        };
        Some(operator)
    }

    fn bump_operator(&mut self, operator: BinaryOp) -> Result<()> {
        self.bump();
        match operator {
            BinaryOp::StartsWith | BinaryOp::EndsWith => self.expect_word("WITH").map(|_| ()),
            _ => Ok(()),
        }
    }
}

const WORD_OPERATORS: [(&str, BinaryOp); 7] = [
    ("OR", BinaryOp::Or),
    ("XOR", BinaryOp::Xor),
    ("AND", BinaryOp::And),
    ("IN", BinaryOp::In),
    ("STARTS", BinaryOp::StartsWith),
    ("ENDS", BinaryOp::EndsWith),
    ("CONTAINS", BinaryOp::Contains),
];
