//! What openCypher or GQL has and this grammar has not: recognised, and refused by name.

use super::Result;
use super::cursor::Parser;
use crate::diagnostic::Diagnostic;
use crate::lexer::{Symbol, TokenKind};
use crate::span::Span;

/// Words that begin a clause or a statement which is not supported, how the message calls it, and what helps.
const CLAUSES: [(&str, &str, Option<&str>); 36] = [
    ("OPTIONAL", "OPTIONAL MATCH", None),
    ("WITH", "WITH", Some("write the whole query as one MATCH … RETURN")),
    ("UNWIND", "UNWIND", None),
    ("UNION", "UNION", Some("run the queries one by one")),
    ("EXCEPT", "EXCEPT", None),
    ("INTERSECT", "INTERSECT", None),
    ("MERGE", "MERGE", Some(READ_ONLY)),
    ("SET", "SET", Some(READ_ONLY)),
    ("DELETE", "DELETE", Some(READ_ONLY)),
    ("DETACH", "DETACH DELETE", Some(READ_ONLY)),
    ("NODETACH", "NODETACH DELETE", Some(READ_ONLY)),
    ("REMOVE", "REMOVE", Some(READ_ONLY)),
    ("INSERT", "INSERT", Some(READ_ONLY)),
    ("FOREACH", "FOREACH", Some(READ_ONLY)),
    ("LOAD", "LOAD CSV", None),
    ("CALL", "CALL", None),
    ("YIELD", "YIELD", None),
    ("PROFILE", "PROFILE", Some("EXPLAIN shows the plan")),
    ("USE", "USE", None),
    ("USING", "USING", None),
    ("LET", "LET", None),
    ("FILTER", "FILTER", Some("write WHERE")),
    ("FOR", "FOR", None),
    ("NEXT", "NEXT", None),
    ("FINISH", "FINISH", None),
    ("SELECT", "SELECT", Some("write MATCH … RETURN")),
    ("OFFSET", "OFFSET", Some("write SKIP")),
    ("FETCH", "FETCH", Some("write LIMIT")),
    ("GROUP", "GROUP BY", Some("columns without an aggregate group the rows")),
    ("HAVING", "HAVING", None),
    ("NULLS", "NULLS FIRST and NULLS LAST", None),
    ("ALTER", "ALTER", Some("DROP and CREATE the label or type")),
    ("BEGIN", "BEGIN", None),
    ("COMMIT", "COMMIT", None),
    ("ROLLBACK", "ROLLBACK", None),
    ("LIVE", "LIVE", None),
];

/// What CREATE, DROP and SHOW may be followed by elsewhere.
const SCHEMA_OBJECTS: [&str; 22] = [
    "INDEX",
    "INDEXES",
    "CONSTRAINT",
    "CONSTRAINTS",
    "UNIQUE",
    "DATABASE",
    "DATABASES",
    "ALIAS",
    "USER",
    "USERS",
    "ROLE",
    "ROLES",
    "GRAPH",
    "PROPERTY",
    "FULLTEXT",
    "VECTOR",
    "RANGE",
    "LOOKUP",
    "FUNCTIONS",
    "PROCEDURES",
    "TRANSACTIONS",
    "LIVE",
];

const READ_ONLY: &str = "queries only read; rows are written to the tables below the graph";

impl Parser<'_> {
    /// The diagnostic for `what` at `span`.
    pub(super) fn unsupported<T>(&self, what: &str, span: Span) -> Result<T> {
        Err(Diagnostic::unsupported(format!("not supported: {what}"), span))
    }

    /// The same with a way out.
    pub(super) fn unsupported_but<T>(&self, what: &str, span: Span, help: &str) -> Result<T> {
        self.unsupported(what, span).map_err(|diagnostic| diagnostic.with_help(help))
    }

    /// Refuses clauses of other dialects, where a clause may begin or end.
    pub(super) fn refuse_clauses(&self) -> Result<()> {
        let Some(word) = self.word(0) else { return Ok(()) };
        let span = self.nth(0).span;
        if word.eq_ignore_ascii_case("CREATE") {
            return self.unsupported_but("CREATE in a query", span, READ_ONLY);
        }
        match CLAUSES.iter().find(|(keyword, ..)| keyword.eq_ignore_ascii_case(word)) {
            Some((_, what, Some(help))) => self.unsupported_but(what, span, help),
            Some((_, what, None)) => self.unsupported(what, span),
            None => Ok(()),
        }
    }

    /// Refuses what other dialects create, drop and show; `verb` was read already.
    pub(super) fn refuse_schema_objects(&self, verb: &str, verb_span: Span) -> Result<()> {
        let is_path = self.is_variable(0) && self.is_symbol(1, Symbol::Eq);
        if verb == "CREATE" && (is_path || self.is_symbol(0, Symbol::LeftParen)) {
            return self.unsupported_but("CREATE of nodes and relationships", verb_span, READ_ONLY);
        }
        let Some(word) = self.word(0).map(str::to_uppercase) else { return Ok(()) };
        match SCHEMA_OBJECTS.contains(&word.as_str()) {
            true => self.unsupported(&format!("{verb} {word}"), verb_span.to(self.nth(0).span)),
            false => Ok(()),
        }
    }

    /// Refuses what may stand between MATCH and its first node, or before a node.
    pub(super) fn refuse_path_prefixes(&self) -> Result<()> {
        let span = self.nth(0).span;
        let word = self.word(0).map(str::to_ascii_uppercase).unwrap_or_default();
        if self.is_variable(0) && self.is_symbol(1, Symbol::Eq) {
            return self.unsupported("path variables", span);
        }
        match word.as_str() {
            "SHORTESTPATH" | "ALLSHORTESTPATHS" => self.unsupported(&format!("`{}(…)`", span.text(self.source)), span),
            "ANY" | "ALL" | "SHORTEST" => self.unsupported(&format!("the path selector {word}"), span),
            "WALK" | "TRAIL" | "SIMPLE" | "ACYCLIC" => self.unsupported(&format!("the path mode {word}"), span),
            "DIFFERENT" | "REPEATABLE" => self.unsupported("match modes", span),
            _ if self.is_symbol(0, Symbol::LeftParen) && self.is_symbol(1, Symbol::LeftParen) => {
                self.unsupported("path patterns in brackets", span)
            }
            _ => Ok(()),
        }
    }

    /// Refuses quantifiers behind a node or a relationship.
    pub(super) fn refuse_quantifiers(&self) -> Result<()> {
        match self.nth(0).kind {
            TokenKind::Symbol(Symbol::Star | Symbol::Plus | Symbol::Question | Symbol::LeftBrace) => {
                self.unsupported_but("quantified patterns", self.nth(0).span, "write out each hop")
            }
            _ => Ok(()),
        }
    }

    /// Refuses label expressions where a label or type must come.
    pub(super) fn refuse_label_expressions(&self) -> Result<()> {
        match self.nth(0).kind {
            TokenKind::Symbol(
                Symbol::Bang | Symbol::Percent | Symbol::LeftParen | Symbol::Ampersand | Symbol::DoublePipe,
            ) => self.unsupported("label expressions", self.nth(0).span),
            TokenKind::Parameter(_) => self.unsupported("parameters in place of labels", self.nth(0).span),
            _ => Ok(()),
        }
    }

    /// Refuses what may stand within a node or relationship instead of properties, or behind them.
    pub(super) fn refuse_in_element(&self) -> Result<()> {
        let span = self.nth(0).span;
        match self.nth(0).kind {
            TokenKind::Parameter(_) => {
                self.unsupported_but("parameters as maps", span, "write `{name: $value}` for each property")
            }
            _ if self.is_word(0, "WHERE") => {
                self.unsupported_but("WHERE within a pattern", span, "write it behind the pattern")
            }
            _ if self.is_word(0, "IS") => self.unsupported_but("IS before a label", span, "write `:`"),
            _ => Ok(()),
        }
    }

    /// True if a pattern such as `(a)-->(b)` starts `ahead`, where an expression may start as well.
    pub(super) fn is_pattern(&self, ahead: usize) -> bool {
        if !self.is_symbol(ahead, Symbol::LeftParen) {
            return false;
        }
        let has_name = self.is_variable(ahead + 1);
        let after_name = ahead + 1 + usize::from(has_name);
        match &self.nth(after_name).kind {
            TokenKind::Symbol(Symbol::Colon) => true,
            TokenKind::Symbol(Symbol::RightParen) => !has_name || self.is_arrow(after_name + 1),
            _ => false,
        }
    }

    /// True if `-[…]-`, `--(`, `-->` or one of those behind `<` comes `ahead`.
    fn is_arrow(&self, ahead: usize) -> bool {
        let ahead = ahead + usize::from(self.is_symbol(ahead, Symbol::Lt));
        if !self.is_symbol(ahead, Symbol::Minus) {
            return false;
        }
        match (&self.nth(ahead + 1).kind, &self.nth(ahead + 2).kind) {
            (TokenKind::Symbol(Symbol::Minus), TokenKind::Symbol(Symbol::LeftParen | Symbol::Gt)) => true,
            (TokenKind::Symbol(Symbol::LeftBracket), _) => self.is_relationship(ahead + 1),
            _ => false,
        }
    }

    /// True if `[]-`, `[r]-` or `[r:` comes `ahead`: no list, and a list cannot be subtracted either.
    fn is_relationship(&self, ahead: usize) -> bool {
        let after_name = ahead + 1 + usize::from(self.is_variable(ahead + 1));
        match self.nth(after_name).kind {
            TokenKind::Symbol(Symbol::Colon | Symbol::Star) => true,
            TokenKind::Symbol(Symbol::RightBracket) => self.is_symbol(after_name + 1, Symbol::Minus),
            _ => false,
        }
    }
}
