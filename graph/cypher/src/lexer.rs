//! Cuts source text into tokens. It never fails: what is no token becomes a token that carries its diagnostic.

pub(crate) mod number;
mod text;
mod token;

pub(crate) use token::{Symbol, Token, TokenKind};

use crate::diagnostic::{Detail, Diagnostic};
use crate::names::{is_word_char, is_word_start};
use crate::span::Span;

/// The tokens of `source`; the last one is the end.
pub(crate) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { source, position: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next();
        let is_end = token.kind == TokenKind::End;
        tokens.push(token);
        if is_end {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    /// Byte offset; always between two characters.
    position: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Token {
        let blank = self.skip_blank();
        let start = self.position;
        let kind = match (blank, self.peek()) {
            (Err(invalid), _) => return invalid,
            (Ok(()), None) => TokenKind::End,
            (Ok(()), Some(first)) => self.token(first),
        };
        Token { kind, span: self.span_from(start) }
    }

    fn token(&mut self, first: char) -> TokenKind {
        match first {
            '\'' | '"' => self.text(first),
            '`' => match self.quoted_name() {
                Ok(name) => TokenKind::QuotedName(name),
                Err(invalid) => TokenKind::Invalid(invalid),
            },
            '$' => self.parameter(),
            '0'..='9' => self.number(),
            '.' if self.peek_second().is_some_and(|second| second.is_ascii_digit()) => self.number(),
            _ if is_word_start(first) => {
                self.take_while(is_word_char);
                TokenKind::Word
            }
            _ => self.symbol(first),
        }
    }

    fn symbol(&mut self, first: char) -> TokenKind {
        let start = self.position;
        let mistakes = [("!=", "write `<>`"), ("==", "write `=`"), ("&&", "write `AND`")];
        for (written, help) in mistakes {
            if self.rest().starts_with(written) {
                self.position += written.len();
                let message = format!("`{written}` is no operator");
                return invalid(Diagnostic::syntax(message, self.span_from(start)).with_help(help));
            }
        }
        match Symbol::ALL.into_iter().find(|symbol| self.rest().starts_with(symbol.text())) {
            Some(symbol) => {
                self.position += symbol.text().len();
                TokenKind::Symbol(symbol)
            }
            None => {
                self.bump();
                let shown = first.escape_debug();
                let diagnostic = Diagnostic::syntax(format!("unexpected character `{shown}`"), self.span_from(start));
                invalid(match first.is_ascii() {
                    true => diagnostic,
                    false => diagnostic.with_detail(Detail::InvalidUnicodeCharacter),
                })
            }
        }
    }

    /// `$name`, `$0`, `` $`name` ``.
    fn parameter(&mut self) -> TokenKind {
        let start = self.position;
        self.bump();
        match self.peek() {
            Some('`') => match self.quoted_name() {
                Ok(name) => TokenKind::Parameter(name),
                Err(invalid) => TokenKind::Invalid(invalid),
            },
            Some(first) if is_word_char(first) => TokenKind::Parameter(self.take_while(is_word_char).to_string()),
            _ => invalid(Diagnostic::syntax("expected the name of a parameter after `$`", self.span_from(start))),
        }
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) -> Result<(), Token> {
        loop {
            self.take_while(|next| next.is_whitespace() || next == '\u{feff}');
            let start = self.position;
            if self.rest().starts_with("//") {
                self.take_while(|next| next != '\n');
            } else if self.rest().starts_with("/*") {
                // The star that opens the comment does not close it: `/*/` goes on.
                self.position += 2;
                let closed = self.rest().find("*/");
                self.position = closed.map_or(self.source.len(), |offset| self.position + offset + 2);
                if closed.is_none() {
                    let span = Span::new(start, start + 2);
                    let kind = invalid(Diagnostic::syntax("comment without end", span).with_help("close it with `*/`"));
                    return Err(Token { kind, span });
                }
            } else {
                return Ok(());
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|next| !is_part(next)).unwrap_or(rest.len());
        self.position += end;
        rest.get(..end).unwrap_or_default()
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.position)
    }
}

fn invalid(diagnostic: Diagnostic) -> TokenKind {
    TokenKind::Invalid(Box::new(diagnostic))
}

#[cfg(test)]
mod tests;
