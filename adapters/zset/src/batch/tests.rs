//! Batches are consolidated.

use worldstore_core::ErrorKind;

use super::consolidate;

#[test]
fn equal_rows_become_one_and_those_that_cancel_go() {
    let rows = vec![(3, 1), (1, 1), (2, 5), (1, -1), (2, -2), (4, 0), (3, -1)];
    assert_eq!(consolidate(rows).unwrap(), [(2, 3)]);
    assert_eq!(consolidate(vec![(1, 1), (2, 0), (3, 1)]).unwrap(), [(1, 1), (3, 1)]);
    assert_eq!(consolidate(Vec::<(u8, i64)>::new()).unwrap(), []);
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    assert_eq!(consolidate(vec![(1, i64::MAX), (1, 1)]).unwrap_err().kind(), ErrorKind::Invalid);
}
