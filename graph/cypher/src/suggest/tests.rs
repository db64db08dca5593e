//! Tests of the suggestions.

use super::*;

fn count(left: &str, right: &str) -> usize {
    distance(&left.chars().collect::<Vec<_>>(), &right.chars().collect::<Vec<_>>())
}

#[test]
fn distances() {
    assert_eq!(count("", "abc"), 3);
    assert_eq!(count("abc", ""), 3);
    assert_eq!(count("flihgt", "flight"), 1);
    assert_eq!(count("kitten", "sitting"), 3);
    assert_eq!(count("ab", "ba"), 1);
    assert_eq!(count("straße", "strase"), 1);
}

#[test]
fn the_nearest_known_name_is_suggested() {
    let known = ["Airport", "Flight", "Freight", "Plane"];
    assert_eq!(closest("Flihgt", known), Some("Flight"));
    assert_eq!(closest("flight", known), Some("Flight"));
    assert_eq!(closest("Planes", known), Some("Plane"));
    assert_eq!(closest("Weather", known), None);
    assert_eq!(closest("x", ["y"]), None);
    assert_eq!(closest("", known), None);
}
