//! Z-sets add, cancel and refuse to overflow.

use worldstore_core::ErrorKind;

use super::ZSet;
use crate::Desc;

#[test]
fn rows_cancel_and_weights_may_be_negative() {
    let mut set = ZSet::from_weights([(1, 2), (2, 1), (1, -2), (3, 0)]).unwrap();
    assert_eq!(set.iter().collect::<Vec<_>>(), [(&2, 1)]);
    set.add(9, -1).unwrap();
    assert_eq!((set.weight(&9), set.weight(&1), set.len()), (-1, 0, 2));
    let negated = set.scaled(-1).unwrap();
    set.add_all(&negated).unwrap();
    assert!(set.is_empty());
}

#[test]
fn a_weight_that_does_not_fit_is_an_error_and_changes_nothing() {
    let mut set = ZSet::from_weights([("a", i64::MAX)]).unwrap();
    assert_eq!(set.add("a", 1).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(set.weight(&"a"), i64::MAX);
    assert_eq!(set.scaled(2).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(ZSet::from_weights([(1, i64::MIN)]).unwrap().scaled(-1).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn an_index_orders_rows_ascending_descending_and_by_several_parts() {
    let set = ZSet::from_rows([("b", 1), ("a", 2), ("c", 1)]).unwrap();
    let ascending: Vec<_> = set.ordered_by(|row| row.1).into_iter().map(|(_, row, _)| row.0).collect();
    assert_eq!(ascending, ["b", "c", "a"]);
    let mixed: Vec<_> = set.ordered_by(|row| (Desc(row.1), Desc(row.0))).into_iter().map(|(_, row, _)| row.0).collect();
    assert_eq!(mixed, ["a", "c", "b"]);
}
