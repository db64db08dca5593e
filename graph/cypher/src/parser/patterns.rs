//! Nodes, relationships, and paths of them.

use super::Result;
use super::cursor::Parser;
use crate::ast::{Direction, EdgePattern, Expr, Name, NodePattern, Path};
use crate::lexer::{Symbol, TokenKind};

impl Parser<'_> {
    pub(super) fn path(&mut self) -> Result<Path> {
        self.refuse_path_prefixes()?;
        let start = self.node()?;
        let mut hops = Vec::new();
        self.refuse_quantifiers()?;
        while self.is_symbol(0, Symbol::Minus) || self.is_symbol(0, Symbol::Lt) {
            let edge = self.edge()?;
            self.refuse_quantifiers()?;
            let node = self.node()?;
            self.refuse_quantifiers()?;
            hops.push((edge, node));
        }
        if self.is_symbol(0, Symbol::Tilde) {
            return self.unsupported_but("`~` in a pattern", self.nth(0).span, "write `-[…]-`");
        }
        self.expect_thing("a relationship");
        Ok(Path { start, hops })
    }

    fn node(&mut self) -> Result<NodePattern> {
        let first = self.expect(Symbol::LeftParen)?;
        let variable = self.variable_option()?;
        let label = match self.eat(Symbol::Colon) {
            true => Some(self.label()?),
            false => None,
        };
        if label.is_some() {
            self.refuse_more_labels()?;
        }
        let properties = self.properties()?;
        self.expect(Symbol::RightParen)?;
        Ok(NodePattern { variable, label, properties, span: self.span_from(first) })
    }

    fn label(&mut self) -> Result<Name> {
        self.refuse_label_expressions()?;
        self.schema_name("a label")
    }

    fn refuse_more_labels(&self) -> Result<()> {
        match self.nth(0).kind {
            TokenKind::Symbol(Symbol::Colon | Symbol::Pipe | Symbol::Ampersand) => {
                self.unsupported("several labels of a node", self.nth(0).span)
            }
            _ => Ok(()),
        }
    }

    fn edge(&mut self) -> Result<EdgePattern> {
        let first = self.nth(0).span;
        let left = self.eat(Symbol::Lt);
        self.expect(Symbol::Minus)?;
        let (mut variable, mut types, mut properties) = (None, Vec::new(), Vec::new());
        if self.eat(Symbol::LeftBracket) {
            variable = self.variable_option()?;
            types = self.edge_types()?;
            self.refuse_variable_length()?;
            properties = self.properties()?;
            self.expect(Symbol::RightBracket)?;
        }
        self.expect(Symbol::Minus)?;
        let right = self.eat(Symbol::Gt);
        let direction = match (left, right) {
            (true, false) => Direction::Left,
            (false, true) => Direction::Right,
            (true, true) | (false, false) => Direction::Either,
        };
        Ok(EdgePattern { variable, types, direction, properties, span: self.span_from(first) })
    }

    /// `:A|B`, also `:A|:B`.
    fn edge_types(&mut self) -> Result<Vec<Name>> {
        let mut types = Vec::new();
        if !self.eat(Symbol::Colon) {
            return Ok(types);
        }
        loop {
            self.refuse_label_expressions()?;
            types.push(self.schema_name("a relationship type")?);
            self.refuse_label_expressions()?;
            match self.eat(Symbol::Pipe) {
                true => _ = self.eat(Symbol::Colon),
                false => return Ok(types),
            }
        }
    }

    fn refuse_variable_length(&self) -> Result<()> {
        if !self.is_symbol(0, Symbol::Star) {
            return Ok(());
        }
        let mut span = self.nth(0).span;
        let mut ahead = 1;
        while let TokenKind::Integer(_) | TokenKind::Symbol(Symbol::DotDot) = self.nth(ahead).kind {
            span = span.to(self.nth(ahead).span);
            ahead += 1;
        }
        let help = "write out each hop as a pattern of its own";
        self.unsupported_but("relationships of variable length", span, help)
    }

    /// `{name: value, …}`, or nothing.
    fn properties(&mut self) -> Result<Vec<(Name, Expr)>> {
        self.refuse_in_element()?;
        let mut properties = Vec::new();
        if self.eat(Symbol::LeftBrace) && !self.eat(Symbol::RightBrace) {
            properties = self.separated(Self::property)?;
            self.expect(Symbol::RightBrace)?;
        }
        self.refuse_in_element()?;
        Ok(properties)
    }

    fn property(&mut self) -> Result<(Name, Expr)> {
        let name = self.schema_name("a property")?;
        self.expect(Symbol::Colon)?;
        Ok((name, self.expression()?))
    }
}
