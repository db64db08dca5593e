//! What panics is an error, once.

use super::*;

#[test]
fn a_panic_is_an_error_and_the_end() {
    let batches = [Some(1), None, Some(2)].into_iter().map(|batch: Option<i32>| Ok(batch.unwrap()));
    let read: Vec<Result<i32, ArrowError>> = Unharmed(Some(batches)).collect();
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(matches!((&read[0], &read[1]), (Ok(1), Err(ArrowError::ParseError(_)))), "{read:?}");
    let error = unharmed(|| -> Result<(), ArrowError> { panic!("range 3 of 2") }).unwrap_err();
    assert!(error.to_string().contains("range 3 of 2"), "{error}");
}
