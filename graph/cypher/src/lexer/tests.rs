//! Tests of the lexer.

use expect_test::{Expect, expect};

use super::*;

/// The tokens, one per line, with their place.
fn check(source: &str, expected: Expect) {
    let lines: Vec<String> = lex(source)
        .into_iter()
        .map(|Token { kind, span }| {
            let shown = match kind {
                TokenKind::Symbol(symbol) => format!("{symbol:?}"),
                TokenKind::Invalid(diagnostic) => {
                    format!("Invalid {} at {:?}", diagnostic, diagnostic.span.text(source))
                }
                other => format!("{other:?}"),
            };
            format!("{}..{} {shown}\n", span.start, span.end)
        })
        .collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn blanks_and_comments() {
    check(
        "/*/ a */ b",
        expect![[r#"
        9..10 Word
        10..10 End
    "#]],
    );
    check(
        "\u{feff} // a\n/* b\n * c **/ d /**/ // e",
        expect![[r#"
        23..24 Word
        34..34 End
    "#]],
    );
    check(
        "a /* b",
        expect![[r#"
        0..1 Word
        2..4 Invalid comment without end (close it with `*/`) at "/*"
        6..6 End
    "#]],
    );
}

#[test]
fn texts() {
    check(
        r#"'a"\'' "b'\"" '' 'ä\n\t\\' "#,
        expect![[r#"
        0..6 Text("a\"'")
        7..13 Text("b'\"")
        14..16 Text("")
        17..27 Text("ä\n\t\\")
        28..28 End
    "#]],
    );
    check(
        r"'\u00e4\U0001F600\ud83d\ude00'",
        expect![[r#"
            0..30 Invalid `\U` takes six hexadecimal digits (write a letter behind it as an escape too, if it is none of its digits) at "\\U0001F6"
            30..30 End
        "#]],
    );
    check(
        r"'\x' '\u12' '\ud800' 'a;\q' b",
        expect![[r#"
            0..4 Invalid unknown escape `\x` (known are \\ \' \" \n \t \r \b \f \uXXXX \UXXXXXX) at "\\x"
            5..11 Invalid expected 4 hexadecimal digits in the escape at "\\u12"
            12..20 Invalid U+D800 is no character (beyond U+FFFF write both halves of the surrogate pair, or \UXXXXXX) at "\\ud800"
            21..27 Invalid unknown escape `\q` (known are \\ \' \" \n \t \r \b \f \uXXXX \UXXXXXX) at "\\q"
            28..29 Word
            29..29 End
        "#]],
    );
    check(
        "'abc",
        expect![[r#"
        0..4 Invalid text without end (close it with `'`) at "'"
        4..4 End
    "#]],
    );
    check(
        r"'abc\",
        expect![[r#"
        0..5 Invalid text without end (close it with `'`) at "'"
        5..5 End
    "#]],
    );
}

#[test]
fn numbers() {
    check(
        "0 12 0x1f 0o17 1.5 .5 1e3 1.5E-3 1e+2",
        expect![[r#"
        0..1 Integer(0)
        2..4 Integer(12)
        5..9 Integer(31)
        10..14 Integer(15)
        15..18 Float(1.5)
        19..21 Float(0.5)
        22..25 Float(1000.0)
        26..32 Float(0.0015)
        33..37 Float(100.0)
        37..37 End
    "#]],
    );
    check(
        "9223372036854775808 9223372036854775809 0xFFFFFFFFFFFFFFFFF",
        expect![[r#"
        0..19 Integer(9223372036854775808)
        20..39 Invalid integer `9223372036854775809` is out of range (integers go from -9223372036854775808 to 9223372036854775807) at "9223372036854775809"
        40..59 Invalid integer `0xFFFFFFFFFFFFFFFFF` is out of range (integers go from -9223372036854775808 to 9223372036854775807) at "0xFFFFFFFFFFFFFFFFF"
        59..59 End
    "#]],
    );
    check(
        "007 0x 0o8 12ab 1_000 1e 1e999 0b1",
        expect![[r#"
            0..3 Invalid a number may not start with zero (write `7`, or `0o7` for an octal number) at "007"
            4..6 Invalid malformed number `0x` at "0x"
            7..10 Invalid malformed number `0o8` at "0o8"
            11..15 Invalid malformed number `12ab` at "12ab"
            16..21 Integer(1000)
            22..24 Invalid malformed number `1e` at "1e"
            25..30 Invalid float `1e999` is out of range (floats go up to 1.7976931348623157e308) at "1e999"
            31..34 Invalid malformed number `0b1` at "0b1"
            34..34 End
        "#]],
    );
    check(
        "1..3 a.5 1.a 1.e",
        expect![[r#"
        0..1 Integer(1)
        1..3 DotDot
        3..4 Integer(3)
        5..6 Word
        6..8 Float(0.5)
        9..10 Integer(1)
        10..11 Dot
        11..12 Word
        13..14 Integer(1)
        14..15 Dot
        15..16 Word
        16..16 End
    "#]],
    );
}

#[test]
fn names_and_parameters() {
    check(
        "abc _1 straße `a b` `a``b` ```` $x $0 $`y z` $1a",
        expect![[r#"
        0..3 Word
        4..6 Word
        7..14 Word
        15..20 QuotedName("a b")
        21..27 QuotedName("a`b")
        28..32 QuotedName("`")
        33..35 Parameter("x")
        36..38 Parameter("0")
        39..45 Parameter("y z")
        46..49 Parameter("1a")
        49..49 End
    "#]],
    );
    check(
        "`` $ $+ `abc",
        expect![[r#"
            0..2 QuotedName("")
            3..4 Invalid expected the name of a parameter after `$` at "$"
            5..6 Invalid expected the name of a parameter after `$` at "$"
            6..7 Plus
            8..12 Invalid name without end (close it with a backquote) at "`"
            12..12 End
        "#]],
    );
}

#[test]
fn symbols() {
    check(
        "( ) [ ] { } , . .. : ; | || & ! ? ~ = += =~ <> < <= > >= + - * / % ^",
        expect![[r#"
        0..1 LeftParen
        2..3 RightParen
        4..5 LeftBracket
        6..7 RightBracket
        8..9 LeftBrace
        10..11 RightBrace
        12..13 Comma
        14..15 Dot
        16..18 DotDot
        19..20 Colon
        21..22 Semicolon
        23..24 Pipe
        25..27 DoublePipe
        28..29 Ampersand
        30..31 Bang
        32..33 Question
        34..35 Tilde
        36..37 Eq
        38..40 PlusEq
        41..43 RegexMatch
        44..46 NotEq
        47..48 Lt
        49..51 LtEq
        52..53 Gt
        54..56 GtEq
        57..58 Plus
        59..60 Minus
        61..62 Star
        63..64 Slash
        65..66 Percent
        67..68 Caret
        68..68 End
    "#]],
    );
    check(
        "-->(<--<-[ ]->=>=",
        expect![[r#"
        0..1 Minus
        1..2 Minus
        2..3 Gt
        3..4 LeftParen
        4..5 Lt
        5..6 Minus
        6..7 Minus
        7..8 Lt
        8..9 Minus
        9..10 LeftBracket
        11..12 RightBracket
        12..13 Minus
        13..15 GtEq
        15..17 GtEq
        17..17 End
    "#]],
    );
    check(
        "a != b == c && d # \u{1b}",
        expect![[r##"
        0..1 Word
        2..4 Invalid `!=` is no operator (write `<>`) at "!="
        5..6 Word
        7..9 Invalid `==` is no operator (write `=`) at "=="
        10..11 Word
        12..14 Invalid `&&` is no operator (write `AND`) at "&&"
        15..16 Word
        17..18 Invalid unexpected character `#` at "#"
        19..20 Invalid unexpected character `\u{1b}` at "\u{1b}"
        20..20 End
    "##]],
    );
}
