//! Patterns by example, wrong ones, and random ones against a matcher that tries everything.

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

#[test]
fn patterns_match_whole_paths() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("a.csv", &["a.csv"], &["a.csv.bak", "xa.csv", "b/a.csv", "a.CSV"]),
        ("*.csv", &["a.csv", ".csv", "a.b.csv", "é.csv"], &["a.csv ", "a.csv.", "a/b.csv", "a.csvx"]),
        ("a*b*c", &["abc", "aXbYc", "abbbc", "abcbc"], &["ac", "abcd", "a/bc", "acb"]),
        ("?", &["a", "é", "%", "*"], &["", "ab", "a/b"]),
        ("[ab]?", &["ax", "b["], &["cx", "a", "a/"]),
        ("[!ab]", &["c", "!", "é"], &["a", "b", "cc"]),
        ("[a-c]", &["a", "b", "c"], &["d", "-", "B"]),
        ("[-a]", &["-", "a"], &["b"]),
        ("[a-]", &["-", "a"], &["b"]),
        ("[]]", &["]"], &["[", "[]]"]),
        ("[!]]", &["x"], &["]"]),
        ("[*]", &["*"], &["a", "[*]"]),
        ("a/*/c", &["a/b/c", "a/*/c"], &["a/c", "a/b/b/c", "a/b/c/d"]),
        ("**", &["a", "a/b", "a/b/c"], &[]),
        ("**/c", &["c", "a/c", "a/b/c"], &["c/d", "xc", "a/xc"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "ab", "b/a"]),
        ("a/**/c", &["a/c", "a/b/c", "a/b/b/c"], &["a", "c", "a/b", "a/b/cc"]),
        ("**/b/**", &["b/c", "a/b/c", "a/b/b/c"], &["b", "a/b", "a/c"]),
        ("**/**", &["a", "a/b"], &[]),
        ("day=*/%_#", &["day=1/%_#"], &["day=1/x_#", "day=1/%x#"]),
    ];
    for (pattern, yes, no) in cases {
        let parsed = Pattern::new(pattern).unwrap();
        assert_eq!(parsed.as_str(), *pattern);
        yes.iter().for_each(|path| assert!(parsed.matches(path), "{pattern} is to match {path}"));
        no.iter().for_each(|path| assert!(!parsed.matches(path), "{pattern} is not to match {path}"));
    }
}

#[test]
fn wrong_patterns_are_told_with_their_position() {
    let cases = [
        ("", "pattern has an empty segment", 1),
        ("/a", "pattern has an empty segment", 1),
        ("a//b", "pattern has an empty segment", 3),
        ("a/", "pattern has an empty segment", 3),
        ("a/../b", "pattern has a dot segment, which no key has", 3),
        ("é/a**", "`**` is not a whole segment", 4),
        ("**a", "`**` is not a whole segment", 1),
        ("a/***", "`**` is not a whole segment", 3),
        ("ab[cd", "bracket is not closed", 3),
        ("[]", "bracket is not closed", 1),
        ("[!]", "bracket is not closed", 1),
        ("x/[a/b]", "bracket is not closed", 3),
        ("[z-a]", "range in brackets ends before its start", 2),
        ("a\\*", "pattern holds a character that no key can hold", 2),
        ("a\n", "pattern holds a character that no key can hold", 2),
    ];
    for (pattern, message, position) in cases {
        let error = Pattern::new(pattern).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, message), "{pattern:?}");
        let told = error.context().find(|(key, _)| *key == "position").map(|(_, value)| value.to_owned());
        assert_eq!(told, Some(position.to_string()), "{pattern:?}");
    }
    assert_eq!(Pattern::new(&"x".repeat(1025)).unwrap_err().message(), "pattern is too long");
}

#[test]
fn the_literal_head_is_known() {
    let head = |pattern: &str| Pattern::new(pattern).unwrap().literal_head().join("/");
    assert_eq!(head("a/b/*.csv"), "a/b");
    assert_eq!(head("a/b"), "a");
    assert_eq!(head("*/b/c"), "");
    assert_eq!(head("a/**"), "a");
    assert_eq!(head("a[b]/c"), "");
    assert!(Pattern::new("a/b").unwrap().is_literal());
    assert!(!Pattern::new("a/[b]").unwrap().is_literal());
}

/// Many stars do not make it slow: this would not end if each star doubled the work.
#[test]
fn stars_and_double_stars_do_not_multiply() {
    let stars = Pattern::new(&format!("{}b", "*a".repeat(400))).unwrap();
    assert!(!stars.matches(&"a".repeat(1000)));
    let deep = Pattern::new(&format!("{}b", "**/a/".repeat(200))).unwrap();
    assert!(!deep.matches(&vec!["a"; 500].join("/")));
}

/// The meaning, written down without thought for speed.
fn means(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**"], path) => !path.is_empty(),
        (["**", rest @ ..], path) => (0..=path.len()).any(|skipped| means(rest, &path[skipped..])),
        ([segment, pattern @ ..], [name, path @ ..]) => {
            let (segment, name): (Vec<char>, Vec<char>) = (segment.chars().collect(), name.chars().collect());
            segment_means(&segment, &name) && means(pattern, path)
        }
        _ => false,
    }
}

fn segment_means(segment: &[char], name: &[char]) -> bool {
    match (segment, name) {
        ([], []) => true,
        (['*', rest @ ..], name) => (0..=name.len()).any(|skipped| segment_means(rest, &name[skipped..])),
        (['?', rest @ ..], [_, name @ ..]) => segment_means(rest, name),
        (['[', '!', no, ']', rest @ ..], [one, name @ ..]) => one != no && segment_means(rest, name),
        (['[', low, '-', high, ']', rest @ ..], [one, name @ ..]) => {
            (low..=high).contains(&one) && segment_means(rest, name)
        }
        ([wanted, rest @ ..], [one, name @ ..]) => wanted == one && segment_means(rest, name),
        _ => false,
    }
}

fn any_pattern() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[abé.]",
        Just("*".to_owned()),
        Just("?".to_owned()),
        Just("[!a]".to_owned()),
        Just("[a-b]".to_owned())
    ];
    let text = prop::collection::vec(token, 1..5).prop_map(|tokens| tokens.concat());
    let text = text.prop_filter("a segment", |text| !text.contains("**") && text != "." && text != "..");
    let segment = prop_oneof![3 => text, 1 => Just("**".to_owned())];
    prop::collection::vec(segment, 1..5).prop_map(|segments| segments.join("/"))
}

fn any_path() -> impl Strategy<Value = String> {
    prop::collection::vec("[abé.]{1,4}", 1..6).prop_map(|names| names.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_patterns_mean_what_they_say(pattern in any_pattern(), path in any_path()) {
        let parsed = Pattern::new(&pattern).unwrap();
        let wanted = means(&pattern.split('/').collect::<Vec<_>>(), &path.split('/').collect::<Vec<_>>());
        prop_assert_eq!(parsed.matches(&path), wanted, "{} and {}", pattern, path);
    }

    /// Pruning loses nothing: every folder of what matches goes on, and what matches is below the literal head.
    #[test]
    fn every_folder_of_a_match_goes_on(pattern in any_pattern(), path in any_path()) {
        let parsed = Pattern::new(&pattern).unwrap();
        if !parsed.matches(&path) {
            return Ok(());
        }
        let head = parsed.literal_head().join("/");
        prop_assert!(head.is_empty() || path.starts_with(&format!("{head}/")), "{} and {}", pattern, path);
        let mut state = parsed.start();
        for name in path.split('/') {
            prop_assert!(parsed.goes_on(&state), "{} and {}", pattern, path);
            state = parsed.advance(&state, name);
        }
        prop_assert!(parsed.accepts(&state));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}", path in "\\PC{0,40}") {
        if let Ok(pattern) = Pattern::new(&text) {
            let _ = pattern.matches(&path);
        }
    }
}
