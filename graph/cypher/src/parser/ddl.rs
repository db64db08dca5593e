//! Statements that declare labels and edge types. The first keyword was read already.

use super::Result;
use super::cursor::Parser;
use crate::ast::{Computed, CreateEdgeType, CreateNodeLabel, Edges, Name, Reference, Source, StatementKind};
use crate::diagnostic::Diagnostic;
use crate::lexer::number::INTEGER_MAGNITUDE_MAX;
use crate::lexer::{Symbol, TokenKind};
use crate::span::Span;

impl Parser<'_> {
    pub(super) fn create(&mut self, verb: Span) -> Result<StatementKind> {
        self.refuse_schema_objects("CREATE", verb)?;
        match self.node_or_edge()? {
            Object::NodeLabel => self.create_node_label().map(StatementKind::CreateNodeLabel),
            Object::EdgeType => self.create_edge_type().map(StatementKind::CreateEdgeType),
        }
    }

    pub(super) fn drop_object(&mut self, verb: Span) -> Result<StatementKind> {
        self.refuse_schema_objects("DROP", verb)?;
        match self.node_or_edge()? {
            Object::NodeLabel => self.schema_name("a label").map(StatementKind::DropNodeLabel),
            Object::EdgeType => self.schema_name("an edge type").map(StatementKind::DropEdgeType),
        }
    }

    pub(super) fn show(&mut self, verb: Span) -> Result<StatementKind> {
        self.refuse_schema_objects("SHOW", verb)?;
        if self.eat_word("NODE") {
            self.expect_word("LABELS")?;
            return Ok(StatementKind::ShowNodeLabels);
        }
        self.expect_word("EDGE")?;
        self.expect_word("TYPES")?;
        Ok(StatementKind::ShowEdgeTypes)
    }

    pub(super) fn describe(&mut self) -> Result<StatementKind> {
        match self.node_or_edge()? {
            Object::NodeLabel => self.schema_name("a label").map(StatementKind::DescribeNodeLabel),
            Object::EdgeType => self.schema_name("an edge type").map(StatementKind::DescribeEdgeType),
        }
    }

    fn node_or_edge(&mut self) -> Result<Object> {
        if self.eat_word("NODE") {
            self.expect_word("LABEL")?;
            return Ok(Object::NodeLabel);
        }
        self.expect_word("EDGE")?;
        self.expect_word("TYPE")?;
        Ok(Object::EdgeType)
    }

    fn create_node_label(&mut self) -> Result<CreateNodeLabel> {
        let label = self.schema_name("a label")?;
        if self.is_symbol(0, Symbol::LeftParen) {
            let help = "columns and their types come from the files or the table";
            return self.unsupported_but("columns of a label", self.nth(0).span, help);
        }
        let source = match self.eat_word("VIRTUAL") {
            true => {
                self.expect_word("FROM")?;
                self.expect_word("PARTITION")?;
                Source::Partition(self.text()?)
            }
            false => {
                self.expect_word("FROM")?;
                if self.is_word(0, "PARTITION") {
                    return Err(self.unexpected_partition());
                }
                self.source()?
            }
        };
        let key = match self.eat_word("KEY") {
            true => Some(self.key_column()?),
            false => None,
        };
        let computed = match self.eat_word("COMPUTE") {
            true => self.separated(Self::computed)?,
            false => Vec::new(),
        };
        Ok(CreateNodeLabel { label, source, key, computed })
    }

    /// `FROM PARTITION` reads in place, so it must say so.
    fn unexpected_partition(&mut self) -> Diagnostic {
        let _ = self.eat_word("FILE") || self.eat_word("TABLE");
        self.unexpected().with_help("write `VIRTUAL FROM PARTITION`: partitions are read in place")
    }

    fn computed(&mut self) -> Result<Computed> {
        let name = self.schema_name("a property")?;
        self.expect(Symbol::Eq)?;
        Ok(Computed { name, value: self.expression()? })
    }

    fn create_edge_type(&mut self) -> Result<CreateEdgeType> {
        let name = self.schema_name("an edge type")?;
        Ok(CreateEdgeType { name, parts: self.separated(Self::edges)? })
    }

    /// Where the edges between two labels are.
    fn edges(&mut self) -> Result<Edges> {
        let is_virtual = self.eat_word("VIRTUAL");
        self.expect_word("FROM")?;
        Ok(match is_virtual || self.is_source() {
            true => Edges::Rows {
                rows: self.source()?,
                source: self.reference("SOURCE")?,
                target: self.reference("TARGET")?,
            },
            false => {
                let source = self.schema_name("`PARTITION`, `FILE`, `TABLE` or a label")?;
                Edges::ForeignKey { source, target: self.reference("TARGET")? }
            }
        })
    }

    /// True if rows are named here and not a label, which may be called `File` too.
    fn is_source(&self) -> bool {
        let is_kind = ["PARTITION", "FILE", "TABLE"].into_iter().any(|kind| self.is_word(0, kind));
        (is_kind && !self.is_word(1, "TARGET")) || self.is_format()
    }

    /// True if a word stands here, and a text behind it.
    fn is_format(&self) -> bool {
        matches!(self.nth(0).kind, TokenKind::Word) && matches!(self.nth(1).kind, TokenKind::Text(_))
    }

    /// What follows `FROM`.
    pub(super) fn source(&mut self) -> Result<Source> {
        if self.eat_word("PARTITION") {
            return self.text().map(Source::Partition);
        }
        if self.eat_word("FILE") {
            return self.text().map(Source::File);
        }
        if self.is_format() && !self.is_word(0, "TABLE") {
            return Ok(Source::Format { format: self.schema_name("a format of tables")?, place: self.text()? });
        }
        self.expect_word("TABLE")?;
        let table = self.text()?;
        let run = match self.eat_word("RUN") {
            true => Some(self.text()?),
            false => None,
        };
        let as_of = match self.eat_word("AS") {
            true => {
                self.expect_word("OF")?;
                self.expect_word("TICK")?;
                Some(self.tick()?)
            }
            false => None,
        };
        Ok(Source::Table { table, run, as_of })
    }

    pub(super) fn tick(&mut self) -> Result<i64> {
        let minus = self.nth(0).span;
        let is_negative = self.eat(Symbol::Minus);
        let span = self.nth(0).span;
        let TokenKind::Integer(magnitude) = self.nth(0).kind else {
            self.expect_thing("an integer");
            return Err(self.unexpected());
        };
        self.bump();
        match (i64::try_from(magnitude), is_negative) {
            (Ok(tick), false) => Ok(tick),
            (Ok(tick), true) => Ok(-tick),
            (Err(_), true) if magnitude == INTEGER_MAGNITUDE_MAX => Ok(i64::MIN),
            (Err(_), _) => {
                let help = format!("ticks go from {} to {}", i64::MIN, i64::MAX);
                let place = if is_negative { minus.to(span) } else { span };
                Err(Diagnostic::syntax(format!("tick `{magnitude}` is out of range"), place).with_help(help))
            }
        }
    }

    /// `SOURCE KEY column REFERENCES Label(column)`.
    fn reference(&mut self, end: &'static str) -> Result<Reference> {
        self.expect_word(end)?;
        self.expect_word("KEY")?;
        let column = self.key_column()?;
        self.expect_word("REFERENCES")?;
        let label = self.schema_name("a label")?;
        self.expect(Symbol::LeftParen)?;
        let key = self.schema_name("a column")?;
        self.expect(Symbol::RightParen)?;
        Ok(Reference { column, label, key })
    }

    /// A column, perhaps in brackets.
    fn key_column(&mut self) -> Result<Name> {
        if !self.eat(Symbol::LeftParen) {
            return self.schema_name("a column");
        }
        let column = self.schema_name("a column")?;
        if self.is_symbol(0, Symbol::Comma) {
            return self.unsupported("keys of several columns", self.nth(0).span);
        }
        self.expect(Symbol::RightParen)?;
        Ok(column)
    }
}

/// What a statement declares.
enum Object {
    NodeLabel,
    EdgeType,
}
