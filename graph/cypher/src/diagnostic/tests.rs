//! Tests of how diagnostics are shown.

use expect_test::{Expect, expect};

use super::*;

fn check(source: &str, span: Span, expected: Expect) {
    let rendered = Diagnostic::semantic("wrong", span).render(source);
    expected.assert_eq(&format!("{rendered}\n"));
}

fn find(source: &str, part: &str) -> Span {
    let start = source.find(part).unwrap();
    Span::new(start, start + part.len())
}

#[test]
fn the_place_is_underlined() {
    let source = "// flights\nMATCH (f:Flihgt) RETURN count(*)";
    let diagnostic =
        Diagnostic::semantic("unknown label `Flihgt`", find(source, "Flihgt")).with_help("did you mean `Flight`?");
    expect![[r#"
        error: unknown label `Flihgt`
         --> 2:10
          |
        2 | MATCH (f:Flihgt) RETURN count(*)
          |          ^^^^^^
          = help: did you mean `Flight`?"#]]
    .assert_eq(&diagnostic.render(source));
    assert_eq!(diagnostic.line(source), "2:10: unknown label `Flihgt` (did you mean `Flight`?)");
    assert_eq!(diagnostic.to_string(), "unknown label `Flihgt` (did you mean `Flight`?)");
}

#[test]
fn tabs_wide_letters_and_control_characters() {
    let source = "\tMATCH\t(ä:ß)\u{1b}[31m";
    check(
        source,
        find(source, "ß"),
        expect![[r#"
        error: wrong
         --> 1:11
          |
        1 |     MATCH    (ä:ß)�[31m
          |                 ^
    "#]],
    );
}

#[test]
fn messages_cannot_steer_the_terminal() {
    let diagnostic = Diagnostic::semantic("unknown label `\u{1b}[2J\n\u{202e}`", Span::new(0, 1)).with_help("no\r");
    let shown = diagnostic.render("x") + &diagnostic.line("x");
    assert!(shown.contains("unknown label `\u{fffd}[2J\u{fffd}\u{fffd}`"));
    assert!(shown.chars().all(|next| next == '\n' || !next.is_control()));
}

#[test]
fn the_end_of_the_input() {
    check(
        "MATCH (a)",
        Span::new(9, 9),
        expect![[r#"
        error: wrong
         --> 1:10
          |
        1 | MATCH (a)
          |          ^
    "#]],
    );
    check(
        "MATCH (a)\n",
        Span::new(10, 10),
        expect![[r#"
        error: wrong
         --> 2:1
          |
        2 |
          | ^
    "#]],
    );
    check(
        "",
        Span::new(0, 0),
        expect![[r#"
        error: wrong
         --> 1:1
          |
        1 |
          | ^
    "#]],
    );
    check(
        "a\r\nb",
        Span::new(1, 2),
        expect![[r#"
        error: wrong
         --> 1:2
          |
        1 | a
          |  ^
    "#]],
    );
}

#[test]
fn several_lines() {
    let source = "MATCH (a\n:B)\nRETURN a";
    check(
        source,
        Span::new(6, 12),
        expect![[r#"
        error: wrong
         --> 1:7
          |
        1 | MATCH (a
          |       ^^
    "#]],
    );
    let source = format!("{}x", "\n".repeat(99));
    check(
        &source,
        Span::new(99, 100),
        expect![[r#"
        error: wrong
           --> 100:1
            |
        100 | x
            | ^
    "#]],
    );
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let source = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
    check(
        &source,
        Span::new(500, 504),
        expect![[r#"
        error: wrong
         --> 1:501
          |
        1 | …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaHEREbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
          |                               ^^^^
    "#]],
    );
    check(
        &source,
        Span::new(0, 2),
        expect![[r#"
        error: wrong
         --> 1:1
          |
        1 | aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…
          | ^^
    "#]],
    );
    check(
        &source,
        Span::new(400, 900),
        expect![[r#"
            error: wrong
             --> 1:401
              |
            1 | …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…
              |                               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        &source,
        Span::new(1004, 1004),
        expect![[r#"
        error: wrong
         --> 1:1005
          |
        1 | …bbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          |                               ^
    "#]],
    );
}

#[test]
fn foreign_spans_do_no_harm() {
    check(
        "äb",
        Span::new(1, 100),
        expect![[r#"
        error: wrong
         --> 1:1
          |
        1 | äb
          | ^^
    "#]],
    );
    check(
        "ab",
        Span::new(2, 1),
        expect![[r#"
        error: wrong
         --> 1:3
          |
        1 | ab
          |   ^
    "#]],
    );
    check(
        "ab",
        Span::new(usize::MAX, 0),
        expect![[r#"
        error: wrong
         --> 1:3
          |
        1 | ab
          |   ^
    "#]],
    );
}

#[test]
fn lines_and_columns_count_from_one() {
    let source = "aä\n\tb\n";
    let places = [0, 1, 2, 3, 4, 5, 6, 7, 99].map(|offset| line_column(source, offset));
    assert_eq!(places, [(1, 1), (1, 2), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 1)]);
}
