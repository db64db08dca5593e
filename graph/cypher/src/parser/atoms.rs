//! Operands: literals, names, calls, CASE, brackets, and what is written behind an operand.

use super::Result;
use super::cursor::{EXPRESSION, Parser};
use super::expressions::{Level, Tree};
use super::patterns::Labels;
use crate::ast::{Expr, ExprKind, Literal, MapItem, Name, SubqueryKind};
use crate::diagnostic::{Detail, Diagnostic};
use crate::lexer::{Symbol, TokenKind};
use crate::names::{is_reserved, is_special_function};

impl Parser<'_> {
    /// An operand with its properties, elements and labels.
    pub(super) fn postfix(&mut self) -> Result<Tree> {
        let mut tree = self.atom()?;
        loop {
            tree = match self.nth(0).kind {
                TokenKind::Symbol(Symbol::Dot) => self.property(tree)?,
                TokenKind::Symbol(Symbol::LeftBracket) => self.element(tree)?,
                // A colon is taken for labels only where a label follows, for `{a: x}` ends keys with it elsewhere.
                TokenKind::Symbol(Symbol::Colon) => {
                    self.bump();
                    let labels = self.label_expression(Labels::Predicate)?;
                    let span = tree.expr.span.to(labels.span);
                    return self.higher(tree.height, span, ExprKind::HasLabels(Box::new(tree.expr), labels));
                }
                _ => return Ok(tree),
            };
        }
    }

    fn property(&mut self, tree: Tree) -> Result<Tree> {
        self.bump();
        let name = self.schema_name("a property")?;
        let span = tree.expr.span.to(name.span);
        self.higher(tree.height, span, ExprKind::Property(Box::new(tree.expr), name))
    }

    /// `[index]`, `[from..to]`.
    fn element(&mut self, tree: Tree) -> Result<Tree> {
        self.bump();
        let mut height = tree.height;
        let from = match self.is_symbol(0, Symbol::DotDot) {
            true => None,
            false => Some(Box::new(self.part(&mut height)?)),
        };
        let is_slice = self.eat(Symbol::DotDot);
        let to = match is_slice && !self.is_symbol(0, Symbol::RightBracket) {
            true => Some(Box::new(self.part(&mut height)?)),
            false => None,
        };
        let span = tree.expr.span.to(self.expect(Symbol::RightBracket)?);
        let of = Box::new(tree.expr);
        match (is_slice, from) {
            (false, Some(index)) => self.higher(height, span, ExprKind::Index(of, index)),
            (_, from) => self.higher(height, span, ExprKind::Slice(of, from, to)),
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
            TokenKind::Symbol(Symbol::LeftBrace) => return self.map(),
            TokenKind::QuotedName(_) => return self.named(),
            _ => match self.word(0).map(str::to_ascii_uppercase).as_deref() {
                Some("TRUE") => Literal::Bool(true),
                Some("FALSE") => Literal::Bool(false),
                Some("NULL") => Literal::Null,
                Some("INF" | "INFINITY") => Literal::Float(f64::INFINITY),
                Some("NAN") => Literal::Float(f64::NAN),
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
                let diagnostic = Diagnostic::syntax(message, self.nth(0).span).with_help(help);
                Err(diagnostic.with_detail(Detail::IntegerOverflow))
            }
        }
    }

    fn in_brackets(&mut self) -> Result<Tree> {
        if self.is_pattern(0) {
            return self.pattern();
        }
        let first = self.bump();
        let pipe_ends = std::mem::replace(&mut self.pipe_ends, false);
        let mut tree = self.tree(Level::Or)?;
        self.pipe_ends = pipe_ends;
        let last = self.expect(Symbol::RightParen)?;
        tree.expr.span = first.to(last);
        Ok(tree)
    }

    /// A pattern as a condition.
    fn pattern(&mut self) -> Result<Tree> {
        let (path, height) = self.nested(Self::plain_path)?;
        self.higher(height, path.span, ExprKind::Pattern(Box::new(path)))
    }

    fn map(&mut self) -> Result<Tree> {
        let first = self.bump();
        let (entries, height) = self.deeper(0, Self::map_entries)?;
        let span = self.span_from(first);
        self.higher(height, span, ExprKind::Map(entries))
    }

    /// What begins with a name: a variable, a call, a subquery, a map projection.
    fn named(&mut self) -> Result<Tree> {
        if let Some(kind) = self.subquery_kind() {
            return self.subquery(kind);
        }
        if let Some(shortest) = self.shortest_function() {
            let (path, height) = self.nested(|parser| parser.shortest_path(shortest))?;
            return self.higher(height, path.span, ExprKind::Pattern(Box::new(path)));
        }
        if self.is_symbol(1, Symbol::LeftParen)
            && let Some(word) = self.word(0).filter(|word| is_special_function(word))
        {
            return self.special_function(word);
        }
        if self.is_call() {
            return self.call();
        }
        let name = self.variable(EXPRESSION)?;
        if self.is_symbol(0, Symbol::LeftBrace) {
            return self.map_projection(name);
        }
        Ok(Tree { expr: Expr { kind: ExprKind::Variable(name.text), span: name.span }, height: 1 })
    }

    fn subquery_kind(&self) -> Option<SubqueryKind> {
        if !self.is_symbol(1, Symbol::LeftBrace) {
            return None;
        }
        let kinds =
            [("EXISTS", SubqueryKind::Exists), ("COUNT", SubqueryKind::Count), ("COLLECT", SubqueryKind::Collect)];
        kinds.into_iter().find(|(word, _)| self.is_word(0, word)).map(|(_, kind)| kind)
    }

    fn subquery(&mut self, kind: SubqueryKind) -> Result<Tree> {
        let first = self.bump();
        self.bump();
        let (query, height) = self.nested(Self::subquery_body)?;
        let last = self.expect(Symbol::RightBrace)?;
        self.higher(height, first.to(last), ExprKind::Subquery(kind, Box::new(query)))
    }

    /// True if names with dots between them and a bracket come next. A name is looked at once for each expression that
    /// begins with it.
    fn is_call(&self) -> bool {
        let may_be_function = match self.word(0) {
            Some(word) => !is_reserved(word) || word.eq_ignore_ascii_case("EXISTS"),
            None => true,
        };
        let mut ahead = 1;
        while self.is_symbol(ahead, Symbol::Dot) && self.is_name(ahead + 1) {
            ahead += 2;
        }
        may_be_function && self.is_symbol(ahead, Symbol::LeftParen)
    }

    fn is_name(&self, ahead: usize) -> bool {
        matches!(self.nth(ahead).kind, TokenKind::Word | TokenKind::QuotedName(_))
    }

    fn call(&mut self) -> Result<Tree> {
        let mut function = self.schema_name("a function")?;
        let first = function.span;
        let mut namespace = Vec::new();
        while self.eat(Symbol::Dot) {
            namespace.push(std::mem::replace(&mut function, self.schema_name("a function")?));
        }
        self.bump();
        if self.is_symbol(0, Symbol::Star) && namespace.is_empty() && function.text.eq_ignore_ascii_case("count") {
            self.bump();
            let last = self.expect(Symbol::RightParen)?;
            return Ok(Tree { expr: Expr { kind: ExprKind::CountAll, span: first.to(last) }, height: 1 });
        }
        let distinct = self.eat_word("DISTINCT");
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
        let last = self.expect(Symbol::RightParen)?;
        self.higher(height, first.to(last), ExprKind::Call { namespace, function, distinct, arguments })
    }

    /// `{.name, .*, variable, name: value}` behind a variable.
    fn map_projection(&mut self, name: Name) -> Result<Tree> {
        self.bump();
        let (items, height) = self.deeper(0, |parser| match parser.eat(Symbol::RightBrace) {
            true => Ok(Vec::new()),
            false => {
                let items = parser.separated(Self::map_item)?;
                parser.expect(Symbol::RightBrace)?;
                Ok(items)
            }
        })?;
        let span = self.span_from(name.span);
        self.higher(height, span, ExprKind::MapProjection(name, items))
    }

    fn map_item(&mut self) -> Result<MapItem> {
        if self.eat(Symbol::Dot) {
            return match self.eat(Symbol::Star) {
                true => Ok(MapItem::All),
                false => self.schema_name("a property").map(MapItem::Property),
            };
        }
        if !self.is_symbol(1, Symbol::Colon) {
            return self.variable("a variable").map(MapItem::Variable);
        }
        let name = self.map_key()?;
        self.bump();
        Ok(MapItem::Field(name, self.expression()?))
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
            let mut when = vec![self.part(&mut height)?];
            while operand.is_some() && self.eat(Symbol::Comma) {
                when.push(self.part(&mut height)?);
            }
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
    pub(super) fn part(&mut self, height: &mut usize) -> Result<Expr> {
        let tree = self.tree(Level::Or)?;
        *height = tree.height.max(*height);
        Ok(tree.expr)
    }
}
