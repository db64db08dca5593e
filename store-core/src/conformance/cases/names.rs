//! Names that are legal and that something between here and the bytes might rewrite.

use super::short::*;
use crate::conformance::answer::{Gone, Seen};
use crate::conformance::step::{Case, Need};
use crate::conformance::{Answer, Body};

pub(super) fn cases() -> Vec<Case> {
    vec![
        named("names_spaces", &[" leading", "in the middle", "trailing ", "folder /a", " "]),
        named("names_escapes", &["%", "%2F", "%2f", "%252F", "a%20b", "a b", "a+b", "a%2Bb", "100%/a"]),
        named(
            "names_queries",
            &["#", "?", "a#b", "a?b=c&d", "a:b", "a;b", "a@b", "a,b", "a=b/c=d", "*", "'a'", "\"a\""],
        ),
        named("names_dots", &["...", "a..b", "a.", ".hidden", "..a", "a../b", ".h/.hidden", "a/...", "~"]),
        named("names_unicode", &["ä", "日本語/テスト", "🦀", "a\u{308}", "\u{200b}", "ß/ẞ"]),
        named("names_twins", &["Case", "case", "CASE/a", "like_", "likeX", "like%x", "[a]", "a", "{a}"]),
        named("names_numbers", &["1", "01", "001", "1.0", "-1", "NaN", "null", "CON", "nul.txt"]),
        long(),
    ]
}

/// Each name holds its own content, is listed as it was given, and goes alone.
fn named(name: &str, keys: &[&str]) -> Case {
    let body = |place: usize| Body::Stretch { from: place as u64, length: place + 1 };
    let mut case = Case::new(name, &[Need::Write]);
    for (place, key) in keys.iter().enumerate() {
        case = case.step(write(*key, body(place)), applied(*key, place as u64 + 1, 1));
    }
    let mut all: Vec<_> = keys.iter().enumerate().map(|(place, key)| Seen::new(*key, place as u64 + 1, 1)).collect();
    all.sort();
    case = case.step(list(), Answer::Listed { objects: all.clone(), folders: Vec::new() });
    for (place, key) in keys.iter().enumerate() {
        case = case
            .step(stat(*key), found(*key, place as u64 + 1, 1))
            .step(read(*key), content(*key, 1, body(place)))
            .step(delete(&[key]), deleted(&[Gone::Deleted]))
            .step(stat(*key), NOT_FOUND);
        all.retain(|seen| seen.key != *key);
        case = case.step(list(), Answer::Listed { objects: all.clone(), folders: Vec::new() });
    }
    case
}

/// Segments of 200 bytes, and deep folders.
fn long() -> Case {
    let segment = "x".repeat(200);
    let umlauts = "ä".repeat(100);
    let deep = ["d"; 40].join("/");
    let pair = format!("{segment}/{segment}y");
    named("names_long", &[&deep, &pair, &umlauts])
}
