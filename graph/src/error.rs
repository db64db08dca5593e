//! Why a query failed: a mistake in its text, or the store behind it.

use std::fmt;

use datafusion::error::DataFusionError;
use worldstore_async::object_store::find_error;
use worldstore_core::{Error, ErrorKind};
use worldstore_cypher::{Diagnostic, DiagnosticKind};

use crate::limits::LimitReached;

/// Why a query failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is wrong or asks for what is not supported; everything that was found wrong.
    Syntax(Vec<Diagnostic>),
    /// The text is fine, the store or its data are not.
    Store(Error),
    /// A limit was reached, and no part of the result can be given.
    Limit(Box<LimitReached>),
}

impl QueryError {
    /// The error for a person: mistakes in the text with the line and a caret below it.
    pub fn render(&self, source: &str) -> String {
        match self {
            Self::Syntax(diagnostics) => {
                let rendered: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.render(source)).collect();
                rendered.join("\n")
            }
            Self::Store(error) => format!("error: {error}"),
            Self::Limit(reached) => format!("error: {reached}"),
        }
    }

    /// What went wrong in a word or two, without names and values of the query.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Syntax(_) => "the text has mistakes",
            Self::Store(error) => error.message(),
            Self::Limit(reached) => reached.error().message(),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Syntax(all) if all.iter().all(|one| one.kind == DiagnosticKind::Unsupported) => {
                ErrorKind::Unsupported
            }
            Self::Syntax(_) => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
            Self::Limit(reached) => reached.error().kind(),
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(diagnostics) => {
                let texts: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
            Self::Store(error) => error.fmt(f),
            Self::Limit(reached) => reached.fmt(f),
        }
    }
}

impl std::error::Error for QueryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Syntax(_) => None,
            Self::Store(error) => error.source(),
            Self::Limit(reached) => reached.error().source(),
        }
    }
}

impl From<Diagnostic> for QueryError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Syntax(vec![diagnostic])
    }
}

impl From<Error> for QueryError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<LimitReached> for QueryError {
    fn from(reached: LimitReached) -> Self {
        Self::Limit(Box::new(reached))
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Store(error) => error,
            QueryError::Limit(reached) => reached.error,
            syntax => Error::new(syntax.kind(), syntax.to_string()),
        }
    }
}

/// Translates an error of DataFusion: one of ours that it carries keeps its kind.
pub(crate) fn from_datafusion(source: DataFusionError) -> Error {
    if let Some(ours) = find_error(&source) {
        let mut error = Error::new(ours.kind(), ours.message()).retry_as(ours.retry());
        for key in ["file", "key", "column", "table"] {
            if let Some((_, value)) = ours.context().find(|(name, _)| *name == key) {
                error = error.with(key, value.to_owned());
            }
        }
        return error.caused_by(source);
    }
    let (kind, message) = match source.find_root() {
        DataFusionError::ResourcesExhausted(_) => {
            (ErrorKind::Unavailable, "the query needs more memory than it may use")
        }
        DataFusionError::NotImplemented(_) => (ErrorKind::Unsupported, "the query cannot be planned"),
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => {
            (ErrorKind::Invalid, "a value of the query cannot be computed")
        }
        DataFusionError::ParquetError(_) => (ErrorKind::Corrupt, "a Parquet file cannot be read"),
        _ => (ErrorKind::Unexpected, "the query failed"),
    };
    Error::new(kind, message).caused_by(source)
}

/// Hands one of our errors through DataFusion.
pub(crate) fn to_datafusion(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
