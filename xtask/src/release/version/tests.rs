//! Versions that go up.

use super::*;

#[test]
fn one_number_goes_up_and_those_behind_it_begin_anew() {
    let version: Version = "0.3.7".parse().unwrap();
    let next = [Level::Patch, Level::Minor, Level::Major].map(|level| version.next(level).to_string());
    assert_eq!(next, ["0.3.8", "0.4.0", "1.0.0"]);
    assert!(version < version.next(Level::Patch) && Version(0, 9, 0) < Version(0, 10, 0));
}

#[test]
fn users_ask_for_what_is_compatible() {
    assert_eq!(Version(0, 3, 7).requirement(), "0.3");
    assert_eq!(Version(2, 3, 7).requirement(), "2");
    assert_eq!(Version(0, 3, 7).tag(), "v0.3.7");
}

#[test]
fn anything_but_three_numbers_is_refused() {
    for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3", "1.2.3-rc.1", "1..3", "1.+2.3"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}
