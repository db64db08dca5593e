//! Markers and macros, and words that only look like them.

use super::*;

#[test]
fn longer_words_and_names_pass() {
    let text =
        format!("let mas{}S = 1; // a {} is no marker\n#[warn(clippy::{})]\n", MARKERS[0], "to-do list", "dbg_macro");
    assert_eq!(check(&Sources::of(&[("a.rs", &text)])), []);
}

#[test]
fn each_marker_and_macro_is_found() {
    let text = MARKERS.iter().chain(&MACROS).map(|word| format!("a\n {word} b\n")).collect::<String>();
    let findings = check(&Sources::of(&[("a.md", &text)]));
    let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [2, 4, 6, 8, 10, 12]);
}
