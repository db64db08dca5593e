//! Kinds and texts of errors that come out of DataFusion.

use datafusion::common::plan_datafusion_err;
use worldstore_core::ErrorKind;

use super::*;

#[test]
fn our_own_errors_come_back_whole() {
    let ours = Error::new(ErrorKind::Corrupt, "a file is short").with("file", "a.lance");
    let wrapped = to_datafusion(ours).context("reading").context("again");
    let back = from_datafusion(wrapped);
    assert_eq!(back.to_string(), "corrupt: a file is short, file: a.lance");
}

#[test]
fn the_place_of_a_syntax_error_is_context() {
    let error = syntax("sql parser error: Expected: an expression, found: FROM at Line: 2, Column: 8");
    assert_eq!(error.to_string(), "invalid: expected: an expression, found: FROM, line: 2, column: 8");
    assert_eq!(syntax("sql parser error: recursion limit exceeded").message(), "recursion limit exceeded");
}

#[test]
fn mistakes_are_invalid_and_defects_are_not() {
    assert_eq!(from_datafusion(plan_datafusion_err!("No such thing.")).to_string(), "invalid: no such thing");
    assert_eq!(from_datafusion(DataFusionError::NotImplemented("PIVOT".into())).kind(), ErrorKind::Unsupported);
    assert_eq!(from_datafusion(DataFusionError::Internal("oh".into())).kind(), ErrorKind::Unexpected);
    let exhausted = from_datafusion(DataFusionError::ResourcesExhausted("x".into()).context("sorting"));
    assert_eq!((exhausted.kind(), LimitExceeded::find(&exhausted)), (ErrorKind::Invalid, Some(Limit::Memory)));
}
