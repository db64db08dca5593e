//! What openCypher or GQL has and this grammar has not: recognised, and refused by name.

use super::Result;
use super::cursor::Parser;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// Words that begin a clause or a statement which is not supported, how the message calls it, and what helps.
const CLAUSES: [(&str, &str, Option<&str>); 17] = [
    ("NODETACH", "NODETACH DELETE", Some("write DELETE")),
    ("INSERT", "INSERT", Some("write CREATE")),
    ("FOREACH", "FOREACH", Some("write UNWIND")),
    ("LOAD", "LOAD CSV", None),
    ("USE", "USE", None),
    ("USING", "USING", None),
    ("SELECT", "SELECT", Some("write MATCH … RETURN")),
    ("FETCH", "FETCH", Some("write LIMIT")),
    ("GROUP", "GROUP BY", Some("columns without an aggregate group the rows")),
    ("HAVING", "HAVING", Some("write WITH … WHERE")),
    ("OTHERWISE", "OTHERWISE", None),
    ("PROFILE", "PROFILE within a query", Some("it is the first word of a statement")),
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
        match CLAUSES.iter().find(|(keyword, ..)| keyword.eq_ignore_ascii_case(word)) {
            Some((_, what, Some(help))) => self.unsupported_but(what, span, help),
            Some((_, what, None)) => self.unsupported(what, span),
            None => Ok(()),
        }
    }

    /// Refuses what other dialects create, drop and show; `verb` was read already.
    pub(super) fn refuse_schema_objects(&self, verb: &str, verb_span: Span) -> Result<()> {
        let Some(word) = self.word(0).map(str::to_uppercase) else { return Ok(()) };
        match SCHEMA_OBJECTS.contains(&word.as_str()) {
            true => self.unsupported(&format!("{verb} {word}"), verb_span.to(self.nth(0).span)),
            false => Ok(()),
        }
    }
}
