//! What a statement is; queries, and how reading goes on behind a clause that is wrong.

use super::Result;
use super::cursor::Parser;
use crate::ast::{Clause, ClauseKind, Combination, Combinator, Query, SingleQuery, Statement, StatementKind};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::lexer::{Symbol, TokenKind};
use crate::span::Span;

/// The most mistakes that are told of one statement.
const WRONG_MAX: usize = 20;

/// The most clauses that read in a statement, with those of queries within expressions. What runs them asks each for its
/// rows from within the next: all of them, with the highest expression in the first, fit a stack of 2 MiB in a build without
/// optimisation.
const READS_MAX: usize = 200;

/// Words that begin a clause, those first that are tried and listed first.
const STARTS: [&str; 16] = [
    "RETURN", "MATCH", "OPTIONAL", "WITH", "UNWIND", "CREATE", "MERGE", "SET", "REMOVE", "DELETE", "DETACH", "CALL",
    "LET", "FILTER", "FOR", "FINISH",
];

/// Whether a query must tell what comes out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With RETURN or an update.
    Needed,
    /// Within EXISTS and COUNT.
    Free,
}

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Result<Statement> {
        let first = self.nth(0).span;
        let kind = self.statement_kind(first)?;
        Ok(Statement { kind, span: self.span_from(first) })
    }

    fn statement_kind(&mut self, first: Span) -> Result<StatementKind> {
        if self.eat_word("EXPLAIN") {
            return self.query(Ending::Needed).map(StatementKind::Explain);
        }
        if self.eat_word("PROFILE") {
            return self.query(Ending::Needed).map(StatementKind::Profile);
        }
        if let Some(declared) = self.view_or_overlay()? {
            return Ok(declared);
        }
        if self.is_word(0, "CREATE") && !self.is_symbol(1, Symbol::LeftParen) && !self.is_symbol(2, Symbol::Eq) {
            self.bump();
            return self.create(first);
        }
        if self.eat_word("DROP") {
            return self.drop_object(first);
        }
        if self.eat_word("SHOW") {
            return self.show(first);
        }
        if self.eat_word("DESCRIBE") {
            return self.describe();
        }
        self.query(Ending::Needed).map(StatementKind::Query)
    }

    /// A query that stands on its own.
    pub(super) fn whole_query(&mut self) -> Result<Query> {
        self.query(Ending::Needed)
    }

    fn query(&mut self, ending: Ending) -> Result<Query> {
        let first_span = self.nth(0).span;
        let as_of = if ending == Ending::Needed { self.as_of()? } else { None };
        let first = self.single_query(ending)?;
        let mut others = Vec::new();
        loop {
            let span = self.nth(0).span;
            let Some(combinator) = self.combinator() else { break };
            let span = self.span_from(span);
            others.push(Combination { combinator, query: self.single_query(ending)?, span });
        }
        Ok(Query { as_of, first, others, span: self.span_from(first_span) })
    }

    fn combinator(&mut self) -> Option<Combinator> {
        if self.eat_word("UNION") {
            if self.eat_word("ALL") {
                return Some(Combinator::UnionAll);
            }
            let _ = self.eat_word("DISTINCT");
            return Some(Combinator::Union);
        }
        [("EXCEPT", Combinator::Except), ("INTERSECT", Combinator::Intersect), ("NEXT", Combinator::Next)]
            .into_iter()
            .find(|(word, _)| self.is_word(0, word) && self.eat_word(word))
            .map(|(_, combinator)| combinator)
    }

    /// What stands in the braces of EXISTS, COUNT and COLLECT.
    pub(super) fn subquery_body(&mut self) -> Result<Query> {
        if self.starts_clause() {
            return self.query(Ending::Free);
        }
        let first = self.nth(0).span;
        let kind = self.match_clause(false)?;
        let span = self.span_from(first);
        let clause = Clause { kind, span };
        let first = SingleQuery { clauses: vec![clause], span };
        Ok(Query { as_of: None, first, others: Vec::new(), span })
    }

    fn single_query(&mut self, ending: Ending) -> Result<SingleQuery> {
        let first = self.nth(0).span;
        let mut clauses: Vec<Clause> = Vec::new();
        let mut is_whole = true;
        loop {
            if let Some(Clause { kind: ClauseKind::Return(_) | ClauseKind::Finish, .. }) = clauses.last()
                && is_whole
            {
                break;
            }
            self.refuse_clauses()?;
            let span = self.nth(0).span;
            let start = self.position();
            match self.clause_kind() {
                Ok(Some(kind)) => {
                    self.reads += usize::from(!writes(&kind));
                    if self.reads > READS_MAX {
                        return Err(too_long(span));
                    }
                    clauses.push(Clause { kind, span: self.span_from(span) });
                }
                Ok(None) => break,
                Err(diagnostic) if self.may_recover(&diagnostic) && self.recover(start) => {
                    is_whole = false;
                    self.wrong.push(diagnostic);
                }
                Err(diagnostic) => return Err(diagnostic),
            }
        }
        let may_end = match clauses.last().map(|clause| &clause.kind) {
            _ if !is_whole => true,
            None => false,
            Some(last) => ending == Ending::Free || ends_query(last, clauses.len()),
        };
        match may_end {
            true => Ok(SingleQuery { clauses, span: self.span_from(first) }),
            false => Err(self.unexpected()),
        }
    }

    fn starts_clause(&self) -> bool {
        STARTS.into_iter().any(|word| self.is_word(0, word)) && !self.is_symbol(1, Symbol::Eq)
    }

    /// A clause, or nothing.
    fn clause_kind(&mut self) -> Result<Option<ClauseKind>> {
        let Some(start) = STARTS.into_iter().find(|word| self.eat_word(word)) else { return Ok(None) };
        let kind = match start {
            "MATCH" => self.match_clause(false),
            "OPTIONAL" => {
                self.expect_word("MATCH")?;
                self.match_clause(true)
            }
            "WITH" => self.with_clause(),
            "UNWIND" => self.unwind_clause(),
            "CREATE" => self.create_clause(),
            "MERGE" => self.merge_clause(),
            "SET" => self.set_clause(),
            "REMOVE" => self.remove_clause(),
            "DELETE" => self.delete_clause(false),
            "DETACH" => {
                self.expect_word("DELETE")?;
                self.delete_clause(true)
            }
            "CALL" => self.call_clause(),
            "LET" => self.let_clause(),
            "FILTER" => self.filter_clause(),
            "FOR" => self.for_clause(),
            "FINISH" => Ok(ClauseKind::Finish),
            _ => self.projection().map(ClauseKind::Return),
        };
        kind.map(Some)
    }

    /// False within brackets, and where the text is meant well: there what follows is not wrong either.
    fn may_recover(&self, diagnostic: &Diagnostic) -> bool {
        self.depth == 0 && diagnostic.kind == DiagnosticKind::Syntax
    }

    /// Goes on at the next clause that begins outside of brackets, behind the one that began at `start`; false if there
    /// is none.
    fn recover(&mut self, start: usize) -> bool {
        self.pipe_ends = false;
        if self.wrong.len() + 1 >= WRONG_MAX {
            return false;
        }
        self.set_position(start + 1);
        while !self.is_end() {
            if self.starts_clause() && !self.continues_clause() {
                return true;
            }
            let next = match self.nth(0).kind {
                TokenKind::Symbol(Symbol::LeftParen | Symbol::LeftBracket | Symbol::LeftBrace) => self.closing(0),
                _ => None,
            };
            self.set_position(self.position() + next.unwrap_or(0) + 1);
        }
        false
    }

    /// True at the second word of `ON CREATE SET`, `STARTS WITH`, `DETACH DELETE`, `OPTIONAL MATCH`, and at names.
    fn continues_clause(&self) -> bool {
        let before = |word: &str| self.word_before().is_some_and(|before| before.eq_ignore_ascii_case(word));
        let is_part = ["ON", "STARTS", "ENDS", "DETACH", "OPTIONAL", "AS"].into_iter().any(before);
        let is_set = self.is_word(0, "SET") && (before("CREATE") || before("MATCH"));
        let is_name = self.is_symbol(1, Symbol::Dot) || self.is_symbol(1, Symbol::Comma);
        is_part || is_set || is_name || self.is_after_name_mark()
    }
}

fn writes(clause: &ClauseKind) -> bool {
    use ClauseKind::{Create, Delete, Merge, Remove, Set};
    matches!(clause, Create(_) | Merge(_) | Set(_) | Remove(_) | Delete(_))
}

fn too_long(span: Span) -> Diagnostic {
    let message = format!("the statement has more than {READS_MAX} clauses that read");
    Diagnostic::syntax(message, span).with_help("make several statements of it")
}

/// True for a clause that a query may end with.
fn ends_query(last: &ClauseKind, count: usize) -> bool {
    match last {
        ClauseKind::Match(_)
        | ClauseKind::Unwind(_)
        | ClauseKind::With(_)
        | ClauseKind::Let(_)
        | ClauseKind::Filter(_)
        | ClauseKind::For(_) => false,
        // On its own, or for what it does.
        ClauseKind::Call(call) => count == 1 || call.yields.is_none(),
        ClauseKind::Return(_)
        | ClauseKind::Finish
        | ClauseKind::Create(_)
        | ClauseKind::Merge(_)
        | ClauseKind::Set(_)
        | ClauseKind::Remove(_)
        | ClauseKind::Delete(_) => true,
    }
}
