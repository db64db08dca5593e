//! The place in the tokens, and what was expected there.

use super::Result;
use crate::ast::{Name, Text};
use crate::diagnostic::{Detail, Diagnostic};
use crate::lexer::{Symbol, Token, TokenKind};
use crate::names::is_reserved;
use crate::span::Span;
use crate::suggest::closest;

/// How many characters of a found token a message shows.
const FOUND_MAX: usize = 30;

/// How many expected things a message lists.
const EXPECTED_MAX: usize = 8;

/// How messages call what may be a name; there a reserved word may have been meant as one.
pub(super) const VARIABLE: &str = "a variable";
pub(super) const ALIAS: &str = "a name";
pub(super) const EXPRESSION: &str = "an expression";

/// Reads one statement.
pub(super) struct Parser<'a> {
    /// The whole source.
    pub(super) source: &'a str,
    tokens: &'a [Token],
    position: usize,
    /// What would have been taken at this position.
    expected: Vec<Expected>,
    /// Stands for every token behind the last one.
    end: Token,
    /// How many calls deep an expression is; see `expressions`.
    pub(super) depth: usize,
    /// The height of the highest expression so far; see [`Parser::nested`].
    pub(super) highest: usize,
    /// How many clauses that read there are so far.
    pub(super) reads: usize,
    /// True where `|` ends an expression, so that it joins no labels.
    pub(super) pipe_ends: bool,
    /// For each token that opens a bracket, where the one that closes it stands.
    closing: Vec<usize>,
    /// What was wrong with clauses before this one.
    pub(super) wrong: Vec<Diagnostic>,
}

/// Where the bracket is closed that each token opens; no token is at `usize::MAX`.
fn closing(tokens: &[Token]) -> Vec<usize> {
    let mut closing = vec![usize::MAX; tokens.len()];
    let mut open: Vec<(Symbol, usize)> = Vec::new();
    for (position, token) in tokens.iter().enumerate() {
        let TokenKind::Symbol(symbol) = token.kind else { continue };
        let opener = match symbol {
            Symbol::LeftParen | Symbol::LeftBracket | Symbol::LeftBrace => {
                open.push((symbol, position));
                continue;
            }
            Symbol::RightParen => Symbol::LeftParen,
            Symbol::RightBracket => Symbol::LeftBracket,
            Symbol::RightBrace => Symbol::LeftBrace,
            _ => continue,
        };
        if let Some((_, start)) = open.pop_if(|(symbol, _)| *symbol == opener)
            && let Some(end) = closing.get_mut(start)
        {
            *end = position;
        }
    }
    closing
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Symbol(Symbol),
    Word(&'static str),
    Thing(&'static str),
}

impl<'a> Parser<'a> {
    /// A parser at the first of `tokens`, which end with a semicolon or the end of the source.
    pub(super) fn new(source: &'a str, tokens: &'a [Token]) -> Self {
        let end = Token { kind: TokenKind::End, span: Span::new(source.len(), source.len()) };
        let (expected, wrong, closing) = (Vec::new(), Vec::new(), closing(tokens));
        Self {
            source,
            tokens,
            position: 0,
            expected,
            end,
            depth: 0,
            highest: 0,
            reads: 0,
            pipe_ends: false,
            closing,
            wrong,
        }
    }

    /// What `rule` reads, if it reads everything.
    pub(super) fn whole<T>(
        mut self,
        rule: impl FnOnce(&mut Self) -> Result<T>,
    ) -> std::result::Result<T, Vec<Diagnostic>> {
        let read = rule(&mut self).and_then(|read| match self.is_end() {
            true => Ok(read),
            false => {
                self.expect_thing("the end of the statement");
                Err(self.unexpected())
            }
        });
        match read {
            Ok(read) if self.wrong.is_empty() => Ok(read),
            Ok(_) => Err(self.wrong),
            Err(diagnostic) => {
                self.wrong.push(diagnostic);
                Err(self.wrong)
            }
        }
    }

    /// True at the semicolon or the end of the source.
    pub(super) fn is_end(&self) -> bool {
        self.position + 1 >= self.tokens.len()
    }

    /// How far ahead the bracket is closed that is opened `ahead`.
    pub(super) fn closing(&self, ahead: usize) -> Option<usize> {
        let end = self.closing.get(self.position + ahead).copied().filter(|end| *end != usize::MAX)?;
        end.checked_sub(self.position)
    }

    /// The token `ahead` of the next one, which is number 0.
    pub(super) fn nth(&self, ahead: usize) -> &Token {
        self.tokens.get(self.position + ahead).unwrap_or(&self.end)
    }

    /// The word `ahead`, if it is one.
    pub(super) fn word(&self, ahead: usize) -> Option<&'a str> {
        let token = self.nth(ahead);
        (token.kind == TokenKind::Word).then(|| token.span.text(self.source))
    }

    pub(super) fn is_word(&self, ahead: usize, keyword: &str) -> bool {
        self.word(ahead).is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn is_symbol(&self, ahead: usize, symbol: Symbol) -> bool {
        self.nth(ahead).kind == TokenKind::Symbol(symbol)
    }

    /// The number of the next token.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Goes on at a token; what was expected is forgotten.
    pub(super) fn set_position(&mut self, position: usize) {
        self.position = position;
        self.expected.clear();
    }

    /// The token in front of the next one.
    fn before(&self) -> Option<&Token> {
        self.position.checked_sub(1).and_then(|position| self.tokens.get(position))
    }

    /// The word in front of the next token, if it is one.
    pub(super) fn word_before(&self) -> Option<&'a str> {
        let token = self.before()?;
        (token.kind == TokenKind::Word).then(|| token.span.text(self.source))
    }

    /// True behind a dot or a colon, where any word is a name.
    pub(super) fn is_after_name_mark(&self) -> bool {
        self.before().is_some_and(|token| matches!(token.kind, TokenKind::Symbol(Symbol::Dot | Symbol::Colon)))
    }

    /// True if a variable stands `ahead`: a name in backquotes, or a word that is not reserved.
    pub(super) fn is_variable(&self, ahead: usize) -> bool {
        match &self.nth(ahead).kind {
            TokenKind::QuotedName(_) => true,
            _ => self.word(ahead).is_some_and(|word| !is_reserved(word)),
        }
    }

    /// Steps over the next token.
    pub(super) fn bump(&mut self) -> Span {
        let span = self.nth(0).span;
        self.position += 1;
        self.expected.clear();
        span
    }

    /// Where the token before the next one ends, or where the next one starts if it is the first.
    pub(super) fn last_end(&self) -> usize {
        self.before().map_or(self.nth(0).span.start, |token| token.span.end)
    }

    /// From the start of `first` to the end of what was read last.
    pub(super) fn span_from(&self, first: Span) -> Span {
        Span::new(first.start, self.last_end().max(first.start))
    }

    /// Steps over `keyword` if it comes next, and remembers that it could have.
    pub(super) fn eat_word(&mut self, keyword: &'static str) -> bool {
        let found = self.is_word(0, keyword);
        match found {
            true => _ = self.bump(),
            false => self.expected.push(Expected::Word(keyword)),
        }
        found
    }

    /// Steps over `symbol` if it comes next, and remembers that it could have.
    pub(super) fn eat(&mut self, symbol: Symbol) -> bool {
        let found = self.is_symbol(0, symbol);
        match found {
            true => _ = self.bump(),
            false => self.expected.push(Expected::Symbol(symbol)),
        }
        found
    }

    /// Remembers that `thing` could come next.
    pub(super) fn expect_thing(&mut self, thing: &'static str) {
        self.expected.push(Expected::Thing(thing));
    }

    pub(super) fn expect_word(&mut self, keyword: &'static str) -> Result<Span> {
        let span = self.nth(0).span;
        match self.eat_word(keyword) {
            true => Ok(span),
            false => Err(self.unexpected()),
        }
    }

    pub(super) fn expect(&mut self, symbol: Symbol) -> Result<Span> {
        let span = self.nth(0).span;
        match self.eat(symbol) {
            true => Ok(span),
            false => Err(self.unexpected()),
        }
    }

    /// A text literal.
    pub(super) fn text(&mut self) -> Result<Text> {
        match &self.nth(0).kind {
            TokenKind::Text(value) => {
                let value = value.clone();
                Ok(Text { value, span: self.bump() })
            }
            _ => self.missing("a text in quotes"),
        }
    }

    /// A name where its place is known, so that it may be a reserved word: a label, a type, a column, a property.
    pub(super) fn schema_name(&mut self, what: &'static str) -> Result<Name> {
        match (&self.nth(0).kind, self.word(0)) {
            (TokenKind::QuotedName(name), _) if name.is_empty() => {
                Err(Diagnostic::syntax("a name may not be empty", self.nth(0).span))
            }
            (TokenKind::QuotedName(name), _) => {
                let text = name.clone();
                Ok(Name { text, span: self.bump() })
            }
            (_, Some(word)) => Ok(Name { text: word.to_string(), span: self.bump() }),
            _ => self.missing(what),
        }
    }

    /// The key of a map; it may be empty.
    pub(super) fn map_key(&mut self) -> Result<Name> {
        match &self.nth(0).kind {
            TokenKind::QuotedName(name) if name.is_empty() => Ok(Name { text: String::new(), span: self.bump() }),
            // Whatever is wrong with it as a number: no number is a key.
            TokenKind::Invalid(wrong) if wrong.detail == Some(Detail::InvalidNumberLiteral) => {
                Err(Diagnostic::syntax("a key is a name", wrong.span).with_help("put it in backquotes"))
            }
            _ => self.schema_name("a property"),
        }
    }

    /// A name that may not be a reserved word.
    pub(super) fn variable(&mut self, what: &'static str) -> Result<Name> {
        match self.is_variable(0) {
            true => self.schema_name(what),
            false => self.missing(what),
        }
    }

    /// A variable, if there is one.
    pub(super) fn variable_option(&mut self) -> Result<Option<Name>> {
        match self.is_variable(0) {
            true => self.variable(VARIABLE).map(Some),
            false => {
                self.expect_thing(VARIABLE);
                Ok(None)
            }
        }
    }

    fn missing<T>(&mut self, what: &'static str) -> Result<T> {
        self.expect_thing(what);
        Err(self.unexpected())
    }

    /// The next token fits nothing that was expected.
    pub(super) fn unexpected(&mut self) -> Diagnostic {
        let token = self.nth(0);
        if let TokenKind::Invalid(diagnostic) = &token.kind {
            return (**diagnostic).clone();
        }
        let expected = self.expected_list();
        // The end of the source may be far away, behind comments: the place to write on is behind the last token.
        let (found, span) = match token.kind {
            TokenKind::End => ("the end of the input".to_string(), Span::new(self.last_end(), self.last_end())),
            _ => (format!("`{}`", shorten(token.span.text(self.source))), token.span),
        };
        let diagnostic = Diagnostic::syntax(format!("expected {expected}, found {found}"), span);
        match self.help() {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }

    fn help(&self) -> Option<String> {
        let word = self.word(0)?;
        let keywords = self.expected.iter().filter_map(|expected| match expected {
            Expected::Word(keyword) => Some(*keyword),
            Expected::Symbol(_) | Expected::Thing(_) => None,
        });
        if let Some(keyword) = closest(word, keywords) {
            return Some(format!("did you mean `{keyword}`?"));
        }
        let wants_name = self.expected.iter().any(|expected| match expected {
            Expected::Thing(thing) => [VARIABLE, ALIAS, EXPRESSION].contains(thing),
            Expected::Symbol(_) | Expected::Word(_) => false,
        });
        (wants_name && is_reserved(word)).then(|| format!("`{word}` is reserved; as a name it needs backquotes"))
    }

    /// `a`, `b` or `c`; things first, since they say most.
    fn expected_list(&self) -> String {
        let mut texts: Vec<String> = Vec::new();
        let things = self.expected.iter().filter(|expected| matches!(expected, Expected::Thing(_)));
        let others = self.expected.iter().filter(|expected| !matches!(expected, Expected::Thing(_)));
        for expected in things.chain(others) {
            let text = match expected {
                Expected::Symbol(symbol) => format!("`{}`", symbol.text()),
                Expected::Word(keyword) => format!("`{keyword}`"),
                Expected::Thing(thing) => (*thing).to_string(),
            };
            if !texts.contains(&text) && texts.len() < EXPECTED_MAX {
                texts.push(text);
            }
        }
        match texts.split_last() {
            None => "something else".to_string(),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }
}

fn shorten(found: &str) -> String {
    let line = found.lines().next().unwrap_or_default();
    match line.char_indices().nth(FOUND_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None if line.len() < found.len() => format!("{line}…"),
        None => line.to_string(),
    }
}
