//! Nodes, relationships, paths of them, and groups of paths.

use super::Result;
use super::cursor::Parser;
use crate::ast::{
    Direction, EdgePattern, Expr, Group, LabelExpr, LabelKind, Length, Name, NodePattern, Path, PathElement, PathMode,
    Properties, Quantifier, Shortest,
};
use crate::diagnostic::{Detail, Diagnostic};
use crate::lexer::{Symbol, TokenKind};
use crate::span::Span;

/// What stands between the brackets of a node or a relationship.
#[derive(Default)]
struct Filler {
    variable: Option<Name>,
    labels: Option<LabelExpr>,
    length: Option<Length>,
    properties: Option<Properties>,
    filter: Option<Box<Expr>>,
}

/// What labels are written for: that decides what `|` and `:` mean behind the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    /// `:A:B` in a node pattern.
    Node,
    /// `:A|:B` in a relationship.
    Edge,
    /// `n:A:B` in an expression, where `|` may end it.
    Predicate,
}

impl Parser<'_> {
    /// A path as `MATCH` takes it: perhaps with a variable, a selector, a mode, groups.
    pub(super) fn path(&mut self) -> Result<Path> {
        let first = self.nth(0).span;
        let variable = self.path_variable()?;
        if let Some(shortest) = self.shortest_function() {
            let path = self.shortest_path(shortest)?;
            return Ok(Path { variable, span: self.span_from(first), ..path });
        }
        let (selector, mode) = self.path_prefix()?;
        let elements = self.elements(true)?;
        Ok(Path { variable, shortest: None, selector, mode, elements, span: self.span_from(first) })
    }

    /// A path of nodes and relationships, as expressions take it.
    pub(super) fn plain_path(&mut self) -> Result<Path> {
        let first = self.nth(0).span;
        let elements = self.elements(false)?;
        let span = self.span_from(first);
        Ok(Path { variable: None, shortest: None, selector: None, mode: None, elements, span })
    }

    /// `p =`.
    pub(super) fn path_variable(&mut self) -> Result<Option<Name>> {
        if !(self.is_variable(0) && self.is_symbol(1, Symbol::Eq)) {
            return Ok(None);
        }
        let name = self.variable("a variable")?;
        self.bump();
        Ok(Some(name))
    }

    pub(super) fn shortest_function(&self) -> Option<Shortest> {
        let is_call = self.is_symbol(1, Symbol::LeftParen);
        match () {
            () if is_call && self.is_word(0, "shortestPath") => Some(Shortest::One),
            () if is_call && self.is_word(0, "allShortestPaths") => Some(Shortest::All),
            () => None,
        }
    }

    /// `shortestPath((a)-[*]-(b))`.
    pub(super) fn shortest_path(&mut self, shortest: Shortest) -> Result<Path> {
        let first = self.bump();
        self.expect(Symbol::LeftParen)?;
        let path = self.plain_path()?;
        self.expect(Symbol::RightParen)?;
        if path.elements.len() != 3 {
            let message = "a shortest path is sought over one relationship between two nodes";
            return Err(Diagnostic::syntax(message, path.span).with_help("write it as `(a)-[:TYPE*]-(b)`"));
        }
        Ok(Path { shortest: Some(shortest), span: self.span_from(first), ..path })
    }

    fn elements(&mut self, with_groups: bool) -> Result<Vec<PathElement>> {
        let mut elements = Vec::new();
        loop {
            match with_groups && self.is_group() {
                true => elements.push(PathElement::Group(self.group()?)),
                false => elements.push(PathElement::Node(self.node()?)),
            }
            match self.nth(0).kind {
                TokenKind::Symbol(Symbol::Minus | Symbol::Lt) => elements.push(PathElement::Edge(self.edge()?)),
                // A group may stand beside a node.
                TokenKind::Symbol(Symbol::LeftParen) if with_groups && self.joins_group(&elements) => {}
                TokenKind::Symbol(Symbol::Tilde) => {
                    return self.unsupported_but("`~` in a pattern", self.nth(0).span, "write `-[…]-`");
                }
                _ => {
                    self.expect_thing("a relationship");
                    return Ok(elements);
                }
            }
        }
    }

    fn joins_group(&self, elements: &[PathElement]) -> bool {
        self.is_group() || matches!(elements.last(), Some(PathElement::Group(_)))
    }

    /// True if a path in brackets comes next, and no node.
    fn is_group(&self) -> bool {
        let is_path = self.is_variable(1) && self.is_symbol(2, Symbol::Eq);
        let is_mode = self.mode(1).is_some() && self.is_symbol(2, Symbol::LeftParen);
        self.is_symbol(0, Symbol::LeftParen) && (self.is_symbol(1, Symbol::LeftParen) || is_path || is_mode)
    }

    fn group(&mut self) -> Result<Group> {
        let first = self.bump();
        let ((path, filter), height) = self.nested(|parser| {
            let first = parser.nth(0).span;
            let variable = parser.path_variable()?;
            let mode = parser.mode(0);
            if mode.is_some() {
                parser.bump();
            }
            let elements = parser.elements(true)?;
            let span = parser.span_from(first);
            Ok((Path { variable, shortest: None, selector: None, mode, elements, span }, parser.inline_filter()?))
        })?;
        self.highest = self.highest.max(height);
        self.expect(Symbol::RightParen)?;
        let quantifier = self.quantifier()?;
        Ok(Group { path: Box::new(path), filter, quantifier, span: self.span_from(first) })
    }

    fn node(&mut self) -> Result<NodePattern> {
        let first = self.expect(Symbol::LeftParen)?;
        let Filler { variable, labels, properties, filter, .. } = self.filler(Labels::Node)?;
        self.expect(Symbol::RightParen)?;
        Ok(NodePattern { variable, labels, properties, filter, span: self.span_from(first) })
    }

    fn edge(&mut self) -> Result<EdgePattern> {
        let first = self.nth(0).span;
        let left = self.eat(Symbol::Lt);
        self.expect(Symbol::Minus)?;
        let mut filler = Filler::default();
        if self.eat(Symbol::LeftBracket) {
            filler = self.filler(Labels::Edge)?;
            self.expect(Symbol::RightBracket)?;
        }
        self.expect(Symbol::Minus)?;
        let right = self.eat(Symbol::Gt);
        let direction = match (left, right) {
            (true, false) => Direction::Left,
            (false, true) => Direction::Right,
            (true, true) => Direction::Both,
            (false, false) => Direction::Either,
        };
        let quantifier = self.quantifier()?;
        let Filler { variable, labels: types, length, properties, filter } = filler;
        let span = self.span_from(first);
        Ok(EdgePattern { variable, types, length, direction, properties, filter, quantifier, span })
    }

    fn filler(&mut self, place: Labels) -> Result<Filler> {
        // `(WHERE a.x = 1)` has no variable of that name; WHERE is reserved.
        let is_label = self.is_word(0, "IS") && !matches!(self.nth(1).kind, TokenKind::Symbol(_));
        let variable = match is_label {
            true => None,
            false => self.variable_option()?,
        };
        let mut labels = None;
        if self.eat(Symbol::Colon) || self.eat_word("IS") {
            labels = Some(self.label_expression(place)?);
        }
        let length = match place {
            Labels::Edge => self.length()?,
            Labels::Node | Labels::Predicate => None,
        };
        let properties = self.properties()?;
        let filter = self.inline_filter()?;
        Ok(Filler { variable, labels, length, properties, filter })
    }

    fn inline_filter(&mut self) -> Result<Option<Box<Expr>>> {
        match self.eat_word("WHERE") {
            true => Ok(Some(Box::new(self.expression()?))),
            false => Ok(None),
        }
    }

    /// `{name: value, …}`, `$parameter`, or nothing.
    fn properties(&mut self) -> Result<Option<Properties>> {
        if let TokenKind::Parameter(name) = &self.nth(0).kind {
            let text = name.clone();
            return Ok(Some(Properties::Parameter(Name { text, span: self.bump() })));
        }
        if !self.eat(Symbol::LeftBrace) {
            return Ok(None);
        }
        Ok(Some(Properties::Map(self.map_entries()?)))
    }

    /// `name: value, …}`.
    pub(super) fn map_entries(&mut self) -> Result<Vec<(Name, Expr)>> {
        if self.eat(Symbol::RightBrace) {
            return Ok(Vec::new());
        }
        let entries = self.separated(|parser| {
            let name = parser.map_key()?;
            parser.expect(Symbol::Colon)?;
            Ok((name, parser.expression()?))
        })?;
        self.expect(Symbol::RightBrace)?;
        Ok(entries)
    }

    /// `*`, `*2`, `*1..3`, or nothing.
    fn length(&mut self) -> Result<Option<Length>> {
        let first = self.nth(0).span;
        if self.is_symbol(0, Symbol::DotDot) {
            return Err(self.wrong_length("a variable length starts with `*`"));
        }
        if !self.eat(Symbol::Star) {
            return Ok(None);
        }
        if self.is_symbol(0, Symbol::Minus) {
            return Err(self.wrong_length("a length cannot be negative"));
        }
        let min = self.unsigned()?;
        let max = match self.eat(Symbol::DotDot) {
            true => self.unsigned()?,
            false => min,
        };
        Ok(Some(Length { min, max, span: self.span_from(first) }))
    }

    fn wrong_length(&self, message: &str) -> Diagnostic {
        let diagnostic = Diagnostic::syntax(message, self.nth(0).span);
        diagnostic
            .with_help("write `*`, `*2`, `*1..3`, `*1..` or `*..3`")
            .with_detail(Detail::InvalidRelationshipPattern)
    }

    /// `{1,3}`, `{2}`, `*`, `+`, `?`, or nothing.
    fn quantifier(&mut self) -> Result<Option<Quantifier>> {
        let first = self.nth(0).span;
        let bounds = match self.nth(0).kind {
            TokenKind::Symbol(Symbol::Star) => (0, None),
            TokenKind::Symbol(Symbol::Plus) => (1, None),
            TokenKind::Symbol(Symbol::Question) => (0, Some(1)),
            TokenKind::Symbol(Symbol::LeftBrace) => return self.counted_quantifier(first).map(Some),
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(Quantifier { min: bounds.0, max: bounds.1, span: first }))
    }

    fn counted_quantifier(&mut self, first: Span) -> Result<Quantifier> {
        self.bump();
        let min = self.unsigned()?;
        let max = match (min, self.eat(Symbol::Comma)) {
            (_, true) => self.unsigned()?,
            (Some(_), false) => min,
            (None, false) => {
                self.expect_thing("a number");
                return Err(self.unexpected());
            }
        };
        self.expect(Symbol::RightBrace)?;
        Ok(Quantifier { min: min.unwrap_or(0), max, span: self.span_from(first) })
    }

    /// A whole number, or nothing.
    pub(super) fn unsigned(&mut self) -> Result<Option<u64>> {
        match self.nth(0).kind {
            TokenKind::Integer(number) => {
                self.bump();
                Ok(Some(number))
            }
            TokenKind::Invalid(_) => Err(self.unexpected()),
            _ => {
                self.expect_thing("a number");
                Ok(None)
            }
        }
    }

    /// The path mode `ahead`.
    pub(super) fn mode(&self, ahead: usize) -> Option<PathMode> {
        let modes = [
            ("WALK", PathMode::Walk),
            ("TRAIL", PathMode::Trail),
            ("ACYCLIC", PathMode::Acyclic),
            ("SIMPLE", PathMode::Simple),
        ];
        modes.into_iter().find(|(word, _)| self.is_word(ahead, word)).map(|(_, mode)| mode)
    }

    /// True if a label may come next.
    pub(super) fn is_label(&self) -> bool {
        match self.nth(0).kind {
            TokenKind::Word | TokenKind::QuotedName(_) => true,
            TokenKind::Symbol(symbol) => matches!(symbol, Symbol::Bang | Symbol::Percent | Symbol::LeftParen),
            _ => false,
        }
    }

    /// `A|B&!C`, `A:B`, `A|:B`; the first colon was read already.
    pub(super) fn label_expression(&mut self, place: Labels) -> Result<LabelExpr> {
        let mut left = self.label_term(place)?;
        while !(place == Labels::Predicate && self.pipe_ends) && self.eat(Symbol::Pipe) {
            if place == Labels::Edge {
                let _ = self.eat(Symbol::Colon);
            }
            let right = self.label_term(place)?;
            let span = left.span.to(right.span);
            left = LabelExpr { kind: LabelKind::Or(Box::new(left), Box::new(right)), span };
            self.check_labels(&left)?;
        }
        Ok(left)
    }

    fn label_term(&mut self, place: Labels) -> Result<LabelExpr> {
        let mut left = self.label_factor(place)?;
        while self.eat(Symbol::Ampersand) || self.eat(Symbol::Colon) {
            let right = self.label_factor(place)?;
            let span = left.span.to(right.span);
            left = LabelExpr { kind: LabelKind::And(Box::new(left), Box::new(right)), span };
            self.check_labels(&left)?;
        }
        Ok(left)
    }

    fn label_factor(&mut self, place: Labels) -> Result<LabelExpr> {
        let first = self.nth(0).span;
        let kind = match self.nth(0).kind {
            TokenKind::Symbol(Symbol::Bang) => {
                self.bump();
                let (inner, _) = self.deeper(1, |parser| parser.label_factor(place))?;
                LabelKind::Not(Box::new(inner))
            }
            TokenKind::Symbol(Symbol::LeftParen) => {
                self.bump();
                let (inner, _) = self.deeper(1, |parser| parser.label_expression(Labels::Edge))?;
                self.expect(Symbol::RightParen)?;
                return Ok(LabelExpr { span: self.span_from(first), ..inner });
            }
            TokenKind::Symbol(Symbol::Percent) => {
                self.bump();
                LabelKind::Any
            }
            TokenKind::Parameter(_) => return self.unsupported("parameters in place of labels", first),
            _ => LabelKind::Name(self.schema_name(if place == Labels::Edge {
                "a relationship type"
            } else {
                "a label"
            })?),
        };
        Ok(LabelExpr { kind, span: self.span_from(first) })
    }

    /// Labels lean to the left: their number is bounded as the height of expressions is.
    fn check_labels(&self, labels: &LabelExpr) -> Result<()> {
        let (mut height, mut rest) = (0, labels);
        while let LabelKind::And(left, _) | LabelKind::Or(left, _) = &rest.kind {
            (height, rest) = (height + 1, left);
        }
        match height < super::expressions::HEIGHT_MAX {
            true => Ok(()),
            false => Err(self.too_deep(labels.span)),
        }
    }
}
