//! Windows: whole ticks, in order, none twice.

use super::windows;

#[test]
fn windows_are_filled_up_to_their_bound() {
    let ticks = [(-3, 2), (0, 3), (1, 4), (7, 9), (8, 1)];
    assert_eq!(windows(ticks, 5), [-3..=0, 1..=1, 7..=7, 8..=8]);
    assert_eq!(windows(ticks, 9), [-3..=1, 7..=7, 8..=8]);
    assert_eq!(windows(ticks, 100), [-3..=8]);
    assert_eq!(windows(ticks, 0).len(), 5, "a tick is never cut");
    assert!(windows([], 5).is_empty());
}
