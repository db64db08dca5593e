//! Places of records in the log.

use super::Places;

#[test]
fn places_are_forgotten_up_to_the_first_record_that_is_needed() {
    let mut places = Places::default();
    // Record 3 is a note of a fresh table; 5 was taken back; 4 came after 6, for there was no room for it before.
    for (seq, number) in [(1, 1), (2, 2), (3, 4), (6, 5), (4, 6), (7, 7)] {
        places.push(seq, number);
    }
    assert_eq!(places.forget(0), None);
    assert_eq!(places.forget(1), Some(1));
    assert_eq!(places.forget(1), None);
    assert_eq!(places.forget(5), Some(4), "the record of 6 stands before that of 4");
    assert_eq!(places.forget(6), Some(6));
    assert_eq!(places.forget(u64::MAX), Some(7));
    assert_eq!(places.forget(u64::MAX), None);
}

#[test]
fn a_record_that_came_late_keeps_those_before_it() {
    let mut places = Places::default();
    // 2 was to be in its table, and was logged after 3 and 4; it is durable with them, so it is noted first.
    for (seq, number) in [(1, 1), (2, 5), (3, 3), (4, 4), (5, 6)] {
        places.push(seq, number);
    }
    assert_eq!(places.forget(2), Some(1), "the records of 3 and 4 stand before that of 2");
    assert_eq!(places.forget(3), Some(3));
    assert_eq!(places.forget(4), Some(5));
    assert_eq!(places.forget(5), Some(6));
}

#[test]
fn numbers_without_a_record_are_told() {
    let mut places = Places::default();
    assert_eq!(places.gaps(3, 5), [3..=5]);
    // 4 came late; 5 and 8 are lost.
    for (seq, number) in [(2, 1), (3, 2), (6, 3), (7, 4), (4, 5)] {
        places.push(seq, number);
    }
    assert_eq!(places.gaps(1, 9), [1..=1, 5..=5, 8..=9]);
    assert_eq!(places.gaps(3, 4), []);
    assert_eq!(places.gaps(5, 5), [5..=5]);
    assert_eq!(places.gaps(9, 20), [9..=20]);
}
