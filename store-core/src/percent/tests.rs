//! What is an escape, and what is not.

use super::*;
use crate::error::ErrorKind;

#[test]
fn escapes_are_undone() {
    for (text, decoded) in [
        ("", ""),
        ("a b+c", "a b+c"),
        ("%41%7a", "Az"),
        ("%C3%bC", "ü"),
        ("ü%25", "ü%"),
        ("%2525", "%25"),
        ("%00", "\0"),
    ] {
        assert_eq!(decode(text).unwrap(), decoded, "{text}");
        assert_eq!(decode_loosely(text).unwrap(), decoded, "{text}");
        assert_eq!(wrong_escape(text), None, "{text}");
    }
}

#[test]
fn what_is_no_escape_is_told_or_kept() {
    for (text, at) in [("%", 0), ("a%", 1), ("%2", 0), ("%zz", 0), ("%+1", 0), ("%41%4", 3), ("%%41", 0), ("%ü", 0)] {
        assert_eq!(decode(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        assert_eq!(wrong_escape(text), Some(at), "{text}");
    }
    assert_eq!(decode_loosely("5% %%41 %4").unwrap(), "5% %A %4");
    for text in ["%FF", "%C3", "a%80"] {
        assert_eq!(decode(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        assert_eq!(decode_loosely(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
    }
}

#[test]
fn errors_do_not_repeat_the_text() {
    for text in ["secret%", "secret%FF"] {
        assert!(!format!("{:?}", decode(text).unwrap_err()).contains("secret"));
    }
}
