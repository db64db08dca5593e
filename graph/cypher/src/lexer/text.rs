//! Text literals with their escapes, and names in backquotes.

use super::{Lexer, TokenKind};
use crate::diagnostic::{Detail, Diagnostic};
use crate::span::Span;

impl Lexer<'_> {
    /// A text literal. The first wrong escape is reported, but the literal is read to its end, so that a semicolon in
    /// it ends no statement.
    pub(super) fn text(&mut self, quote: char) -> TokenKind {
        let start = self.position;
        let mut value = String::new();
        let mut wrong = None;
        self.bump();
        loop {
            match self.bump() {
                None => {
                    let span = Span::new(start, start + quote.len_utf8());
                    let help = format!("close it with `{quote}`");
                    return super::invalid(Diagnostic::syntax("text without end", span).with_help(help));
                }
                // A doubled quote stands for one.
                Some(next) if next == quote && self.peek() == Some(quote) => value.extend(self.bump()),
                Some(next) if next == quote => break,
                Some('\\') => match self.escape() {
                    Ok(decoded) => value.push(decoded),
                    Err(diagnostic) => wrong = wrong.or(Some(diagnostic)),
                },
                Some(next) => value.push(next),
            }
        }
        match wrong {
            Some(diagnostic) => super::invalid(diagnostic),
            None => TokenKind::Text(value),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Diagnostic> {
        let start = self.position.saturating_sub(1);
        match self.peek() {
            Some(same @ ('\\' | '\'' | '"' | '`')) => self.escaped(same),
            Some('n' | 'N') => self.escaped('\n'),
            Some('t' | 'T') => self.escaped('\t'),
            Some('r' | 'R') => self.escaped('\r'),
            Some('b' | 'B') => self.escaped('\u{8}'),
            Some('f' | 'F') => self.escaped('\u{c}'),
            Some('u') => self.unicode(start, 4),
            Some('U') => self.long_unicode(start),
            // The end of the source: the literal has no end either, and that is what is reported.
            None => Ok('\\'),
            Some(other) => {
                self.bump();
                let message = format!("unknown escape `\\{}`", other.escape_debug());
                let help = r#"known are \\ \' \" \n \t \r \b \f \uXXXX \UXXXXXX"#;
                Err(Diagnostic::syntax(message, self.span_from(start)).with_help(help))
            }
        }
    }

    fn escaped(&mut self, decoded: char) -> Result<char, Diagnostic> {
        self.bump();
        Ok(decoded)
    }

    /// `uXXXX` or `UXXXXXX`; two of the former if the first is one half of a surrogate pair.
    fn unicode(&mut self, start: usize, digits: usize) -> Result<char, Diagnostic> {
        let first = self.hex_digits(start, digits)?;
        let code = match first {
            0xD800..0xDC00 if self.rest().starts_with("\\u") => {
                self.bump();
                let second = self.hex_digits(start, 4)?;
                match second {
                    0xDC00..0xE000 => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => first,
                }
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| {
            Diagnostic::syntax(format!("U+{code:04X} is no character"), self.span_from(start))
                .with_detail(Detail::InvalidUnicodeLiteral)
                .with_help("beyond U+FFFF write both halves of the surrogate pair, or \\UXXXXXX")
        })
    }

    /// `UXXXXXX`. Eight digits, as other dialects write them, would be read as six and two letters: they are refused.
    fn long_unicode(&mut self, start: usize) -> Result<char, Diagnostic> {
        let decoded = self.unicode(start, 6)?;
        let mut rest = self.rest().chars();
        let is_digit = |next: Option<char>| next.is_some_and(|next| next.is_ascii_hexdigit());
        if is_digit(rest.next()) && is_digit(rest.next()) {
            let diagnostic = Diagnostic::syntax("`\\U` takes six hexadecimal digits", self.span_from(start));
            let help = "write a letter behind it as an escape too, if it is none of its digits";
            return Err(diagnostic.with_help(help).with_detail(Detail::InvalidUnicodeLiteral));
        }
        Ok(decoded)
    }

    fn hex_digits(&mut self, start: usize, digits: usize) -> Result<u32, Diagnostic> {
        self.bump();
        let mut code = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(16)) else {
                let message = format!("expected {digits} hexadecimal digits in the escape");
                let diagnostic = Diagnostic::syntax(message, self.span_from(start));
                return Err(diagnostic.with_detail(Detail::InvalidUnicodeLiteral));
            };
            self.bump();
            code = (code << 4) | digit;
        }
        Ok(code)
    }

    /// A name in backquotes; a doubled backquote stands for one.
    pub(super) fn quoted_name(&mut self) -> Result<String, Box<Diagnostic>> {
        let start = self.position;
        let mut name = String::new();
        self.bump();
        loop {
            match self.bump() {
                None => {
                    let diagnostic = Diagnostic::syntax("name without end", Span::new(start, start + 1));
                    return Err(Box::new(diagnostic.with_help("close it with a backquote")));
                }
                Some('`') if self.peek() == Some('`') => {
                    self.bump();
                    name.push('`');
                }
                Some('`') => break,
                Some(next) => name.push(next),
            }
        }
        Ok(name)
    }
}
