//! Errors of DataFusion as ours, and ours on their way through DataFusion.

use datafusion::error::DataFusionError;
use worldstore_async::object_store::find_error;
use worldstore_core::{Error, ErrorKind};

use crate::limits::{Limit, LimitExceeded};

/// Translates an error of DataFusion. One of ours that it carries keeps kind, message and context; a mistake in the
/// statement is `Invalid`, with `line` and `column` where they are known; what is not built is `Unsupported`.
pub fn from_datafusion(source: DataFusionError) -> Error {
    if let Some(ours) = find_error(&source) {
        let mut error = Error::new(ours.kind(), ours.message()).retry_as(ours.retry());
        for (key, value) in ours.context() {
            error = error.with(key, value);
        }
        return error.caused_by(source);
    }
    let place = source.diagnostic().and_then(|diagnostic| diagnostic.span).map(|span| span.start);
    let error = of_root(source.find_root());
    let error = match place {
        Some(start) if start.line > 0 => error.with("line", start.line).with("column", start.column),
        _ => error,
    };
    match source.find_root() {
        DataFusionError::ResourcesExhausted(_) => error.caused_by(LimitExceeded::new(Limit::Memory, Some(source))),
        _ => error.caused_by(source),
    }
}

fn of_root(root: &DataFusionError) -> Error {
    match root {
        DataFusionError::SQL(parser, _) => syntax(&parser.to_string()),
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => of_root(first.find_root()),
            None => Error::unexpected("the query failed"),
        },
        DataFusionError::Plan(_) | DataFusionError::SchemaError(..) | DataFusionError::Configuration(_) => {
            Error::invalid(sentence(&root.message()))
        }
        DataFusionError::Execution(_) | DataFusionError::ArrowError(..) => {
            Error::invalid("a value of the query cannot be computed").with("reason", sentence(&root.message()))
        }
        DataFusionError::NotImplemented(_) => Error::unsupported(sentence(&root.message())),
        DataFusionError::ResourcesExhausted(_) => Error::invalid("the query needs more memory than it may use"),
        DataFusionError::ParquetError(_) => Error::new(ErrorKind::Corrupt, "a Parquet file cannot be read"),
        _ => Error::unexpected("the query failed"),
    }
}

/// Takes the place out of what the parser says: `…, found: FROM at Line: 1, Column: 8`.
fn syntax(text: &str) -> Error {
    let text = text.split_once("ParserError(\"").map_or(text, |(_, rest)| rest.trim_end_matches("\")"));
    let text = text.strip_prefix("sql parser error: ").unwrap_or(text);
    let Some((message, place)) = text.rsplit_once(" at Line: ") else {
        return Error::invalid(sentence(text));
    };
    match place.split_once(", Column: ") {
        Some((line, column)) => Error::invalid(sentence(message)).with("line", line).with("column", column),
        None => Error::invalid(sentence(text)),
    }
}

/// The first line, in lower case at its start, without a full stop.
fn sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let mut letters = line.chars();
    let second = line.chars().nth(1);
    match letters.next() {
        // A word in capitals is a keyword.
        Some(first) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().collect::<String>() + letters.as_str()
        }
        _ => line.to_owned(),
    }
}

/// Hands one of our errors through DataFusion; [`from_datafusion`] finds it again.
pub fn to_datafusion(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests;
