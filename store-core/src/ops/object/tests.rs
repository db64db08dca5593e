//! Versions that are numbers.

use super::*;

#[test]
fn a_number_is_written_as_always() {
    for number in [0, 1, 9, 10, 11, 99, 100, 12_345, u64::MAX - 1, u64::MAX] {
        assert_eq!(Version::of_number(number).as_str(), number.to_string());
    }
}
