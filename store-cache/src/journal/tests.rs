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
