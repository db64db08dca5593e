//! Number literals.

use super::{Lexer, TokenKind, invalid};
use crate::diagnostic::{Detail, Diagnostic};
use crate::names::is_word_char;
use crate::span::Span;

/// The magnitude of the least integer.
pub(crate) const INTEGER_MAGNITUDE_MAX: u64 = 1 << 63;

impl<'a> Lexer<'a> {
    /// An integer, decimal, hexadecimal (`0x`) or octal (`0o`), or a float.
    pub(super) fn number(&mut self) -> TokenKind {
        let start = self.position;
        for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8)] {
            if self.rest().starts_with(prefix) {
                self.position += prefix.len();
                let digits = self.take_while(is_word_char);
                return self.integer(start, digits.strip_prefix('_').unwrap_or(digits), radix);
            }
        }
        let digits = self.digits();
        let is_float = self.fraction() | self.exponent();
        let end = self.position;
        let is_float = self.suffix(is_float);
        if !self.take_while(is_word_char).is_empty() {
            return self.malformed(start);
        }
        match is_float {
            true => self.float(start, end),
            false if digits.len() > 1 && digits.starts_with('0') => self.leading_zero(start, digits),
            false => self.integer(start, digits, 10),
        }
    }

    fn fraction(&mut self) -> bool {
        let found = self.peek() == Some('.') && self.peek_second().is_some_and(|next| next.is_ascii_digit());
        if found {
            self.bump();
            self.digits();
        }
        found
    }

    /// Digits, which underscores may part.
    fn digits(&mut self) -> &'a str {
        self.take_while(|next| next.is_ascii_digit() || next == '_')
    }

    /// `f` or `d`, which make a float of any number in decimals.
    fn suffix(&mut self, is_float: bool) -> bool {
        let mut rest = self.rest().chars();
        let found =
            is_float && rest.next().is_some_and(|next| "fFdD".contains(next)) && !rest.next().is_some_and(is_word_char);
        if found {
            self.bump();
        }
        is_float
    }

    fn exponent(&mut self) -> bool {
        let Some(rest) = self.rest().strip_prefix(['e', 'E']) else { return false };
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let found = digits.starts_with(|next: char| next.is_ascii_digit());
        if found {
            self.position += 1 + rest.len() - digits.len();
            self.digits();
        }
        found
    }

    fn integer(&self, start: usize, digits: &str, radix: u32) -> TokenKind {
        let Some(digits) = plain(digits).filter(|digits| digits.chars().all(|digit| digit.is_digit(radix))) else {
            return self.malformed(start);
        };
        match u64::from_str_radix(&digits, radix) {
            Ok(value) if value <= INTEGER_MAGNITUDE_MAX => TokenKind::Integer(value),
            _ => {
                let span = self.span_from(start);
                let message = format!("integer `{}` is out of range", span.text(self.source));
                let help = format!("integers go from {} to {}", i64::MIN, i64::MAX);
                invalid(Diagnostic::syntax(message, span).with_help(help).with_detail(Detail::IntegerOverflow))
            }
        }
    }

    fn float(&self, start: usize, end: usize) -> TokenKind {
        let span = self.span_from(start);
        let Some(digits) = plain(Span::new(start, end).text(self.source)) else { return self.malformed(start) };
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => TokenKind::Float(value),
            Ok(_) => {
                let message = format!("float `{}` is out of range", span.text(self.source));
                let diagnostic = Diagnostic::syntax(message, span).with_detail(Detail::FloatingPointOverflow);
                invalid(diagnostic.with_help(format!("floats go up to {:e}", f64::MAX)))
            }
            Err(_) => self.malformed(start),
        }
    }

    fn malformed(&self, start: usize) -> TokenKind {
        let span = self.span_from(start);
        let message = format!("malformed number `{}`", span.text(self.source));
        invalid(Diagnostic::syntax(message, span).with_detail(Detail::InvalidNumberLiteral))
    }

    /// Some dialects read `017` as octal, others as seventeen: neither is taken.
    fn leading_zero(&self, start: usize, digits: &str) -> TokenKind {
        let plain = digits.trim_start_matches('0');
        let help = match plain {
            "" => "write `0`".to_string(),
            _ => format!("write `{plain}`, or `0o{plain}` for an octal number"),
        };
        let diagnostic = Diagnostic::syntax("a number may not start with zero", self.span_from(start));
        invalid(diagnostic.with_help(help).with_detail(Detail::InvalidNumberLiteral))
    }
}

/// The digits without underscores; none if there are no digits, or an underscore does not stand between two.
fn plain(digits: &str) -> Option<String> {
    let is_parted = |part: &str| !part.is_empty() && !part.ends_with(['.', 'e', 'E', '+', '-']);
    let (last, others) =
        digits.split('_').collect::<Vec<_>>().split_last().map(|(last, others)| (*last, others.to_vec()))?;
    let fits = !last.is_empty() && others.iter().all(|part| is_parted(part));
    let starts_well = digits.split('_').skip(1).all(|part| part.starts_with(|next: char| next.is_ascii_hexdigit()));
    (fits && starts_well).then(|| digits.replace('_', ""))
}
