//! Numbers that are the same, and those that only look so.

use super::*;

#[test]
fn numbers_are_equal_by_what_they_mean() {
    for (one, other, same) in [
        ("1.50", "15e-1", true),
        ("-0", "0.000", true),
        ("1e3", "1000", true),
        (".5", "0.5", true),
        ("0.1", "0.10000000000000001", false),
        ("-1", "1", false),
        ("9007199254740993", "9007199254740992", false),
    ] {
        assert_eq!(Number::parse(one).unwrap() == Number::parse(other).unwrap(), same, "{one} and {other}");
    }
    for text in ["", "-", ".", "e5", "1e", "NaN", "inf", "1 2", "0x1", "--1", "1e99999999999999999999"] {
        assert!(Number::parse(text).is_none(), "{text}");
    }
}

#[test]
fn whole_numbers_have_digits() {
    let whole = |text| Number::parse(text).unwrap().whole();
    assert_eq!(whole("6.0").as_deref(), Some("6"));
    assert_eq!(whole("-1.5e3").as_deref(), Some("-1500"));
    assert_eq!(whole("0e999").as_deref(), Some("0"));
    assert_eq!((whole("5.5"), whole("1e400")), (None, None));
    assert!(comes_back("9007199254740992", 9_007_199_254_740_992.0));
    assert!(!comes_back("36028797018963970", 36_028_797_018_963_970.0));
}
