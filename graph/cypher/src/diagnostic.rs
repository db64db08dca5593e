//! What is wrong with a statement, and where.

mod detail;
mod render;

pub use detail::Detail;
pub use render::line_column;

use std::fmt;

use crate::span::Span;

/// What is wrong with a statement: the message, the place in the source, and what would help.
///
/// Parser and planner make them; [`Diagnostic::render`] shows them with the source line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Which stage refuses, and so what a caller may do.
    pub kind: DiagnosticKind,
    /// What is wrong: lower case, no full stop, names and source text in backquotes.
    pub message: String,
    /// What the message speaks of, in bytes of the source; empty at the end of the source.
    pub span: Span,
    /// What would work instead.
    pub help: Option<String>,
    /// What the openCypher TCK calls such a mistake, if it has a name for it.
    pub detail: Option<Detail>,
    /// The class that the openCypher TCK has for such a mistake.
    pub class: MistakeClass,
}

/// The classes that the openCypher TCK has for what is found before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MistakeClass {
    /// `SyntaxError`: nearly everything.
    #[default]
    SyntaxError,
    /// `TypeError`: a property of something that has none.
    TypeError,
}

impl MistakeClass {
    /// The name, such as `SyntaxError`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SyntaxError => "SyntaxError",
            Self::TypeError => "TypeError",
        }
    }
}

/// Which stage refuses a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiagnosticKind {
    /// The text is no statement: correct it.
    Syntax,
    /// The text is meant well, openCypher or GQL may have it, but this engine does not: write it differently.
    Unsupported,
    /// The statement can be read, but does not fit the catalog or itself: an unknown label, a wrong type.
    Semantic,
}

impl Diagnostic {
    /// The text at `span` is no statement.
    pub fn syntax(message: impl Into<String>, span: Span) -> Self {
        Self::new(DiagnosticKind::Syntax, message.into(), span).with_detail(Detail::UnexpectedSyntax)
    }

    /// The construct at `span` is not supported.
    pub fn unsupported(message: impl Into<String>, span: Span) -> Self {
        Self::new(DiagnosticKind::Unsupported, message.into(), span)
    }

    /// What stands at `span` makes no sense, given the catalog or the rest of the statement.
    pub fn semantic(message: impl Into<String>, span: Span) -> Self {
        Self::new(DiagnosticKind::Semantic, message.into(), span)
    }

    /// Adds what would work instead, and replaces what was said before.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what class of mistake it is.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Says what class the openCypher TCK has for it.
    #[must_use]
    pub(crate) fn with_class(mut self, class: MistakeClass) -> Self {
        self.class = class;
        self
    }

    fn new(kind: DiagnosticKind, message: String, span: Span) -> Self {
        Self { kind, message, span, help: None, detail: None, class: MistakeClass::default() }
    }
}

/// The message and the help in one line, without the place: that needs the source, see [`Diagnostic::line`].
impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(out, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests;
