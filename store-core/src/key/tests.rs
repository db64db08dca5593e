//! What is a key and what is not.

use super::*;
use crate::ErrorKind;

#[test]
fn accepts_what_objects_are_called() {
    for text in ["a", "a/b", "month=1/day=2/part-0.parquet", " spaced /ü", "a%2Fb", "...", ".hidden", "a..b"] {
        assert_eq!(Key::new(text).unwrap().as_str(), text);
    }
}

#[test]
fn refuses_what_would_be_rewritten_elsewhere() {
    let long = "x".repeat(KEY_BYTES_MAX + 1);
    for text in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\0b", "a\nb", long.as_str()] {
        assert_eq!(Key::new(text).unwrap_err().kind(), ErrorKind::Invalid, "{text:?}");
    }
    assert!(Key::new("x".repeat(KEY_BYTES_MAX)).is_ok());
}

#[test]
fn prefixes_strip_whole_segments_only() {
    let prefix = Prefix::new("a/b").unwrap();
    assert_eq!(prefix.strip("a/b/c"), Some("c"));
    assert_eq!(prefix.strip("a/bc"), None);
    assert_eq!(prefix.strip("a/b"), None);
    assert_eq!(Prefix::root().strip("a"), Some("a"));
    assert_eq!(prefix.key("c/d").unwrap().as_str(), "a/b/c/d");
    assert!(prefix.key("../d").is_err());
    assert_eq!(Key::new("a/b/c").unwrap().parent(), prefix);
    assert!(Key::new("a").unwrap().parent().is_root());
}

/// What is waved through at the first look keeps every rule.
#[test]
fn both_ways_of_checking_agree() {
    let parts = ["a", ".", "/", "\\", " ", "~", "\x7f", "\u{80}", "é", "\n", "\0", "%"];
    let mut plain = 0;
    for first in parts {
        for second in parts {
            for third in parts {
                for fourth in ["", "a", "/", "."] {
                    let text = [first, second, third, fourth].concat();
                    assert_eq!(check(&text).is_ok(), check_closely(&text).is_ok(), "{text:?}");
                    plain += usize::from(is_plain(&text));
                }
            }
        }
    }
    assert!(plain > 100 && is_plain("month=1/day=2/part-0.parquet") && !is_plain(""));
}
