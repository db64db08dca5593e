//! Near and far names.

use super::*;

#[test]
fn the_nearest_name_is_found_and_no_far_one() {
    let known = ["flights", "Cars", "airlines"].map(str::to_owned);
    assert_eq!(nearest("flihgts", &known), Some("flights"));
    assert_eq!(nearest("cars", &known), Some("Cars"));
    assert_eq!(nearest("airline", &known), Some("airlines"));
    assert_eq!(nearest("position", &known), None);
    assert_eq!(nearest("cars", &[]), None);
}

#[test]
fn distances() {
    let cases = [("", "", 0), ("a", "", 1), ("abc", "acb", 1), ("kitten", "sitting", 3), ("é", "e", 1)];
    for (one, other, expected) in cases {
        assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
    }
}
