//! Times as Linux tells them.

use super::*;

#[test]
fn times_of_children_are_found_behind_any_name() {
    let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 9 8 0 0 11 12 130 20 20 0 1 0 100 5 6";
    assert_eq!(spent(stat), Some(1.5));
    assert_eq!(spent("7 (a) S 1"), None);
}
