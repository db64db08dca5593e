//! What the lexer hands to the parser.

use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A piece of the source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Where it stands.
    pub(crate) span: Span,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A keyword or a name: which of them, the parser knows. Its text is that of the span.
    Word,
    /// A name in backquotes, without them.
    QuotedName(String),
    /// A text literal without quotes and escapes.
    Text(String),
    /// An integer literal, at most 2^63; exactly that is allowed behind a minus only.
    Integer(u64),
    /// A float literal; finite.
    Float(f64),
    /// `$name`, without the dollar sign.
    Parameter(String),
    /// Punctuation or an operator.
    Symbol(Symbol),
    /// Something that is no token, and what is wrong with it.
    Invalid(Box<Diagnostic>),
    /// The end of the source.
    End,
}

/// Punctuation and operators. Arrows are made of several, since `a<-b` may also compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Comma,
    Dot,
    DotDot,
    Colon,
    Semicolon,
    Pipe,
    DoublePipe,
    Ampersand,
    Bang,
    Question,
    Tilde,
    Eq,
    PlusEq,
    RegexMatch,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
}

impl Symbol {
    /// All symbols, the longer before their beginnings.
    pub(crate) const ALL: [Self; 31] = [
        Self::DotDot,
        Self::DoublePipe,
        Self::PlusEq,
        Self::RegexMatch,
        Self::NotEq,
        Self::LtEq,
        Self::GtEq,
        Self::LeftParen,
        Self::RightParen,
        Self::LeftBracket,
        Self::RightBracket,
        Self::LeftBrace,
        Self::RightBrace,
        Self::Comma,
        Self::Dot,
        Self::Colon,
        Self::Semicolon,
        Self::Pipe,
        Self::Ampersand,
        Self::Bang,
        Self::Question,
        Self::Tilde,
        Self::Eq,
        Self::Lt,
        Self::Gt,
        Self::Plus,
        Self::Minus,
        Self::Star,
        Self::Slash,
        Self::Percent,
        Self::Caret,
    ];

    /// The symbol as it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::LeftParen => "(",
            Self::RightParen => ")",
            Self::LeftBracket => "[",
            Self::RightBracket => "]",
            Self::LeftBrace => "{",
            Self::RightBrace => "}",
            Self::Comma => ",",
            Self::Dot => ".",
            Self::DotDot => "..",
            Self::Colon => ":",
            Self::Semicolon => ";",
            Self::Pipe => "|",
            Self::DoublePipe => "||",
            Self::Ampersand => "&",
            Self::Bang => "!",
            Self::Question => "?",
            Self::Tilde => "~",
            Self::Eq => "=",
            Self::PlusEq => "+=",
            Self::RegexMatch => "=~",
            Self::NotEq => "<>",
            Self::Lt => "<",
            Self::LtEq => "<=",
            Self::Gt => ">",
            Self::GtEq => ">=",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Star => "*",
            Self::Slash => "/",
            Self::Percent => "%",
            Self::Caret => "^",
        }
    }
}
