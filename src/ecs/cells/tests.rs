//! What a column of texts or bytes can point into.

use worldstore_core::ErrorKind;

use super::check_room;

#[test]
fn more_than_a_column_can_point_into_is_refused() {
    let most = i32::MAX as usize;
    check_room(0, most).unwrap();
    check_room(most - 1, 1).unwrap();
    for (held, more) in [(most, 1), (0, most + 1), (1, usize::MAX)] {
        assert_eq!(check_room(held, more).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
