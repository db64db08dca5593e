//! The lists themselves.

use std::collections::BTreeSet;

use super::{illegal, legal, unquoted};
use crate::error::ErrorKind;
use crate::key::Key;

#[test]
fn no_line_is_lost() {
    let lines = |text: &str| text.lines().filter(|line| line.starts_with('"')).count();
    let keys = legal().iter().map(|section| section.keys.len()).sum::<usize>();
    assert_eq!(keys, lines(include_str!("legal.txt")));
    assert!(keys >= 300, "{keys}");
    assert_eq!(illegal().len(), lines(include_str!("illegal.txt")));
    assert!(illegal().len() >= 60);
}

#[test]
fn escapes_mean_what_they_say() {
    assert_eq!(unquoted(r#""a\u{e4} \"b\" \\""#).unwrap(), "a\u{e4} \"b\" \\");
    assert_eq!(unquoted("# no key"), None);
    assert_eq!(unquoted(r#""\u{110000}""#), None);
    assert_eq!(unquoted(r#""\""#), None);
}

#[test]
fn legal_keys_are_keys_and_keep_their_bytes() {
    for key in legal().iter().flat_map(|section| &section.keys) {
        assert_eq!(Key::new(key).unwrap().as_str(), key);
    }
}

#[test]
fn illegal_keys_are_refused() {
    for text in illegal() {
        assert_eq!(Key::new(&text).unwrap_err().kind(), ErrorKind::Invalid, "{text:?}");
    }
}

/// Where names form a tree, an object and a folder cannot share one.
#[test]
fn no_key_of_a_section_is_the_folder_of_another() {
    for section in legal() {
        let keys: BTreeSet<_> = section.keys.iter().collect();
        assert_eq!(keys.len(), section.keys.len(), "{}: twice the same", section.name);
        for (one, other) in keys.iter().flat_map(|one| keys.iter().map(move |other| (one, other))) {
            assert!(!other.starts_with(&format!("{one}/")), "{}: {one:?} and {other:?}", section.name);
        }
    }
}
